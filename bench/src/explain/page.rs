//! What a page of metrics says about requests and their time.

use std::collections::BTreeMap;

use super::buckets::Buckets;
use super::exposition::{Sample, samples};

/// A process's start is the clock's time less its age, which is never quite the same twice; two lives lie further apart.
const STARTED_FUZZ_S: f64 = 1.0;

/// The figures of one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Page {
    /// When the broker was started.
    started: f64,
    /// By API.
    pub(super) requests: BTreeMap<String, Buckets>,
    /// By API and stage.
    pub(super) stages: BTreeMap<(String, String), Buckets>,
    /// Seconds, by shard and stage.
    pub(super) shards: BTreeMap<(u32, String), f64>,
    /// By way.
    pub(super) commits: BTreeMap<String, Buckets>,
}

impl Page {
    /// Reads a page.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let all = samples(text).map_err(|malformed| malformed.to_string())?;
        if !all.iter().any(|sample| sample.name == "strome_info") {
            return Err("it has metrics, but not those of a Strome broker".to_owned());
        }
        let started = all.iter().find(|sample| sample.name == "process_start_time_seconds");
        let mut shards = BTreeMap::new();
        for sample in all.iter().filter(|sample| sample.name == "strome_shard_stage_seconds_total") {
            let shard = sample.label("shard").and_then(|shard| shard.parse().ok());
            let (shard, stage) =
                shard.zip(sample.label("stage")).ok_or("a time of a shard without its labels")?;
            shards.insert((shard, stage.to_owned()), sample.value);
        }
        let one = |[label]: [String; 1]| label;
        let two = |[first, second]: [String; 2]| (first, second);
        let requests = histograms(&all, "strome_request_seconds", ["api"])?;
        let stages = histograms(&all, "strome_request_stage_seconds", ["api", "stage"])?;
        let commits = histograms(&all, "strome_commit_seconds", ["way"])?;
        Ok(Self {
            started: started.map_or(0.0, |started| started.value),
            requests: requests.into_iter().map(|(key, buckets)| (one(key), buckets)).collect(),
            stages: stages.into_iter().map(|(key, buckets)| (two(key), buckets)).collect(),
            shards,
            commits: commits.into_iter().map(|(key, buckets)| (one(key), buckets)).collect(),
        })
    }

    /// What has come since `earlier`. What was not there then has begun at zero.
    pub(super) fn since(&self, earlier: &Self) -> Result<Self, String> {
        let anew = || "the broker was started anew while it was measured".to_owned();
        if (self.started - earlier.started).abs() > STARTED_FUZZ_S {
            return Err(anew());
        }
        let mut shards = BTreeMap::new();
        for (key, now) in &self.shards {
            let then = earlier.shards.get(key).copied().unwrap_or_default();
            shards.insert(key.clone(), (now - then).max(0.0));
        }
        Ok(Self {
            started: self.started,
            requests: since(&self.requests, &earlier.requests).ok_or_else(anew)?,
            stages: since(&self.stages, &earlier.stages).ok_or_else(anew)?,
            shards,
            commits: since(&self.commits, &earlier.commits).ok_or_else(anew)?,
        })
    }
}

fn since<K: Ord + Clone>(
    now: &BTreeMap<K, Buckets>,
    then: &BTreeMap<K, Buckets>,
) -> Option<BTreeMap<K, Buckets>> {
    let one = |(key, now): (&K, &Buckets)| {
        let since = match then.get(key) {
            Some(then) => now.since(then)?,
            None => now.clone(),
        };
        Some((key.clone(), since))
    };
    now.iter().map(one).collect()
}

type Histograms<const LABELS: usize> = BTreeMap<[String; LABELS], Buckets>;

/// What was found of a histogram so far.
#[derive(Default)]
struct Parts {
    bounds: Vec<(f64, u64)>,
    sum: Option<f64>,
    count: Option<f64>,
}

/// The histograms of a family, by their labels.
fn histograms<const LABELS: usize>(
    all: &[Sample<'_>],
    family: &str,
    labels: [&str; LABELS],
) -> Result<Histograms<LABELS>, String> {
    let mut parts: BTreeMap<[String; LABELS], Parts> = BTreeMap::new();
    for sample in all {
        let Some(part) = sample.name.strip_prefix(family) else { continue };
        if !matches!(part, "_bucket" | "_sum" | "_count") {
            continue;
        }
        let key = labels.map(|label| sample.label(label).unwrap_or_default().to_owned());
        let Parts { bounds, sum, count } = parts.entry(key).or_default();
        match part {
            "_sum" => *sum = Some(sample.value),
            "_count" => *count = Some(sample.value),
            _ => {
                let bound = sample.label("le").and_then(|bound| bound.parse().ok());
                // A count that is no number shows when it is compared below.
                bounds.push((
                    bound.ok_or_else(|| format!("{family}: a bucket without a bound"))?,
                    sample.value as u64,
                ));
            }
        }
    }
    let mut found = BTreeMap::new();
    for (key, Parts { bounds, sum, count }) in parts {
        let buckets = sum.and_then(|sum| Buckets::new(bounds, sum));
        let buckets = buckets.filter(|buckets| count == Some(buckets.count() as f64));
        found.insert(key, buckets.ok_or_else(|| format!("{family}: what it says is no histogram"))?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::tests::text;
    use super::*;

    #[test]
    fn the_difference_of_two_pages_is_what_lies_between_them() {
        let (before, after) = (text(100, &[("commit", 1.0)]), text(300, &[("commit", 1.0), ("hop", 0.0)]));
        let since = Page::read(&after).unwrap().since(&Page::read(&before).unwrap()).unwrap();
        let key = |stage: &str| ("Produce".to_owned(), stage.to_owned());
        assert_eq!((since.requests["Produce"].count(), since.commits["journal"].count()), (200, 200));
        // What was not there before has begun at zero.
        assert_eq!((since.stages[&key("commit")].count(), since.stages[&key("hop")].count()), (200, 300));
        assert!((since.shards[&(0, "commit".to_owned())] - 0.2).abs() < 1e-9);
    }

    #[test]
    fn pages_of_two_lives_of_a_broker_have_no_difference() {
        let (one, other) = (text(100, &[("commit", 1.0)]), text(200, &[("commit", 1.0)]));
        let [page, less] = [&other, &one].map(|text| Page::read(text).unwrap());
        let fuzzy = Page::read(&other.replace("100.5", "100.51")).unwrap();
        assert!(fuzzy.since(&less).is_ok());
        let reborn = Page::read(&other.replace("100.5", "200.5")).unwrap();
        for (later, earlier) in [(&reborn, &less), (&less, &page)] {
            assert!(later.since(earlier).is_err_and(|why| why.contains("anew")));
        }
    }

    #[test]
    fn what_is_not_of_a_strome_broker_is_not_read() {
        let page = text(100, &[("commit", 1.0)]);
        assert!(Page::read("other_total 1\n").is_err_and(|why| why.contains("Strome")));
        for (from, to) in [
            ("_count{way=\"journal\"} 100", "_count{way=\"journal\"} 99"),
            ("le=\"0.002\"", "le=\"x\""),
            ("shard=\"0\"", "shard=\"?\""),
        ] {
            assert!(Page::read(&page.replace(from, to)).is_err(), "{from} as {to}");
        }
    }
}
