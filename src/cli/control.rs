//! The commands to the running gateway: `--status`, `--sessions`, `--kick`, `--drain` and `--hold`.

/// A command to the running gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// What is asked for.
    pub request: ControlRequest,
    /// `--format=json`: the answer is one JSON value.
    pub json: bool,
}

/// What is asked of the running gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlRequest {
    /// `--status`: the whole status.
    Status,
    /// `--sessions`: the open sessions, all or those of a login, an address or a backend.
    Sessions(Option<String>),
    /// `--kick`: ends the sessions with these identifiers.
    Kick(Vec<String>),
    /// `--drain`: a backend gets no new sessions.
    Drain(String, Switched),
    /// `--hold`: new sessions of a login get a temporary error.
    Hold(Vec<u8>, Switched),
}

/// Whether something begins or, with `--off`, ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switched {
    /// It begins.
    On,
    /// It ends.
    Off,
}

impl ControlRequest {
    /// The option that asks for it.
    #[must_use]
    pub const fn option(&self) -> &'static str {
        match self {
            Self::Status => "--status",
            Self::Sessions(_) => "--sessions",
            Self::Kick(_) => "--kick",
            Self::Drain(..) => "--drain",
            Self::Hold(..) => "--hold",
        }
    }

    /// Whether it only reads.
    #[must_use]
    pub const fn only_reads(&self) -> bool {
        matches!(self, Self::Status | Self::Sessions(_))
    }

    /// Whether it begins something that `--off` ends.
    pub(super) const fn can_be_off(&self) -> bool {
        matches!(self, Self::Drain(..) | Self::Hold(..))
    }

    /// Has it end what it would begin otherwise.
    pub(super) fn switch_off(&mut self) {
        if let Self::Drain(_, switched) | Self::Hold(_, switched) = self {
            *switched = Switched::Off;
        }
    }
}

/// `--sessions`, with its values.
pub(super) fn sessions(mut values: Vec<Vec<u8>>) -> Result<ControlRequest, Vec<u8>> {
    let filter = values.pop().map(|value| text(&value));
    match values.is_empty() {
        true => Ok(ControlRequest::Sessions(filter)),
        false => Err(b"option \"--sessions\" takes one login, address or backend".to_vec()),
    }
}

/// `--kick`, with its values.
pub(super) fn kick(values: Vec<Vec<u8>>) -> Result<ControlRequest, Vec<u8>> {
    match values.is_empty() {
        true => Err(
            b"option \"--kick\" requires session identifiers, as \"--sessions\" shows them"
                .to_vec(),
        ),
        false => Ok(ControlRequest::Kick(
            values.iter().map(|value| text(value)).collect(),
        )),
    }
}

/// A value as text.
pub(super) fn text(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}
