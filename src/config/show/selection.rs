//! What `--dump-config` prints: everything, or a part of it.

use super::settings::Settings;
use crate::base::Address;
use crate::config::load::config::Config;
use crate::config::load::server::Server;

/// `--changed` and `--server`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Settings that differ from their default only.
    pub changed: bool,
    /// The servers that listen on this address only: as in `listen`, or a port, a host or a `server_name`.
    pub server: Option<Vec<u8>>,
}

/// No server listens on the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSuchServer {
    /// The address as given.
    pub wanted: Vec<u8>,
    /// All addresses of the configuration.
    pub known: Vec<Address>,
}

impl NoSuchServer {
    /// The sentence for standard error.
    pub fn text(&self) -> String {
        let wanted = String::from_utf8_lossy(&self.wanted);
        let known: Vec<String> = self.known.iter().map(Address::to_string).collect();
        match known.as_slice() {
            [] => format!("no server listens on \"{wanted}\": the configuration has no servers"),
            known => format!(
                "no server listens on \"{wanted}\"; the addresses are: {}",
                known.join(", ")
            ),
        }
    }
}

impl Selection {
    /// The selected servers of a configuration.
    ///
    /// # Errors
    /// No server listens on the address.
    pub fn servers<'c>(&self, config: &'c Config) -> Result<Vec<&'c Server>, NoSuchServer> {
        let all: Vec<&Server> = config.servers.iter().map(|server| &**server).collect();
        let Some(wanted) = &self.server else {
            return Ok(all);
        };
        let addresses = |server: &Server| -> Vec<Address> {
            let listens = server.mail.listen.iter();
            listens
                .flat_map(|listen| listen.addresses.clone())
                .collect()
        };
        let text = String::from_utf8_lossy(wanted);
        let known = all.iter().flat_map(|server| addresses(server)).collect();
        let is_it = |server: &&Server| is_meant(&server.name, &addresses(server), &text);
        let selected: Vec<&Server> = all.into_iter().filter(is_it).collect();
        match selected.is_empty() {
            true => Err(NoSuchServer {
                wanted: wanted.clone(),
                known,
            }),
            false => Ok(selected),
        }
    }

    /// Removes what is not selected.
    ///
    /// # Errors
    /// No server listens on the address.
    pub fn apply(&self, mut settings: Settings) -> Result<Settings, NoSuchServer> {
        if let Some(wanted) = &self.server {
            let servers = settings.mail.iter().flat_map(|mail| &mail.servers);
            let known: Vec<Address> = servers
                .flat_map(|server| server.addresses.clone())
                .collect();
            (settings.main, settings.events) = (Vec::new(), None);
            settings.foreign.clear();
            settings.answered.clear();
            let text = String::from_utf8_lossy(wanted);
            if let Some(mail) = &mut settings.mail {
                mail.servers
                    .retain(|server| is_meant(&server.name, &server.addresses, &text));
            }
            let is_empty = settings.mail.iter().all(|mail| mail.servers.is_empty());
            if is_empty {
                let wanted = wanted.clone();
                return Err(NoSuchServer { wanted, known });
            }
        }
        if self.changed {
            let servers = settings.mail.iter_mut().flat_map(|mail| &mut mail.servers);
            let blocks = servers.map(|server| &mut server.block);
            let blocks = blocks.chain(&mut settings.events);
            let lists = blocks.map(|block| &mut block.settings);
            for list in lists.chain([&mut settings.main]) {
                list.retain(|setting| setting.is_changed());
            }
        }
        Ok(settings)
    }
}

/// Whether `wanted` names the server: one of its addresses, the port or the host of one, or its name.
fn is_meant(name: &[u8], addresses: &[Address], wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted.as_bytes())
        || addresses.iter().any(|address| is_address(address, wanted))
}

fn is_address(address: &Address, wanted: &str) -> bool {
    if let Some(port) = wanted.strip_prefix("*:") {
        return address.is_wildcard() && port.parse() == Ok(address.port());
    }
    let colon = wanted.strip_prefix(':');
    let port = colon.filter(|port| !port.contains(':')).unwrap_or(wanted);
    match address {
        Address::Inet(inet) => {
            let host = wanted.trim_start_matches('[').trim_end_matches(']');
            port.parse() == Ok(inet.port())
                || wanted.parse() == Ok(*inet)
                || host.parse() == Ok(inet.ip())
                || (wanted == "*" && address.is_wildcard())
        }
        Address::Unix(path) => {
            wanted.strip_prefix("unix:").unwrap_or(wanted) == path.to_string_lossy()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_named_whole_or_in_part() {
        let inet = |text: &str| Address::Inet(text.parse().expect("an address"));
        let cases = [
            ("127.0.0.1:25", "127.0.0.1:25", true),
            ("127.0.0.1:25", "25", true),
            ("127.0.0.1:25", ":25", true),
            ("127.0.0.1:25", "127.0.0.1", true),
            ("127.0.0.1:25", "*:25", false),
            ("127.0.0.1:25", "127.0.0.1:26", false),
            ("127.0.0.1:25", "2", false),
            ("127.0.0.1:25", "127.0.0.2", false),
            ("0.0.0.0:25", "*:25", true),
            ("0.0.0.0:25", "0.0.0.0:25", true),
            ("0.0.0.0:25", "*", true),
            ("[::1]:25", "[::1]:25", true),
            ("[::1]:25", "::1", true),
            ("[::1]:25", "[::1]", true),
            ("[::1]:25", "25", true),
        ];
        for (address, wanted, is) in cases {
            assert_eq!(is_address(&inet(address), wanted), is, "{address} {wanted}");
        }
        let unix = Address::Unix("/run/x".into());
        assert!(is_address(&unix, "unix:/run/x") && is_address(&unix, "/run/x"));
        assert!(!is_address(&unix, "0") && !is_address(&unix, ""));
    }
}
