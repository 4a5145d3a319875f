//! Handles the backend's replies.

use super::data::Data;
use super::{Ambiguity, Event, Fault, Follower, Newlines, Observer, Phase, Reply, Request, Screen};

impl Follower {
    /// Handles a complete reply.
    pub(super) fn reply<O: Observer>(
        &mut self,
        reply: &Reply,
        observer: &mut O,
    ) -> Result<(), Fault> {
        let code = reply.code;
        // The reply to STARTTLS and to XCLIENT, neither of which has passed.
        if code == 220 {
            return Err(Fault::UnexpectedReply);
        }
        let request = match (self.outstanding.pop(), &self.phase) {
            (None, Phase::Data(data)) if data.may_have_ended() && code / 100 != 3 => {
                // The backend ends messages at an ambiguous end, and the client has sent nothing after it.
                let octets = data.size();
                observer.event(Event::Content { octets });
                self.phase = Phase::AwaitingReplies;
                if code / 100 != 2 {
                    self.mark_ambiguous(Ambiguity::UnsolicitedReply);
                }
                Some(Request::EndOfData)
            }
            (popped, _) => popped,
        };
        let about = match (request, &self.phase) {
            // The backend refuses the message before its end.
            (None, Phase::Data(_) | Phase::Screened(_)) => Some(Request::EndOfData),
            _ => request,
        };
        observer.event(Event::Reply {
            request: about,
            code,
            text: &reply.text,
        });
        match request {
            Some(request) => self.answer(request, reply)?,
            None => self.unsolicited(code)?,
        }
        if matches!(self.phase, Phase::AwaitingReplies) && self.outstanding.is_empty() {
            self.phase = Phase::Command;
        }
        Ok(())
    }

    fn answer(&mut self, request: Request, reply: &Reply) -> Result<(), Fault> {
        match (request, reply.code / 100) {
            (Request::Data, 3) => {
                self.newlines = Newlines::new();
                self.phase = if self.screening.is_off() {
                    Phase::Data(Data::new())
                } else {
                    Phase::Screened(Screen::new())
                };
            }
            (Request::Auth | Request::AuthResponse, 3) if reply.code == 334 => {
                self.phase = Phase::Response;
            }
            // PRDR: one reply for each accepted recipient, then one for the message.
            (Request::EndOfData | Request::LastChunk, 3)
                if reply.code == 353 && self.accepted > 0 =>
            {
                self.outstanding.push_front(request, 1);
                self.outstanding
                    .push_front(Request::RecipientData, self.accepted);
            }
            (Request::Data, 2) | (_, 3) => return Err(Fault::UnexpectedReply),
            // The backend does not know BDAT and reads the octets as commands.
            (Request::Chunk | Request::LastChunk, 5) if matches!(reply.code, 500 | 502) => {
                return Err(Fault::EarlyReply);
            }
            (Request::Rcpt, 2) => self.accepted = self.accepted.saturating_add(1),
            (Request::Hello, 2) => {
                self.chunking = reply.chunking;
                self.accepted = 0;
            }
            (Request::Mail | Request::Reset, 2) | (Request::EndOfData | Request::LastChunk, _) => {
                self.accepted = 0;
            }
            (Request::Quit, 2) => self.phase = Phase::Closed,
            _ => {}
        }
        Ok(())
    }

    /// Handles a reply that answers no request.
    fn unsolicited(&mut self, code: u16) -> Result<(), Fault> {
        match (&self.phase, code) {
            (_, 300..400) | (Phase::Data(_) | Phase::Screened(_), 200..300) => {
                Err(Fault::UnexpectedReply)
            }
            (Phase::Data(_) | Phase::Screened(_), _) => Err(Fault::EarlyReply),
            // The backend is about to close.
            (_, 421) => Ok(()),
            (Phase::Chunk { .. }, _) => Err(Fault::UnexpectedReply),
            _ => {
                self.mark_ambiguous(Ambiguity::UnsolicitedReply);
                Ok(())
            }
        }
    }
}
