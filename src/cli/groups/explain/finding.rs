//! What was found out about a group, and the words for it.

use std::time::Duration;

use bench::words::count;

/// So many names are listed; the others are counted.
const NAMES_SHOWN: usize = 3;

/// One thing that was found.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    /// For programs.
    pub(super) code: &'static str,
    pub(super) severity: Severity,
    /// What is so, in whole sentences.
    pub(super) text: String,
    /// What to do.
    pub(super) advice: String,
}

/// How bad it is; the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// The group does not get on as it should.
    Problem,
    /// Worth knowing, and often meant to be so.
    Note,
}

impl Severity {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Note => "note",
        }
    }
}

impl Finding {
    pub(super) fn problem(code: &'static str, text: String, advice: impl Into<String>) -> Self {
        Self { code, severity: Severity::Problem, text, advice: advice.into() }
    }

    pub(super) fn note(code: &'static str, text: String, advice: impl Into<String>) -> Self {
        Self { code, severity: Severity::Note, text, advice: advice.into() }
    }
}

/// `1 member`, `1,234 members`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(number as f64))
}

/// `once`, `3 times`.
pub(super) fn times(number: usize) -> String {
    match number {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        _ => format!("{} times", count(number as f64)),
    }
}

/// A time in the unit that suits it.
pub(super) fn span(ms: i64) -> String {
    let ms = ms.max(0);
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{} s", ms / 1_000),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        7_200_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} days", ms / 86_400_000),
    }
}

/// How long ago something was.
pub(super) fn ago(ms: i64) -> String {
    if ms < 1_000 { "just now".to_owned() } else { format!("{} ago", span(ms)) }
}

/// How many there are in a second, when there were so many in that time.
pub(super) fn rate(number: i64, time: Duration) -> String {
    if number == 0 {
        return "none".to_owned();
    }
    let rate = number as f64 / time.as_secs_f64().max(0.001);
    if rate < 10.0 { format!("{rate:.1} a second") } else { format!("{} a second", count(rate)) }
}

/// `a`, `a and b`, `a, b, c and 7 more`.
pub(super) fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [firsts @ .., last] if names.len() <= NAMES_SHOWN => format!("{} and {last}", firsts.join(", ")),
        _ => {
            let (shown, rest) = names.split_at(NAMES_SHOWN);
            format!("{} and {} more", shown.join(", "), rest.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_times_and_lists_read_well() {
        let names = |count: usize| listed(&["a", "b", "c", "d", "e"].map(String::from)[..count]);
        assert_eq!([0, 1, 2, 3, 5].map(names), ["", "a", "a and b", "a, b and c", "a, b, c and 2 more"]);
        assert_eq!([0, 1, 1_234].map(|n| counted(n, "record")), ["0 records", "1 record", "1,234 records"]);
        let spans = [-5, 999, 119_999, 120_000, 7_200_000, 172_800_000].map(span);
        assert_eq!(spans, ["0 ms", "999 ms", "119 s", "2 min", "2 h", "2 days"]);
        assert_eq!((ago(10), ago(2_000)), ("just now".to_owned(), "2 s ago".to_owned()));
        assert_eq!([1, 2, 3].map(times), ["once", "twice", "3 times"]);
        assert_eq!(rate(0, Duration::from_secs(6)), "none");
        assert_eq!(rate(3, Duration::from_secs(6)), "0.5 a second");
        assert_eq!(rate(60_000, Duration::from_secs(6)), "10,000 a second");
    }
}
