//! BDAT before the login: there is no message that it belongs to, but its octets must not be read as commands.

use super::SmtpServer;
use crate::proto::line::content;
use crate::proto::smtp::bdat;
use crate::proto::smtp::replies::Reply;
use crate::proto::{Input, Objection, Step, Turn};

impl SmtpServer {
    /// Takes a BDAT command. The reply follows its octets. Without a valid size it is unknown how many these are.
    pub(super) fn chunk(&mut self, line: &[u8], out: &mut Vec<u8>) -> Turn {
        match content(line).ok().and_then(bdat::parse) {
            Some(chunk) => {
                self.chunk = Some(chunk.octets);
                Step::Next.into()
            }
            None => {
                self.reply(Reply::InvalidChunkSize, out);
                Step::Close.objecting(Objection::Malformed)
            }
        }
    }

    /// Discards octets of a chunk, `left` of which are still to come.
    pub(super) fn discard(&mut self, left: u64, input: &mut Input<'_>, out: &mut Vec<u8>) -> Turn {
        let here = usize::try_from(left).unwrap_or(usize::MAX);
        let here = here.min(input.rest().len());
        input.take(here);
        match left - here as u64 {
            0 => {
                self.reply(Reply::BadSequence, out);
                Step::Next.into()
            }
            left => {
                self.chunk = Some(left);
                Step::Read.into()
            }
        }
    }
}
