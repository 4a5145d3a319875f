//! An auth location of `http {}` that answers by itself: the steps from a request to its response, in the order in which nginx's
//! rewrite module runs them.
//!
//! `load::static_auth` compiles it from the lines of the file; `proto::auth_http` runs it.

use std::fmt;

use regex::bytes::Regex;

use super::origin::Origin;
use super::variable::Template;

/// An auth location that answers by itself, with the steps of its server before those of its own. Where the steps of both end
/// without a reply, `reply` is the reply.
#[derive(Debug)]
pub struct StaticAuth {
    /// The block that answers.
    pub block: AnsweringBlock,
    /// `underscores_in_headers`: whether headers with `_` in their names are seen.
    pub underscores: bool,
    /// The number of variables that `set` and named groups assign.
    pub variables: usize,
    /// The steps of `server {}`.
    pub server: Box<[RewriteStep]>,
    /// The steps of `location {}`.
    pub location: Box<[RewriteStep]>,
    /// The reply at the end of the steps.
    pub reply: StaticReply,
}

/// The block whose `return` answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnsweringBlock {
    /// `server {}`
    Server(Origin),
    /// `location {}`
    Location(Origin),
}

/// `the location at FILE:LINE`
impl fmt::Display for AnsweringBlock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(origin) => write!(out, "the server at {origin}"),
            Self::Location(origin) => write!(out, "the location at {origin}"),
        }
    }
}

/// A step of the rewrite module.
#[derive(Debug)]
pub enum RewriteStep {
    /// A block begins: these are the headers of replies from here on.
    Headers(Box<[AddedHeader]>),
    /// `set`: a variable by its number, and its value.
    Set(usize, Template),
    /// `if`: the steps that follow where the condition holds. A location's regular expression is one without steps.
    If(RewriteCondition, Box<[RewriteStep]>),
    /// `break`: the steps of the server or the location end.
    Break,
    /// `return`
    Return(StaticReply),
}

/// The condition of an `if`.
#[derive(Debug)]
pub enum RewriteCondition {
    /// The text is neither empty nor `0`.
    IsTrue(Template),
    /// Both texts are equal, or with `negated` differ.
    Equals {
        /// The texts.
        texts: [Template; 2],
        /// `!=`
        negated: bool,
    },
    /// The text matches a regular expression, or with `negated` does not.
    Matches {
        /// The text.
        text: Template,
        /// The regular expression.
        pattern: RewritePattern,
        /// `!~`
        negated: bool,
    },
}

/// A regular expression whose groups set variables.
#[derive(Clone, Debug)]
pub struct RewritePattern {
    /// It.
    pub regex: Regex,
    /// Named groups: the number of the group, and of its variable.
    pub names: Box<[(usize, usize)]>,
}

/// `add_header`
#[derive(Clone, Debug)]
pub struct AddedHeader {
    /// The name.
    pub name: Box<[u8]>,
    /// The value. An empty one is not sent.
    pub value: Template,
    /// `always`: whatever the status.
    pub always: bool,
}

/// A reply without its headers. The body does not matter to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaticReply {
    /// A response with this HTTP status, 200 to 999.
    Status(u16),
    /// The connection is closed without a response.
    Close,
}
