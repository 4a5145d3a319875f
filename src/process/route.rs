//! `--route`: the backend of a login, and the line that decides. Nothing is asked and nothing is opened but the configuration.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::base::{Address, Escaped};
use crate::cli::RouteQuestion;
use crate::config::{
    self, AuthTarget, Authenticator, BackendAddress, Found, ProxyPass, ProxyRoute, Server,
    SessionField, SessionVariable, Variable, VariableSource, World, backend_address,
};

/// Prints the backend in each selected server. The exit code is 1 if the login has none in any of them.
#[must_use]
pub fn route(question: &RouteQuestion, options: &config::Options, world: &dyn World) -> ExitCode {
    let fail = |message: &dyn std::fmt::Display| {
        eprintln!("{}: {message}", options.program);
        ExitCode::FAILURE
    };
    let loaded = match config::load(world, options, &mut |_| ()) {
        Ok(loaded) => loaded,
        Err(fault) => return fail(&String::from_utf8_lossy(&fault.text())),
    };
    let servers = match question.selection.servers(&loaded.config) {
        Ok(servers) => servers,
        Err(why) => return fail(&why.text()),
    };
    let mut text = String::new();
    let mut is_found = false;
    for server in servers {
        let answer = answer(server, &question.login);
        is_found |= answer.is_ok();
        let (Ok(line) | Err(line)) = answer;
        let addresses = server
            .mail
            .listen
            .iter()
            .flat_map(|listen| &listen.addresses);
        let addresses: Vec<String> = addresses.map(Address::to_string).collect();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}: {line}", addresses.join(", "));
    }
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) if is_found => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// What decides about a login in a server. The error is a line that says why there is no backend.
fn answer(server: &Server, login: &[u8]) -> Result<String, String> {
    match &server.authenticator {
        Authenticator::Backend(proxy_pass) => backend(server, proxy_pass, login),
        Authenticator::AuthHttp {
            server: asked,
            fallback,
            ..
        } => {
            let begin = match &asked.answer {
                None => format!("the auth server {} decides", shown(asked)),
                Some(answer) => format!("{} decides, in place of {}", answer.block, shown(asked)),
            };
            Ok(match fallback {
                None => begin,
                Some(proxy_pass) => {
                    let (Ok(line) | Err(line)) = backend(server, proxy_pass, login);
                    format!("{begin}; where it names no backend: {line}")
                }
            })
        }
    }
}

fn shown(target: &AuthTarget) -> String {
    let scheme = if target.url.tls { "https" } else { "http" };
    let host = String::from_utf8_lossy(&target.url.host);
    let uri = String::from_utf8_lossy(&target.url.uri);
    format!("{scheme}://{host}{uri}")
}

fn backend(server: &Server, proxy_pass: &ProxyPass, login: &[u8]) -> Result<String, String> {
    match proxy_pass {
        ProxyPass::Upstream(upstream) => {
            let addresses = listed(upstream.group.addresses());
            Ok(format!("{addresses}, for every login"))
        }
        ProxyPass::Route(route) => routed(server, route, login),
    }
}

fn routed(server: &Server, route: &ProxyRoute, login: &[u8]) -> Result<String, String> {
    let client = Asked { server, login };
    let (value, steps) = route.text.template.trace(&client);
    let mut how = String::new();
    for step in steps {
        let (variable, key) = (&step.variable, Escaped(&step.key));
        let _ = match &step.found {
            Found::Line(span) => write!(how, ", \"{key}\" in \"${variable}\" by {span}"),
            Found::Default(span) => {
                write!(how, ", \"{key}\" in \"${variable}\" by the default, {span}")
            }
            Found::Nothing => write!(how, ", \"{key}\" has no value in \"${variable}\""),
        };
    }
    if route
        .text
        .template
        .names(&|variable| !Asked::knows(variable))
    {
        how.push_str(" (variables of a client are empty here)");
    }
    if value.is_empty() {
        return Err(format!("no backend{how}"));
    }
    if let Some(group) = route.group(&value) {
        let addresses = listed(group.addresses());
        return Ok(format!("upstream {}: {addresses}{how}", group.name));
    }
    let address = match backend_address(&value, server.protocol().port()) {
        Ok(BackendAddress::Literal { addresses, .. }) => listed(&addresses),
        Ok(BackendAddress::Name(host, port)) => format!("{host}:{port}"),
        Err(reason) => return Err(format!("{reason} in \"{}\"{how}", Escaped(&value))),
    };
    Ok(format!("{address}{how}"))
}

fn listed<'a>(addresses: impl IntoIterator<Item = &'a Address>) -> String {
    let addresses = addresses.into_iter().map(Address::to_string);
    addresses.collect::<Vec<_>>().join(", ")
}

/// A client of which only the login and the server are known.
struct Asked<'a> {
    server: &'a Server,
    login: &'a [u8],
}

impl Asked<'_> {
    fn knows(variable: &Variable) -> bool {
        use SessionVariable as Name;
        matches!(
            variable,
            Variable::Session(
                Name::RemoteUser
                    | Name::RemoteUserLocal
                    | Name::RemoteUserDomain
                    | Name::Protocol
                    | Name::ServerName
                    | Name::ServerAddr
                    | Name::ServerPort
            ) | Variable::SessionField(SessionField::Login | SessionField::Protocol)
                | Variable::Defined(_)
                | Variable::Capture(_)
        )
    }
}

impl VariableSource for Asked<'_> {
    fn append(&self, variable: &Variable, out: &mut Vec<u8>) -> bool {
        use SessionVariable as Name;
        let login = self.login;
        let at = login.iter().rposition(|byte| *byte == b'@');
        let listen = self.server.mail.listen.first();
        let address = listen.and_then(|listen| listen.addresses.first());
        let inet = match address {
            Some(Address::Inet(inet)) => Some(inet),
            Some(Address::Unix(_)) | None => None,
        };
        let value = match variable {
            Variable::Session(Name::RemoteUser) | Variable::SessionField(SessionField::Login) => {
                Some(login.to_vec())
            }
            Variable::Session(Name::RemoteUserLocal) => {
                Some(login[..at.unwrap_or(login.len())].to_vec())
            }
            Variable::Session(Name::RemoteUserDomain) => at.map(|at| login[at + 1..].to_vec()),
            Variable::Session(Name::Protocol) | Variable::SessionField(SessionField::Protocol) => {
                Some(self.server.protocol().word().into())
            }
            Variable::Session(Name::ServerName) => Some(self.server.name.to_vec()),
            Variable::Session(Name::ServerAddr) => inet.map(|inet| inet.ip().to_string().into()),
            Variable::Session(Name::ServerPort) => inet.map(|inet| inet.port().to_string().into()),
            _ => None,
        };
        out.extend(value.iter().flatten());
        value.is_some()
    }
}
