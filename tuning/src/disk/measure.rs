//! A whole measurement of a directory's disk, from the check of its room to the profile.
//!
//! # Invariants
//! - It takes about as long as it was allowed to, however slow the disk is, but for the last operation of each case.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reactor::{Placement, launch};
use types::{ByteCount, TimestampMs};

use super::case::{Case, Measured};
use super::device::Device;
use super::error::DiskError;
use super::fio::{self, Comparison};
use super::pages::OrdinaryPages;
use super::profile::DiskProfile;
use super::room::{Room, TestFile};
use super::runner::Runner;
use crate::Host;

/// Of the time, so much goes to prewriting at most.
const PREWRITE_SHARE: u32 = 6;
/// Of the file, so much stays fresh.
const FRESH_SHARE: u64 = 4;

/// What is to be measured, and within which bounds.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The directory.
    pub dir: PathBuf,
    /// How long it may take in all.
    pub time: Duration,
    /// How large the test file is to be; `None` leaves it to the free space.
    pub size: Option<ByteCount>,
    /// Whether some cases are measured with fio, too.
    pub with_fio: bool,
    /// Raised when it is to end early.
    pub stop: Arc<AtomicBool>,
}

/// What is going on.
#[derive(Clone, Debug)]
pub enum Progress {
    /// The room is there: the size of the test file, and whether it passes by the page cache.
    Begun {
        /// Bytes.
        size: ByteCount,
        /// Whether O_DIRECT works.
        is_direct: bool,
    },
    /// One case is done, and how many there are.
    Case {
        /// How many are done.
        done: usize,
        /// Of how many.
        of: usize,
        /// The outcome.
        measured: Measured,
    },
}

/// What has come out.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// For the file, the verdict and the advice.
    pub profile: DiskProfile,
    /// The same cases with fio, if asked for.
    pub comparisons: Vec<Comparison>,
}

/// What the measuring thread tells.
enum News {
    Progress(Progress),
    Failed(DiskError),
    Fresh(Measured, ByteCount),
    Compared(Comparison),
}

/// Measures. `tell` hears how it goes.
///
/// # Errors
/// When there is no room, the disk fails, or `stop` was raised.
pub fn measure(host: &Host, plan: &Plan, mut tell: impl FnMut(&Progress)) -> Result<Outcome, DiskError> {
    let room = Room::enter(&plan.dir)?;
    let device = Device::below(host, &plan.dir).map_err(DiskError::io("look at", &plan.dir))?;
    let size = room.size(plan.size)?;
    let test = room.test_file(size)?;
    let is_direct = test.file.direct();
    let cpus = u16::try_from(reactor::cores().len()).unwrap_or(u16::MAX).max(1);
    tell(&Progress::Begun { size, is_direct });
    let (sender, receiver) = channel();
    let task = Task { plan: plan.clone(), test, size, cpus, is_direct, news: sender };
    let _pages = OrdinaryPages::only();
    let placement = Placement { name: "disk".to_owned(), cpu: None };
    let thread = launch(placement, move || task.run())?;
    let heard = hear(receiver, &mut tell);
    thread.join()?;
    let Heard { fresh, measured, comparisons } = heard?;
    let Some((fresh, prewritten)) = fresh else { return Err(DiskError::Interrupted) };
    let profile = DiskProfile {
        measured_at: now(),
        strome: env!("CARGO_PKG_VERSION").to_owned(),
        device,
        is_direct,
        cpus,
        prewritten,
        fresh,
        measured,
    };
    Ok(Outcome { profile, comparisons })
}

/// What was heard of the measuring thread.
#[derive(Default)]
struct Heard {
    fresh: Option<(Measured, ByteCount)>,
    measured: Vec<Measured>,
    comparisons: Vec<Comparison>,
}

/// Listens until the thread has no more to tell.
fn hear(receiver: Receiver<News>, tell: &mut impl FnMut(&Progress)) -> Result<Heard, DiskError> {
    let mut heard = Heard::default();
    for news in receiver {
        match news {
            News::Progress(progress) => {
                tell(&progress);
                if let Progress::Case { measured, .. } = progress {
                    heard.measured.push(measured);
                }
            }
            News::Fresh(measured, prewritten) => heard.fresh = Some((measured, prewritten)),
            News::Compared(comparison) => heard.comparisons.push(comparison),
            News::Failed(error) => return Err(error),
        }
    }
    Ok(heard)
}

/// What the measuring thread does.
struct Task {
    plan: Plan,
    test: TestFile,
    size: ByteCount,
    cpus: u16,
    is_direct: bool,
    news: Sender<News>,
}

impl Task {
    async fn run(self) {
        if let Err(error) = self.measure().await {
            self.tell(News::Failed(error));
        }
    }

    async fn measure(&self) -> Result<(), DiskError> {
        let (file, stop) = (self.test.file.clone(), Arc::clone(&self.plan.stop));
        let mut runner = Runner::new(file, self.size, self.cpus, stop)?;
        let prewriting = self.plan.time / PREWRITE_SHARE;
        let up_to = ByteCount(self.size.0 - self.size.0 / FRESH_SHARE);
        let fresh = runner.prewrite(up_to, prewriting).await.map_err(self.failed())?;
        self.tell(News::Fresh(fresh, runner.prewritten()));
        let cases = Case::all();
        let unit = self.unit(&cases, fresh.elapsed.min(prewriting));
        let of = cases.len();
        for (done, (case, weight)) in cases.into_iter().enumerate() {
            if runner.is_stopped() {
                return Err(DiskError::Interrupted);
            }
            let measured = runner.run(case, unit * weight).await.map_err(self.failed())?;
            if let Some(measured) = measured {
                self.tell(News::Progress(Progress::Case { done: done + 1, of, measured }));
            }
        }
        if self.plan.with_fio {
            self.compare(&mut runner).await?;
        }
        if runner.is_stopped() { Err(DiskError::Interrupted) } else { Ok(()) }
    }

    /// Takes turns with fio, on the very same file.
    async fn compare(&self, runner: &mut Runner) -> Result<(), DiskError> {
        let bytes = runner.prewritten();
        let fio = fio::Fio::new(&self.test.for_others, bytes, self.is_direct);
        for case in fio::cases() {
            let mut comparison = Comparison::of(case);
            for round in 0..fio::ROUNDS {
                if runner.is_stopped() {
                    return Err(DiskError::Interrupted);
                }
                // Who comes second may find the disk's budget used up, so each does so in turns.
                let begins = (round % 2 == 1).then(|| fio.measure(case)).transpose()?;
                let ours = runner.run(case, fio::TIME).await.map_err(self.failed())?;
                let fios = begins.map_or_else(|| fio.measure(case), Ok)?;
                comparison.add(ours.map_or(0.0, |ours| ours.per_second()), fios);
            }
            self.tell(News::Compared(comparison));
        }
        Ok(())
    }

    /// The time for a case of weight one.
    fn unit(&self, cases: &[(Case, u32)], spent: Duration) -> Duration {
        let weights: u32 = cases.iter().map(|(_, weight)| *weight).sum();
        self.plan.time.saturating_sub(spent) / weights.max(1)
    }

    fn failed(&self) -> impl FnOnce(std::io::Error) -> DiskError {
        DiskError::io("measure", &self.plan.dir)
    }

    fn tell(&self, news: News) {
        // Who does not listen any more has heard of a failure.
        let _ = self.news.send(news);
    }
}

fn now() -> TimestampMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimestampMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
