//! Compiles the lines of the rewrite module in a server or a location: `set`, `if`, `break`, `return`.

use super::condition::Condition;
use super::levels::{Levels, uses};
use super::lines::HttpLine;
use super::variables::Variables;
use crate::config::model::{AddedHeader, RewriteCondition, RewriteStep, StaticReply};
use crate::config::syntax::digits;

/// The steps of a block.
#[derive(Debug, Default)]
pub struct Steps {
    /// The steps before the reply.
    pub steps: Vec<RewriteStep>,
    /// The reply of a `return` outside the `if` blocks.
    pub reply: Option<StaticReply>,
    /// Whether a `break` may end the steps before their end.
    pub may_break: bool,
}

impl Steps {
    /// All steps, the reply as the last one.
    pub fn into_all(mut self) -> Box<[RewriteStep]> {
        self.steps.extend(self.reply.map(RewriteStep::Return));
        self.steps.into()
    }
}

/// Where the lines are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// In the server, before the location is known. Its `if` blocks have no headers of their own.
    Server,
    /// In the location.
    Location,
    /// In an `if`. nginx allows no other in it.
    If,
}

/// Compiles the innermost block of `levels`.
///
/// # Errors
/// A line cannot be evaluated; the text names it.
pub fn compile<'a>(
    lines: &'a [HttpLine],
    levels: &Levels<'a>,
    phase: Phase,
    variables: &mut Variables<'_>,
) -> Result<Steps, String> {
    let mut compiled = Steps::default();
    for line in lines {
        let unable = |what: String| format!("uses {what} in {}", line.span);
        match line.name() {
            b"set" => {
                let number = variables.assigned(line.arg(0));
                let value = variables.template(line.arg(1)).map_err(unable)?;
                let number = number.ok_or_else(|| uses(line))?;
                compiled.steps.push(RewriteStep::Set(number, value));
            }
            b"if" if phase == Phase::If => return Err(uses(line)),
            b"if" => {
                let condition = condition(line, variables).map_err(unable)?;
                let inner = levels.with(line);
                let mut steps = Vec::new();
                if phase == Phase::Location {
                    steps.push(headers(&inner, variables)?);
                }
                let inside = self::compile(&line.block, &inner, Phase::If, variables)?;
                compiled.may_break |= inside.may_break;
                steps.extend(inside.into_all());
                compiled
                    .steps
                    .push(RewriteStep::If(condition, steps.into()));
            }
            b"break" => {
                compiled.may_break = true;
                compiled.steps.push(RewriteStep::Break);
                break;
            }
            b"return" => {
                let reply = reply(line, levels)?;
                compiled.reply = Some(reply);
                break;
            }
            b"rewrite" => return Err(uses(line)),
            _ => {}
        }
    }
    Ok(compiled)
}

/// The headers of replies in the innermost block. One that cannot be evaluated is left out unless its name begins with `Auth-`: the
/// others do not decide about a login.
///
/// # Errors
/// A value cannot be evaluated.
pub fn headers(levels: &Levels<'_>, variables: &mut Variables<'_>) -> Result<RewriteStep, String> {
    let mut headers = Vec::new();
    for line in levels.headers() {
        let name = line.arg(0);
        let start = name.get(..5).unwrap_or_default();
        match variables.template(line.arg(1)) {
            Ok(value) => headers.push(AddedHeader {
                name: name.into(),
                value,
                always: line.arg(2) == b"always",
            }),
            Err(what) if start.eq_ignore_ascii_case(b"Auth-") => {
                return Err(format!("uses {what} in {}", line.span));
            }
            Err(_) => {}
        }
    }
    Ok(RewriteStep::Headers(headers.into()))
}

fn condition(line: &HttpLine, variables: &mut Variables<'_>) -> Result<RewriteCondition, String> {
    match Condition::of(line) {
        Some(Condition::IsTrue(text)) => Ok(RewriteCondition::IsTrue(variables.template(text)?)),
        Some(Condition::Equals {
            texts: [left, right],
            negated,
        }) => Ok(RewriteCondition::Equals {
            texts: [variables.template(left)?, variables.template(right)?],
            negated,
        }),
        Some(Condition::Matches {
            text,
            pattern,
            any_case,
            negated,
        }) => Ok(RewriteCondition::Matches {
            text: variables.template(text)?,
            pattern: variables.pattern(pattern, any_case)?,
            negated,
        }),
        Some(Condition::File(operator)) => {
            Err(format!("\"if ({} …)\"", String::from_utf8_lossy(operator)))
        }
        None => Err("\"if\"".to_owned()),
    }
}

/// The reply of a `return`. nginx sends the headers of the block with it, unless an error page takes its place.
fn reply(line: &HttpLine, levels: &Levels<'_>) -> Result<StaticReply, String> {
    let first = line.arg(0);
    let begins = |begin: &&[u8]| first.starts_with(begin);
    let is_url = [&b"http://"[..], b"https://", b"$scheme"]
        .iter()
        .any(begins);
    let status = match digits(first) {
        None if is_url => 302,
        number => {
            let number = number.and_then(|number| u16::try_from(number).ok());
            number.ok_or_else(|| uses(line))?
        }
    };
    let has_text = !line.arg(1).is_empty() || is_url;
    let is_redirect = matches!(status, 301 | 302 | 303 | 307 | 308);
    let is_error = status >= 400 && !has_text;
    if (is_redirect || is_error) && levels.replaces(status) {
        return Err(format!(
            "uses error_page for the status {status} of {}",
            line.span
        ));
    }
    match status {
        // nginx has no response for these, and another one for the next.
        408 | 444 | 499 if is_error => Ok(StaticReply::Close),
        494..=497 if is_error => Ok(StaticReply::Status(400)),
        200..=999 => Ok(StaticReply::Status(status)),
        _ => Err(uses(line)),
    }
}
