//! `mail_log` against Postfix's own log, over random sessions: every queue id, with its sender, its recipients and its size.
//!
//! The whole suite sends 1000 messages, the usual one a sample. The seed is fixed.

mod client;
mod postfix_log;
mod transaction;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;
use support::mail_log::{Fields, fields};
use support::postfix::Postfix;
use support::scripted::ScriptedPeer;
use support::{Certificate, Gateway, all_cases, auth_server, free_port, wait_until};

use self::client::{Client, Leaving, Opening};
use self::postfix_log::Queued;
use self::transaction::{Plan, Step, TOO_LARGE, Transaction};

const ALL: usize = 1000;
const SAMPLE: usize = 80;
const SEED: u64 = 13;
/// Clients at the same time.
const CLIENTS: usize = 6;

/// The lines of Postfix: senders, recipients and contents that it refuses, and clients that may send without a login.
fn settings() -> String {
    format!(
        "mynetworks = 127.0.0.0/8\n\
         smtpd_relay_restrictions = permit_mynetworks, reject\n\
         local_header_rewrite_clients =\n\
         smtpd_delay_reject = no\n\
         smtpd_sender_restrictions = check_sender_access inline:{{refused.test=REJECT}}\n\
         smtpd_recipient_restrictions = check_recipient_access regexp:{{ {{/nobody@/ REJECT}} {{/later@/ DEFER}} }}\n\
         header_checks = regexp:{{ {{/^Subject: {}/ REJECT}} }}\n\
         message_size_limit = {TOO_LARGE}\n\
         smtpd_error_sleep_time = 0\n\
         smtpd_soft_error_limit = 1000\n\
         smtpd_hard_error_limit = 1000\n\
         smtpd_junk_command_limit = 1000\n",
        transaction::FORBIDDEN
    )
}

/// The port and the opening of each kind of server.
type Servers = [(u16, Opening); 5];

fn configuration(postfix: &Postfix, certificate: &Certificate) -> (String, Servers) {
    use Opening::{Login, StartTls, WithoutLogin};
    let backend = postfix.port;
    let auth = ScriptedPeer::auth_server(auth_server::accepted(backend)).port;
    let offers = "smtp_capabilities PIPELINING 8BITMIME SMTPUTF8 CHUNKING DSN;";
    let passed = format!("proxy_pass 127.0.0.1:{backend};");
    let decided = format!("auth_http 127.0.0.1:{auth}/; {offers}");
    let kinds = [
        (Login, format!("smtp_auth plain; {passed}")),
        (Login, format!("smtp_auth plain; {decided}")),
        (
            StartTls,
            format!(
                "smtp_auth plain; {passed} starttls only; ssl_certificate {}; ssl_certificate_key {};",
                certificate.chain().display(),
                certificate.key().display()
            ),
        ),
        (WithoutLogin, format!("smtp_auth none; {passed}")),
        (WithoutLogin, format!("smtp_auth none; {decided}")),
    ];
    let mut servers = String::new();
    let ports = kinds.map(|(opening, lines)| {
        let port = free_port();
        servers.push_str(&format!(
            "server {{ listen 127.0.0.1:{port}; protocol smtp; {lines} }}\n"
        ));
        (port, opening)
    });
    let block =
        format!("mail {{ server_name gate.test; max_errors 1000; mail_log mail.log; {servers} }}");
    (block, ports)
}

/// Sends the steps of a plan, several at once if `is_pipelined`, and reads their replies.
fn play(client: &mut Client, plan: &mut Plan, is_pipelined: bool) {
    let mut steps = std::mem::take(&mut plan.steps).into_iter().peekable();
    let mut refuses_content = false;
    while steps.peek().is_some() {
        let mut bytes = Vec::new();
        let mut sent = Vec::new();
        for (index, step) in steps.by_ref() {
            if matches!(step, Step::Content(_)) && refuses_content {
                continue;
            }
            match &step {
                Step::Mail(line) | Step::Rcpt(line) => {
                    bytes.extend_from_slice(format!("{line}\r\n").as_bytes());
                }
                Step::Other(line) => bytes.extend_from_slice(format!("{line}\r\n").as_bytes()),
                Step::Data => bytes.extend_from_slice(b"DATA\r\n"),
                Step::Content(content) => bytes.extend_from_slice(content),
                Step::Chunk { octets, is_last } => {
                    let last = if *is_last { " LAST" } else { "" };
                    bytes.extend_from_slice(format!("BDAT {}{last}\r\n", octets.len()).as_bytes());
                    bytes.extend_from_slice(octets);
                }
            }
            plan.transactions[index].sent(&step);
            // RFC 2920 and RFC 3030: the last command of a group.
            let ends_group = matches!(step, Step::Data | Step::Other("EHLO again.test"));
            sent.push((index, step));
            if ends_group || !is_pipelined {
                break;
            }
        }
        client.send(&bytes);
        for (index, step) in sent {
            let reply = client.reply();
            refuses_content = matches!(step, Step::Data) && reply.code != 354;
            plan.transactions[index].replied(&step, reply);
        }
    }
}

/// One session with these messages.
fn session(
    (port, opening): (u16, Opening),
    mut numbers: Range<usize>,
    rng: &mut Rng,
) -> Vec<Transaction> {
    let mut client = Client::connect(port, opening);
    let mut transactions = Vec::new();
    let cut_off = (rng.u8(..3) == 0).then(|| numbers.next_back()).flatten();
    while !numbers.is_empty() {
        let mut plan = Plan::default();
        // No backend is connected before the first RCPT.
        let is_local = opening == Opening::WithoutLogin
            && transactions
                .iter()
                .all(|own: &Transaction| own.recipients.is_empty());
        plan.is_accepted_first = is_local;
        // Transactions that are sent together.
        let together = rng.usize(1..4);
        for number in numbers.by_ref().take(together) {
            plan.add(number, rng);
        }
        play(&mut client, &mut plan, rng.bool());
        for transaction in plan.transactions.iter_mut().filter(|_| is_local) {
            transaction.has_vanished = transaction.recipients.is_empty();
        }
        transactions.append(&mut plan.transactions);
    }
    let leaving = [Leaving::HalfClose, Leaving::Close, Leaving::Reset][rng.usize(..3)];
    match cut_off {
        Some(number) => {
            let mut last = cut(client, leaving, number, rng);
            // No backend is connected before MAIL, or RCPT.
            last.has_vanished |= transactions.is_empty() && opening == Opening::WithoutLogin;
            transactions.push(last);
        }
        None if rng.bool() => client.leave(b"", leaving),
        None => assert_eq!(client.ask("QUIT").code, 221),
    }
    for transaction in &mut transactions {
        transaction.over();
    }
    transactions
}

/// Begins a transaction and leaves in the middle of it.
fn cut(mut client: Client, leaving: Leaving, number: usize, rng: &mut Rng) -> Transaction {
    let sender = format!("n{number}n@example.test");
    let mail = Step::Mail(format!("MAIL FROM:<{sender}>"));
    let rcpt = Step::Rcpt(format!("RCPT TO:<n{number}n-box@example.test>"));
    let chunk = Step::Chunk {
        octets: b"Subject: cut\r\n\r\n".to_vec(),
        is_last: false,
    };
    let content = b"Subject: cut\r\n\r\ntext text text\r\n.\r\n";
    let part = &content[..rng.usize(1..content.len() - 5)];
    let (steps, last, size) = match rng.u8(..7) {
        0 => (
            vec![],
            [&b"MAIL FROM:<"[..], sender.as_bytes(), b">\r\n"].concat(),
            None,
        ),
        1 => (vec![mail], vec![], Some(0)),
        2 => (vec![mail, rcpt], vec![], Some(0)),
        3 => (
            vec![mail, rcpt, Step::Data],
            part.to_vec(),
            Some(part.len()),
        ),
        4 => (
            vec![mail, rcpt, chunk],
            [b"BDAT 500\r\n", part].concat(),
            Some(16 + part.len()),
        ),
        5 => (vec![mail, rcpt, Step::Data], content.to_vec(), None),
        _ => {
            let content = &content[..content.len() - 3];
            let command = format!("BDAT {} LAST\r\n", content.len());
            (
                vec![mail, rcpt],
                [command.as_bytes(), content].concat(),
                None,
            )
        }
    };
    let mut plan = Plan::default();
    plan.transactions.push(Transaction::new(sender));
    plan.steps = steps.into_iter().map(|step| (0, step)).collect();
    play(&mut client, &mut plan, false);
    client.leave(&last, leaving);
    let mut transaction = plan.transactions.remove(0);
    transaction.chunks += u32::from(last.starts_with(b"BDAT"));
    // The kernel may discard what came before a reset.
    transaction.has_vanished = size.is_none() || leaving == Leaving::Reset;
    transaction.size = size.unwrap_or(content.len()) as u64;
    transaction
}

/// The number of a transaction, and whether its MAIL was the second one.
type Key = (usize, bool);

/// The key in the addresses.
fn key(sender: &str, recipients: &str) -> Key {
    let text = if sender.is_empty() {
        recipients
    } else {
        sender
    };
    let mut parts = text.split('n').skip(1);
    let number = parts.find_map(|part| part.parse().ok());
    let number = number.unwrap_or_else(|| panic!("no number in {text}"));
    (number, sender.contains("nested"))
}

/// The value of a field, unescaped.
fn value(message: &Fields, name: &str) -> Option<String> {
    let value = message.get(name)?.replace("\\x22", "\"");
    Some(value.replace("\\x0A", "\n").replace("\\x5C", "\\"))
}

/// Checks the line of a transaction whose client has seen its end.
fn check(transaction: &Transaction, message: &Fields, queued: &BTreeMap<String, Queued>) {
    let all = format!("{message:?}\n{transaction:?}");
    let is = |name: &str| value(message, name).unwrap_or_default();
    assert_eq!(is("sender"), transaction.sender, "{all}");
    assert_eq!(is("recipients"), transaction.recipients.join(","), "{all}");
    assert_eq!(
        is("accepted"),
        transaction.accepted.len().to_string(),
        "{all}"
    );
    assert_eq!(is("size"), transaction.size.to_string(), "{all}");
    let chunks = value(message, "bdat").map_or(0, |text| text.parse().expect("a number"));
    assert_eq!(chunks, transaction.chunks, "{all}");
    match &transaction.result {
        None => assert_eq!(is("code"), "aborted", "{all}"),
        Some(reply) => {
            assert_eq!(is("code"), reply.code.to_string(), "{all}");
            assert!(is("reply").ends_with(&reply.text), "{all}");
        }
    }
    let reply = transaction.result.as_ref();
    let id = reply
        .and_then(|reply| reply.text.split_once("queued as "))
        .map(|(_, id)| id);
    assert_eq!(value(message, "queue_id").as_deref(), id, "{all}");
    if let Some(id) = id {
        assert_eq!(
            queued[id].recipients,
            transaction.accepted.iter().cloned().collect(),
            "{all}"
        );
    }
}

/// Checks a line against Postfix's own lines for its queue id.
fn check_queued(message: &Fields, queued: &Queued) {
    let all = format!("{message:?}\n{queued:?}");
    assert_eq!(
        value(message, "sender").as_ref(),
        Some(&queued.sender),
        "{all}"
    );
    assert_eq!(message["accepted"], queued.count.to_string(), "{all}");
    assert_eq!(
        message["accepted"],
        queued.recipients.len().to_string(),
        "{all}"
    );
    // Postfix adds a Received header, counts each of its records, and no stuffed dots.
    let size: u64 = message["size"].parse().expect("a size");
    let difference = queued.size.abs_diff(size);
    assert!(difference < 600, "{all}");
}

#[test]
fn every_message_has_the_line_that_postfix_has() {
    let postfix = Postfix::start_with(&settings());
    let certificate = Certificate::new();
    let (block, servers) = configuration(&postfix, &certificate);
    let gateway = Gateway::start(&block);
    let messages = if all_cases() { ALL } else { SAMPLE };
    let mut sessions = Vec::new();
    let (mut rng, mut first) = (Rng::with_seed(SEED), 0);
    while first < messages {
        let count = rng.usize(1..10).min(messages - first);
        sessions.push((
            servers[sessions.len() % servers.len()],
            first..first + count,
            rng.fork(),
        ));
        first += count;
    }
    let next = AtomicUsize::new(0);
    let transactions: Vec<_> = std::thread::scope(|scope| {
        let client = || {
            let mut done = Vec::new();
            while let Some((server, numbers, rng)) =
                sessions.get(next.fetch_add(1, Ordering::Relaxed))
            {
                done.extend(session(*server, numbers.clone(), &mut rng.clone()));
            }
            done
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients
            .into_iter()
            .flat_map(|client| client.join().expect("a client"))
            .collect()
    });

    let file = gateway.folder().join("mail.log");
    let mut lines = Vec::new();
    wait_until("the lines of all sessions", || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        lines = text
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| fields(line.trim_end()))
            .collect();
        lines
            .iter()
            .filter(|line| line.contains_key("result"))
            .count()
            == sessions.len()
    });
    lines.retain(|line| !line.contains_key("result"));
    let told: Vec<_> = lines
        .iter()
        .filter_map(|line| line.get("queue_id"))
        .collect();
    let mut queued = BTreeMap::new();
    wait_until("the log of Postfix", || {
        let log = postfix.log();
        queued = postfix_log::queued(&log);
        postfix_log::is_quiet(&log) && told.iter().all(|id| queued.contains_key(*id))
    });

    let mut by_key: BTreeMap<Key, Vec<&Fields>> = BTreeMap::new();
    for line in &lines {
        let key = key(
            &value(line, "sender").unwrap_or_default(),
            &line["recipients"],
        );
        by_key.entry(key).or_default().push(line);
        if let Some(id) = line.get("queue_id") {
            check_queued(line, &queued[id]);
        }
    }
    let (mut vanished, mut refused, mut aborted) = (Vec::new(), 0, 0);
    for transaction in &transactions {
        let key = key(&transaction.sender, &transaction.recipients.join(","));
        let lines = by_key.remove(&key).unwrap_or_default();
        match (&*lines, transaction.has_vanished) {
            ([line], false) => check(transaction, line, &queued),
            ([] | [_], true) => vanished.push(key),
            _ => panic!("{} lines of {transaction:?}", lines.len()),
        }
        match &transaction.result {
            Some(reply) => refused += usize::from(reply.code >= 400),
            None => aborted += 1,
        }
    }
    assert!(by_key.is_empty(), "{by_key:?}");
    // A message that Postfix took after its client had left.
    let unseen: Vec<_> = queued.iter().filter(|(id, _)| !told.contains(id)).collect();
    for (id, queued) in &unseen {
        let key = key(&queued.sender, "");
        assert!(
            vanished.contains(&key),
            "{id} is in Postfix's log only: {queued:?}"
        );
    }
    let queued = queued.len();
    println!(
        "{} sessions, {} transactions, {} lines, {queued} queued, {refused} refused, {aborted} aborted, {} vanished, {} of them queued after their client had left",
        sessions.len(),
        transactions.len(),
        lines.len(),
        vanished.len(),
        unseen.len()
    );
    assert!(queued > messages / 4 && refused > messages / 10 && aborted > messages / 20);
}
