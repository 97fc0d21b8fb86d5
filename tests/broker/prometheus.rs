//! A strict reader of Prometheus' text format: whatever the format does not allow is a failure.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use crate::support::PATIENCE;

/// An answer over HTTP.
pub struct Page {
    pub status: u16,
    pub head: String,
    pub body: String,
}

/// Asks for a page on a connection of its own.
pub fn get(address: SocketAddr, path: &str) -> Page {
    ask(address, &format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"))
}

/// The same with a request of the caller's making.
pub fn ask(address: SocketAddr, request: &str) -> Page {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    stream.write_all(request.as_bytes()).expect("the broker reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("an answer");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Page { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// The labels of a sample.
pub type Labels = BTreeMap<String, String>;

/// One family.
#[derive(Debug, Default)]
pub struct Family {
    pub kind: String,
    pub help: String,
    /// Name of the sample (a histogram has several), labels, value.
    pub samples: Vec<(String, Labels, f64)>,
}

/// Everything on a page.
#[derive(Debug)]
pub struct Metrics(pub BTreeMap<String, Family>);

impl Metrics {
    /// What the broker tells now.
    pub fn scrape(address: SocketAddr) -> Self {
        let page = get(address, "/metrics");
        assert_eq!(page.status, 200);
        assert!(
            page.head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"),
            "{}",
            page.head
        );
        Self::parse(&page.body)
    }

    pub fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line ends");
        let mut families = BTreeMap::new();
        let mut current: Option<(String, Family)> = None;
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').expect("a name and a help");
                let next = (name.to_owned(), Family { help: help.to_owned(), ..Family::default() });
                keep(&mut families, current.replace(next));
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a name and a type");
                let (current, family) = current.as_mut().expect("a help before the type");
                assert!(current == name && family.kind.is_empty() && family.samples.is_empty(), "{line}");
                family.kind = kind.to_owned();
            } else {
                let (name, family) = current.as_mut().expect("a family before its samples");
                let sample = sample(line);
                assert!(belongs(&sample.0, name, &family.kind), "{line} in the family {name}");
                family.samples.push(sample);
            }
        }
        keep(&mut families, current);
        Self(families)
    }

    /// The sum of the family's samples that have all of these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let family = name.strip_suffix("_sum").or(name.strip_suffix("_count")).unwrap_or(name);
        let family = self.0.get(family).or(self.0.get(name)).unwrap_or_else(|| panic!("no family {name}"));
        let has =
            |found: &Labels| labels.iter().all(|(key, value)| found.get(*key).is_some_and(|f| f == value));
        let samples = family.samples.iter().filter(|(sample, found, _)| sample == name && has(found));
        samples.map(|(_, _, value)| value).sum()
    }
}

fn keep(families: &mut BTreeMap<String, Family>, finished: Option<(String, Family)>) {
    let Some((name, family)) = finished else { return };
    let mut seen = BTreeSet::new();
    for (sample, labels, value) in &family.samples {
        assert!(seen.insert((sample, labels)), "{sample}{labels:?} comes twice");
        assert!(value.is_finite(), "{sample}{labels:?} is {value}");
        assert!(family.kind == "gauge" || *value >= 0.0, "{sample}{labels:?} is {value}");
    }
    match family.kind.as_str() {
        "counter" => assert!(name.ends_with("_total"), "the counter {name}"),
        "gauge" => assert!(!name.ends_with("_total"), "the gauge {name}"),
        "histogram" => check_histogram(&name, &family),
        kind => panic!("{name} has the type {kind:?}"),
    }
    assert!(!family.help.is_empty(), "{name} has no help");
    assert!(families.insert(name.clone(), family).is_none(), "the family {name} comes twice");
}

/// Buckets rise to `+Inf`, which is the count.
fn check_histogram(name: &str, family: &Family) {
    assert!(name.ends_with("_seconds"), "the histogram {name}");
    let mut series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    let mut counts: BTreeMap<Labels, f64> = BTreeMap::new();
    for (sample, labels, value) in &family.samples {
        let mut labels = labels.clone();
        let bound = labels.remove("le");
        if sample.ends_with("_bucket") {
            let bound = bound.expect("a bucket's bound");
            let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().expect("a number") };
            series.entry(labels).or_default().push((bound, *value));
        } else if sample.ends_with("_count") {
            counts.insert(labels, *value);
        }
    }
    assert_eq!(series.len(), counts.len());
    for (labels, buckets) in series {
        assert!(buckets.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1), "{name}");
        assert_eq!(buckets.last(), Some(&(f64::INFINITY, counts[&labels])), "{name}{labels:?}");
    }
}

fn belongs(sample: &str, family: &str, kind: &str) -> bool {
    let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
    suffixes.iter().any(|suffix| sample.strip_suffix(suffix) == Some(family))
}

/// One line: a name, labels in braces if there are any, a space, a value.
fn sample(line: &str) -> (String, Labels, f64) {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let name_end = line.find(|c| !is_name(c)).expect("something behind the name");
    let (name, mut rest) = line.split_at(name_end);
    assert!(!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()), "{line}");
    let mut labels = Labels::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, behind) = rest.split_once("=\"").expect("a label");
            assert!(
                !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'),
                "{line}"
            );
            let (value, behind) = quoted(behind);
            assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
            match behind.strip_prefix(',') {
                Some(next) => rest = next,
                None => {
                    rest = behind.strip_prefix('}').expect("the end of the labels");
                    break;
                }
            }
        }
    }
    let value = rest.strip_prefix(' ').expect("one space before the value");
    assert!(!value.contains(' '), "{line}");
    (name.to_owned(), labels, value.parse().expect("a number"))
}

/// A quoted value, and what follows behind the closing quote.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, other @ ('"' | '\\'))) => value.push(other),
                other => panic!("\\{other:?} in a label"),
            },
            other => value.push(other),
        }
    }
    panic!("a label's value does not end: {text}")
}
