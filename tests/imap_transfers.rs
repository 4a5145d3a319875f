//! Long IMAP sessions with real peers: large messages through imaplib, curl and mbsync, and IDLE during a reload.

use std::fs;

use support::dovecot::{PASSWORD, USER};
use support::imap_clients::{curl, describe, imaplib, mbsync};
use support::mailbox_gateway::{Mailbox, MailboxGateway};
use support::{LineClient, TempDir, messages};

const SIZE: usize = 20_000_000;

fn start() -> MailboxGateway {
    MailboxGateway::start(Mailbox::Imap)
}

#[test]
fn twenty_megabytes_arrive_unchanged() {
    let setup = start();
    let message = messages::large("large", SIZE);
    setup.dovecot.deliver("large", &message);
    let folder = TempDir::new("imap");
    let [_, starttls, tls] = setup.ports;

    let file = folder.path().join("imaplib");
    let output = imaplib("starttls", starttls, PASSWORD, "PLAIN", Some(&file));
    assert!(output.status.success(), "{}", describe(&output));
    let fetched = fs::read(&file).expect("the message");
    assert!(fetched == message.as_bytes(), "imaplib");

    let output = curl("tls", tls, "*", "INBOX;MAILINDEX=1");
    assert!(
        output.status.success() && output.stdout == message.as_bytes(),
        "curl: {}\n{}",
        String::from_utf8_lossy(&output.stderr),
        setup.logs()
    );
}

#[test]
fn mbsync_copies_a_mailbox() {
    let setup = start();
    let large = messages::large("large", SIZE);
    setup.dovecot.deliver("large", &large);
    let small = "From: b@example.test\r\n\r\nsmall\r\n";
    setup.dovecot.deliver("small", small);
    for ((kind, port), mechanism) in ["None", "STARTTLS", "IMAPS"]
        .into_iter()
        .zip(setup.ports)
        .zip(["CRAM-MD5", "PLAIN", "LOGIN"])
    {
        let copy = mbsync(kind, port, mechanism, &setup.certificate.chain());
        assert!(
            copy.output.status.success(),
            "{kind}: {}\n{}",
            describe(&copy.output),
            setup.logs()
        );
        let messages = copy.messages();
        assert!(
            messages == [small, &large],
            "{kind}: {:?}",
            messages.iter().map(String::len).collect::<Vec<_>>()
        );
    }
}

#[test]
fn idle_survives_a_reload() {
    let mut setup = start();
    let [clear, ..] = setup.ports;
    let mut client = LineClient::connect(clear);
    client.expect("* OK IMAP4 ready");
    client.converse(&[(&format!("a LOGIN {USER} \"{PASSWORD}\""), "a OK")]);
    client.send_line("b SELECT INBOX");
    client.read_until("b OK");
    client.converse(&[("c IDLE", "+ idling")]);
    setup.mail = setup.mail.replace("gate.test", "gate2.test");
    setup.gateway.rewrite(&setup.mail);
    setup.gateway.reload();
    setup
        .dovecot
        .deliver("news", "Subject: news\r\n\r\nnews\r\n");
    client.expect("* 1 EXISTS");
    client.send_line("DONE");
    client.read_until("c OK");
    client.converse(&[("d LOGOUT", "* BYE")]);
    client.expect("d OK");
    assert_eq!(client.read_to_end(), "");
    setup.gateway.wait_for_log("proxied session done");
}
