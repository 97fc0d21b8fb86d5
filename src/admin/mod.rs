//! Metrics and health over HTTP, on a thread of their own.
//!
//! The thread asks the shards and the control thread for copies of their figures; it shares nothing with them. So a slow
//! client costs no shard anything, and a shard or a control thread that is stuck is something that can still be told,
//! and that a service manager's watchdog hears of.
//!
//! # Invariants
//! - Whatever is sent to the listener, nothing but the answer to it changes: requests, connections and times are bounded.
//!
//! # Not here
//! What is counted (`metrics`, and the crates that count).

mod collector;
mod families;
mod health;
mod process;
mod server;
mod text;
mod watchdog;

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};

use reactor::Waker;
use tokio::sync::oneshot;

pub use collector::Ask;
use collector::Collector;
use server::Site;

use crate::partition::Directories;
use crate::service_manager::ServiceManager;

/// What the pages tell beside what the threads count.
pub struct Facts {
    pub node: i32,
    pub cluster: String,
    /// The bound of request memory of each shard.
    pub request_bytes_max: usize,
    pub directories: Arc<Directories>,
}

/// The admin thread. Ends, at the latest, when this is dropped.
pub struct Admin {
    /// Dropped to end it.
    _end: oneshot::Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Admin {
    /// Starts to answer on `listener`, if there is one, and to give `manager` signs of life, if it wants them. What comes
    /// out goes to the control thread.
    ///
    /// # Errors
    /// If the operating system gives no thread, or nothing to wait for sockets with.
    pub fn start(
        listener: Option<TcpListener>,
        facts: Facts,
        shards: usize,
        control: Waker,
        manager: ServiceManager,
    ) -> io::Result<(Option<Self>, Receiver<Ask>)> {
        let (asks, questions) = channel();
        if listener.is_none() && manager.watchdog().is_none() {
            return Ok((None, questions));
        }
        let site = Arc::new(Site { collector: Collector::new(shards, asks, control), facts });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        if let Some(listener) = &listener {
            listener.set_nonblocking(true)?;
        }
        let (end, ended) = oneshot::channel();
        let run = move || {
            runtime.block_on(async {
                if let Some(limit) = manager.watchdog() {
                    tokio::spawn(watchdog::watch(manager, limit, site.clone()));
                }
                match listener.map(tokio::net::TcpListener::from_std).transpose() {
                    Ok(Some(listener)) => return server::serve(listener, site, ended).await,
                    Ok(None) => {}
                    Err(error) => tracing::error!("metrics and health cannot be served: {error}"),
                }
                // Whatever it says: the other end is gone.
                let _ = ended.await;
            });
        };
        let thread = thread::Builder::new().name("admin".to_owned()).spawn(run)?;
        Ok((Some(Self { _end: end, thread: Some(thread) }), questions))
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        let (closed, _) = oneshot::channel();
        drop(std::mem::replace(&mut self._end, closed));
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the admin thread has panicked");
        }
    }
}
