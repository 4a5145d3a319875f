//! `--dump-config`: the configuration in force as a configuration. Every server has all that holds for it, inherited or by
//! default, and each line says where it comes from. What is printed can be loaded again and means the same.

use std::os::unix::ffi::OsStrExt;

use crate::base::Protocol;
use crate::config::load::record::{Line, Written};
use crate::config::load::server::Server;
use crate::config::schema::modules::{core, events};
use crate::config::schema::row::{Contexts, Directive};
use crate::config::schema::table;
use crate::config::schema::values::Lines;
use crate::config::syntax::quote::quoted;
use crate::config::syntax::source::Span;
use crate::config::{Loaded, LogDestination, Options};

/// The column of the comments.
const COMMENTS: usize = 64;
/// The width of names.
const NAMES: usize = 28;

/// Arguments that hold though nobody wrote them and no row names them, and why.
type Computed = Option<(Vec<Box<[u8]>>, &'static str)>;

/// Writes the configuration down.
#[must_use]
pub fn dump(loaded: &Loaded, options: &Options) -> Vec<u8> {
    let journal = &loaded.journal;
    let mut page = Page::default();
    let none = Written::default();
    for row in core::ROWS {
        let computed = match row.directive.name {
            "pid" => Some((
                vec![loaded.config.core.pid.as_os_str().as_bytes().into()],
                "built in",
            )),
            "error_log" => built_in_log(options),
            _ => None,
        };
        page.directive(&row.directive, &[("main", &journal.main)], computed, true);
    }
    page.open(b"events", journal.events.as_ref());
    let written = journal.events.as_ref().unwrap_or(&none);
    for row in events::ROWS {
        page.directive(&row.directive, &[("events", written)], None, true);
    }
    page.close();
    if let Some(mail) = &journal.mail {
        page.open(b"mail", Some(mail));
        for (server, written) in loaded.config.servers.iter().zip(&journal.servers) {
            page.server(server, &[written, mail, &journal.main], options);
        }
        page.close();
    }
    for foreign in &journal.foreign {
        if let Some((name, span)) = &foreign.open {
            let note = format!("# {name} {{}} is left to nginx: {}\n", spot(span));
            page.out.extend_from_slice(note.as_bytes());
        }
    }
    page.out
}

fn built_in_log(options: &Options) -> Computed {
    let span = match &options.error_log {
        LogDestination::File(path) => path.as_os_str().as_bytes(),
        _ => b"stderr",
    };
    Some((
        vec![span.into(), b"error".as_slice().into()],
        "built in, or -e",
    ))
}

/// The protocol that a module's directives are about, if they are about one.
fn protocol_of(directive: &Directive) -> Option<Protocol> {
    match directive.module {
        "smtp" => Some(Protocol::Smtp),
        "imap" => Some(Protocol::Imap),
        "pop3" => Some(Protocol::Pop3),
        _ => None,
    }
}

/// File and line, or `-g`. Control bytes in names do not end the comment.
fn spot(span: &Span) -> String {
    let name = span
        .source
        .name
        .replace(|letter: char| letter.is_control(), "?");
    match span.source.path {
        Some(_) => format!("{name}:{}", span.line),
        None => "-g".to_owned(),
    }
}

#[derive(Default)]
struct Page {
    out: Vec<u8>,
    depth: usize,
}

impl Page {
    fn open(&mut self, name: &[u8], written: Option<&Written>) {
        let start = self.out.len();
        self.indent();
        self.out.extend_from_slice(name);
        self.out.extend_from_slice(b" {");
        let span = written
            .and_then(|written| written.open.as_ref())
            .map(|(_, span)| spot(span));
        self.comment(start, &span.unwrap_or_default());
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.indent();
        self.out.extend_from_slice(b"}\n");
    }

    fn server(&mut self, server: &Server, [own, mail, main]: &[&Written; 3], options: &Options) {
        self.open(b"server", Some(own));
        for entry in table::rows() {
            let directive = entry.directive();
            match directive.name {
                _ if !directive.contexts.meets(Contexts::SERVER) => continue,
                "listen" => {
                    self.listens(server, own, mail);
                    continue;
                }
                "ssl" => continue,
                _ => {}
            }
            let computed = match directive.name {
                "protocol" => Some((
                    vec![server.protocol.to_string().into_bytes().into()],
                    "default: the port of \"listen\"",
                )),
                "server_name" => Some((
                    vec![server.mail.server_name.clone()],
                    "default: the name of this machine",
                )),
                "error_log" => built_in_log(options),
                _ => None,
            };
            let levels = [("server", *own), ("mail", *mail), ("main", *main)];
            let reach = if directive.name == "error_log" { 3 } else { 2 };
            // A default is worth a line where it means something.
            let other = protocol_of(directive).is_some_and(|about| about != server.protocol);
            self.directive(directive, &levels[..reach], computed, !other);
        }
        self.close();
    }

    /// The `listen` lines. `ssl on` is written as their parameter: nginx has dropped the directive, and where one of it and
    /// `starttls` is inherited they may not stand in one block.
    fn listens(&mut self, server: &Server, own: &Written, mail: &Written) {
        for line in own.of("listen") {
            let mut words = line.words.clone();
            let mut origin = format!("server, {}", spot(&line.span));
            if server.ssl.ssl && !words[1..].iter().any(|word| **word == *b"ssl") {
                words.push(b"ssl".as_slice().into());
                let switch = own.of("ssl").chain(mail.of("ssl")).next();
                let span = switch.map_or(String::new(), |line| spot(&line.span));
                origin.push_str(&format!(", and \"ssl on\", {span}"));
            }
            self.line(line.name, &words, &origin);
        }
    }

    /// The lines of the innermost block that has some, else what is computed, else the default.
    fn directive(
        &mut self,
        directive: &Directive,
        levels: &[(&str, &Written)],
        computed: Computed,
        with_default: bool,
    ) {
        let name = directive.name;
        let found = levels
            .iter()
            .map(|(level, written)| (*level, written.of(name).collect::<Vec<&Line>>()))
            .find(|(_, lines)| !lines.is_empty());
        if let Some((level, lines)) = found
            && !lines.last().is_some_and(|line| names_nothing(line))
        {
            let skip = match directive.lines {
                Lines::LastHolds => lines.len() - 1,
                Lines::Once | Lines::AddUp => 0,
            };
            for line in &lines[skip..] {
                let origin = format!("{level}, {}", spot(&line.span));
                self.line(name, &line.words, &origin);
            }
            return;
        }
        if let Some((words, why)) = computed {
            self.line(name, &words, why);
        } else if let Some(default) = directive.default
            && with_default
            && !default.is_empty()
        {
            let words = default.split_ascii_whitespace();
            let words: Vec<Box<[u8]>> = words.map(|word| word.as_bytes().into()).collect();
            if directive.fallback {
                self.line(&format!("# {name}"), &words, "default, unless learned");
            } else {
                self.line(name, &words, "default");
            }
        }
    }

    fn line(&mut self, name: &str, words: &[Box<[u8]>], origin: &str) {
        let start = self.out.len();
        self.indent();
        self.out
            .extend_from_slice(format!("{name:<NAMES$}").as_bytes());
        for word in words {
            self.out.push(b' ');
            self.out.extend_from_slice(&quoted(word));
        }
        self.out.push(b';');
        self.comment(start, origin);
    }

    fn comment(&mut self, start: usize, text: &str) {
        if !text.is_empty() {
            let width = self.out.len() - start;
            let blanks = COMMENTS.saturating_sub(width).max(1);
            self.out
                .extend_from_slice(format!("{:blanks$}# {text}", "").as_bytes());
        }
        self.out.push(b'\n');
    }

    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n(b' ', 4 * self.depth));
    }
}

/// `pid "";` and `server_name "";` leave the choice to the gateway.
fn names_nothing(line: &Line) -> bool {
    matches!(line.name, "pid" | "server_name") && line.words.iter().all(|word| word.is_empty())
}
