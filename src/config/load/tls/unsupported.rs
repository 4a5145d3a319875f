//! Warnings about settings that are accepted without effect: old versions of TLS, suites and groups that are not supported, DH
//! parameters, commands of OpenSSL. There is one for each directive and file.

use crate::base::Level;
use crate::config::load::scopes::ServerLines;
use crate::config::model::{Command, NamedVersions};
use crate::config::openssl::{ciphers, groups, unsupported};
use crate::config::schema::modules::{ProxySsl, Ssl, proxy_ssl, ssl};
use crate::config::schema::{Directive, Scope};
use crate::config::syntax::{Diagnostic, Lint, Span, Spanned, message};

/// The values of a directive, in the lines of one file, that have no effect.
#[derive(Debug)]
pub struct Unsupported {
    directive: &'static Directive,
    /// The first line that has some.
    span: Span,
    /// The values, each once.
    names: Vec<Vec<u8>>,
    treatment: Treatment,
}

/// What the gateway does instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Treatment {
    /// The values are left out.
    Ignored,
    /// The lines have no other values, so that the default versions are offered.
    Replaced,
    /// The commands change nothing.
    WithoutEffect,
}

impl Unsupported {
    /// The warning.
    pub fn warning(&self) -> Diagnostic {
        let quoted = self.names.iter().map(|name| message!("\"", name, "\""));
        let names = quoted.collect::<Vec<_>>().join(&b", "[..]);
        let is_one = self.names.len() == 1;
        let verb = if is_one { "is" } else { "are" };
        let directive = self.directive.name;
        let end = match self.treatment {
            Treatment::Ignored => format!("{verb} never negotiated, ignored"),
            Treatment::Replaced => format!(
                "{verb} never negotiated, \"{directive}\" offers TLSv1.2 and TLSv1.3 instead"
            ),
            Treatment::WithoutEffect => {
                let verb = if is_one { "has" } else { "have" };
                format!("of \"{directive}\" {verb} no effect")
            }
        };
        let message = message!(names, " ", end);
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
    let mut add = |directive, span, names| add(found, directive, span, names, Treatment::Ignored);
    add(
        ssl::directives::ssl_ciphers(),
        place(lines, |scope| &scope.ssl.ssl_ciphers),
        ciphers::unsupported(&settings.ssl_ciphers),
    );
    let dhparam = settings.ssl_dhparam.as_ref();
    let dhparam = dhparam.map(|_| b"ssl_dhparam".to_vec());
    add(
        ssl::directives::ssl_dhparam(),
        place(lines, |scope| &scope.ssl.ssl_dhparam),
        dhparam.into_iter().collect(),
    );
    add(
        ssl::directives::ssl_ecdh_curve(),
        place(lines, |scope| &scope.ssl.ssl_ecdh_curve),
        groups::unsupported(&settings.ssl_ecdh_curve),
    );
    commands(
        found,
        ssl::directives::ssl_conf_command(),
        &place(lines, |scope| &scope.ssl.ssl_conf_command),
        &settings.ssl_conf_command,
    );
}

/// Collects the values of the TLS settings towards backends.
pub fn towards_backends(found: &mut Vec<Unsupported>, lines: ServerLines<'_>, settings: &ProxySsl) {
    versions(
        found,
        proxy_ssl::directives::proxy_ssl_protocols(),
        lines.line(|scope| &scope.proxy_ssl.proxy_ssl_protocols),
    );
    add(
        found,
        proxy_ssl::directives::proxy_ssl_ciphers(),
        place(lines, |scope| &scope.proxy_ssl.proxy_ssl_ciphers),
        ciphers::unsupported(&settings.proxy_ssl_ciphers),
        Treatment::Ignored,
    );
    commands(
        found,
        proxy_ssl::directives::proxy_ssl_conf_command(),
        &place(lines, |scope| &scope.proxy_ssl.proxy_ssl_conf_command),
        &settings.proxy_ssl_conf_command,
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
    let Some(line) = line else {
        return;
    };
    let names = line.value.unsupported();
    let names = names.map(|name| name.as_bytes().to_vec()).collect();
    let treatment = match line.value.is_outdated() {
        true => Treatment::Replaced,
        false => Treatment::Ignored,
    };
    add(found, directive, line.span.clone(), names, treatment);
}

fn commands(
    found: &mut Vec<Unsupported>,
    directive: &'static Directive,
    span: &Span,
    commands: &[Command],
) {
    for (name, value) in commands {
        let values = unsupported::in_command(name, value);
        add(found, directive, span.clone(), values, Treatment::Ignored);
        let idle = unsupported::without_effect(name, value);
        add(
            found,
            directive,
            span.clone(),
            idle,
            Treatment::WithoutEffect,
        );
    }
}

fn add(
    found: &mut Vec<Unsupported>,
    directive: &'static Directive,
    span: Span,
    names: Vec<Vec<u8>>,
    treatment: Treatment,
) {
    if names.is_empty() {
        return;
    }
    let is_it = |one: &&mut Unsupported| {
        one.directive.is(directive)
            && one.treatment == treatment
            && one.span.source.name == span.source.name
    };
    match found.iter_mut().find(is_it) {
        None => found.push(Unsupported {
            directive,
            span,
            names,
            treatment,
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
