//! The table: everything that is looked at, one file per area.

mod cpu;
mod device;
mod disk;
mod kernel;
mod memory;
mod network;
mod nic;
mod numa;

use crate::check::{Area, ByProfile, Check, Effect, Severity, Want};
use crate::context::one_sysctl;

const INFO: Option<Severity> = Some(Severity::Info);
const RECOMMENDED: Option<Severity> = Some(Severity::Recommended);
const REQUIRED: Option<Severity> = Some(Severity::Required);

/// What most lines of the table have in common.
const USUAL: Check = Check {
    id: "",
    area: Area::Kernel,
    title: "",
    reads: &[],
    wanted: ByProfile::all(Want::Words("")),
    severity: ByProfile::all(RECOMMENDED),
    why: "",
    effect: None,
    how: "",
    at_start: false,
    look: one_sysctl,
};

/// What `bench/effects` has found on the machine of that run.
pub(crate) const fn measured(text: &'static str) -> Option<Effect> {
    Some(Effect { text, run: "2026-11-22-intel-xeon-2-cores-24-gib-effects" })
}

/// The same where no figure differed by more than measurements of the very same do.
pub(crate) const NO_EFFECT: Option<Effect> = measured(
    "no measurable effect on a virtual machine with 2 cores (by chance median latencies differ by up to 10 %, rates of reading by 25 %)",
);

/// All checks, area by area.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    [cpu::CHECKS, memory::CHECKS, disk::CHECKS, device::CHECKS, network::CHECKS, nic::CHECKS, kernel::CHECKS]
        .into_iter()
        .flatten()
}
