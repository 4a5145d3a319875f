//! One row of the directive table: the properties of a directive, and how its value is stored.

use super::arguments::{Arguments, Parsed, ValueError};
use super::form::{Arity, Contexts, Repeated};
use super::value_kind::{MakeAbsolute, ValueKind};
use crate::config::syntax::Spanned;

/// The properties of a directive that do not depend on its value.
#[derive(Clone, Copy, Debug)]
pub struct Directive {
    /// Its name, case-sensitive.
    pub name: &'static str,
    /// The module it belongs to.
    pub module: &'static str,
    /// Its description, as Markdown.
    pub doc: &'static str,
    /// How its value is written.
    pub syntax: &'static str,
    /// Explains the words of `syntax`, as Markdown.
    pub about: &'static str,
    /// The effect of a further line in the same block.
    pub repeated: Repeated,
    /// Makes its arguments independent of the folder they are read in.
    pub make_absolute: MakeAbsolute,
    /// The arguments that hold when it is not written, if there are any.
    pub default: Option<&'static str>,
    /// Whether the default is only a fallback for a value obtained elsewhere.
    pub default_is_fallback: bool,
    /// The blocks it may appear in.
    pub contexts: Contexts,
    /// How many arguments it takes.
    pub arity: Arity,
    /// The effect of a line besides setting the value.
    pub effect: Effect,
    /// Reads the default. A test calls it for every row.
    pub check_default: fn() -> Parsed<()>,
}

impl Directive {
    /// Whether the two are the same row: directives in different blocks may share a name.
    pub fn is(&self, other: &Self) -> bool {
        (self.name, self.module) == (other.name, other.module)
    }
}

/// An effect of a line besides setting a value. The loader applies it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// Claims addresses: no other line of the configuration may have them.
    ClaimsAddresses,
    /// Declares shared memory zones: a zone has the same size wherever it is named.
    DeclaresZones,
    /// Defines a zone of a limit.
    DeclaresLimitZone,
    /// Uses a zone, which another line has to define.
    UsesZone,
    /// Adds a rule to those of `allow` and `deny`, which have one order.
    OrdersAccess,
    /// Names a log file, which is opened at start whether a server uses it or not.
    OpensLog,
    /// Names a log file, and a log format that must be defined before.
    OpensMailLog,
    /// Adds a server to a group: the method of the group must support its parameters.
    JoinsGroup,
    /// Sets the method of a group.
    SetsBalancing,
    /// Must precede the first block.
    PrecedesBlocks,
    /// Claims the addresses of the status pages.
    ClaimsStatus,
    /// Switches TLS on for all addresses of a server, which excludes STARTTLS. Deprecated.
    SwitchesTlsOn,
    /// Offers STARTTLS, which excludes the former.
    OffersStartTls,
}

/// A directive and its setter in a scope `S`: the lines of one block.
#[derive(Debug)]
pub struct Row<S> {
    /// The directive.
    pub directive: &'static Directive,
    /// Reads the arguments and stores the value.
    pub set: fn(&mut S, &mut Arguments<'_>) -> Parsed<()>,
}

/// A scope that stores the lines of a module; `W` is the type of these lines.
pub trait Stores<W> {
    /// The field for these lines.
    fn written(&mut self) -> &mut W;
}

/// Reads a value into its cell.
///
/// # Errors
/// A second line where one is allowed, or a bad value.
pub fn set<K: ValueKind>(
    cell: &mut Option<Spanned<K::Value>>,
    args: &mut Arguments<'_>,
) -> Parsed<()> {
    if K::REPEATED == Repeated::Duplicate && cell.is_some() {
        return Err(ValueError::DUPLICATE);
    }
    let value = K::read(args, cell.take().map(|before| before.value))?;
    *cell = Some(Spanned {
        value,
        span: args.span.clone(),
    });
    Ok(())
}

/// Reads a default.
///
/// # Errors
/// The text is not a value of this kind; a test makes sure that no row has such a default.
pub fn read_default<K: ValueKind>(text: &str) -> Parsed<K::Value> {
    Arguments::of_default(text, |args| K::read(args, None))
}

/// The value of a default.
pub fn default_of<K: ValueKind<Value: Default>>(text: &str) -> K::Value {
    read_default::<K>(text).unwrap_or_default()
}

/// The name of a row: `r#use` is `use`.
pub const fn row_name(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [b'r', b'#', ..] => identifier.split_at(2).1,
        _ => identifier,
    }
}
