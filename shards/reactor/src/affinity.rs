//! Which cores a thread may run on, and what it gives way to.

use std::sync::OnceLock;

/// The cores that this process was given, as it was before any thread was pinned.
static PROCESS_CORES: OnceLock<Option<libc::cpu_set_t>> = OnceLock::new();

/// The numbers of the cores that this process may use, in ascending order. Empty if the system does not tell.
#[must_use]
pub fn cores() -> Vec<usize> {
    remember();
    let mut cores: Vec<usize> =
        core_affinity::get_core_ids().unwrap_or_default().into_iter().map(|core| core.id).collect();
    cores.sort_unstable();
    cores
}

/// Notes the cores of the calling thread, once; called before a thread is pinned.
pub(crate) fn remember() {
    PROCESS_CORES.get_or_init(|| {
        // SAFETY: a cpu_set_t of zeros is the empty set.
        let mut cores: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: `cores` is writable and of the size that is passed; 0 names the calling thread.
        let outcome = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut cores) };
        (outcome == 0).then_some(cores)
    });
}

/// Lets the calling thread run on every core of the process again: a thread inherits the pin of the shard that
/// starts it.
pub(crate) fn leave_core() {
    if let Some(Some(cores)) = PROCESS_CORES.get() {
        // SAFETY: `cores` is readable and of the size that is passed; 0 names the calling thread.
        let outcome = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), cores) };
        if outcome != 0 {
            tracing::debug!(error = %std::io::Error::last_os_error(), "a blocking thread stays on its shard's core");
        }
    }
}

/// The least that `nice` can make of a thread.
const NICE_MAX: libc::c_int = 19;
/// The kernel's `IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7)`: the last among those that share the disk. The class behind it
/// gets nothing as long as anybody else wants something, which could be for ever.
const IO_LAST: libc::c_int = 2 << 13 | 7;
const IO_WHO_PROCESS: libc::c_int = 1;

/// Makes the calling thread one that others go before.
pub(crate) fn give_way() {
    // SAFETY: no pointers; on Linux 0 names the calling thread.
    let processor = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICE_MAX) };
    // SAFETY: no pointers; 0 names the calling thread.
    let disk = unsafe { libc::syscall(libc::SYS_ioprio_set, IO_WHO_PROCESS, 0, IO_LAST) };
    if processor != 0 || disk != 0 {
        tracing::debug!(error = %std::io::Error::last_os_error(), "a thread for work that can wait does not give way");
    }
}
