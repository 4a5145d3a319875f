//! Resources that lines claim in the whole configuration: addresses, shared memory zones, log files.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use crate::base::Address;
use crate::config::model::Listen;
use crate::config::schema::values::session_cache;
use crate::config::schema::{ValueError, absolute, refuse};

/// The claims so far.
#[derive(Debug, Default)]
pub struct Claims {
    addresses: HashSet<Address>,
    /// Zones and their sizes in bytes.
    zones: HashMap<Box<[u8]>, usize>,
    /// The files of all `error_log` and `mail_log` lines, once each, in the order written.
    pub log_files: Vec<PathBuf>,
}

impl Claims {
    /// Claims the addresses of a `listen` line.
    ///
    /// # Errors
    /// Another line has one of them.
    pub fn addresses(&mut self, listen: &Listen) -> Result<(), ValueError> {
        for address in &listen.addresses {
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
            let before = *self.zones.entry(name.clone()).or_insert(size);
            if before != size {
                let begin = format!("the size {size} of shared memory zone \"");
                let end = format!("\" conflicts with already declared size {before}");
                return Err(refuse!(begin, name, end));
            }
        }
        Ok(())
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
