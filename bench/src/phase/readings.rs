//! What the clocks of processes and of the machine say when the measured time begins and when it ends.

use rustix::time::ClockId;

use crate::host::MachineTime;
use crate::process::{Process, Usage, cpu_time};

/// The clocks at one moment.
pub(super) struct Readings {
    machine: MachineTime,
    own_cpu_seconds: f64,
    /// Of each broker here, by its process's number.
    usages: Vec<(u32, Usage)>,
}

/// What went by between two moments.
#[derive(Debug)]
pub(crate) struct Spent {
    pub(crate) client_cpu_seconds: f64,
    /// Of all programs.
    pub(crate) machine_cpu_seconds: f64,
    pub(crate) stolen_cpu_seconds: f64,
    /// By process number: CPU time between the two, and memory at the second.
    pub(crate) usages: Vec<(u32, Usage)>,
}

impl Readings {
    pub(super) fn take(processes: &[Process]) -> Self {
        let usages = processes.iter().filter_map(|process| Some((process.pid, process.usage()?)));
        let usages = usages.collect();
        let own_cpu_seconds = cpu_time(ClockId::ProcessCPUTime).as_secs_f64();
        Self { machine: MachineTime::now(), own_cpu_seconds, usages }
    }

    /// What went by since an earlier moment.
    pub(super) fn since(&self, earlier: &Self) -> Spent {
        // What nobody knows of the beginning is missing.
        let used = |(pid, now): &(u32, Usage)| {
            let (_, before) = earlier.usages.iter().find(|(of, _)| of == pid)?;
            Some((*pid, Usage { cpu_seconds: now.cpu_seconds - before.cpu_seconds, ..*now }))
        };
        Spent {
            client_cpu_seconds: self.own_cpu_seconds - earlier.own_cpu_seconds,
            machine_cpu_seconds: self.machine.busy_seconds - earlier.machine.busy_seconds,
            stolen_cpu_seconds: self.machine.stolen_seconds - earlier.machine.stolen_seconds,
            usages: self.usages.iter().filter_map(used).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_threads_of_the_client_use_is_its_own() {
        let before = Readings::take(&[]);
        std::thread::spawn(|| while cpu_time(ClockId::ThreadCPUTime).as_millis() < 20 {}).join().unwrap();
        let spent = Readings::take(&[]).since(&before);
        assert!(spent.client_cpu_seconds >= 0.02, "{spent:?}");
    }

    #[test]
    fn only_what_was_used_between_two_moments_counts() {
        let at = |seconds: f64, pids: &[u32]| Readings {
            machine: MachineTime { busy_seconds: 10.0 * seconds, stolen_seconds: 0.5 * seconds },
            own_cpu_seconds: 2.0 * seconds,
            usages: pids
                .iter()
                .map(|pid| {
                    (
                        *pid,
                        Usage { cpu_seconds: 3.0 * seconds, rss_bytes: seconds as u64, ..Usage::default() },
                    )
                })
                .collect(),
        };
        let spent = at(7.0, &[1, 2]).since(&at(5.0, &[1]));
        let machine = (spent.client_cpu_seconds, spent.machine_cpu_seconds, spent.stolen_cpu_seconds);
        assert_eq!(machine, (4.0, 20.0, 1.0));
        let [(1, used)] = spent.usages[..] else { panic!("{:?}", spent.usages) };
        assert_eq!(
            (used.cpu_seconds, used.rss_bytes),
            (6.0, 7),
            "CPU time between the two, memory at the second"
        );
    }
}
