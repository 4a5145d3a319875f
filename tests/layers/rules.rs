//! The rules, as data: which layer may use which, the crates forbidden per layer, where protocols are distinguished, and the
//! exceptions. An exception that no longer applies fails the test.

/// A module with all its descendants.
pub struct Layer {
    pub module: &'static str,
    /// The modules outside it that it may use, each with its descendants.
    pub may_use: &'static [&'static str],
    pub forbidden_crates: &'static [&'static str],
}

const fn layer(
    module: &'static str,
    may_use: &'static [&'static str],
    forbidden_crates: &'static [&'static str],
) -> Layer {
    Layer {
        module,
        may_use,
        forbidden_crates,
    }
}

/// All modules of the crate root. A module inside another layer has to keep the rules of both.
pub const LAYERS: &[Layer] = &[
    layer("base", &[], &["tokio", "rustls", "tokio_rustls", "socket2"]),
    layer(
        "config",
        &["base"],
        &["tokio", "rustls", "tokio_rustls", "socket2"],
    ),
    layer("config::syntax", &["base"], &[]),
    layer("config::model", &["base", "config::syntax"], &[]),
    layer(
        "config::openssl",
        &["base", "config::model", "config::syntax"],
        &[],
    ),
    layer(
        "config::schema",
        &["base", "config::model", "config::syntax"],
        &[],
    ),
    layer(
        "config::load",
        &[
            "base",
            "config::model",
            "config::openssl",
            "config::schema",
            "config::syntax",
        ],
        &[],
    ),
    layer(
        "config::show",
        &[
            "base",
            "config::load",
            "config::model",
            "config::schema",
            "config::syntax",
        ],
        &[],
    ),
    layer("log", &["base", "config"], &["tokio", "rustls"]),
    layer(
        "proto",
        &["base", "config"],
        &["tokio", "rustls", "nix", "socket2", "getrandom", "jiff"],
    ),
    layer("tls", &["base", "config"], &["tokio", "socket2"]),
    layer("net", &["base", "config"], &[]),
    layer(
        "upstream",
        &["base", "config"],
        &["tokio", "rustls", "socket2"],
    ),
    layer("monitor", &["base", "log"], &["tokio", "rustls"]),
    layer(
        "limit",
        &["base", "config"],
        &["tokio", "rustls", "socket2"],
    ),
    layer(
        "limit_store",
        &["base", "config", "limit", "log", "net", "tls"],
        &[],
    ),
    layer(
        "session",
        &[
            "base",
            "config",
            "limit",
            "limit_store",
            "log",
            "monitor",
            "net",
            "proto",
            "tls",
            "upstream",
        ],
        &[],
    ),
    layer(
        "admin",
        &[
            "base", "cli", "config", "limit", "log", "monitor", "net", "tls", "upstream",
        ],
        &[],
    ),
    layer(
        "process",
        &[
            "admin",
            "base",
            "cli",
            "config",
            "limit",
            "limit_store",
            "log",
            "monitor",
            "net",
            "proto",
            "session",
            "tls",
            "upstream",
        ],
        &[],
    ),
    layer("cli", &["base", "config"], &["tokio", "rustls"]),
    layer("control", &["base", "cli", "config"], &["tokio", "rustls"]),
    layer("why", &["base", "cli", "config"], &["tokio", "rustls"]),
    layer("migrate", &["base", "cli", "config"], &["tokio", "rustls"]),
];

/// A use that the rules above forbid and that is allowed all the same.
pub struct AllowedUse {
    pub from: &'static str,
    pub to: &'static str,
    pub reason: &'static str,
}

pub const ALLOWED_USES: &[AllowedUse] = &[];

/// A cycle between siblings that is allowed.
pub struct AllowedCycle {
    /// The parent module; `crate` for the root.
    pub folder: &'static str,
    /// The siblings that may be in the cycle; it may have fewer.
    pub members: &'static [&'static str],
    pub reason: &'static str,
}

pub const ALLOWED_CYCLES: &[AllowedCycle] = &[];

/// The modules whose code outside tests may name a variant of `base::Protocol`, with the purpose. `base::protocol` itself may.
pub const PROTOCOL_MATCHES: &[(&str, &str)] = &[
    (
        "config::load::merged",
        "merges the settings of the server's protocol",
    ),
    (
        "config::load::server",
        "the protocol of the settings that a server has",
    ),
    (
        "config::schema::values::words",
        "reads the directive `protocol`",
    ),
    (
        "proto::auth_http::request",
        "to be removed: headers that only SMTP sends",
    ),
    ("proto::dialogues", "creates the dialogues"),
    (
        "session::auth_http::request",
        "to be removed: only SMTP needs no password",
    ),
];
