//! The listening sockets of the master: those of the configuration in force, and inherited ones that it does not use.
//!
//! The master keeps all of them open, whatever happens to a worker: clients wait in a queue, and nobody is refused.

use std::collections::{HashMap, HashSet};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::base::Address;
use crate::config::{Config, Socket};
use crate::net::bound_socket::{BoundSocket, NotListening, Port};
use crate::process::bind;
use crate::process::process_log::ProcessLog;

/// The open sockets.
#[derive(Debug, Default)]
pub struct Sockets {
    open: HashMap<Address, BoundSocket>,
    /// Inherited ones with other addresses: those of nginx's `http {}` and `stream {}`. They go to the next binary.
    spare: HashMap<Address, BoundSocket>,
    /// Those of an earlier configuration on which a worker may still accept.
    removed: HashMap<Address, BoundSocket>,
    /// Inherited descriptors that are no listening stream sockets, such as those of `listen … udp`. They do too.
    foreign: Vec<OwnedFd>,
}

/// The sockets that were bound for a configuration that is not in force yet.
#[derive(Debug)]
pub struct Added(HashMap<Address, BoundSocket>);

impl Sockets {
    /// The sockets that another process has passed on.
    pub fn inherited(descriptors: Vec<OwnedFd>) -> Self {
        let mut this = Self::default();
        for descriptor in descriptors {
            match BoundSocket::inherit(descriptor) {
                Ok(bound) => {
                    this.spare.insert(bound.address().clone(), bound);
                }
                Err(NotListening(descriptor)) => this.foreign.push(descriptor),
            }
        }
        this
    }

    /// Binds what a configuration needs besides the sockets that are there. `None`: what went wrong has been said, and nothing
    /// has changed.
    pub fn prepare(&self, config: &Config, log: &ProcessLog) -> Option<Added> {
        let is_there = |address| self.find(address).is_some();
        let missing = config.all_sockets();
        let missing = missing.filter(|socket| !is_there(&socket.address));
        let closed = self.closed_by(config);
        let missing: Vec<_> = missing
            .map(|socket| (socket, in_the_way(socket, &closed)))
            .collect();
        let all_in_the_way = || {
            missing
                .iter()
                .flat_map(|(_, others)| others.iter().copied())
        };
        // Where this fails, bind() fails and says so.
        all_in_the_way().for_each(|other| drop(other.share_port(true)));
        let wanted: Vec<_> = missing
            .iter()
            .map(|(socket, others)| match others.as_slice() {
                // A process that finishes its sessions may still show its status.
                [] if socket.is_of_status() => (*socket, Port::Shared),
                [] => (*socket, Port::Own),
                _ => (*socket, Port::Shared),
            })
            .collect();
        let bound = bind::all(&wanted, log);
        let both = all_in_the_way().chain(bound.iter().flatten());
        both.for_each(|bound| drop(bound.share_port(false)));
        let named = |bound: BoundSocket| (bound.address().clone(), bound);
        Some(Added(bound?.into_iter().map(named).collect()))
    }

    /// A socket that is open for whatever reason.
    fn find(&self, address: &Address) -> Option<&BoundSocket> {
        let found = self.open.get(address).or_else(|| self.spare.get(address));
        found.or_else(|| self.removed.get(address))
    }

    /// The open sockets that a configuration closes.
    fn closed_by(&self, config: &Config) -> Vec<&BoundSocket> {
        let kept = addresses(config);
        let open = self.open.values().chain(self.removed.values());
        open.filter(|bound| !kept.contains(bound.address()))
            .collect()
    }

    /// The sockets of a configuration, given what was bound for it, without those that a worker has because it serves another
    /// configuration: they would take as many descriptors again. It gets the sockets of `status` each time.
    pub fn of<'a>(
        &'a self,
        config: &'a Config,
        added: Option<&'a Added>,
        served: Option<&'a Config>,
    ) -> impl Iterator<Item = (&'a Address, BorrowedFd<'a>)> {
        let served = served.iter().flat_map(|served| &served.sockets);
        let served: HashSet<_> = served.map(|socket| &socket.address).collect();
        config.all_sockets().filter_map(move |socket| {
            let address = &socket.address;
            if served.contains(address) && !socket.is_of_status() {
                return None;
            }
            let bound = added.and_then(|added| added.0.get(address));
            let bound = bound.or_else(|| self.find(address))?;
            Some((address, bound.as_fd()))
        })
    }

    /// Keeps new clients from the sockets that a configuration closes, or lets them in again.
    pub fn hold_removed(&self, config: &Config, hold: bool) {
        let kept = addresses(config);
        let removed = self
            .open
            .values()
            .filter(|bound| !kept.contains(bound.address()));
        // Where it is not possible, a client that comes in the last moment is reset.
        removed.for_each(|bound| drop(bound.hold_new(hold)));
    }

    /// Puts a configuration in force. What it does not have is closed with `close_removed`.
    pub fn commit(&mut self, config: &Config, added: Added, log: &ProcessLog) {
        self.hold_removed(config, true);
        let mut before = std::mem::take(&mut self.open);
        before.extend(added.0);
        for socket in config.all_sockets() {
            let address = &socket.address;
            let bound = before.remove(address);
            let bound = bound.or_else(|| self.spare.remove(address));
            let bound = bound.or_else(|| self.removed.remove(address));
            self.open
                .extend(bound.map(|bound| (address.clone(), bound)));
        }
        self.removed.extend(before);
        self.restore(config, log);
    }

    /// Closes the sockets that no configuration has any more.
    pub fn close_removed(&mut self) {
        self.removed.clear();
    }

    /// Sets the options of the configuration in force, and undoes what a worker may have done to a socket.
    pub fn restore(&self, config: &Config, log: &ProcessLog) {
        for socket in config.all_sockets() {
            if let Some(bound) = self.open.get(&socket.address) {
                bind::report_ignored(&bound.reconfigure(&socket.options), log);
            }
        }
    }

    /// Lets another process bind the ports of `status`, on which a worker that finishes its sessions still accepts.
    pub fn share_status(&self, config: &Config) {
        let status = config.status_sockets.iter();
        let bound = status.filter_map(|socket| self.open.get(&socket.address));
        // Fails for Unix sockets, whose files are removed.
        bound.for_each(|bound| drop(bound.share_port(true)));
    }

    /// Every socket, for the next binary.
    pub fn all(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let bound = self.open.values().chain(self.spare.values());
        bound
            .map(BoundSocket::as_fd)
            .chain(self.foreign.iter().map(AsFd::as_fd))
    }

    /// The addresses of inherited sockets that the configuration in force does not use.
    pub fn unused(&self) -> impl Iterator<Item = &Address> {
        self.spare.keys()
    }

    /// Makes the files of inherited Unix sockets those of this process, which removes them when it closes the sockets.
    pub fn own_files(&mut self) {
        let bound = self.open.values_mut().chain(self.spare.values_mut());
        bound.for_each(BoundSocket::own_file);
    }

    /// Closes all; the files of Unix sockets stay where another process uses them.
    pub fn close(&mut self, keep_files: bool) {
        let mut all = std::mem::take(self);
        if keep_files {
            let bound = all.open.values_mut().chain(all.spare.values_mut());
            bound.for_each(BoundSocket::keep_file);
        }
    }
}

/// The sockets among those that keep a socket from being bound: one of the two has the wildcard address.
fn in_the_way<'a>(socket: &Socket, closed: &[&'a BoundSocket]) -> Vec<&'a BoundSocket> {
    let serves_both = socket.address.is_wildcard() && !socket.options.ipv6only;
    let overlaps = |bound: &&BoundSocket| match (&socket.address, bound.address()) {
        (Address::Inet(new), Address::Inet(old)) => {
            let is_one_family = new.is_ipv4() == old.is_ipv4();
            let is_both = new.is_ipv6() && serves_both || bound.serves_both_families();
            let is_wildcard = socket.address.is_wildcard() || bound.address().is_wildcard();
            new.port() == old.port() && is_wildcard && (is_one_family || is_both)
        }
        _ => false,
    };
    closed.iter().copied().filter(overlaps).collect()
}

fn addresses(config: &Config) -> HashSet<&Address> {
    let addresses = config.all_sockets().map(|socket| &socket.address);
    addresses.collect()
}
