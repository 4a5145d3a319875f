//! Warnings about settings accepted but never negotiated: old versions of TLS, suites and groups that are not supported, DH
//! parameters. There is one for each directive and file.

use crate::base::Level;
use crate::config::load::scopes::ServerLines;
use crate::config::model::NamedVersions;
use crate::config::openssl::{ciphers, groups, unsupported};
use crate::config::schema::modules::{ProxySsl, Ssl, proxy_ssl, ssl};
use crate::config::schema::{Directive, Scope};
use crate::config::syntax::{Diagnostic, Lint, Span, Spanned, message};

/// The values of a directive, in the lines of one file, that are never negotiated.
#[derive(Debug)]
pub struct Unsupported {
    directive: &'static Directive,
    /// The first line that has some.
    span: Span,
    /// The values, each once.
    names: Vec<Vec<u8>>,
    /// Whether the lines have no other values, so that the default versions are offered.
    is_replaced: bool,
}

impl Unsupported {
    /// The warning.
    pub fn warning(&self) -> Diagnostic {
        let quoted = self.names.iter().map(|name| message!("\"", name, "\""));
        let names = quoted.collect::<Vec<_>>().join(&b", "[..]);
        let verb = if self.names.len() > 1 { "are" } else { "is" };
        let end = match self.is_replaced {
            true => format!(
                "never negotiated, \"{}\" offers TLSv1.2 and TLSv1.3 instead",
                self.directive.name
            ),
            false => "never negotiated, ignored".to_owned(),
        };
        let message = message!(names, " ", verb, " ", end);
        Diagnostic::new(Level::Warn, message, &self.span).named(Lint::Unsupported)
    }
}

/// Collects the values of the TLS settings towards clients.
pub fn towards_clients(found: &mut Vec<Unsupported>, lines: ServerLines<'_>, settings: &Ssl) {
    versions(
        found,
        ssl::directives::ssl_protocols(),
        lines.line(|scope| &scope.ssl.ssl_protocols),
    );
    let mut add = |directive, span, names| add(found, directive, span, names, false);
    add(
        ssl::directives::ssl_ciphers(),
        place(lines, |scope| &scope.ssl.ssl_ciphers),
        ciphers::unsupported(&settings.ssl_ciphers),
    );
    let dhparam = settings.ssl_dhparam.as_ref();
    add(
        ssl::directives::ssl_dhparam(),
        place(lines, |scope| &scope.ssl.ssl_dhparam),
        dhparam
            .map(|_| b"ssl_dhparam".to_vec())
            .into_iter()
            .collect(),
    );
    add(
        ssl::directives::ssl_ecdh_curve(),
        place(lines, |scope| &scope.ssl.ssl_ecdh_curve),
        groups::unsupported(&settings.ssl_ecdh_curve),
    );
    let commands = settings.ssl_conf_command.iter();
    add(
        ssl::directives::ssl_conf_command(),
        place(lines, |scope| &scope.ssl.ssl_conf_command),
        commands
            .flat_map(|(name, value)| unsupported::in_command(name, value))
            .collect(),
    );
}

/// Collects the values of the TLS settings towards backends.
pub fn towards_backends(found: &mut Vec<Unsupported>, lines: ServerLines<'_>, settings: &ProxySsl) {
    versions(
        found,
        proxy_ssl::directives::proxy_ssl_protocols(),
        lines.line(|scope| &scope.proxy_ssl.proxy_ssl_protocols),
    );
    let mut add = |directive, span, names| add(found, directive, span, names, false);
    add(
        proxy_ssl::directives::proxy_ssl_ciphers(),
        place(lines, |scope| &scope.proxy_ssl.proxy_ssl_ciphers),
        ciphers::unsupported(&settings.proxy_ssl_ciphers),
    );
    let commands = settings.proxy_ssl_conf_command.iter();
    add(
        proxy_ssl::directives::proxy_ssl_conf_command(),
        place(lines, |scope| &scope.proxy_ssl.proxy_ssl_conf_command),
        commands
            .flat_map(|(name, value)| unsupported::in_command(name, value))
            .collect(),
    );
}

/// The position of the line in force; a default has none.
fn place<'a, T: 'a>(
    lines: ServerLines<'a>,
    of: impl Fn(&'a Scope) -> &'a Option<Spanned<T>>,
) -> Span {
    lines
        .line(of)
        .map_or_else(Span::nowhere, |line| line.span.clone())
}

fn versions(
    found: &mut Vec<Unsupported>,
    directive: &'static Directive,
    line: Option<&Spanned<NamedVersions>>,
) {
    if let Some(line) = line {
        let names = line
            .value
            .unsupported()
            .map(|name| name.as_bytes().to_vec());
        let is_replaced = line.value.is_outdated();
        add(
            found,
            directive,
            line.span.clone(),
            names.collect(),
            is_replaced,
        );
    }
}

fn add(
    found: &mut Vec<Unsupported>,
    directive: &'static Directive,
    span: Span,
    names: Vec<Vec<u8>>,
    is_replaced: bool,
) {
    if names.is_empty() {
        return;
    }
    let is_it = |one: &&mut Unsupported| {
        one.directive.is(directive)
            && one.is_replaced == is_replaced
            && one.span.source.name == span.source.name
    };
    match found.iter_mut().find(is_it) {
        None => found.push(Unsupported {
            directive,
            span,
            names,
            is_replaced,
        }),
        Some(one) => {
            for name in names {
                if !one.names.contains(&name) {
                    one.names.push(name);
                }
            }
        }
    }
}
