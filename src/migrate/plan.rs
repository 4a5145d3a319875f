//! The plan as text. Without `http {}` and `stream {}`, portcullis takes nginx's place by SIGUSR2 and no client is refused; otherwise
//! nginx goes on with them, and `mail {}` moves to a file of its own.

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use super::Findings;
use super::auth_server::answered_by;
use super::outline::{Line, Outline, TopBlock};
use crate::cli::defaults;
use crate::config::{AnsweringBlock, Names, Options};

/// The most warnings that are listed.
const MOST_LISTED: usize = 8;

/// A plan. Displays as the text of `--migrate`.
pub struct Plan<'a> {
    pub options: &'a Options,
    pub findings: &'a Findings,
    pub outline: &'a Outline,
    pub names: &'a dyn Names,
}

impl Display for Plan<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let file = self.options.file.display();
        writeln!(out, "Plan for {file}. Nothing has been changed.")?;
        self.errors(out)?;
        if self.outline.named("mail").next().is_none() {
            return writeln!(
                out,
                "\nThere is no mail {{}} in this file or the files that it includes: nothing moves to portcullis."
            );
        }
        self.comes(out)?;
        self.stays(out)?;
        self.auth_servers(out)?;
        self.warnings(out)?;
        match self.blocks_that_stay().next() {
            None => self.replace(out),
            Some(_) => self.split(out),
        }
    }
}

impl Plan<'_> {
    fn blocks_that_stay(&self) -> impl Iterator<Item = &TopBlock> {
        let stays = |block: &&TopBlock| matches!(block.name.as_str(), "http" | "stream");
        self.outline.blocks.iter().filter(stays)
    }

    fn errors(&self, out: &mut Formatter<'_>) -> fmt::Result {
        if self.findings.errors.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nFirst: correct these errors")?;
        let mut errors = self.findings.errors.iter();
        errors.try_for_each(|error| writeln!(out, "  {error}"))
    }

    fn warnings(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let warnings = &self.findings.warnings;
        if warnings.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nWhat behaves differently, and what else to look at")?;
        for warning in warnings.iter().take(MOST_LISTED) {
            writeln!(out, "  {warning}")?;
        }
        if let Some(more @ 1..) = warnings.len().checked_sub(MOST_LISTED) {
            let file = self.options.file.display();
            writeln!(out, "  and {more} more: portcullis --check -c {file}")?;
        }
        Ok(())
    }

    fn comes(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "\nMoves to portcullis")?;
        for block in self.outline.named("mail") {
            write_block(block, out)?;
            let listens = block.lines.iter().filter(|line| line.name == "listen");
            let listens: Vec<&str> = listens.map(|line| line.value.as_str()).collect();
            if !listens.is_empty() {
                writeln!(out, "    listens on {}", listens.join(", "))?;
            }
        }
        Ok(())
    }

    fn stays(&self, out: &mut Formatter<'_>) -> fmt::Result {
        writeln!(out, "\nStays in nginx")?;
        if self.blocks_that_stay().next().is_none() {
            return writeln!(out, "  nothing: portcullis takes nginx's place");
        }
        self.blocks_that_stay()
            .try_for_each(|block| write_block(block, out))
    }

    fn auth_servers(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let mut urls: Vec<&Line> = Vec::new();
        let lines = self.outline.named("mail").flat_map(|block| &block.lines);
        for line in lines.filter(|line| line.name == "auth_http") {
            if !urls.iter().any(|known| known.value == line.value) {
                urls.push(line);
            }
        }
        if urls.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nAuth servers")?;
        for auth_http in urls {
            let url = &auth_http.value;
            let listener = answered_by(url, self.outline, self.names);
            match (listener, self.own_answer(auth_http)) {
                (Some(Line { value, span, .. }), Some(block)) => writeln!(
                    out,
                    "  {url} is this nginx (\"listen {value}\" in {span}), and {block} answers by itself: \
                     copy its server {{}} into an http {{}} of portcullis's file, or keep nginx running"
                )?,
                (Some(Line { value, span, .. }), None) => writeln!(
                    out,
                    "  {url} is this nginx (\"listen {value}\" in {span}): keep it running, portcullis asks it for every login"
                )?,
                (None, _) => writeln!(
                    out,
                    "  {url} is no server of this file: nothing changes for it"
                )?,
            }
        }
        Ok(())
    }

    /// The block of the file that answers an `auth_http` without nginx.
    fn own_answer(&self, auth_http: &Line) -> Option<&AnsweringBlock> {
        let origin = auth_http.span.to_string();
        let mut all = self.findings.auth_http.iter();
        let found = all.find(|one| one.origin.to_string() == origin)?;
        Some(&found.answer.as_ref().ok()?.block)
    }

    /// nginx's pid file: the `pid` directive or the built-in one.
    fn pid(&self) -> PathBuf {
        let written = self.outline.main_value("pid");
        let prefix = &self.options.prefix;
        let path = written.map(|name| prefix.join(name));
        self.options.pid.file(path.as_deref())
    }

    /// nginx has `mail {}` only.
    fn replace(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (file, pid) = (self.options.file.display(), self.pid());
        let pid = pid.display();
        let given = given(&self.options.file);
        let logs = self.logs();
        write!(
            out,
            "
Unit
  portcullis.service, in place of nginx.service. Both read {file}{given}.

Steps: no client is refused and no session is lost
  1. Test the file:
       portcullis -t -c {file}
  2. Put portcullis where nginx was started from. With Debian's package:
       dpkg-divert --local --rename --add /usr/sbin/nginx
       ln -s /usr/sbin/portcullis /usr/sbin/nginx
  3. Start it on the sockets of the running nginx. From now on both serve:
       kill -USR2 $(cat {pid})
  4. Read the error log. Then let nginx finish its sessions and exit:
       kill -QUIT $(cat {pid}.oldbin)
     Or end the trial; nginx serves as before:
       kill -QUIT $(cat {pid})
  5. From the next boot on, the unit of portcullis starts it:
       systemctl disable nginx
       systemctl enable portcullis
{logs}Back to nginx, in the same way:
       rm /usr/sbin/nginx
       dpkg-divert --local --rename --remove /usr/sbin/nginx
       kill -USR2 $(cat {pid})
       kill -QUIT $(cat {pid}.oldbin)
"
        )
    }

    /// What to do about a log in the directory of nginx, whose rotation signals no other program.
    fn logs(&self) -> String {
        let log = self.outline.main_value("error_log").unwrap_or_default();
        match log.starts_with("/var/log/nginx/") {
            true => format!(
                "     Change \"error_log {log}\" to a file in /var/log/portcullis/ by then: logrotate of the nginx package\n     \
                 makes no other program than nginx open its log again.\n"
            ),
            false => String::new(),
        }
    }

    /// nginx has more than `mail {}`.
    fn split(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let (file, new) = (&self.options.file, self.new_file());
        let nginx = match is_built_in(file) {
            true => "nginx".to_owned(),
            false => format!("nginx -c {}", file.display()),
        };
        let (file, new) = (file.display(), new.display());
        write!(
            out,
            "
Unit
  portcullis.service beside nginx.service, with a file of its own: {new}
  /etc/default/portcullis names it:
       PORTCULLIS_OPTIONS=\"-c {new}\"

Steps: sessions go on in nginx; for half a second at most, new connections are refused
  1. Write {new}. In the same directory, relative names stay valid. Its content:
       pid /run/portcullis.pid;
       error_log /var/log/portcullis/error.log info;
"
        )?;
        for line in &self.outline.main {
            if KEPT.contains(&line.name.as_str()) {
                writeln!(out, "       {};   # or another value", written(line))?;
            }
        }
        writeln!(out, "       events {{ }}   # as in {file}")?;
        for block in self.outline.named("mail") {
            writeln!(out, "       mail {{ … }}   # {}", lines_of(block))?;
        }
        write!(
            out,
            "  2. Test it:
       portcullis -t -c {new}
  3. Take mail {{}} out of {file} and test the rest:
       {nginx} -t
  4. Start portcullis, which tries to bind for two seconds, and have nginx give the addresses up:
       systemctl start --no-block portcullis
       {nginx} -s reload
       systemctl enable portcullis
  To refuse no client at all, give mail {{}} an nginx of its own beforehand: \"kill -USR2\" then replaces it in flight.
Back to nginx:
  Put mail {{}} back into {file}, then:
       {nginx} -t
       systemctl stop --no-block portcullis
       {nginx} -s reload
"
        )
    }

    /// A name beside the configuration that is not its own.
    fn new_file(&self) -> PathBuf {
        let name = match self.options.file.file_name() {
            Some(name) if name == "portcullis.conf" => "portcullis-mail.conf",
            _ => "portcullis.conf",
        };
        self.options.file.with_file_name(name)
    }
}

/// The directives of the main context that the new file needs too.
const KEPT: [&str; 6] = [
    "user",
    "worker_processes",
    "worker_rlimit_nofile",
    "worker_shutdown_timeout",
    "ssl_engine",
    "env",
];

/// What the unit needs to read another file than the built-in one.
fn given(file: &Path) -> String {
    match is_built_in(file) {
        true => String::new(),
        false => format!(
            ", portcullis by /etc/default/portcullis: PORTCULLIS_OPTIONS=\"-c {}\"",
            file.display()
        ),
    }
}

fn is_built_in(file: &Path) -> bool {
    file == Path::new(defaults::FILE)
}

fn written(line: &Line) -> String {
    format!("{} {}", line.name, line.value)
}

fn lines_of(block: &TopBlock) -> String {
    match block.end > block.opened.line {
        true => format!(
            "lines {} to {} of {}",
            block.opened.line, block.end, block.opened.source.name
        ),
        false => format!("line {} of {}", block.opened.line, block.opened.source.name),
    }
}

fn write_block(block: &TopBlock, out: &mut Formatter<'_>) -> fmt::Result {
    let servers = match block.servers {
        1 => "1 server".to_owned(),
        number => format!("{number} servers"),
    };
    writeln!(out, "  {} {{}}, {}: {servers}", block.name, lines_of(block))?;
    let mut files = block.files.iter();
    files.try_for_each(|file| writeln!(out, "    with {}", file.display()))
}
