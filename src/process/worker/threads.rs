//! The threads that serve sessions. Each has a runtime of its own: a session, its connections and its timers stay on one thread, so
//! no event wakes up another one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;

use crate::process::privileges::resources::Processors;

/// How long the end waits for a task that blocks.
const PARTING: Duration = Duration::from_millis(100);

/// The threads of `worker_processes`, as those see them who start sessions.
#[derive(Debug)]
pub struct Threads(Vec<Thread>);

/// The life of the threads. Dropping it ends them, with their sessions.
#[derive(Debug, Default)]
pub struct Running(Vec<(oneshot::Sender<()>, JoinHandle<()>)>);

/// One thread.
#[derive(Debug)]
struct Thread {
    runtime: Handle,
    sessions: Arc<AtomicUsize>,
}

/// A session's place on a thread. Dropping it leaves the thread.
#[derive(Debug)]
pub struct Place(Arc<AtomicUsize>);

impl Threads {
    /// Starts this many threads, at least one. Each runs on its processors of `worker_cpu_affinity`, if it has some.
    ///
    /// # Errors
    /// The system has no more threads, or a runtime gets no epoll instance.
    pub fn start(count: usize, processors: &[Processors]) -> io::Result<(Self, Running)> {
        let (mut own, mut all) = (Self(Vec::new()), Running::default());
        for number in 0..count.max(1) {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            own.0.push(Thread {
                runtime: runtime.handle().clone(),
                sessions: Arc::default(),
            });
            let processors = processors.get(number).cloned();
            let (running, ended) = oneshot::channel();
            let thread = thread::Builder::new().name(format!("sessions-{number}"));
            let thread = thread.spawn(move || run(runtime, processors.as_ref(), ended))?;
            all.0.push((running, thread));
        }
        Ok((own, all))
    }

    /// The number of threads.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The runtime of the listening socket with this number. The sockets are spread over the threads.
    pub fn of_listener(&self, number: usize) -> (usize, &Handle) {
        let index = number % self.0.len();
        (index, &self.0[index].runtime)
    }

    /// Starts a session on the thread with the fewest ones. That is thread `own`, which accepted the connection, if no other has fewer.
    pub fn spawn<F>(&self, own: usize, session: impl FnOnce(Place) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let count = |index: usize| self.0[index].sessions.load(Ordering::Relaxed);
        let mut chosen = (own, count(own));
        for index in 0..self.0.len() {
            let sessions = count(index);
            if sessions < chosen.1 {
                chosen = (index, sessions);
            }
        }
        let thread = &self.0[chosen.0];
        thread.sessions.fetch_add(1, Ordering::Relaxed);
        let place = Place(Arc::clone(&thread.sessions));
        thread.runtime.spawn(session(place));
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let (running, threads): (Vec<_>, Vec<_>) = self.0.drain(..).unzip();
        drop(running);
        for thread in threads {
            // The panic of a thread has its message.
            let _ = thread.join();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs what is started on the runtime, until the sender of `ended` is dropped.
fn run(runtime: Runtime, processors: Option<&Processors>, ended: oneshot::Receiver<()>) {
    if let Some(processors) = processors {
        // A mask of processors that do not exist leaves the thread on all, as in nginx.
        let _ = processors.bind();
    }
    let _ = runtime.block_on(ended);
    runtime.shutdown_timeout(PARTING);
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn sessions_are_spread_and_end_with_their_threads() {
        let (threads, running) = Threads::start(2, &[]).unwrap();
        let (started, names) = channel();
        let spawn = |own| {
            let started = started.clone();
            threads.spawn(own, |place| async move {
                started
                    .send(thread::current().name().map(str::to_owned))
                    .unwrap();
                pending::<()>().await;
                drop((place, started));
            });
            names.recv().unwrap().unwrap()
        };
        let served: Vec<_> = [1, 1, 1, 0].map(spawn).into();
        assert_eq!(
            served,
            ["sessions-1", "sessions-0", "sessions-1", "sessions-0"]
        );
        drop(started);
        drop(running);
        assert!(names.recv().is_err(), "all sessions are dropped");
    }
}
