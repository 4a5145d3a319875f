//! The part of a session's log line after the message: the action, the client, the server, the login, the backend.

use std::fmt;

use crate::base::{Address, Escaped};

/// The facts about a session in its log lines. Cheap to build, since it only borrows.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The connection's number, shown as `*N`.
    pub connection: u64,
    /// The action in progress, if the line has it, without `while`: `in auth state`.
    pub action: Option<&'a str>,
    /// The client's address without port; `unix:` for a client on a unix socket.
    pub client: &'a str,
    /// Whether TLS began with STARTTLS.
    pub starttls: bool,
    /// The `listen` address as nginx shows it.
    pub server: &'a str,
    /// The login, once known. Displayed as [`Escaped`] does.
    pub login: Option<&'a [u8]>,
    /// The backend's `address:port`, once chosen.
    pub upstream: Option<&'a str>,
    /// The auth server, in lines about a connection to it. nginx's lines do not have it.
    pub auth: Option<&'a Address>,
}

/// Displays a context after a message: ` while …, client: …, server: …`.
pub(super) struct Suffix<'a>(pub(super) &'a Context<'a>);

impl fmt::Display for Suffix<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Context {
            action,
            client,
            starttls,
            server,
            login,
            upstream,
            auth,
            ..
        } = *self.0;
        if let Some(action) = action {
            write!(out, " while {action}")?;
        }
        write!(out, ", client: {client}")?;
        if starttls {
            out.write_str(" using starttls")?;
        }
        write!(out, ", server: {server}")?;
        if let Some(login) = login {
            write!(out, ", login: \"{}\"", Escaped(login))?;
        }
        if let Some(upstream) = upstream {
            write!(out, ", upstream: {upstream}")?;
        }
        if let Some(auth) = auth {
            write!(out, ", auth: {auth}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: Context<'_> = Context {
        connection: 1,
        action: Some("in auth state"),
        client: "127.0.0.1",
        starttls: false,
        server: "0.0.0.0:25",
        login: None,
        upstream: None,
        auth: None,
    };

    fn shown(context: Context<'_>) -> String {
        Suffix(&context).to_string()
    }

    #[test]
    fn order_is_nginx_order() {
        assert_eq!(
            shown(CONTEXT),
            " while in auth state, client: 127.0.0.1, server: 0.0.0.0:25"
        );
        let all = Context {
            action: None,
            starttls: true,
            login: Some(b"a\r\n@b"),
            upstream: Some("10.0.0.1:25"),
            auth: Some(&Address::Unix("/auth".into())),
            ..CONTEXT
        };
        assert_eq!(
            shown(all),
            ", client: 127.0.0.1 using starttls, server: 0.0.0.0:25, login: \"a\\x0D\\x0A@b\", upstream: 10.0.0.1:25, auth: unix:/auth"
        );
    }
}
