//! The running gateway: where its configuration says that it can be asked.

use std::io;

use super::Failure;
use super::http::{Answer, ask};
use super::unchecked::Unchecked;
use crate::base::{Address, Errno};
use crate::cli::ControlRequest;
use crate::config::{self, Options, StatusListen, World};

/// The addresses where the gateway can be asked, the best first.
#[derive(Debug)]
pub(super) struct Gateway {
    places: Vec<StatusListen>,
}

impl Gateway {
    /// The addresses of the configuration that a command can use: a Unix socket first, then one with a token. Without either, anybody on
    /// the machine could change something, so the gateway refuses it.
    ///
    /// # Errors
    /// The configuration cannot be loaded, or has no such address.
    pub fn configured(
        request: &ControlRequest,
        options: &Options,
        world: &dyn World,
    ) -> Result<Self, Failure> {
        let world = Unchecked::new(world);
        let loaded = config::load(&world, options, &mut |_| ());
        let loaded = loaded.map_err(|fault| {
            Failure::NotAsked(String::from_utf8_lossy(&fault.text()).into_owned())
        })?;
        let (option, file) = (request.option(), options.file.display());
        let mut places = loaded.config.core.status;
        if places.is_empty() {
            return Err(Failure::NotAsked(format!(
                "\"status\" is not set in \"{file}\", and without it {option} cannot ask the gateway: a line like \
                 \"status unix:/run/portcullis/status.sock;\" is needed"
            )));
        }
        if !request.only_reads() {
            places.retain(|place| rank(place) < READ_ONLY);
            if places.is_empty() {
                return Err(Failure::NotAsked(format!(
                    "no \"status\" line in \"{file}\" has a Unix socket or a token, and {option} needs one of them"
                )));
            }
        }
        places.sort_by_key(rank);
        Ok(Self { places })
    }

    /// The body of a page.
    pub fn get(&self, path: &str) -> Result<String, Failure> {
        self.ask("GET", path)
    }

    /// The body of the answer to a change.
    pub fn post(&self, path: &str) -> Result<String, Failure> {
        self.ask("POST", path)
    }

    /// Asks at the first address that answers.
    fn ask(&self, method: &str, path: &str) -> Result<String, Failure> {
        let mut first = None;
        for place in &self.places {
            let why = match &place.token {
                Some(token) if token.reveal().is_empty() => unreadable(place),
                token => match ask(&place.address, token.as_ref(), (method, path)) {
                    Ok(answer) => return judged(answer, place),
                    Err(error) => unreachable(place, &error),
                },
            };
            first.get_or_insert(why);
        }
        Err(Failure::NotAsked(first.unwrap_or_default()))
    }
}

/// The rank of an address where everybody on the machine may read.
const READ_ONLY: u8 = 2;

fn rank(place: &StatusListen) -> u8 {
    match (&place.address, &place.token) {
        (Address::Unix(_), _) => 0,
        (Address::Inet(_), Some(_)) => 1,
        (Address::Inet(_), None) => READ_ONLY,
    }
}

/// What an answer says about the request.
fn judged(answer: Answer, place: &StatusListen) -> Result<String, Failure> {
    let Answer { code, body } = answer;
    let (address, text) = (&place.address, body.trim_end());
    match code {
        200..=299 => Ok(body),
        400 | 404 | 409 => Err(Failure::Refused(text.to_owned())),
        401 => Err(Failure::NotAsked(format!(
            "the gateway at {address} has another token than the configuration: was it reloaded?"
        ))),
        405 => Err(Failure::NotAsked(format!(
            "the gateway at {address} is of a version that cannot do this"
        ))),
        _ => Err(Failure::NotAsked(format!(
            "the gateway at {address} refuses the request ({code}): {text}"
        ))),
    }
}

/// Why the token cannot be sent.
fn unreadable(place: &StatusListen) -> String {
    let address = &place.address;
    format!("permission denied for the token of {address}: this user may not read its file")
}

/// Why there is no answer.
fn unreachable(place: &StatusListen, error: &io::Error) -> String {
    let (address, errno) = (&place.address, Errno(error));
    match error.kind() {
        io::ErrorKind::PermissionDenied => format!(
            "permission denied for {address}{errno}: this needs root, or a member of the group of the socket"
        ),
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => format!(
            "nobody listens on {address}{errno}: portcullis is not running, or not with this configuration"
        ),
        _ => format!("no answer from {address}{errno}"),
    }
}
