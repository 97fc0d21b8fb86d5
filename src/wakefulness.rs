//! Processors that are kept from sleeping while the broker has work.
//!
//! A processor that sleeps has to wake up before it takes the next request. From its deepest sleep that takes longer than
//! the request, and a virtual one waits until its hypervisor has a core for it again. So while there is work the kernel
//! is asked for processors that wake up soon (`/dev/cpu_dma_latency`), and when there is none they may sleep as they like.
//!
//! # Invariants
//! - Nothing of it outlives the process: a request counts for as long as its file is open.
//!
//! # Not here
//! How long a shard itself looks for work before it waits (`boot::cores`); what else a host can do (`tuning`).

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Takes microseconds, as an i32 of the machine.
const DEVICE: &str = "/dev/cpu_dma_latency";
/// Who decides how a processor sleeps.
const GOVERNOR: &str = "/sys/devices/system/cpu/cpuidle/current_governor";
/// The governor of virtual processors, which know one sleep, whose end is up to the hypervisor.
const GOVERNOR_OF_GUESTS: &str = "haltpoll";
/// Long enough for the light sleeps of a real processor, which save most of the power.
const LIGHT_SLEEP_US: i32 = 10;
const NO_SLEEP_US: i32 = 0;
const ANY_SLEEP_US: i32 = -1;

/// How often the process's CPU time is looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// There is work when the process takes this share of one processor: a few hundred requests a second.
const BUSY_SHARE: f64 = 0.01;
/// For how long there must have been none before the processors may sleep again.
const QUIET: Duration = Duration::from_secs(10);

/// See the module. Displayed as what becomes of the processors.
pub struct Wakefulness {
    means: Means,
    /// What is asked for while there is work.
    wake_up_us_max: i32,
    is_awake: bool,
    load: Load,
}

/// How to ask.
enum Means {
    Device(File),
    /// Nobody wants it.
    Unwanted,
    /// The system does not let this process ask.
    Denied(io::Error),
}

impl Wakefulness {
    /// That of this process; none if it is not wanted.
    pub fn of_this_process(is_wanted: bool) -> Self {
        if !is_wanted {
            return Self::with(Means::Unwanted, ANY_SLEEP_US);
        }
        let governor = fs::read_to_string(GOVERNOR).unwrap_or_default();
        Self::through(DEVICE.as_ref(), governor.trim())
    }

    fn through(device: &Path, governor: &str) -> Self {
        let wake_up_us_max = if governor == GOVERNOR_OF_GUESTS { NO_SLEEP_US } else { LIGHT_SLEEP_US };
        let means = match File::options().write(true).open(device) {
            Ok(device) => Means::Device(device),
            Err(error) => Means::Denied(error),
        };
        Self::with(means, wake_up_us_max)
    }

    fn with(means: Means, wake_up_us_max: i32) -> Self {
        Self { means, wake_up_us_max, is_awake: false, load: Load::new(Instant::now(), used()) }
    }

    /// Looks whether there is work, if it is time to, and asks for what suits. To be called twice a second or more often.
    pub fn look(&mut self, now: Instant) {
        if matches!(self.means, Means::Device(_)) && self.load.is_due(now) {
            self.follow(now, used());
        }
    }

    /// `used` is the CPU time of the process until `now`.
    fn follow(&mut self, now: Instant, used: Duration) {
        let is_busy = self.load.is_busy(now, used);
        if is_busy == self.is_awake {
            return;
        }
        let Means::Device(device) = &mut self.means else { return };
        let wake_up_us_max = if is_busy { self.wake_up_us_max } else { ANY_SLEEP_US };
        match device.write_all(&wake_up_us_max.to_ne_bytes()) {
            Ok(()) => self.is_awake = is_busy,
            Err(error) => {
                tracing::warn!("processors sleep when idle from now on, {DEVICE}: {error}");
                self.means = Means::Denied(error);
            }
        }
    }
}

impl fmt::Display for Wakefulness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.means {
            Means::Device(_) if self.wake_up_us_max == NO_SLEEP_US => {
                f.write_str("do not sleep while there is work")
            }
            Means::Device(_) => {
                write!(f, "wake up within {} us while there is work", self.wake_up_us_max)
            }
            Means::Unwanted => f.write_str("sleep as the system has it (strome.cpus.awake=false)"),
            Means::Denied(error) => write!(f, "sleep as the system has it, {DEVICE}: {error}"),
        }
    }
}

/// Tells by the CPU time of the process whether there is work.
struct Load {
    looked_at: Instant,
    /// The CPU time until then.
    used: Duration,
    /// When there was work last.
    busy_at: Option<Instant>,
}

impl Load {
    fn new(now: Instant, used: Duration) -> Self {
        Self { looked_at: now, used, busy_at: None }
    }

    fn is_due(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.looked_at) >= LOOK_INTERVAL
    }

    fn is_busy(&mut self, now: Instant, used: Duration) -> bool {
        let passed = now.saturating_duration_since(self.looked_at);
        if used.saturating_sub(self.used) >= passed.mul_f64(BUSY_SHARE) {
            self.busy_at = Some(now);
        }
        (self.looked_at, self.used) = (now, used);
        self.busy_at.is_some_and(|at| now.saturating_duration_since(at) < QUIET)
    }
}

/// The CPU time of this process, all threads together.
fn used() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a device that is a file was asked for, one after the other.
    fn asked(device: &Path) -> Vec<i32> {
        let bytes = fs::read(device).unwrap();
        bytes.chunks_exact(4).map(|number| i32::from_ne_bytes(number.try_into().unwrap())).collect()
    }

    #[test]
    fn processors_are_awake_from_the_first_work_until_ten_seconds_without_any() {
        let device = tempfile::NamedTempFile::new().unwrap();
        let mut wakefulness = Wakefulness::through(device.path(), GOVERNOR_OF_GUESTS);
        let (mut now, mut used) = (wakefulness.load.looked_at, wakefulness.load.used);
        let mut second = |work: Duration| {
            (now, used) = (now + LOOK_INTERVAL, used + work);
            wakefulness.follow(now, used);
            asked(device.path())
        };
        let (idle, busy) = (Duration::from_millis(5), Duration::from_millis(20));
        assert!(second(idle).is_empty(), "a broker without work asks for nothing");
        assert_eq!(second(busy), [NO_SLEEP_US]);
        for _ in 1..QUIET.as_secs() {
            assert_eq!(second(idle), [NO_SLEEP_US], "asked once, and not given up in a pause");
        }
        assert_eq!(second(idle), [NO_SLEEP_US, ANY_SLEEP_US]);
        assert_eq!(second(busy), [NO_SLEEP_US, ANY_SLEEP_US, NO_SLEEP_US]);
    }

    #[test]
    fn real_processors_may_sleep_lightly() {
        let device = tempfile::NamedTempFile::new().unwrap();
        let mut wakefulness = Wakefulness::through(device.path(), "menu");
        wakefulness.follow(Instant::now() + LOOK_INTERVAL, used() + LOOK_INTERVAL);
        assert_eq!(asked(device.path()), [LIGHT_SLEEP_US]);
        assert_eq!(wakefulness.to_string(), "wake up within 10 us while there is work");
    }

    #[test]
    fn who_may_not_ask_says_so_and_goes_on() {
        let mut wakefulness = Wakefulness::through("/nowhere/device".as_ref(), "menu");
        wakefulness.look(Instant::now() + LOOK_INTERVAL);
        assert!(wakefulness.to_string().contains("No such file"), "{wakefulness}");
        assert!(Wakefulness::of_this_process(false).to_string().contains("strome.cpus.awake=false"));
    }
}
