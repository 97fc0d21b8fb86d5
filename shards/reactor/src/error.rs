//! What can go wrong when a shard starts, and what the operator can do about it.

use std::fmt;
use std::io;

/// A shard could not be started, or died.
#[derive(Debug, thiserror::Error)]
pub enum ReactorError {
    /// The kernel refused an io_uring ring.
    #[error("cannot set up io_uring: {0}{remedy}", remedy = Remedy(.0))]
    Ring(#[source] io::Error),
    /// The kernel lacks an operation without which nothing works.
    #[error(
        "this kernel's io_uring lacks {0}; Strome needs Linux {KERNEL_MIN} or later and recommends {KERNEL_GOOD} or later"
    )]
    Missing(&'static str),
    /// Memory for the receive buffers could not be mapped.
    #[error("cannot map {bytes} bytes for receive buffers: {source}; lower their number or free memory")]
    Buffers {
        /// How many bytes were asked for.
        bytes: usize,
        /// Why not.
        source: io::Error,
    },
    /// An eventfd could not be had.
    #[error("cannot create an eventfd: {0}; raise the limit of open files (`ulimit -n`, LimitNOFILE=)")]
    Eventfd(#[source] io::Error),
    /// The executor of the thread could not be built.
    #[error("cannot build the executor of {name}: {reason}{remedy}", remedy = ExecutorRemedy(.reason))]
    Executor {
        /// The thread's name.
        name: String,
        /// What glommio says.
        reason: String,
    },
    /// The operating system refused a thread.
    #[error("cannot start the thread {name}: {source}; look at `ulimit -u` and at TasksMax= of the service")]
    Thread {
        /// The thread's name.
        name: String,
        /// Why not.
        source: io::Error,
    },
    /// The task of a shard panicked.
    #[error("{name} panicked: {message}")]
    Panicked {
        /// The thread's name.
        name: String,
        /// The panic's message.
        message: String,
    },
}

/// The oldest kernel that has every operation which the reactor cannot do without.
pub(crate) const KERNEL_MIN: &str = "5.11";
/// The kernel from which on all that makes the reactor fast is there (DEFER_TASKRUN came last).
pub(crate) const KERNEL_GOOD: &str = "6.1";

/// The sentence that follows a refusal by the kernel.
struct Remedy<'a>(&'a io::Error);

impl fmt::Display for Remedy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.raw_os_error() {
            Some(libc::ENOMEM) => f.write_str(MEMLOCK),
            Some(libc::EPERM | libc::EACCES) => {
                f.write_str("; io_uring is forbidden here: ")?;
                match std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled") {
                    Ok(value) if value.trim() != "0" => write!(
                        f,
                        "the sysctl kernel.io_uring_disabled is {}, set it to 0 (`sysctl -w kernel.io_uring_disabled=0`)",
                        value.trim()
                    ),
                    _ => write!(
                        f,
                        "the sysctl kernel.io_uring_disabled allows it, so a seccomp filter or a security module does \
                         not; {SECCOMP}"
                    ),
                }
            }
            // Some runtimes have their filter answer as a kernel that knows nothing of the call would.
            Some(libc::ENOSYS) => write!(
                f,
                "; either this kernel has no io_uring, and Strome needs Linux {KERNEL_MIN} or later with CONFIG_IO_URING \
                 ({KERNEL_GOOD} or later is better), or a seccomp filter hides it: {SECCOMP}"
            ),
            Some(libc::EMFILE | libc::ENFILE) => {
                f.write_str("; raise the limit of open files (`ulimit -n`, LimitNOFILE=)")
            }
            _ => Ok(()),
        }
    }
}

const SECCOMP: &str = "in a container allow io_uring_setup, io_uring_enter and io_uring_register in the seccomp profile \
                       (Docker: `--security-opt seccomp=profile.json`; systemd: SystemCallFilter=@aio)";

const MEMLOCK: &str = "; memory that may be locked has run out: raise the limit (`ulimit -l unlimited`, \
                       LimitMEMLOCK=infinity in the unit, `--ulimit memlock=-1` for a container) or use fewer shards";

/// glommio does not pass on the kernel's error number, only its text.
struct ExecutorRemedy<'a>(&'a str);

impl fmt::Display for ExecutorRemedy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.0.to_ascii_lowercase();
        let number = if reason.contains("memlock") || reason.contains("cannot allocate memory") {
            libc::ENOMEM
        } else if reason.contains("not permitted") || reason.contains("permission denied") {
            libc::EPERM
        } else if reason.contains("not implemented") {
            libc::ENOSYS
        } else if reason.contains("too many open files") {
            libc::EMFILE
        } else {
            return Ok(());
        };
        Remedy(&io::Error::from_raw_os_error(number)).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: i32) -> String {
        ReactorError::Ring(io::Error::from_raw_os_error(number)).to_string()
    }

    #[test]
    fn every_refusal_names_its_remedy() {
        assert!(text(libc::ENOMEM).contains("LimitMEMLOCK="));
        assert!(text(libc::EPERM).contains("kernel.io_uring_disabled"));
        assert!(text(libc::ENOSYS).contains(KERNEL_MIN) && text(libc::ENOSYS).contains("seccomp"));
        assert!(text(libc::EMFILE).contains("ulimit -n"));
        let executor = ReactorError::Executor {
            name: "shard-0".into(),
            reason: "The memlock resource limit is too low".into(),
        };
        assert!(executor.to_string().contains("ulimit -l"));
    }
}
