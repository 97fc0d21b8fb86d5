//! Listens to the threads of a phase: says when it begins and ends, and puts together what they have seen.
//!
//! # Invariants
//! - A second is told and added up once every thread has handed it over.
//! - What is measured of processes and of the machine covers the time that is measured of records, as closely as the
//!   kernel's ticks allow.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use reactor::Waker;

use super::readings::Readings;
use super::{Found, Phase};
use crate::control::{Control, Finished, Note};
use crate::error::BenchError;
use crate::explain::Witness;
use crate::moment::{Moment, Timeline};
use crate::outcome::{Digest, Point};
use crate::plan::Mode;
use crate::tally::{Sample, Tally};
use crate::watch::Stage;

/// Between the moment when all threads are ready and the first record.
const HEAD_START: Duration = Duration::from_millis(20);

/// How often it is looked whether to stop.
const LOOK_AROUND: Duration = Duration::from_millis(50);

/// A run that is cut short goes on for so long: every thread hears of its end before it comes, so that all end together.
const END_NOTICE: Duration = Duration::from_millis(50);
/// Its last answers are awaited no longer than this.
const DRAIN_CUT_SHORT_MAX: Duration = Duration::from_secs(2);

/// See the module.
pub(super) struct Conductor<'a> {
    phase: Phase<'a>,
    control: Arc<Control>,
    notes: Receiver<(usize, Note)>,
    wakers: Vec<Waker>,
    /// Up to where each thread has handed its tallies over.
    handed: Vec<Moment>,
    finished: Vec<Option<Finished>>,
    /// Intervals that not all threads have handed over, by their beginning.
    pending: BTreeMap<Moment, (Moment, Tally)>,
    total: Tally,
    series: Vec<Point>,
}

impl<'a> Conductor<'a> {
    /// One of threads that are woken by `wakers`.
    pub(super) fn new(
        phase: Phase<'a>,
        control: Arc<Control>,
        notes: Receiver<(usize, Note)>,
        wakers: Vec<Waker>,
    ) -> Self {
        let count = wakers.len();
        Self {
            phase,
            control,
            notes,
            wakers,
            handed: vec![Moment::ORIGIN; count],
            finished: (0..count).map(|_| None).collect(),
            pending: BTreeMap::new(),
            total: Tally::default(),
            series: Vec::new(),
        }
    }

    /// Leads the threads from their beginning to their end.
    pub(super) fn conduct(mut self) -> Result<Found, BenchError> {
        self.await_readiness()?;
        let mut witness = self.witness();
        let mut timeline = self.begin();
        let mut cut_short = None;
        let (mut before, mut after) = (None, None);
        while self.finished.iter().any(Option::is_none) {
            let now = self.phase.clock.now();
            if before.is_none() && now >= timeline.measure_from {
                before = Some(Readings::take(&self.phase.processes));
                // What was seen before the run is the better beginning where nothing has happened since.
                if let Some(Ok(witness)) = witness.as_mut().filter(|_| timeline.start < timeline.measure_from)
                {
                    witness.look_before();
                }
            }
            if after.is_none() && now >= timeline.end {
                after = Some(Readings::take(&self.phase.processes));
                if let Some(Ok(witness)) = &mut witness {
                    witness.look_after();
                }
            }
            let next = [timeline.measure_from, timeline.end].into_iter().filter(|moment| *moment > now).min();
            let wait = next.map_or(LOOK_AROUND, |next| next.since(now).min(LOOK_AROUND));
            let failed = match self.notes.recv_timeout(wait) {
                Ok((thread, note)) => self.hear(thread, note, &timeline),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(BenchError::Failed("a thread of the client died".to_owned()));
                }
            };
            let is_stopped = self.phase.stop.load(Ordering::Relaxed);
            let why = failed.or(is_stopped.then_some(BenchError::Stopped));
            if let Some(why) = why.filter(|_| cut_short.is_none()) {
                let now = self.phase.clock.now();
                if self.phase.prepares || now <= timeline.measure_from {
                    return Err(why);
                }
                timeline = self.cut_off(timeline, now);
                cut_short = Some(why);
            }
        }
        let after = after.unwrap_or_else(|| Readings::take(&self.phase.processes));
        // A run that is over before its warm-up has measured nothing.
        let before = before.unwrap_or_else(|| Readings::take(&self.phase.processes));
        let looks = witness.map(|witness| witness.and_then(Witness::conclude));
        Ok(Found { looks, cut_short, ..self.conclude(&timeline, &before, &after) })
    }

    fn await_readiness(&self) -> Result<(), BenchError> {
        for _ in 0..self.wakers.len() {
            match self.notes.recv() {
                Ok((_, Note::Finished(Finished { error: Some(error), .. }))) => return Err(error),
                Ok(_) => {}
                Err(_) => {
                    return Err(BenchError::Failed(
                        "a thread of the client ended before it began".to_owned(),
                    ));
                }
            }
        }
        Ok(())
    }

    /// A witness of the run, who has had a first look, if one is wanted.
    fn witness(&mut self) -> Option<Result<Witness, BenchError>> {
        let witness = Witness::new(self.phase.plan.explain.clone()?);
        if let Err(error) = &witness {
            self.phase.watch.warning(&error.to_string());
        }
        Some(witness)
    }

    fn begin(&self) -> Timeline {
        let plan = &self.phase.plan;
        let start = self.phase.clock.now() + HEAD_START;
        let measure_from = start + plan.warm_up;
        let end = measure_from + plan.duration;
        // What reading a backlog does to writing is to be seen, not to be over when the warm-up is.
        let read_from = if plan.mode == Mode::Mixed { measure_from } else { start };
        let timeline = Timeline { start, read_from, measure_from, end, give_up: end + plan.drain };
        let _ = self.control.timeline.set(timeline);
        self.wakers.iter().for_each(Waker::wake);
        timeline
    }

    /// Has all threads end now; what was measured so far is the result.
    fn cut_off(&self, timeline: Timeline, now: Moment) -> Timeline {
        let timeline = timeline.cut_off(now + END_NOTICE, DRAIN_CUT_SHORT_MAX.min(self.phase.plan.drain));
        let _ = self.control.cut_off.set(timeline);
        self.wakers.iter().for_each(Waker::wake);
        timeline
    }

    /// Returns why the thread cannot go on, if that is what it says.
    fn hear(&mut self, thread: usize, note: Note, timeline: &Timeline) -> Option<BenchError> {
        let mut error = None;
        match note {
            Note::Ready => {}
            Note::Interval(sample) => {
                let Sample { from, to, tally } = *sample;
                self.handed[thread] = to;
                let (until, pending) = self.pending.entry(from).or_insert_with(|| (to, Tally::default()));
                *until = (*until).max(to);
                pending.add(&tally);
            }
            Note::Finished(mut finished) => {
                error = finished.error.take();
                self.handed[thread] = Moment::NEVER;
                self.finished[thread] = Some(finished);
            }
        }
        let handed = self.handed.iter().copied().min().unwrap_or(Moment::NEVER);
        while let Some(entry) = self.pending.first_entry()
            && entry.get().0 <= handed
        {
            let (from, (to, tally)) = entry.remove_entry();
            self.second(from, to, &tally, timeline);
        }
        error
    }

    fn second(&mut self, from: Moment, to: Moment, tally: &Tally, timeline: &Timeline) {
        let seconds = to.since(from).as_secs_f64();
        let at_s =
            to.since(timeline.measure_from).as_secs_f64() - timeline.measure_from.since(to).as_secs_f64();
        let point = Point {
            at_s,
            seconds,
            produced: tally.produced,
            consumed: tally.consumed,
            produce: Digest::of(&tally.produce),
            end_to_end: Digest::of(&tally.end_to_end),
            fetch: Digest::of(&tally.fetch),
        };
        let stage = match () {
            () if self.phase.prepares => Stage::Filling,
            () if from < timeline.measure_from => Stage::WarmUp,
            () if from < timeline.end => Stage::Measuring,
            () => Stage::Draining,
        };
        if from >= timeline.measure_from {
            self.total.add(tally);
        }
        self.phase.watch.second(stage, &point);
        self.series.push(point);
    }

    fn conclude(self, timeline: &Timeline, before: &Readings, after: &Readings) -> Found {
        let finished: Vec<Finished> = self.finished.into_iter().flatten().collect();
        let at = finished.iter().map(|finished| finished.at).max().unwrap_or(timeline.end);
        let seconds = at.min(timeline.end).since(timeline.measure_from).as_secs_f64();
        let busy = |finished: &Finished| {
            let nanos = finished.at.since(timeline.measure_from).as_nanos().max(1);
            finished.cpu_nanos as f64 / nanos as f64
        };
        let caught_up: Option<Moment> = finished.iter().filter_map(|finished| finished.caught_up).max();
        Found {
            seconds,
            cut_short: None,
            total: self.total,
            series: self.series,
            missing: self.control.missing(),
            caught_up_s: caught_up.map(|at| at.since(timeline.read_from).as_secs_f64()),
            threads_busy: finished.iter().map(busy).collect(),
            spent: after.since(before),
            looks: None,
        }
    }
}
