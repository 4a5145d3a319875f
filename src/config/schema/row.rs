//! One row per directive: its name, kind of value, default, contexts and doc. Everything else is a fold over the rows: what was
//! written, what holds after inheritance, which words are known, the reference pages.
//!
//! The `module!` macro is the one clever thing here. This
//!
//! ```text
//! module! {
//!     /// How the gateway talks to the mail server behind it.
//!     proxy in Scope: ProxyWritten -> Proxy {
//!         /// How long both sides may stay silent once mail flows.
//!         proxy_timeout: Msec = "24h", MAIL_SERVER;
//!         /// The mail server behind the gateway.
//!         proxy_pass: UpstreamUrl, MAIL_SERVER;
//!     }
//! }
//! ```
//!
//! becomes (`scope.proxy` is where `Scope` keeps a `ProxyWritten`):
//!
//! ```text
//! pub struct ProxyWritten { pub proxy_timeout: Option<Spanned<Duration>>, pub proxy_pass: Option<Spanned<Upstream>> }
//! pub struct Proxy { pub proxy_timeout: Duration, pub proxy_pass: Option<Upstream> }     // no default: an Option
//! impl Proxy { pub fn merge(outer: &ProxyWritten, inner: &ProxyWritten) -> Self { … } }  // inner, else outer, else default
//! pub const ROWS: &[Row<Scope>] = &[
//!     Row { directive: Directive { name: "proxy_timeout", … }, set: |scope, call| set::<Msec>(&mut scope.proxy.proxy_timeout, call) },
//!     …
//! ];
//! ```

use super::arguments::{Call, Refusal};
use super::values::{Full, Lines, Value};
use crate::config::model::world::Nowhere;
use crate::config::syntax::source::{Span, Spanned};

/// The blocks a directive may stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contexts(u8);

impl Contexts {
    /// The file itself.
    pub const MAIN: Self = Self(1);
    /// `events {}`
    pub const EVENTS: Self = Self(2);
    /// `mail {}`
    pub const MAIL: Self = Self(4);
    /// `server {}` in `mail {}`
    pub const SERVER: Self = Self(8);
    /// `mail {}` and `server {}`
    pub const MAIL_SERVER: Self = Self(4 | 8);

    /// The names of the blocks, the outermost first.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        const NAMED: [(Contexts, &str); 4] = [
            (Contexts::MAIN, "main"),
            (Contexts::EVENTS, "events"),
            (Contexts::MAIL, "mail"),
            (Contexts::SERVER, "server"),
        ];
        NAMED
            .into_iter()
            .filter(move |(one, _)| self.meets(*one))
            .map(|(_, name)| name)
    }

    /// Whether the two have a block in common.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// How many arguments a directive takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arity {
    /// At least so many.
    pub least: usize,
    /// At most so many; `None` for any number.
    pub most: Option<usize>,
}

impl Arity {
    /// Exactly `count` arguments.
    #[must_use]
    pub const fn exactly(count: usize) -> Self {
        Self {
            least: count,
            most: Some(count),
        }
    }

    /// From `least` to `most` arguments.
    #[must_use]
    pub const fn between(least: usize, most: usize) -> Self {
        Self {
            least,
            most: Some(most),
        }
    }

    /// One argument or more.
    pub const SOME: Self = Self {
        least: 1,
        most: None,
    };

    /// Whether `count` arguments are right.
    #[must_use]
    pub fn admits(self, count: usize) -> bool {
        count >= self.least && self.most.is_none_or(|most| count <= most)
    }
}

/// What is known of a directive without its value.
#[derive(Clone, Copy, Debug)]
pub struct Directive {
    /// Its name, case-sensitive.
    pub name: &'static str,
    /// The module it belongs to.
    pub module: &'static str,
    /// What it does, as Markdown.
    pub doc: &'static str,
    /// How its value is written.
    pub syntax: &'static str,
    /// The words of `syntax` explained, as Markdown.
    pub about: &'static str,
    /// What a second line in the same block does.
    pub lines: Lines,
    /// The arguments as they mean the same from anywhere.
    pub full: Full,
    /// What holds when it is written nowhere, as it would be written.
    pub default: Option<&'static str>,
    /// Whether the default written down says more than no line.
    pub fallback: bool,
    /// Where it may stand.
    pub contexts: Contexts,
    /// How many arguments it takes.
    pub arity: Arity,
    /// Whether the behaviour behind it is still missing.
    pub pending: bool,
    /// Whether its default can be read. A test asks every row.
    pub check_default: fn() -> Result<(), Refusal>,
}

/// A directive and how its value gets into `S`, the scope of the block it stands in.
#[derive(Debug)]
pub struct Row<S> {
    /// What it is.
    pub directive: Directive,
    /// Reads the arguments and stores the value. Says of a pending row whether the value differs from its default.
    pub set: fn(&mut S, &mut Call<'_>) -> Result<bool, Refusal>,
}

/// Reads a value into its cell: the setter of every row. Answers whether the value differs from `default`,
/// which any value does when there is none.
///
/// # Errors
/// A second line where one is allowed, or a bad value.
pub fn set<K: Value>(
    cell: &mut Option<Spanned<K::Plain>>,
    default: Option<&str>,
    call: &mut Call<'_>,
) -> Result<bool, Refusal> {
    if K::LINES == Lines::Once && cell.is_some() {
        return Err(Refusal::Directive("is duplicate"));
    }
    let value = K::read(call, cell.take().map(|before| before.value))?;
    let differs = match default {
        Some(text) => read_default::<K>(text).map_or(true, |plain| plain != value),
        None => true,
    };
    *cell = Some(Spanned {
        value,
        span: call.span.clone(),
    });
    Ok(differs)
}

/// Reads a default from its text, in a world without files and names.
///
/// # Errors
/// The text is not a value of the kind; a test makes sure that no row has such a default.
pub fn read_default<K: Value>(text: &str) -> Result<K::Plain, Refusal> {
    let words: Vec<Box<[u8]>> = text
        .split_ascii_whitespace()
        .map(|word| word.as_bytes().into())
        .collect();
    let span = Span::nowhere();
    K::read(
        &mut Call::offline("default", &words, &span, &Nowhere, &mut |_| ()),
        None,
    )
}

/// What holds when nothing was written. Only called for rows that have a default.
#[must_use]
pub fn default_of<K: Value>(text: &str) -> K::Plain
where
    K::Plain: Default,
{
    read_default::<K>(text).unwrap_or_default()
}

/// The name of a row: `r#use` is `use`.
#[must_use]
pub const fn row_name(identifier: &'static str) -> &'static str {
    match identifier.as_bytes() {
        [b'r', b'#', ..] => identifier.split_at(2).1,
        _ => identifier,
    }
}

/// See the page of this file.
macro_rules! module {
    (
        $(#[doc = $about:literal])+
        $module:ident in $scope:ident: $written:ident -> $merged:ident {
            $(
                $(#[doc = $doc:literal])+
                $name:ident: $kind:ty $(= $default:literal)?, $contexts:ident $(, $pending:ident)?;
            )+
        }
    ) => {
        $(#[doc = $about])+
        ///
        /// As written in one block.
        #[derive(Clone, Debug, Default)]
        pub struct $written {
            $(
                $(#[doc = $doc])+
                pub $name: Option<$crate::config::syntax::source::Spanned<<$kind as $crate::config::schema::values::Value>::Plain>>,
            )+
        }

        impl $crate::config::schema::sparse::Nothing for $written {
            fn nothing() -> &'static Self {
                static NOTHING: std::sync::LazyLock<$written> = std::sync::LazyLock::new($written::default);
                &NOTHING
            }
        }

        $(#[doc = $about])+
        ///
        /// As it holds after inheritance.
        #[derive(Clone, Debug)]
        pub struct $merged {
            $( $(#[doc = $doc])+ pub $name: $crate::config::schema::row::held_type!($kind $(, $default)?), )+
        }

        impl $merged {
            /// What is written inside wins, then what is written outside, then the default.
            #[must_use]
            pub fn merge(outer: &$written, inner: &$written) -> Self {
                Self {
                    $(
                        $name: {
                            let written = inner.$name.as_ref().or(outer.$name.as_ref()).map(|spanned| spanned.value.clone());
                            $crate::config::schema::row::held_value!(written, $kind $(, $default)?)
                        },
                    )+
                }
            }
        }

        /// What this module is about.
        pub const ABOUT: &str = concat!($($about, "\n"),+);

        /// The rows of this module, in the order of its page.
        pub const ROWS: &[$crate::config::schema::row::Row<$scope>] = &[
            $(
                $crate::config::schema::row::Row {
                    directive: $crate::config::schema::row::Directive {
                        name: $crate::config::schema::row::row_name(stringify!($name)),
                        module: stringify!($module),
                        doc: concat!($($doc, "\n"),+),
                        syntax: <$kind as $crate::config::schema::values::Value>::SYNTAX,
                        about: <$kind as $crate::config::schema::values::Value>::ABOUT,
                        lines: <$kind as $crate::config::schema::values::Value>::LINES,
                        full: <$kind as $crate::config::schema::values::Value>::full,
                        default: $crate::config::schema::row::maybe!($($default)?),
                        fallback: <$kind as $crate::config::schema::values::Value>::FALLBACK,
                        contexts: $crate::config::schema::row::Contexts::$contexts,
                        arity: <$kind as $crate::config::schema::values::Value>::ARITY,
                        pending: $crate::config::schema::row::is_pending!($($pending)?),
                        check_default: || match $crate::config::schema::row::maybe!($($default)?) {
                            Some(text) => $crate::config::schema::row::read_default::<$kind>(text).map(|_| ()),
                            None => Ok(()),
                        },
                    },
                    set: |scope, call| $crate::config::schema::row::set::<$kind>(
                        &mut scope.$module.$name,
                        $crate::config::schema::row::compared!($($default)? $(, $pending)?),
                        call,
                    ),
                },
            )+
        ];
    };
}

/// The type of a field of a merged struct: plain where there is a default.
macro_rules! held_type {
    ($kind:ty, $default:literal) => { <$kind as $crate::config::schema::values::Value>::Plain };
    ($kind:ty) => { Option<<$kind as $crate::config::schema::values::Value>::Plain> };
}

/// The value of such a field.
macro_rules! held_value {
    ($written:ident, $kind:ty, $default:literal) => {
        $written.unwrap_or_else(|| {
            // Read once, however many servers there are.
            static DEFAULT: std::sync::LazyLock<
                <$kind as $crate::config::schema::values::Value>::Plain,
            > = std::sync::LazyLock::new(|| {
                $crate::config::schema::row::default_of::<$kind>($default)
            });
            DEFAULT.clone()
        })
    };
    ($written:ident, $kind:ty) => {
        $written
    };
}

/// `Some(x)` or `None`.
macro_rules! maybe {
    ($value:literal) => {
        Some($value)
    };
    () => {
        None::<&'static str>
    };
}

/// The default that a written value is compared with: only pending rows need to know.
macro_rules! compared {
    ($default:literal, pending) => {
        Some($default)
    };
    ($($default:literal)?) => {
        None
    };
    (, pending) => {
        None
    };
}

/// Whether a row ends in the word `pending`.
macro_rules! is_pending {
    (pending) => {
        true
    };
    () => {
        false
    };
}

pub(crate) use {compared, held_type, held_value, is_pending, maybe, module};
