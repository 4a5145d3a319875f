//! A limit on the rate of what a stream sends (`limit_rate`), with the arithmetic of freenginx's mail module.
//!
//! A leaky bucket: every byte sent fills it, and it drains at the rate. It holds `after` bytes and those of one second more: in any `t`
//! seconds the stream sends `rate * (t + 1) + after` bytes at most. A sender that has filled `after` and half a second's bytes waits after
//! each write, which makes the flow even.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// The unit of a bucket: thousandths of a byte, of which a rate in bytes per second drains a whole number every millisecond.
const BYTE: u64 = 1000;

/// How long after its deadline a timer fires at most, if the thread is free.
const TICK: Duration = Duration::from_millis(2);

/// The most that a stream may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Bytes per second; at least 1.
    per_second: u64,
    /// Bytes of a burst that are not delayed.
    after: u64,
}

impl Rate {
    /// A rate in bytes per second, which a burst of `after` bytes may exceed. `None`: the rate is 0, which stands for no limit.
    pub fn new(per_second: usize, after: usize) -> Option<Self> {
        (per_second > 0).then_some(Self {
            per_second: per_second as u64,
            after: after as u64,
        })
    }

    /// What the bucket may hold, in its unit, after a burst and `bytes` more.
    fn level(self, bytes: u64) -> u64 {
        self.after.saturating_add(bytes).saturating_mul(BYTE)
    }
}

/// What was sent and has not drained.
#[derive(Debug)]
struct Bucket {
    rate: Rate,
    begun: Instant,
    /// Milliseconds from `begun` to the last change.
    drained: u64,
    /// In thousandths of a byte.
    excess: u64,
}

impl Bucket {
    fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            begun: now,
            drained: 0,
            excess: 0,
        }
    }

    /// The number of bytes that may be sent now; at least one.
    ///
    /// # Errors
    /// None may: the time until then.
    fn allowed(&mut self, now: Instant) -> Result<usize, Duration> {
        let Rate { per_second, .. } = self.rate;
        self.drain(now);
        let room = self.rate.level(per_second).saturating_sub(self.excess);
        match usize::try_from(room / BYTE).unwrap_or(usize::MAX) {
            0 => Err(Duration::from_millis(self.until_even() + 1)),
            bytes => Ok(bytes),
        }
    }

    /// Counts bytes that are sent. Returns how long the next ones have to wait, in whole milliseconds.
    fn sent(&mut self, bytes: usize, now: Instant) -> Option<Duration> {
        self.drain(now);
        self.excess = (self.excess).saturating_add((bytes as u64).saturating_mul(BYTE));
        let wait = self.until_even();
        (wait > 0).then(|| Duration::from_millis(wait))
    }

    /// Milliseconds until the bucket has half a second's bytes.
    fn until_even(&self) -> u64 {
        let Rate { per_second, .. } = self.rate;
        (self.excess).saturating_sub(self.rate.level(per_second / 2)) / per_second
    }

    fn drain(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.begun).as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        let drained = (passed - self.drained.min(passed)).saturating_mul(self.rate.per_second);
        self.excess = self.excess.saturating_sub(drained);
        self.drained = passed;
    }
}

/// A stream that sends no faster than a rate. Reads are not limited.
#[derive(Debug)]
pub struct RateLimited<S> {
    stream: S,
    bucket: Bucket,
    /// Until when nothing is sent.
    delay: Option<Pin<Box<Sleep>>>,
}

impl<S> RateLimited<S> {
    /// Limits what `stream` sends from now on.
    pub fn new(stream: S, rate: Rate) -> Self {
        Self {
            stream,
            bucket: Bucket::new(rate, Instant::now()),
            delay: None,
        }
    }

    /// The stream below.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Whether the next bytes have to wait.
    pub fn is_delayed(&self) -> bool {
        let delay = self.delay.as_ref();
        delay.is_some_and(|delay| delay.deadline() + TICK > Instant::now())
    }

    /// The number of bytes that may be sent, once any may.
    fn poll_allowed(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        loop {
            if let Some(delay) = &mut self.delay {
                ready!(delay.as_mut().poll(cx));
                self.delay = None;
            }
            let now = Instant::now();
            match self.bucket.allowed(now) {
                Ok(bytes) => return Poll::Ready(bytes),
                Err(wait) => self.delay = Some(Box::pin(sleep_until(now + wait))),
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for RateLimited<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for RateLimited<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let allowed = ready!(this.poll_allowed(cx)).min(bytes.len());
        let sent = ready!(Pin::new(&mut this.stream).poll_write(cx, &bytes[..allowed]))?;
        let now = Instant::now();
        if let Some(wait) = this.bucket.sent(sent, now) {
            this.delay = Some(Box::pin(sleep_until(now + wait)));
        }
        Poll::Ready(Ok(sent))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    /// The bytes that a bucket lets through in writes of at most `write` bytes, up to each of these milliseconds.
    fn let_through((rate, after): (usize, usize), write: usize, until: &[u64]) -> Vec<usize> {
        let begun = Instant::now();
        let mut bucket = Bucket::new(Rate::new(rate, after).expect("a rate"), begun);
        let (mut now, mut sent) = (0, 0);
        let mut counts = Vec::new();
        for &end in until {
            while now <= end {
                let at = begun + Duration::from_millis(now);
                let wait = bucket.allowed(at).map_or_else(Some, |allowed| {
                    let bytes = allowed.min(write);
                    sent += bytes;
                    bucket.sent(bytes, at)
                });
                now += wait.map_or(0, |wait| wait.as_millis().try_into().expect("a short time"));
            }
            counts.push(sent);
        }
        counts
    }

    #[test]
    fn a_bucket_lets_a_burst_pass_and_then_the_rate() {
        for (limits, write) in [
            ((1000, 0), 1),
            ((1000, 0), 100),
            ((1000, 0), usize::MAX),
            ((1000, 5000), 100),
            ((1000, 5000), usize::MAX),
            ((1, 0), 1),
            ((3, 7), 2),
            ((50_000_000, 0), 16_384),
            ((50_000_000, 1), 4096),
        ] {
            let (rate, after) = limits;
            let seconds = [0, 1000, 10_000, 60_000];
            for (sent, ms) in let_through(limits, write, &seconds)
                .into_iter()
                .zip(seconds)
            {
                let drained = rate * usize::try_from(ms).expect("a small number") / 1000;
                // Up to a second's bytes may be sent ahead, and half a second's are.
                let most = drained + rate + after;
                let least = drained + rate / 2 + after;
                assert!(
                    (least..=most).contains(&sent),
                    "{limits:?} {write} {ms}: {least} <= {sent} <= {most}"
                );
            }
        }
    }

    #[test]
    fn silence_gives_the_burst_back() {
        let begun = Instant::now();
        let mut bucket = Bucket::new(Rate::new(10, 100).expect("a rate"), begun);
        let at = |seconds| begun + Duration::from_secs(seconds);
        assert_eq!(bucket.allowed(at(0)), Ok(110));
        assert_eq!(bucket.sent(110, at(0)), Some(Duration::from_millis(500)));
        assert_eq!(bucket.allowed(at(0)), Err(Duration::from_millis(501)));
        assert_eq!(bucket.allowed(at(4)), Ok(40));
        assert_eq!(bucket.allowed(at(11)), Ok(110));
    }

    #[test]
    fn the_largest_numbers_are_no_limit() {
        let now = Instant::now();
        for (rate, after) in [(usize::MAX, usize::MAX), (usize::MAX, 0), (1, usize::MAX)] {
            let mut bucket = Bucket::new(Rate::new(rate, after).expect("a rate"), now);
            assert!(bucket.allowed(now).is_ok_and(|bytes| bytes > 1 << 40));
            assert_eq!(bucket.sent(1 << 30, now), None);
        }
        assert_eq!(Rate::new(0, 5), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_sends_at_the_rate_and_reads_without_a_limit() {
        let (mut peer, inner) = duplex(1 << 20);
        let rate = Rate::new(1000, 500).expect("a rate");
        let mut stream = RateLimited::new(inner, rate);
        let begun = Instant::now();
        let upload = vec![b'u'; 1 << 20];
        peer.write_all(&upload).await.expect("to write");
        let mut received = vec![0; upload.len()];
        stream.read_exact(&mut received).await.expect("to read");
        assert!(begun.elapsed().is_zero());
        assert!(!stream.is_delayed());
        let sending = tokio::spawn(async move {
            stream.write_all(&[b'd'; 10_500]).await.expect("to write");
            assert!(stream.is_delayed());
            stream.shutdown().await.expect("to shut down");
        });
        let mut download = Vec::new();
        peer.read_to_end(&mut download).await.expect("to read");
        assert_eq!(download.len(), 10_500);
        let taken = begun.elapsed().as_millis();
        assert!((9000..=9500).contains(&taken), "{taken}");
        sending.await.expect("the sender");
    }
}
