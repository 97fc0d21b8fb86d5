//! A profile in sentences.

use std::fmt;
use std::time::Duration;

use super::advice::Advice;
use super::case::{Around, Case, Measured, What};
use super::device::WriteCache;
use super::profile::DiskProfile;

const MIB: f64 = 1024.0 * 1024.0;
/// A disk that turns needs a turn for each durable write; the fastest make 250 in a second.
const TURNS_PER_SECOND: f64 = 250.0;
/// From so many times as long on, it is worth a remark.
const MUCH: f64 = 2.0;

/// See the module. Prints one sentence a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The sentences, the most important first.
    pub sentences: Vec<String>,
}

impl Verdict {
    /// What is to be said about the disk.
    #[must_use]
    pub fn of(profile: &DiskProfile) -> Self {
        let mut sentences = Vec::new();
        sentences.extend(commits(profile));
        sentences.push(durability(profile));
        sentences.extend(too_fast(profile));
        sentences.extend(busy(profile));
        sentences.extend(fresh(profile));
        sentences.extend(writes(profile));
        sentences.extend(reads(profile));
        if !profile.is_direct {
            sentences.push(
                "This file system knows no O_DIRECT: everything was measured through the page cache, and a broker \
                 here works so, too."
                    .to_owned(),
            );
        }
        sentences.push(format!("A broker here uses: {}.", Advice::of(profile)));
        Self { sentences }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sentences.iter().try_for_each(|sentence| writeln!(f, "{sentence}"))
    }
}

fn commits(profile: &DiskProfile) -> Option<String> {
    let one = profile.of(Case::commit(1))?;
    let mut text = format!(
        "Durable commits: {}/s one at a time, p50 {}, p99 {}",
        grouped(one.per_second()),
        time(one.p50),
        time(one.p99)
    );
    let commits = profile.quiet(What::Commit).filter(|measured| measured.case.block == Case::BLOCK);
    let best = commits.reduce(|best, next| if next.per_second() > best.per_second() { next } else { best });
    if let Some(best) = best.filter(|best| best.case.depth > 1) {
        let (rate, p99) = (grouped(best.per_second()), time(best.p99));
        text += &format!("; {rate}/s with {} at once, p99 {p99}", best.case.depth);
    }
    Some(text + ".")
}

fn durability(profile: &DiskProfile) -> String {
    let device = &profile.device;
    let Some(name) = &device.name else {
        return match device.is_memory() {
            true => format!("This is memory ({}): nothing outlives the host.", device.filesystem),
            false => {
                format!("There is no block device below this {} that the kernel tells of.", device.filesystem)
            }
        };
    };
    let mut text = match device.cache {
        WriteCache::Through => format!(
            "{name} writes through: what it says it has written is durable, without a cache or with one that is \
             protected against loss of power."
        ),
        WriteCache::Back if device.is_virtual => format!("{name} has a write-back cache."),
        WriteCache::Back => format!(
            "{name} has a write-back cache and no power-loss protection that it tells of: records are durable when \
             the cache has been flushed, which is what a commit waits for."
        ),
        WriteCache::Unknown => format!("The kernel does not tell whether {name} has a write cache."),
    };
    if device.is_virtual {
        text += " It is virtual: what a flush is worth is up to the host below.";
    }
    text
}

/// A disk that turns cannot be that fast.
fn too_fast(profile: &DiskProfile) -> Option<String> {
    let one = profile.of(Case::commit(1))?;
    let lies =
        profile.device.rotational && !profile.device.is_virtual && one.per_second() > 2.0 * TURNS_PER_SECOND;
    lies.then(|| {
        "That is more commits than a disk makes turns: a cache in between answers for it, and it should have a battery."
            .to_owned()
    })
}

fn busy(profile: &DiskProfile) -> Option<String> {
    let on = |case: Case| profile.of(case.around(Around::BusyCores));
    let (quiet, linked) = (profile.of(Case::commit(1))?, on(Case::commit(1))?);
    let mut text = format!(
        "When all {} CPUs are busy, a commit takes p50 {}, p99 {} ({})",
        profile.cpus,
        time(linked.p50),
        time(linked.p99),
        times(linked.p50, quiet.p50)
    );
    if let Some((inline, busy)) = profile.of(Case::inline_commit(1)).zip(on(Case::inline_commit(1))) {
        text += &format!(
            "; with RWF_DSYNC it would take {} when they are idle and {} when they are busy",
            time(inline.p50),
            time(busy.p50)
        );
    }
    Some(text + ".")
}

fn fresh(profile: &DiskProfile) -> Option<String> {
    let (fresh, prewritten) = (profile.of(Case::commit(1).in_allocated())?, profile.of(Case::commit(1))?);
    let how = times(fresh.p50, prewritten.p50);
    let text = format!("In space that was never written a commit takes p50 {} ({how})", time(fresh.p50));
    let is_much = fresh.p50.as_secs_f64() > MUCH * prewritten.p50.as_secs_f64();
    Some(text + if is_much { ": so small commits go to a journal, which is written ahead." } else { "." })
}

fn writes(profile: &DiskProfile) -> Option<String> {
    let best = best(profile, What::Write)?;
    Some(format!(
        "Writes in order: {} MiB/s, with {} KiB and {} at once; {} MiB/s into fresh space.",
        grouped(best.bytes_per_second() / MIB),
        best.case.block.0 / 1024,
        best.case.depth,
        grouped(profile.fresh.bytes_per_second() / MIB)
    ))
}

fn reads(profile: &DiskProfile) -> Option<String> {
    let best = best(profile, What::Read)?;
    let mut text = format!(
        "Reads in order: {} MiB/s, with {} KiB and {} at once",
        grouped(best.bytes_per_second() / MIB),
        best.case.block.0 / 1024,
        best.case.depth
    );
    let alone = profile.of(Case::commit(1))?;
    for depth in [Case::DEPTHS[0], Case::DEPTHS[Case::DEPTHS.len() - 1]] {
        if let Some(beside) = profile.of(Case::commit(1).around(Around::Reads(depth))) {
            text += &format!(
                "; beside {} MiB/s of reads ({depth} at once) a commit takes p50 {}, p99 {} ({})",
                grouped(beside.beside_bytes_per_second() / MIB),
                time(beside.p50),
                time(beside.p99),
                times(beside.p50, alone.p50)
            );
        }
    }
    Some(text + ".")
}

fn best(profile: &DiskProfile, what: What) -> Option<&Measured> {
    profile
        .quiet(what)
        .reduce(|best, next| if next.bytes_per_second() > best.bytes_per_second() { next } else { best })
}

/// How many times as long, for people.
fn times(slow: Duration, fast: Duration) -> String {
    if fast.is_zero() {
        return "no comparison".to_owned();
    }
    format!("{:.1} times as long", slow.as_secs_f64() / fast.as_secs_f64())
}

/// A time as people read it: no more than three digits.
fn time(duration: Duration) -> String {
    let us = duration.as_secs_f64() * 1e6;
    match us {
        ..1000.0 => format!("{us:.0} us"),
        ..10_000.0 => format!("{:.1} ms", us / 1e3),
        ..1_000_000.0 => format!("{:.0} ms", us / 1e3),
        _ => format!("{:.1} s", us / 1e6),
    }
}

/// A number with a comma after each three digits.
pub(crate) fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.max(0.0));
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
