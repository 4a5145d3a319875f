//! Known departures, as predicates on the first difference of two transcripts.

use portcullis::base::Protocol;

use super::divergence::{Divergence, contains, count, decode_xtext, without_login};
use super::script::Action;
use super::transcript::{Event, Transcript};
use crate::case::Peer;

/// A deliberate difference.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The difference and its reason.
    pub reason: &'static str,
    explains: fn(&Divergence<'_>) -> bool,
}

/// The rule that explains a difference.
pub fn explain(divergence: &Divergence<'_>) -> Option<&'static Rule> {
    RULES.iter().find(|rule| (rule.explains)(divergence))
}

const RULES: &[Rule] = &[
    Rule {
        reason: "row 2: the client buffer limits one command, not pipelined commands or a SASL exchange",
        explains: |divergence| {
            let (nginx, portcullis) = divergence.effects();
            divergence.at.peer == Peer::Client
                && nginx.last() == Some(&Event::Closed)
                && nginx != portcullis
                && divergence.recently_sent() >= divergence.client_buffer()
        },
    },
    Rule {
        reason: "a backend's reply that a client could take as an acceptance is not passed on",
        explains: |divergence| {
            let (nginx, _) = divergence.received();
            let (internal_error, accepts): (&[u8], bool) = match divergence.script.protocol {
                Protocol::Smtp => (
                    b"451 4.3.2 Internal server error\r\n",
                    nginx
                        .split(|&byte| byte == b'\n')
                        .any(|line| matches!(line.first(), Some(b'1'..=b'3'))),
                ),
                Protocol::Imap => (
                    b"* BAD internal server error\r\n",
                    nginx.starts_with(b"+")
                        || contains(&nginx.to_ascii_uppercase(), b" OK")
                        || contains(&nginx.to_ascii_uppercase(), b" PREAUTH"),
                ),
                Protocol::Pop3 => (
                    b"-ERR internal server error\r\n",
                    nginx.starts_with(b"+") || contains(&nginx, b"\n+"),
                ),
                // nginx does not have it.
                Protocol::Sieve => return false,
            };
            divergence.is_configured("proxy_pass_error_message on")
                && divergence.client_reads_instead(internal_error)
                && accepts
        },
    },
    Rule {
        reason: "a reply of an SMTP backend has one code in all its lines (RFC 5321, section 4.2.1)",
        explains: |divergence| {
            let step = divergence.at.step;
            let replies = divergence.portcullis.sent_in(step, Peer::Backend);
            let lines: Vec<_> = replies.split(|byte| *byte == b'\n').collect();
            let is_mixed = |pair: &[&[u8]]| match pair {
                [first, next] => first.get(3) == Some(&b'-') && first.get(..3) != next.get(..3),
                _ => false,
            };
            divergence.script.protocol == Protocol::Smtp
                && divergence.client_reads_instead(b"451 4.3.2 Internal server error\r\n")
                && lines.windows(2).any(is_mixed)
        },
    },
    Rule {
        reason: "row 22: control bytes in HELO, MAIL and RCPT are refused",
        explains: |divergence| {
            divergence.script.protocol == Protocol::Smtp
                && divergence.client_reads_instead(b"501 5.5.4 Invalid argument\r\n")
                && divergence.any_line(|line| {
                    let word = line.get(..4).unwrap_or_default().to_ascii_uppercase();
                    [&b"HELO"[..], b"EHLO", b"MAIL", b"RCPT"].contains(&&*word)
                        && line.iter().any(u8::is_ascii_control)
                })
        },
    },
    Rule {
        reason: "row 7: starttls only applies to smtp_auth none, too",
        explains: |divergence| {
            divergence.client_reads_instead(b"530 5.7.0 Must issue a STARTTLS command first\r\n")
                && divergence.is_configured("starttls only")
        },
    },
    Rule {
        reason: "row 12: a user name or password with CR, LF or NUL is an invalid command",
        explains: |divergence| {
            divergence.is_invalid_for_portcullis() && divergence.has_control_bytes_in_login()
        },
    },
    Rule {
        reason: "row 6: EXTERNAL with an initial response is refused if it is not enabled",
        explains: |divergence| {
            let nginx = divergence.nginx.received(divergence.at.step, Peer::Auth);
            divergence.is_invalid_for_portcullis()
                && !divergence.is_configured("external")
                && contains(&nginx, b"\r\nAuth-Method: external\r\n")
        },
    },
    Rule {
        reason: "row 8: each attempt starts without the data of earlier ones",
        explains: |divergence| {
            let (nginx, portcullis) = divergence.received();
            let has_no_password = [&b"external"[..], b"none"].iter().any(|method| {
                let line = [b"\r\nAuth-Method: ", *method, b"\r\n"].concat();
                contains(&nginx, &line)
            });
            divergence.at.peer == Peer::Auth
                && has_no_password
                && contains(&portcullis, b"\r\nAuth-Pass: \r\n")
                && without_login(&nginx) == without_login(&portcullis)
        },
    },
    Rule {
        reason: "XCLIENT LOGIN is encoded in xtext; nginx 1.22 does not encode it",
        explains: |divergence| {
            let (nginx, portcullis) = divergence.received();
            divergence.at.peer == Peer::Backend
                && contains(&portcullis, b" LOGIN=")
                && is_all_but_unfinished(&decode_xtext(&portcullis), &nginx)
        },
    },
    Rule {
        reason: "row 27: in a session whose backend trusts the gateway, commands of trust or a change of sides do not pass",
        explains: |divergence| {
            let (nginx, portcullis) = (
                divergence.nginx.received(divergence.at.step, Peer::Backend),
                divergence
                    .portcullis
                    .received(divergence.at.step, Peer::Backend),
            );
            divergence.script.protocol == Protocol::Smtp
                && guarded_lines(&nginx) > guarded_lines(&portcullis)
        },
    },
    Rule {
        reason: "row 27: such a session has only commands that every server reads in the same way",
        explains: |divergence| {
            let at = |transcript: &Transcript, peer| transcript.received(divergence.at.step, peer);
            let refusals: [&[u8]; 2] = [b"500 5.5.1 Invalid command\r\n", b"501 5.5.4 "];
            let replies = at(divergence.portcullis, Peer::Client);
            divergence.script.protocol == Protocol::Smtp
                && refusals.iter().any(|refusal| contains(&replies, refusal))
                && at(divergence.nginx, Peer::Backend).len()
                    > at(divergence.portcullis, Peer::Backend).len()
        },
    },
    Rule {
        reason: "row 27: in such a session nothing passes after QUIT until the backend replies",
        explains: |divergence| {
            let (nginx, portcullis) = divergence.received();
            let is_quit = |line: &[u8]| line.to_ascii_uppercase().starts_with(b"QUIT");
            divergence.script.protocol == Protocol::Smtp
                && divergence.at.peer == Peer::Backend
                && nginx.starts_with(&portcullis)
                && portcullis.split(|byte| *byte == b'\n').any(is_quit)
        },
    },
    Rule {
        reason: "row 27: such a session ends if the backend's replies cannot be told apart",
        explains: |divergence| {
            let (_, portcullis) = divergence.received();
            let reply = b"421 4.5.0 Unexpected reply from the mail server\r\n";
            divergence.at.peer == Peer::Client && portcullis.ends_with(reply)
        },
    },
    Rule {
        reason: "row 28: the octets of BDAT are discarded, not read as commands",
        explains: |divergence| {
            let is_chunk = |line: &[u8]| line.to_ascii_uppercase().starts_with(b"BDAT");
            divergence.script.protocol == Protocol::Smtp
                && divergence.at.peer == Peer::Client
                && divergence.any_line(is_chunk)
        },
    },
    Rule {
        reason: "row 27: in such a session an unfinished command line waits for its end",
        explains: |divergence| {
            let (nginx, portcullis) = divergence.received();
            divergence.script.protocol == Protocol::Smtp
                && divergence.at.peer == Peer::Backend
                && is_all_but_unfinished(&portcullis, &nginx)
        },
    },
    Rule {
        reason: "untagged lines before the reply to LOGIN are skipped; nginx 1.22 takes the first for the reply",
        explains: |divergence| {
            let sent = divergence
                .portcullis
                .sent_in(divergence.at.step, Peer::Backend);
            divergence.script.protocol == Protocol::Imap
                && divergence.at.peer != Peer::Auth
                && contains(&sent, b"* ")
                && divergence.untagged_line_ended_login()
        },
    },
    Rule {
        reason: "clients of other protocols are disconnected at once",
        explains: |divergence| {
            let sent = divergence.portcullis.sent(divergence.at.step, Peer::Client);
            let closed = divergence
                .portcullis
                .effects(divergence.at.step, Peer::Client);
            closed.last() == Some(&Event::Closed)
                && (sent.starts_with(b"GET / HTTP/1.0") || sent.starts_with(b"\x16\x03"))
        },
    },
    Rule {
        reason: "ID is answered before the login",
        explains: |divergence| {
            divergence.script.protocol == Protocol::Imap
                && divergence.client_reads_instead(b"* ID (")
        },
    },
    Rule {
        reason: "only a space or a line end may follow a literal; to nginx 1.22 any byte separates it from the next word",
        explains: |divergence| {
            let step = divergence.at.step;
            let heard = divergence.portcullis.received(step, Peer::Client);
            divergence.script.protocol == Protocol::Imap
                && divergence.at.peer != Peer::Backend
                && contains(&heard, b"BAD invalid command\r\n")
                && divergence.any_line(|line| line.ends_with(b"}"))
        },
    },
    Rule {
        reason: "a command without a tag is invalid",
        explains: |divergence| {
            divergence.script.protocol == Protocol::Imap
                && divergence.client_reads_instead(b"* BAD invalid command\r\n")
                && divergence.any_line(|line| line.starts_with(b" "))
        },
    },
    Rule {
        reason: "an unterminated quoted string ends with its line",
        explains: |divergence| {
            let (nginx, portcullis) = divergence.received();
            let differs = match divergence.at.peer {
                Peer::Auth => without_login(&nginx) == without_login(&portcullis),
                Peer::Client => {
                    let invalid = b"BAD invalid command\r\n";
                    // nginx may also wait for the closing quote.
                    count(&nginx, invalid) != count(&portcullis, invalid)
                        || portcullis.starts_with(&nginx)
                }
                Peer::Backend => false,
            };
            let is_unbalanced = |line: &[u8]| count(line, b"\"") % 2 == 1;
            divergence.script.protocol == Protocol::Imap
                && differs
                && divergence.any_line(is_unbalanced)
        },
    },
    Rule {
        reason: "the reply to a user name that is not base64 has the command's tag",
        explains: |divergence| {
            let (nginx, portcullis) = divergence.received();
            let same = nginx
                .iter()
                .zip(&portcullis)
                .take_while(|(one, other)| one == other);
            let same = same.count();
            let tag = portcullis[same..]
                .strip_suffix(&nginx[same..])
                .unwrap_or_default();
            divergence.script.protocol == Protocol::Imap
                && divergence.at.peer == Peer::Client
                && nginx[same..].starts_with(b"BAD invalid command\r\n")
                && tag.ends_with(b" ")
                && !tag.contains(&b'\n')
        },
    },
    Rule {
        reason: "row 3: {0} is an empty string",
        explains: |divergence| {
            divergence.script.protocol == Protocol::Imap
                && divergence.any_line(|line| {
                    [&b"{0}"[..], b"{}", b"{0+}", b"{+}"]
                        .iter()
                        .any(|end| line.ends_with(end))
                })
        },
    },
    Rule {
        reason: "row 25: a client that leaves during a login is noticed at once",
        explains: |divergence| {
            let (nginx, portcullis) = divergence.effects();
            let left = divergence.at.step > divergence.script.client.len()
                || divergence.script.client[..divergence.at.step].last()
                    == Some(&Action::HalfClose);
            let no_reply = match divergence.at.peer {
                Peer::Client => divergence
                    .portcullis
                    .sent_in(divergence.at.step, Peer::Auth)
                    .is_empty(),
                Peer::Auth => false,
                Peer::Backend => nginx.is_empty(),
            };
            left && no_reply && portcullis == [Event::Closed]
        },
    },
];

/// Whether `part` is all of `whole`, or all but an unfinished line at its end.
fn is_all_but_unfinished(part: &[u8], whole: &[u8]) -> bool {
    let rest = whole.strip_prefix(part);
    let is_at_line = matches!(part.last(), None | Some(b'\n'));
    rest.is_some_and(|rest| rest.is_empty() || (is_at_line && !rest.contains(&b'\n')))
}

/// The number of lines that begin with a command which the gateway keeps from a backend that trusts it.
fn guarded_lines(bytes: &[u8]) -> usize {
    const VERBS: [&[u8]; 7] = [
        b"XCLIENT",
        b"XFORWARD",
        b"XPROXYFROM",
        b"STARTTLS",
        b"TURN",
        b"ATRN",
        b"XEXCH50",
    ];
    let lines = bytes.split(|byte| matches!(byte, b'\r' | b'\n'));
    let is_guarded = |line: &&[u8]| {
        let line = line.trim_ascii_start().to_ascii_uppercase();
        VERBS.iter().any(|verb| line.starts_with(verb))
    };
    lines.filter(is_guarded).count()
}
