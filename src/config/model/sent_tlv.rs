//! `proxy_protocol_tlv`: an extension of the PROXY headers that backends get.

use super::variable::Template;
use crate::base::TlvName;

/// A line of `proxy_protocol_tlv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentTlv {
    /// The extension.
    pub name: TlvName,
    /// Its value. Where it is empty, the extension is left out.
    pub value: Template,
}
