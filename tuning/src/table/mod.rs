//! The table: everything that is looked at, one file per area.

mod cpu;
mod device;
mod disk;
mod kernel;
mod memory;
mod network;
mod nic;
mod numa;

use crate::check::{Area, ByProfile, Check, Severity, Want};
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

/// All checks, area by area.
pub fn checks() -> impl Iterator<Item = &'static Check> {
    [cpu::CHECKS, memory::CHECKS, disk::CHECKS, device::CHECKS, network::CHECKS, nic::CHECKS, kernel::CHECKS]
        .into_iter()
        .flatten()
}
