//! What this kernel's io_uring can do, found out by trying.

use std::fmt;
use std::io::{self, Write as _};
use std::os::fd::{AsRawFd, RawFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::time::{Duration, Instant};

use io_uring::{Probe, cqueue, opcode, squeue, types};

use crate::error::ReactorError;
use crate::options::{Allow, Options};
use crate::pool::{BUFFER_GROUP, Pool};
use crate::ring::{Delivery, Ring};

/// The abilities that are used. Prints as one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Features {
    /// How completions come.
    pub delivery: Delivery,
    /// One accept serves all connections of a listener (Linux 5.19).
    pub multishot_accept: bool,
    /// One receive serves a connection for ever, from a shared pool of buffers (Linux 6.0).
    pub multishot_receive: bool,
    /// A write and its fdatasync are one submission.
    pub linked_sync: bool,
}

/// What this kernel has. Printed when the broker starts; each reactor finds out for itself again.
pub fn probe() -> Result<Features, ReactorError> {
    let options = Options { receive_buffers: 4, receive_buffer_bytes: 4096, ..Options::default() };
    Features::of(&Ring::new(&options)?, &options)
}

impl Features {
    /// What `ring` can do of what `options` allow. Uses rings of its own for trying.
    pub(crate) fn of(ring: &Ring, options: &Options) -> Result<Self, ReactorError> {
        require(ring)?;
        let allow = options.allow;
        Ok(Self {
            delivery: ring.delivery(),
            multishot_accept: allow.multishot_accept && works(try_multishot_accept),
            multishot_receive: allow.multishot_receive && works(try_multishot_receive),
            linked_sync: allow.linked_sync,
        })
    }
}

impl fmt::Display for Features {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let delivery = match self.delivery {
            Delivery::Deferred => "deferred",
            Delivery::Cooperative => "cooperative",
            Delivery::Interrupting => "interrupting",
        };
        let yes_no = |has| if has { "yes" } else { "no" };
        write!(
            f,
            "completions {delivery}, multishot accept {}, multishot receive {}, linked sync {}",
            yes_no(self.multishot_accept),
            yes_no(self.multishot_receive),
            yes_no(self.linked_sync)
        )
    }
}

/// The operations without which nothing works.
fn require(ring: &Ring) -> Result<(), ReactorError> {
    let mut probe = Probe::new();
    ring.uring().submitter().register_probe(&mut probe).map_err(ReactorError::Ring)?;
    let needed = [
        (opcode::Accept::CODE, "accept"),
        (opcode::PollAdd::CODE, "poll"),
        (opcode::Send::CODE, "send"),
        (opcode::SendMsg::CODE, "sendmsg"),
        (opcode::Read::CODE, "read"),
        (opcode::Write::CODE, "write"),
        (opcode::Writev::CODE, "writev"),
        (opcode::Fsync::CODE, "fsync"),
        (opcode::Timeout::CODE, "timeouts"),
        (opcode::AsyncCancel::CODE, "cancellation"),
    ];
    let missing = needed.iter().find(|(code, _)| !probe.is_supported(*code));
    if let Some((_, name)) = missing {
        return Err(ReactorError::Missing(name));
    }
    let parameters = ring.uring().params();
    if !parameters.is_feature_nodrop() || !parameters.is_feature_submit_stable() {
        return Err(ReactorError::Missing("lossless completions"));
    }
    // Timer updates came with 5.11, as did this, which stands for them.
    if !parameters.is_feature_ext_arg() {
        return Err(ReactorError::Missing("timer updates"));
    }
    Ok(())
}

fn works(attempt: fn() -> io::Result<bool>) -> bool {
    attempt().unwrap_or_else(|error| {
        tracing::debug!(%error, "an optional ability of io_uring could not be tried");
        false
    })
}

/// Kernels without it take the flag for an invalid argument, or accept once only.
fn try_multishot_accept() -> io::Result<bool> {
    // An abstract address of the kernel's choice: nothing of this is visible in the file system.
    let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(unique_name())?)?;
    let _peer = UnixStream::connect_addr(&listener.local_addr()?)?;
    let entry = opcode::AcceptMulti::new(types::Fd(listener.as_raw_fd())).flags(libc::SOCK_CLOEXEC).build();
    let mut ring = small_ring()?;
    // SAFETY: the entry points to no memory; the listener outlives the ring's use below.
    let completion = unsafe { first_completion(&mut ring, entry)? };
    if completion.result() >= 0 {
        close(completion.result());
    }
    Ok(completion.result() >= 0 && cqueue::more(completion.flags()))
}

fn try_multishot_receive() -> io::Result<bool> {
    let (mut ours, theirs) = UnixStream::pair()?;
    ours.write_all(b"?")?;
    let mut ring = small_ring()?;
    let options = Options { receive_buffers: 2, receive_buffer_bytes: 4096, ..Options::default() };
    let mut pool = Pool::new(&options).map_err(|error| io::Error::other(error.to_string()))?;
    pool.offer_to_kernel(ring.uring())?;
    let entry = opcode::RecvMulti::new(types::Fd(theirs.as_raw_fd()), BUFFER_GROUP).build();
    // SAFETY: the pool's memory outlives the ring's use of it: the peer's end closes below, which ends the receive.
    let completion = unsafe { first_completion(&mut ring, entry)? };
    let works = completion.result() == 1
        && cqueue::more(completion.flags())
        && cqueue::buffer_select(completion.flags()).is_some();
    drop(ours);
    if works {
        ring.enter_and_wait(Some(Instant::now() + PATIENCE));
    }
    pool.withdraw_from_kernel(ring.uring());
    Ok(works)
}

/// What is tried completes at once, if it works at all.
const PATIENCE: Duration = Duration::from_secs(1);

fn small_ring() -> io::Result<Ring> {
    let options = Options { submissions: 4, completions: 8, allow: Allow::ALL, ..Options::default() };
    Ring::new(&options).map_err(|error| io::Error::other(error.to_string()))
}

/// # Safety
/// As for `Ring::push`, until the operation has ended.
unsafe fn first_completion(ring: &mut Ring, entry: squeue::Entry) -> io::Result<cqueue::Entry> {
    // SAFETY: passed on to the caller.
    unsafe { ring.push(entry) };
    ring.enter_and_wait(Some(Instant::now() + PATIENCE));
    let mut completions = Vec::new();
    ring.drain(&mut completions);
    completions.into_iter().next().ok_or_else(|| io::Error::other("no completion came"))
}

fn unique_name() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("strome-probe-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn close(fd: RawFd) {
    // SAFETY: the kernel has just opened this descriptor for us and nobody else knows it.
    unsafe {
        libc::close(fd);
    }
}
