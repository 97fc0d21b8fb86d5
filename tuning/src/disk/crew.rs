//! Several threads that do the same at once, each with a ring and a part of the file of its own: as shards commit.
//!
//! They are ordinary threads: an executor as shards have it takes rings of its own, which count against the limit of locked
//! memory, and eight of them at once were too many for the limit that users usually have.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use reactor::{File, ReactorError};

use super::case::Case;
use super::flight::{Cursor, Flight};
use super::worker::Worker;

/// One of the threads.
struct Member {
    thread: JoinHandle<io::Result<Flight>>,
    /// Tells whether its ring stands.
    stands: Receiver<Result<(), ReactorError>>,
    /// A word on this begins the work; when it is dropped without one the thread ends.
    start: Sender<()>,
}

/// Has a thread for each part do the case, one operation at a time, all from the same moment on. Waits for them.
pub(super) fn fly(
    file: &File,
    case: Case,
    parts: &[Cursor],
    time: Duration,
    stop: &Arc<AtomicBool>,
) -> io::Result<Flight> {
    let members = parts.iter().map(|part| Member::start(file.clone(), case, *part, time, Arc::clone(stop)));
    let members = members.collect::<io::Result<Vec<_>>>()?;
    for member in &members {
        // One that cannot tell has ended, and its end says why.
        member.stands.recv().unwrap_or(Ok(())).map_err(io::Error::other)?;
    }
    for member in &members {
        let _ = member.start.send(());
    }
    // All are waited for, also when one has failed.
    let done: Vec<_> = members.into_iter().map(Member::done).collect();
    let mut flights = done.into_iter();
    let mut whole = flights.next().unwrap_or_else(|| Err(io::Error::other("there is no thread")))?;
    for flight in flights {
        whole.take_in(&flight?);
    }
    Ok(whole)
}

impl Member {
    fn start(
        file: File,
        case: Case,
        part: Cursor,
        time: Duration,
        stop: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let (start, begin) = channel();
        let (standing, stands) = channel();
        let work = move || {
            let worker = Worker::new(file, stop);
            let (mut worker, word) = match worker {
                Ok(worker) => (Some(worker), Ok(())),
                Err(error) => (None, Err(error)),
            };
            let _ = standing.send(word);
            let (Some(worker), Ok(())) = (&mut worker, begin.recv()) else {
                return Err(io::Error::other("the measurement did not begin"));
            };
            let mut flight = Flight::begin(case, 1, part, part, time)?;
            finished(worker.fly(&mut flight))?;
            Ok(flight)
        };
        let thread = thread::Builder::new().name("disk-crew".to_owned()).spawn(work)?;
        Ok(Self { thread, stands, start })
    }

    fn done(self) -> io::Result<Flight> {
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread that measures has panicked")))
    }
}

/// What comes of work that sleeps in a ring of its own: then it is never put off, and nobody has to wake it.
fn finished<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut context) {
            return done;
        }
        thread::yield_now();
    }
}
