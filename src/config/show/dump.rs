//! `--dump-config`: the configuration in force as a configuration. Every server has all that holds for it, inherited or by
//! default, and each line ends in its origin. The output can be loaded again and means the same.

use std::os::unix::ffi::OsStrExt;

use crate::base::Protocol;
use crate::config::load::config::Loaded;
use crate::config::load::server::Server;
use crate::config::load::written::{Line, Lines};
use crate::config::model::{LogDestination, Options};
use crate::config::schema::modules::{core, events, mail, ssl};
use crate::config::schema::table;
use crate::config::schema::{Contexts, Directive, MainScope, Repeated};
use crate::config::syntax::{Span, quoted};

/// The column of the comments.
const COMMENTS: usize = 64;
/// The width of names.
const NAMES: usize = 28;

/// Arguments that hold without a line and without a default of the row, and their origin.
type Computed = Option<(Vec<Box<[u8]>>, &'static str)>;

/// Writes the configuration down.
pub fn dump(loaded: &Loaded, options: &Options) -> Vec<u8> {
    let written = &loaded.written;
    let mut page = Page::default();
    for row in core::Rows::<MainScope>::ROWS {
        let computed = if row.directive.is(core::directives::pid()) {
            let path = loaded.config.pid.as_os_str();
            Some((vec![path.as_bytes().into()], "built in"))
        } else if row.directive.is(core::directives::error_log()) {
            built_in_log(options)
        } else {
            None
        };
        page.directive(row.directive, &[("main", &written.main)], computed, true);
    }
    page.open("events", &written.events);
    for row in events::Rows::<MainScope>::ROWS {
        page.directive(row.directive, &[("events", &written.events)], None, true);
    }
    page.close();
    if let Some(mail) = &written.mail {
        page.open("mail", mail);
        for (server, lines) in loaded.config.servers.iter().zip(&written.servers) {
            page.server(server, &[lines, mail, &written.main], options);
        }
        page.close();
    }
    for (block, span) in &written.foreign {
        let (name, position) = (block.name(), position(span));
        page.text(&format!("# {name} {{}} is left to nginx: {position}\n"));
    }
    page.out
}

fn built_in_log(options: &Options) -> Computed {
    let destination = match &options.error_log {
        LogDestination::File(path) => path.as_os_str().as_bytes(),
        _ => b"stderr",
    };
    let words = vec![destination.into(), b"error".as_slice().into()];
    Some((words, "built in, or -e"))
}

/// The value in a server without a line.
fn computed(directive: &Directive, server: &Server, options: &Options) -> Computed {
    if directive.is(mail::directives::protocol()) {
        let word = server.protocol().word().as_bytes();
        Some((vec![word.into()], "default: the port of \"listen\""))
    } else if directive.is(mail::directives::server_name()) {
        let origin = "default: the name of this machine";
        Some((vec![server.name.clone()], origin))
    } else if directive.is(mail::directives::error_log()) {
        built_in_log(options)
    } else {
        None
    }
}

/// Whether a directive is about a protocol that the server does not have.
fn is_of_other_protocol(directive: &Directive, server: &Server) -> bool {
    let mut protocols = [Protocol::Smtp, Protocol::Imap, Protocol::Pop3].into_iter();
    let about = protocols.find(|protocol| protocol.word() == directive.module);
    about.is_some_and(|about| about != server.protocol())
}

/// File and line, or `-g`. Control characters in the name do not end the comment.
fn position(span: &Span) -> String {
    let name = &span.source.name;
    match span.source.path {
        Some(_) => format!("{}:{}", name.replace(char::is_control, "?"), span.line),
        None => "-g".to_owned(),
    }
}

#[derive(Default)]
struct Page {
    out: Vec<u8>,
    depth: usize,
}

impl Page {
    fn text(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn open(&mut self, name: &str, block: &Lines) {
        let start = self.out.len();
        self.indent();
        self.text(name);
        self.text(" {");
        let origin = block.opened.as_ref().map(position);
        self.comment(start, &origin.unwrap_or_default());
        self.depth += 1;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.indent();
        self.text("}\n");
    }

    fn server(&mut self, server: &Server, [own, mail, main]: &[&Lines; 3], options: &Options) {
        self.open("server", own);
        for entry in table::rows() {
            let directive = entry.directive();
            if !directive.contexts.meets(Contexts::SERVER) || directive.is(ssl::directives::ssl()) {
                continue;
            }
            if directive.is(mail::directives::listen()) {
                self.listens(server, own, mail);
                continue;
            }
            let levels = [("server", *own), ("mail", *mail), ("main", *main)];
            // A server inherits only the log from outside `mail {}`.
            let is_log = directive.is(mail::directives::error_log());
            let levels = if is_log { &levels[..] } else { &levels[..2] };
            let computed = computed(directive, server, options);
            let with_default = !is_of_other_protocol(directive, server);
            self.directive(directive, levels, computed, with_default);
        }
        self.close();
    }

    /// The `listen` lines. `ssl on` is written as their parameter: nginx has dropped the directive, and where one of it and
    /// `starttls` is inherited they may not appear in one block.
    fn listens(&mut self, server: &Server, own: &Lines, mail: &Lines) {
        for line in own.of(mail::directives::listen()) {
            let mut words = line.words.clone();
            let mut origin = format!("server, {}", position(&line.span));
            if server.ssl.ssl && !words[1..].iter().any(|word| **word == *b"ssl") {
                words.push(b"ssl".as_slice().into());
                let switch = ssl::directives::ssl();
                let switch = own.of(switch).chain(mail.of(switch)).next();
                let span = switch.map_or(String::new(), |line| position(&line.span));
                origin.push_str(&format!(", and \"ssl on\", {span}"));
            }
            self.line(line.directive.name, &words, &origin);
        }
    }

    /// The lines of the innermost block that has some, else what is computed, else the default.
    fn directive(
        &mut self,
        directive: &Directive,
        levels: &[(&str, &Lines)],
        computed: Computed,
        with_default: bool,
    ) {
        let name = directive.name;
        let found = levels
            .iter()
            .map(|(level, block)| (*level, block.of(directive).collect::<Vec<&Line>>()))
            .find(|(_, lines)| !lines.is_empty());
        if let Some((level, lines)) = found
            && !lines.last().is_some_and(|line| is_automatic(line))
        {
            let first = match directive.repeated {
                Repeated::Replaces => lines.len() - 1,
                Repeated::Duplicate | Repeated::Adds => 0,
            };
            for line in &lines[first..] {
                let origin = format!("{level}, {}", position(&line.span));
                self.line(name, &line.words, &origin);
            }
        } else if let Some((words, origin)) = computed {
            self.line(name, &words, origin);
        } else if let Some(default) = directive.default
            && with_default
        {
            let words = default.split_ascii_whitespace();
            let words: Vec<Box<[u8]>> = words.map(|word| word.as_bytes().into()).collect();
            if directive.default_is_fallback {
                self.line(&format!("# {name}"), &words, "default, unless learned");
            } else {
                self.line(name, &words, "default");
            }
        }
    }

    fn line(&mut self, name: &str, words: &[Box<[u8]>], origin: &str) {
        let start = self.out.len();
        self.indent();
        self.text(&format!("{name:<NAMES$}"));
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
            self.text(&format!("{:blanks$}# {text}", ""));
        }
        self.out.push(b'\n');
    }

    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n(b' ', 4 * self.depth));
    }
}

/// `pid "";` and `server_name "";` leave the choice to the gateway.
fn is_automatic(line: &Line) -> bool {
    let automatic = [core::directives::pid(), mail::directives::server_name()];
    automatic.iter().any(|one| line.directive.is(one))
        && line.words.iter().all(|word| word.is_empty())
}
