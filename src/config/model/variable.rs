//! The variables of directives that take them, texts that contain variables, and their values.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use super::request_variable::RequestVariable;
use super::variable_names::{MessageField, SessionField, SessionVariable};
use crate::base::TlvName;
use crate::config::syntax::Span;

/// A variable, named `$name` or `${name}` in a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Variable {
    /// A property of the session that has one name.
    Session(SessionVariable),
    /// `$auth_http_NAME`: a header of the auth server's answer. The name is in lower case, with `_` for `-`.
    AuthHttp(Box<str>),
    /// `$proxy_protocol_tlv_NAME`: an extension in the client's PROXY header.
    ProxyProtocolTlv(TlvName),
    /// `$session_NAME`: a field of the session's line in `mail_log`.
    SessionField(SessionField),
    /// `$mail_NAME`: a field of a message's line in `mail_log`.
    MessageField(MessageField),
    /// A variable that a `map` or `geo` block defines.
    Defined(Defined),
    /// A variable of an HTTP request, only in `http {}`.
    Request(RequestVariable),
    /// `$1` to `$9`, or a name: a group of the regular expression that has matched, by its number. Only in values of `map`.
    Capture(usize),
}

impl Variable {
    /// The built-in variable of this name, in any case of letters.
    pub fn find(name: &str) -> Option<Self> {
        let name = &*name.to_ascii_lowercase();
        if let Some(variable) = SessionVariable::find(name) {
            return Some(Self::Session(variable));
        }
        if let Some(header) = name.strip_prefix("auth_http_") {
            return (!header.is_empty()).then(|| Self::AuthHttp(header.into()));
        }
        if let Some(tlv) = name.strip_prefix("proxy_protocol_tlv_") {
            return TlvName::find(tlv).map(Self::ProxyProtocolTlv);
        }
        if let Some(field) = name.strip_prefix("session_").and_then(SessionField::find) {
            return Some(Self::SessionField(field));
        }
        let field = name.strip_prefix("mail_").and_then(MessageField::find);
        field.map(Self::MessageField)
    }
}

/// A text with variables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Template(pub Box<[Part]>);

/// A part of a text with variables.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Bytes as written.
    Text(Box<[u8]>),
    /// The value of a variable.
    Variable(Variable),
}

/// Why a text with variables is refused. Displays nginx's sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// No variable has this name.
    Unknown(Box<str>),
    /// `$` without a name.
    NoName(Box<str>),
    /// `${name` without `}`.
    NoBracket(Box<str>),
}

impl TemplateError {
    /// nginx's sentence where the text is not one of `log_format`.
    pub fn of_value(&self) -> String {
        match self {
            Self::NoName(_) => "invalid variable name".to_owned(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name) => write!(out, "unknown \"{name}\" variable"),
            Self::NoName(text) => write!(out, "invalid parameter \"{text}\""),
            Self::NoBracket(name) => {
                write!(out, "the closing bracket in \"{name}\" variable is missing")
            }
        }
    }
}

impl Template {
    /// Reads a text with built-in variables.
    ///
    /// # Errors
    /// A variable is unknown or malformed.
    pub fn parse(text: &[u8]) -> Result<Self, TemplateError> {
        Self::parse_with(text, &mut Variable::find)
    }

    /// Reads a text: `$name` and `${name}` are variables, which `find` knows; a name consists of letters, digits and `_`. As in
    /// nginx, one digit after `$` is a name.
    ///
    /// # Errors
    /// A variable is unknown or malformed.
    pub fn parse_with(
        text: &[u8],
        find: &mut dyn FnMut(&str) -> Option<Variable>,
    ) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.iter().position(|byte| *byte == b'$') {
            if at > 0 {
                parts.push(Part::Text(rest[..at].into()));
            }
            let name;
            (name, rest) = name_at(&rest[at + 1..], text)?;
            let variable = find(name).ok_or_else(|| TemplateError::Unknown(name.into()))?;
            parts.push(Part::Variable(variable));
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        Ok(Self(parts.into()))
    }
}

/// The name after a `$`, and the rest of the text.
fn name_at<'t>(after: &'t [u8], whole: &[u8]) -> Result<(&'t str, &'t [u8]), TemplateError> {
    let (bracketed, after) = match after.strip_prefix(b"{") {
        Some(after) => (true, after),
        None => (false, after),
    };
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let length = after.iter().position(|byte| !is_name(byte));
    let end = match after {
        [b'1'..=b'9', ..] if !bracketed => 1,
        _ => length.unwrap_or(after.len()),
    };
    let name = std::str::from_utf8(&after[..end]).unwrap_or_default();
    if bracketed && after.get(end) != Some(&b'}') {
        return Err(TemplateError::NoBracket(name.into()));
    }
    if name.is_empty() {
        let whole = String::from_utf8_lossy(whole);
        return Err(TemplateError::NoName(whole.into()));
    }
    Ok((name, &after[end + usize::from(bracketed)..]))
}

/// A variable that a block defines. A text may name it before the block: the definition is set once the whole configuration is
/// read.
#[derive(Clone)]
pub struct Defined(Arc<Definition>);

struct Definition {
    name: Box<str>,
    block: OnceLock<Arc<dyn VariableBlock>>,
}

/// The block that defines a variable: `map` or `geo`.
pub trait VariableBlock: fmt::Debug + Send + Sync {
    /// Appends the value of the variable `name`. Returns whether it has one.
    fn append(&self, name: &str, evaluation: &mut Evaluation<'_>, out: &mut Vec<u8>) -> bool;

    /// Its texts with variables.
    fn templates(&self) -> Vec<&Template>;
}

impl Defined {
    /// A variable of this name, whose definition is not known yet.
    pub fn new(name: &str) -> Self {
        Self(Arc::new(Definition {
            name: name.into(),
            block: OnceLock::new(),
        }))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Sets its definition, once.
    pub fn define(&self, block: Arc<dyn VariableBlock>) {
        let _ = self.0.block.set(block);
    }

    fn block(&self) -> Option<&dyn VariableBlock> {
        self.0.block.get().map(|block| &**block)
    }

    /// Appends its value. Returns whether it has one.
    fn append(&self, evaluation: &mut Evaluation<'_>, out: &mut Vec<u8>) -> bool {
        let block = self.block();
        block.is_some_and(|block| block.append(self.name(), evaluation, out))
    }

    /// Its value, which is empty where its block has none.
    pub fn value(&self, source: &dyn VariableSource) -> Vec<u8> {
        let part = Part::Variable(Variable::Defined(self.clone()));
        Template([part].into()).evaluate(source)
    }
}

/// Prints the name: definitions may refer to each other.
impl fmt::Debug for Defined {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Defined").field(&self.name()).finish()
    }
}

/// Two are equal if they have the same definition.
impl PartialEq for Defined {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Defined {}

impl Hash for Defined {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

/// How deep definitions may refer to each other; nginx's limit. Definitions that refer to themselves have no value.
const DEEPEST: usize = 100;

/// The values of the built-in variables.
pub trait VariableSource {
    /// Appends the value of a built-in variable. Returns whether it has one.
    fn append(&self, variable: &Variable, out: &mut Vec<u8>) -> bool;
}

/// One step of an evaluation: how a defined variable got its value.
#[derive(Clone, Debug)]
pub struct Step {
    /// The name of the variable.
    pub variable: Box<str>,
    /// The text that was looked up.
    pub key: Vec<u8>,
    /// What was found.
    pub found: Found,
}

/// The entry of a block that decided.
#[derive(Clone, Debug)]
pub enum Found {
    /// A line.
    Line(Span),
    /// The `default` line.
    Default(Span),
    /// Nothing.
    Nothing,
}

/// An evaluation in progress.
#[expect(missing_debug_implementations, reason = "holds a trait object")]
pub struct Evaluation<'a> {
    source: &'a dyn VariableSource,
    /// The definitions that are being evaluated.
    depth: usize,
    /// Whether they refer to each other too deeply. The value is empty then.
    has_failed: bool,
    /// Receives the steps, in the order in which they end.
    steps: Option<&'a mut Vec<Step>>,
}

/// The groups of the regular expression that has matched.
pub type Captures<'c> = Option<&'c regex::bytes::Captures<'c>>;

impl Template {
    /// Its value. A variable without a value is empty.
    pub fn evaluate(&self, source: &dyn VariableSource) -> Vec<u8> {
        self.run(source, None)
    }

    /// Its value, and the steps that led to it.
    pub fn trace(&self, source: &dyn VariableSource) -> (Vec<u8>, Vec<Step>) {
        let mut steps = Vec::new();
        let value = self.run(source, Some(&mut steps));
        (value, steps)
    }

    /// Its text, if it has no variables.
    pub fn literal(&self) -> Option<Vec<u8>> {
        let texts = self.0.iter().map(|part| match part {
            Part::Text(text) => Some(&**text),
            Part::Variable(_) => None,
        });
        let texts: Option<Vec<&[u8]>> = texts.collect();
        texts.map(|texts| texts.concat())
    }

    fn run(&self, source: &dyn VariableSource, steps: Option<&mut Vec<Step>>) -> Vec<u8> {
        let mut value = Vec::new();
        let mut evaluation = Evaluation::new(source, steps);
        self.append(&mut evaluation, None, &mut value);
        if evaluation.has_failed {
            value.clear();
        }
        value
    }

    pub(super) fn append(
        &self,
        evaluation: &mut Evaluation<'_>,
        captures: Captures<'_>,
        out: &mut Vec<u8>,
    ) {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                Part::Variable(Variable::Capture(group)) => {
                    let found = captures.and_then(|captures| captures.get(*group));
                    out.extend(found.into_iter().flat_map(|found| found.as_bytes()));
                }
                Part::Variable(Variable::Defined(defined)) => {
                    evaluation.depth += 1;
                    if evaluation.depth > DEEPEST {
                        evaluation.has_failed = true;
                    }
                    if evaluation.has_failed {
                        return;
                    }
                    defined.append(evaluation, out);
                    evaluation.depth -= 1;
                }
                Part::Variable(variable) => {
                    evaluation.source.append(variable, out);
                }
            }
        }
    }

    /// Whether it names a built-in variable for which `is_it` holds, directly or through definitions.
    pub fn names(&self, is_it: &dyn Fn(&Variable) -> bool) -> bool {
        self.names_unseen(is_it, &mut Vec::new())
    }

    /// Leaves out the definitions that were looked at before.
    fn names_unseen(&self, is_it: &dyn Fn(&Variable) -> bool, seen: &mut Vec<Defined>) -> bool {
        self.0.iter().any(|part| match part {
            Part::Text(_) => false,
            Part::Variable(Variable::Defined(defined)) if seen.contains(defined) => false,
            Part::Variable(Variable::Defined(defined)) => {
                seen.push(defined.clone());
                let templates = defined.block().map(VariableBlock::templates);
                let mut templates = templates.into_iter().flatten();
                templates.any(|template| template.names_unseen(is_it, seen))
            }
            Part::Variable(variable) => is_it(variable),
        })
    }
}

impl<'a> Evaluation<'a> {
    fn new(source: &'a dyn VariableSource, steps: Option<&'a mut Vec<Step>>) -> Self {
        Self {
            source,
            depth: 0,
            has_failed: false,
            steps,
        }
    }

    /// Records a step, where that is asked for.
    pub(super) fn step(&mut self, variable: &str, key: &[u8], found: impl FnOnce() -> Found) {
        if let Some(steps) = &mut self.steps {
            steps.push(Step {
                variable: variable.into(),
                key: key.into(),
                found: found(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_variables() {
        let template = Template::parse(b"a $remote_addr:${remote_port}b$session_in");
        let expected = [
            Part::Text(b"a ".as_slice().into()),
            Part::Variable(Variable::Session(SessionVariable::RemoteAddr)),
            Part::Text(b":".as_slice().into()),
            Part::Variable(Variable::Session(SessionVariable::RemotePort)),
            Part::Text(b"b".as_slice().into()),
            Part::Variable(Variable::SessionField(SessionField::In)),
        ];
        assert_eq!(template, Ok(Template(expected.into())));
        assert_eq!(Template::parse(b""), Ok(Template::default()));
    }

    #[test]
    fn session_id_is_not_a_field() {
        let id = Variable::Session(SessionVariable::SessionId);
        assert_eq!(Variable::find("session_id"), Some(id));
        let header = Variable::AuthHttp("auth_wait".into());
        assert_eq!(Variable::find("auth_http_Auth_Wait"), Some(header));
        let tlv = Variable::ProxyProtocolTlv(TlvName::Ssl(0x22));
        assert_eq!(
            Variable::find("proxy_protocol_tlv_SSL_0X22"),
            Some(tlv.clone())
        );
        assert_eq!(Variable::find("proxy_protocol_tlv_ssl_cn"), Some(tlv));
        assert_eq!(Variable::find("proxy_protocol_tlv_crc32c"), None);
        let field = Variable::MessageField(MessageField::QueueId);
        assert_eq!(Variable::find("mail_queue_id"), Some(field));
    }

    #[test]
    fn refusals_have_nginx_words() {
        let cases: [(&[u8], &str); 5] = [
            (b"$nothing", "unknown \"nothing\" variable"),
            (b"a$", "invalid parameter \"a$\""),
            (b"$ b", "invalid parameter \"$ b\""),
            (
                b"${msec",
                "the closing bracket in \"msec\" variable is missing",
            ),
            (b"$auth_http_", "unknown \"auth_http_\" variable"),
        ];
        for (text, sentence) in cases {
            let error = Template::parse(text).expect_err("is refused");
            assert_eq!(error.to_string(), sentence);
        }
    }
}
