//! Resources that lines claim in the whole configuration: addresses, shared memory zones, log files.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::base::Address;
use crate::config::model::LimitZone;
use crate::config::schema::values::{limit, session_cache};
use crate::config::schema::{ValueError, absolute, refuse};

/// The claims so far.
#[derive(Debug, Default)]
pub struct Claims {
    addresses: HashSet<Address>,
    /// Shared memory zones, in the order in which they are named first.
    zones: Vec<Zone>,
    /// The files of all `error_log` and `mail_log` lines, once each, in the order written.
    pub log_files: Vec<PathBuf>,
}

/// A shared memory zone.
#[derive(Debug)]
struct Zone {
    name: Box<[u8]>,
    /// The module that uses it.
    user: ZoneUser,
    /// In bytes; `None` where it is only used so far.
    size: Option<usize>,
    /// The key of a limit's zone, where it is defined.
    key: Option<Box<[u8]>>,
}

/// A module that uses a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneUser {
    /// `ssl_session_cache`
    Tls,
    /// `limit_conn`
    Conn,
    /// `limit_session`
    Session,
    /// `limit_auth`
    Auth,
}

impl Claims {
    /// Claims the addresses of a line.
    ///
    /// # Errors
    /// Another line has one of them.
    pub fn addresses<'a>(
        &mut self,
        addresses: impl IntoIterator<Item = &'a Address>,
    ) -> Result<(), ValueError> {
        for address in addresses {
            if !self.addresses.insert(address.clone()) {
                return Err(refuse!(format!(
                    "duplicate \"{address}\" address and port pair"
                )));
            }
        }
        Ok(())
    }

    /// Declares the zones of an `ssl_session_cache` line. nginx checks word by word,
    /// before it reads the next word.
    ///
    /// # Errors
    /// A zone has another size elsewhere.
    pub fn zones(&mut self, words: &[Box<[u8]>]) -> Result<(), ValueError> {
        for (name, size) in session_cache::zones(words) {
            self.zone(&name, ZoneUser::Tls, Some(size))?;
        }
        Ok(())
    }

    /// Defines the zone of a limit.
    ///
    /// # Errors
    /// It is defined elsewhere, or has another size or use there.
    pub fn limit_zone(&mut self, zone: &LimitZone) -> Result<(), ValueError> {
        let directive = zone.kind.directive();
        let user = match directive {
            "limit_conn_zone" => ZoneUser::Conn,
            "limit_session_zone" => ZoneUser::Session,
            _ => ZoneUser::Auth,
        };
        let declared = self.zone(&zone.name, user, Some(zone.size))?;
        if let Some(key) = &declared.key {
            let name = &zone.name;
            let middle = "\" is already bound to key \"";
            return Err(refuse!(directive, " \"", name, middle, key, "\""));
        }
        declared.key = Some(zone.key.written.clone());
        Ok(())
    }

    /// Notes that a line uses a zone, which may be defined later.
    ///
    /// # Errors
    /// It has another use.
    pub fn uses_zone(&mut self, name: &[u8], user: ZoneUser) -> Result<(), ValueError> {
        self.zone(name, user, None).map(|_| ())
    }

    /// The zones that are used and not defined.
    pub fn undefined_zones(&self) -> impl Iterator<Item = &[u8]> {
        let zones = self.zones.iter().filter(|zone| zone.size.is_none());
        zones.map(|zone| &*zone.name)
    }

    /// As `ngx_shared_memory_add`.
    fn zone(
        &mut self,
        name: &[u8],
        user: ZoneUser,
        size: Option<usize>,
    ) -> Result<&mut Zone, ValueError> {
        let known = self.zones.iter().position(|zone| *zone.name == *name);
        let at = known.unwrap_or_else(|| {
            self.zones.push(Zone {
                name: name.into(),
                user,
                size,
                key: None,
            });
            self.zones.len() - 1
        });
        let zone = &mut self.zones[at];
        if zone.user != user {
            return Err(limit::other_use(name));
        }
        match (zone.size, size) {
            (Some(before), Some(size)) if before != size => {
                let begin = format!("the size {size} of shared memory zone \"");
                let end = format!("\" conflicts with already declared size {before}");
                Err(refuse!(begin, name, end))
            }
            (before, size) => {
                zone.size = before.or(size);
                Ok(zone)
            }
        }
    }

    /// Notes the destination of an `error_log` or `mail_log` line, if it is a file.
    pub fn log_file(&mut self, prefix: &Path, name: &[u8]) {
        let is_file = !matches!(name, b"" | b"stderr") && !name.starts_with(b"syslog:");
        let path = absolute(prefix, name);
        if is_file && !self.log_files.contains(&path) {
            self.log_files.push(path);
        }
    }
}
