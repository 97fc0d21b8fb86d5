//! Which cores a thread may run on.

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
