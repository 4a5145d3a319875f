//! The body of an answer: one text, parts that are made when the client takes them, or parts that are made at intervals.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// The body of an answer.
pub(super) enum AnswerBody {
    /// One text. `None` once it is taken.
    Whole(Option<Bytes>),
    /// Parts, the next one by each call. Only one of them is in memory, whatever the client does.
    Parts(Parts),
    /// Parts, one at each tick, the first one at once.
    Repeated(Interval, Parts),
}

/// Makes the next part; `None` after the last one.
pub(super) type Parts = Box<dyn FnMut() -> Option<String> + Send>;

impl AnswerBody {
    /// A part now, and one after each interval. A client that does not read gets fewer.
    ///
    /// # Panics
    /// Outside a runtime with timers.
    pub fn repeated(period: Duration, parts: Parts) -> Self {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self::Repeated(ticks, parts)
    }
}

impl From<String> for AnswerBody {
    fn from(text: String) -> Self {
        Self::Whole(Some(text.into()))
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Whole(_) => "Whole",
            Self::Parts(_) => "Parts",
            Self::Repeated(..) => "Repeated",
        })
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match &mut *self {
            Self::Whole(text) => text.take(),
            Self::Parts(parts) => parts().map(Bytes::from),
            Self::Repeated(ticks, parts) => {
                ready!(ticks.poll_tick(context));
                parts().map(Bytes::from)
            }
        };
        Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(text) => {
                let length = text.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(length as u64)
            }
            Self::Parts(_) | Self::Repeated(..) => SizeHint::default(),
        }
    }
}
