//! Runs an auth location of the same file's `http {}` that answers by itself: from the bytes of a request to those of its response.
//! The response is read like any other, so it means the same.

use regex::bytes::Captures;

use crate::base::Secret;
use crate::config::{
    AddedHeader, RequestVariable, RewriteCondition, RewritePattern, RewriteStep, StaticAuth,
    StaticReply, Template, Variable, VariableSource,
};

/// Appends the response to a request. Nothing is appended where nginx closes the connection instead.
pub fn respond(answer: &StaticAuth, request: &Secret<Vec<u8>>, out: &mut Vec<u8>) {
    let mut run = Run {
        request: Request::read(request.reveal(), answer.underscores),
        own: vec![Vec::new(); answer.variables],
        groups: Vec::new(),
        headers: &[],
    };
    let reply = match run.steps(&answer.server) {
        Flow::Replied(reply) => reply,
        Flow::Next | Flow::Broken => match run.steps(&answer.location) {
            Flow::Replied(reply) => reply,
            Flow::Next | Flow::Broken => answer.reply,
        },
    };
    match reply {
        StaticReply::Status(status) => run.write(status, out),
        StaticReply::Close => {}
    }
}

/// A request, in lines.
struct Request<'r> {
    line: &'r [u8],
    /// Names and values.
    headers: Vec<(&'r [u8], &'r [u8])>,
}

impl<'r> Request<'r> {
    /// Reads a request as nginx does, which leaves out headers with odd names.
    fn read(bytes: &'r [u8], underscores: bool) -> Self {
        let lines = bytes.split(|byte| *byte == b'\n');
        let mut lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let line = lines.next().unwrap_or_default();
        let is_legal = |byte: &u8| {
            byte.is_ascii_alphanumeric() || *byte == b'-' || (underscores && *byte == b'_')
        };
        let headers = lines.filter_map(|line| {
            let colon = memchr::memchr(b':', line)?;
            let name = &line[..colon];
            let is_seen = name.iter().all(is_legal);
            is_seen.then(|| (name, trimmed(&line[colon + 1..])))
        });
        Self {
            line,
            headers: headers.collect(),
        }
    }

    /// Appends the value of a header: of several, all with commas between. `name` has `_` for `-`.
    fn append(&self, name: &str, out: &mut Vec<u8>) -> bool {
        let is_it = |own: &[u8]| {
            let own = own.iter().map(|byte| match byte {
                b'-' => b'_',
                byte => byte.to_ascii_lowercase(),
            });
            own.eq(name.bytes())
        };
        let separator: &[u8] = if name == "cookie" { b"; " } else { b", " };
        let mut is_found = false;
        for (_, value) in self.headers.iter().filter(|(own, _)| is_it(own)) {
            if is_found {
                out.extend_from_slice(separator);
            }
            out.extend_from_slice(value);
            is_found = true;
        }
        is_found
    }
}

/// As nginx does, cuts spaces only.
fn trimmed(mut value: &[u8]) -> &[u8] {
    while let Some(rest) = value.strip_prefix(b" ") {
        value = rest;
    }
    while let Some(rest) = value.strip_suffix(b" ") {
        value = rest;
    }
    value
}

/// What follows some steps.
enum Flow {
    /// The next step.
    Next,
    /// The end of the server's or the location's steps.
    Broken,
    /// The reply.
    Replied(StaticReply),
}

/// A request being answered.
struct Run<'r> {
    request: Request<'r>,
    /// The variables that steps assign.
    own: Vec<Vec<u8>>,
    /// The groups of the regular expression that has matched last, the whole match first.
    groups: Vec<Vec<u8>>,
    /// The headers in force.
    headers: &'r [AddedHeader],
}

impl VariableSource for Run<'_> {
    fn append(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        let Variable::Request(variable) = variable else {
            return false;
        };
        let value = match variable {
            RequestVariable::Header(name) => return self.request.append(name, out),
            RequestVariable::Protocol => {
                let at = memchr::memrchr(b' ', self.request.line);
                at.map(|at| &self.request.line[at + 1..])
            }
            RequestVariable::Line => Some(self.request.line),
            RequestVariable::Constant(text) => Some(&**text),
            RequestVariable::Own(number) => self.own.get(*number).map(Vec::as_slice),
            RequestVariable::Group(number) => self.groups.get(*number).map(Vec::as_slice),
        };
        out.extend_from_slice(value.unwrap_or_default());
        value.is_some()
    }
}

impl<'r> Run<'r> {
    fn steps(&mut self, steps: &'r [RewriteStep]) -> Flow {
        for step in steps {
            match step {
                RewriteStep::Headers(headers) => self.headers = headers,
                RewriteStep::Set(number, value) => {
                    let value = self.value(value);
                    if let Some(own) = self.own.get_mut(*number) {
                        *own = value;
                    }
                }
                RewriteStep::If(condition, inner) => {
                    if self.holds(condition) {
                        match self.steps(inner) {
                            Flow::Next => {}
                            ended => return ended,
                        }
                    }
                }
                RewriteStep::Break => return Flow::Broken,
                RewriteStep::Return(reply) => return Flow::Replied(*reply),
            }
        }
        Flow::Next
    }

    fn value(&self, template: &Template) -> Vec<u8> {
        template.evaluate(self)
    }

    fn holds(&mut self, condition: &RewriteCondition) -> bool {
        match condition {
            RewriteCondition::IsTrue(text) => !matches!(&*self.value(text), b"" | b"0"),
            RewriteCondition::Equals {
                texts: [left, right],
                negated,
            } => (self.value(left) == self.value(right)) != *negated,
            RewriteCondition::Matches {
                text,
                pattern,
                negated,
            } => {
                let text = self.value(text);
                self.matches(pattern, &text) != *negated
            }
        }
    }

    /// Sets the groups of a regular expression; none if it does not match.
    fn matches(&mut self, pattern: &RewritePattern, text: &[u8]) -> bool {
        let Some(captures) = pattern.regex.captures(text) else {
            self.groups.clear();
            return false;
        };
        for (group, variable) in &pattern.names {
            if let Some(own) = self.own.get_mut(*variable) {
                *own = group_of(&captures, *group);
            }
        }
        let all = 0..captures.len();
        self.groups = all.map(|group| group_of(&captures, group)).collect();
        true
    }

    fn write(&self, status: u16, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("HTTP/1.1 {status} \r\n").as_bytes());
        // The statuses with which nginx sends headers without `always`.
        let is_usual = matches!(status, 200 | 201 | 204 | 206 | 301..=304 | 307 | 308);
        for header in self.headers {
            let value = match is_usual || header.always {
                true => self.value(&header.value),
                false => Vec::new(),
            };
            if !value.is_empty() {
                out.extend_from_slice(&header.name);
                out.extend_from_slice(b": ");
                out.extend_from_slice(&value);
                out.extend_from_slice(b"\r\n");
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}

fn group_of(captures: &Captures<'_>, group: usize) -> Vec<u8> {
    let found = captures.get(group);
    found.map_or_else(Vec::new, |found| found.as_bytes().to_vec())
}

#[cfg(test)]
mod tests;
