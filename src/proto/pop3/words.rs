//! What a POP3 client hears.

use super::reply::Code;

pub(super) const GREETING: &[u8] = b"+OK POP3 ready";
pub(super) const OK: &[u8] = b"+OK\r\n";
pub(super) const CAPABILITIES: &[u8] = b"+OK Capability list follows\r\n";
/// The capability that stands for USER and PASS.
pub(super) const USER: &[u8] = b"USER";
pub(super) const METHODS: &[u8] = b"+OK methods supported:\r\n";
pub(super) const END: &[u8] = b".\r\n";
pub(super) const CHALLENGE: &[u8] = b"+ ";
pub(super) const INVALID_COMMAND: &[u8] = b"-ERR invalid command\r\n";
pub(super) const INTERNAL_ERROR: &[u8] = b"-ERR internal server error\r\n";
pub(super) const TIMEOUT: &[u8] = b"-ERR timeout\r\n";
pub(super) const UNKNOWN_MECHANISM: &[u8] = b"-ERR unsupported authentication mechanism\r\n";
pub(super) const UNAVAILABLE: &[u8] =
    b"-ERR [SYS/TEMP] mail server temporarily unavailable, try again later\r\n";

/// A refusal in our own words, where the backend's are not to be shown: its response code is.
pub(super) fn judgement(code: Option<Code>) -> &'static [u8] {
    match code {
        None => b"-ERR authentication failed\r\n",
        Some(Code::Auth) => b"-ERR [AUTH] authentication failed\r\n",
        Some(Code::InUse) => b"-ERR [IN-USE] mailbox in use\r\n",
        Some(Code::LoginDelay) => b"-ERR [LOGIN-DELAY] try again later\r\n",
        Some(Code::Temporary) => b"-ERR [SYS/TEMP] temporary authentication failure\r\n",
        Some(Code::Permanent) => b"-ERR [SYS/PERM] authentication not possible\r\n",
    }
}
