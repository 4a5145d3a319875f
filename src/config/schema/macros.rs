//! `module!` makes everything about a module from its rows:
//!
//! ```text
//! module! {
//!     /// Connections to mail servers.
//!     proxy: ProxyWritten -> Proxy {
//!         /// Sets the idle timeout of a proxied session.
//!         proxy_timeout: Msec = "24h", MAIL_SERVER;
//!         /// Sets the mail server.
//!         proxy_pass: UpstreamUrl, MAIL_SERVER;
//!         /// Sets the client certificate.
//!         proxy_ssl_certificate: NamedPath = none, MAIL_SERVER;
//!     }
//! }
//! ```
//!
//! A row is `name: Kind = default, CONTEXTS`. `= none` stands for the empty value of a kind that has one, an empty list or `None`;
//! without a default the field is an `Option`. `=> Effect` is an effect of a line besides its value. The macro
//! makes
//!
//! ```text
//! pub struct ProxyWritten { pub proxy_timeout: Option<Spanned<Duration>>, … }      // the lines of one block
//! pub struct Proxy { pub proxy_timeout: Duration, pub proxy_pass: Option<Upstream>, … }     // the settings of a server
//! impl Held for Proxy { fn merge(outer: &ProxyWritten, inner: &ProxyWritten) -> Self { … } }
//! pub mod directives { pub const fn proxy_timeout() -> &'static Directive { … } … }
//! impl<S: Stores<ProxyWritten>> Rows<S> { pub const ROWS: &'static [Row<S>] = … }
//! ```

/// Generates the structs, the directives and the rows of a module.
macro_rules! module {
    (
        $(#[doc = $about:literal])+
        $module:ident: $written:ident -> $held:ident {
            $(
                $(#[doc = $doc:literal])+
                $name:ident: $kind:ty $(= $default:tt)?, $contexts:ident $(=> $effect:ident)?;
            )+
        }
    ) => {
        $(#[doc = $about])+
        ///
        /// The lines of one block.
        #[derive(Clone, Debug, Default)]
        pub struct $written {
            $(
                $(#[doc = $doc])+
                pub $name: Option<
                    $crate::config::syntax::Spanned<
                        <$kind as $crate::config::schema::ValueKind>::Value,
                    >,
                >,
            )+
        }

        impl $crate::config::schema::held::Empty for $written {
            fn empty() -> &'static Self {
                static EMPTY: std::sync::LazyLock<$written> = std::sync::LazyLock::new($written::default);
                &EMPTY
            }
        }

        $(#[doc = $about])+
        ///
        /// The settings in force after inheritance.
        #[derive(Clone, Debug)]
        pub struct $held {
            $( $(#[doc = $doc])+ pub $name: $crate::config::schema::macros::held_type!($kind $(, $default)?), )+
        }

        impl $crate::config::schema::held::Held for $held {
            type Written = $written;

            fn merge(outer: &$written, inner: &$written) -> Self {
                Self {
                    $(
                        $name: {
                            let written = inner.$name.as_ref().or(outer.$name.as_ref());
                            let written = written.map(|spanned| spanned.value.clone());
                            $crate::config::schema::macros::held_value!(written, $kind $(, $default)?)
                        },
                    )+
                }
            }
        }

        /// The description of this module.
        pub const ABOUT: &str = concat!($($about, "\n"),+);

        /// The directives by name, for code that asks about the directive itself rather than its value.
        pub mod directives {
            use super::*;
            use $crate::config::schema::row::{Directive, Effect, read_default, row_name};
            use $crate::config::schema::{Contexts, ValueKind};

            $(
                $(#[doc = $doc])+
                pub const fn $name() -> &'static Directive {
                    const DEFAULT: Option<&str> = $crate::config::schema::macros::default_text!($($default)?);
                    &const {
                        Directive {
                            name: row_name(stringify!($name)),
                            module: stringify!($module),
                            doc: concat!($($doc, "\n"),+),
                            syntax: <$kind>::SYNTAX,
                            about: <$kind>::ABOUT,
                            repeated: <$kind>::REPEATED,
                            make_absolute: <$kind>::make_absolute,
                            default: DEFAULT,
                            default_is_fallback: <$kind>::DEFAULT_IS_FALLBACK,
                            contexts: Contexts::$contexts,
                            arity: <$kind>::ARITY,
                            effect: [$(Effect::$effect,)? Effect::None][0],
                            check_default: || match DEFAULT {
                                Some(text) => read_default::<$kind>(text).map(|_| ()),
                                None => Ok(()),
                            },
                        }
                    }
                }
            )+
        }

        /// The rows of this module in a scope that stores its lines.
        #[derive(Debug)]
        pub struct Rows<S>(std::marker::PhantomData<S>);

        impl<S: $crate::config::schema::row::Stores<$written> + 'static> Rows<S> {
            /// The rows, in the order of the module's page.
            pub const ROWS: &'static [$crate::config::schema::row::Row<S>] = &[
                $(
                    $crate::config::schema::row::Row {
                        directive: directives::$name(),
                        set: |scope, args| {
                            let cell = &mut scope.written().$name;
                            $crate::config::schema::row::set::<$kind>(cell, args)
                        },
                    },
                )+
            ];
        }
    };
}

/// The type of a field of the settings in force.
macro_rules! held_type {
    ($kind:ty, $default:tt) => { <$kind as $crate::config::schema::ValueKind>::Value };
    ($kind:ty) => { Option<<$kind as $crate::config::schema::ValueKind>::Value> };
}

/// The value of such a field.
macro_rules! held_value {
    ($written:ident, $kind:ty) => {
        $written
    };
    ($written:ident, $kind:ty, none) => {
        $written.unwrap_or_default()
    };
    ($written:ident, $kind:ty, $default:tt) => {
        $written.unwrap_or_else(|| {
            // Read once, however many servers there are.
            static DEFAULT: std::sync::LazyLock<
                <$kind as $crate::config::schema::ValueKind>::Value,
            > = std::sync::LazyLock::new(|| {
                $crate::config::schema::row::default_of::<$kind>($default)
            });
            DEFAULT.clone()
        })
    };
}

/// The text of a default, if it has one.
macro_rules! default_text {
    () => {
        None
    };
    (none) => {
        None
    };
    ($text:tt) => {
        Some($text)
    };
}

pub(crate) use {default_text, held_type, held_value, module};
