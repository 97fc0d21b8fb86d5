//! Prometheus' text format (version 0.0.4): families of samples, each with its help and type.
//!
//! # Not here
//! What is shown (`families.rs`).

use std::fmt::{Display, Write};

use types::Histogram;

/// What Prometheus is told that the text is.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a family's values do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// They only grow, until the broker starts anew.
    Counter,
    Gauge,
    Histogram,
}

/// A page of metrics that is being written.
#[derive(Default)]
pub struct Page {
    text: String,
}

/// A family to which samples are added.
pub struct Family<'a> {
    page: &'a mut Page,
    name: &'a str,
}

impl Page {
    /// Begins a family. All its samples have to follow before the next one begins.
    pub fn family<'a>(&'a mut self, name: &'a str, kind: Kind, help: &str) -> Family<'a> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.text.push_str("# HELP ");
        self.text.push_str(name);
        self.text.push(' ');
        escape(&mut self.text, help, false);
        self.put(format_args!("\n# TYPE {name} {kind}\n"));
        Family { page: self, name }
    }

    /// A family of a single sample.
    pub fn single(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind, help).sample(&[], value);
    }

    /// The whole text.
    pub fn into_text(self) -> String {
        self.text
    }

    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(text);
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(name);
        self.text.push_str(suffix);
        for (index, (label, value)) in labels.iter().enumerate() {
            self.text.push(if index == 0 { '{' } else { ',' });
            self.text.push_str(label);
            self.text.push_str("=\"");
            escape(&mut self.text, value, true);
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        self.put(format_args!(" {value}\n"));
    }
}

impl Family<'_> {
    /// Adds a sample.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) {
        self.page.sample(self.name, "", labels, value);
    }

    /// Adds a histogram, in seconds.
    pub fn histogram(&mut self, labels: &[(&str, &str)], histogram: &Histogram) {
        let mut so_far = 0;
        let bounds = Histogram::bounds_ns().map(|ns| seconds(ns).to_string());
        for (bound, count) in bounds.chain(std::iter::once("+Inf".to_owned())).zip(histogram.counts()) {
            so_far += count;
            let labels: Vec<_> = labels.iter().copied().chain([("le", bound.as_str())]).collect();
            self.page.sample(self.name, "_bucket", &labels, so_far);
        }
        self.page.sample(self.name, "_sum", labels, seconds(histogram.sum_ns()));
        self.page.sample(self.name, "_count", labels, so_far);
    }
}

/// Nanoseconds as seconds.
pub fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}

fn escape(text: &mut String, value: &str, is_label: bool) {
    for char in value.chars() {
        match char {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if is_label => text.push_str("\\\""),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_helps_cannot_break_the_format() {
        let mut page = Page::default();
        page.family("a_total", Kind::Counter, "one\nline \\ \"here\"").sample(&[("l", "a\"b\\c\nd")], 1);
        let expected = "# HELP a_total one\\nline \\\\ \"here\"\n# TYPE a_total counter\na_total{l=\"a\\\"b\\\\c\\nd\"} 1\n";
        assert_eq!(page.into_text(), expected);
    }

    #[test]
    fn buckets_of_a_histogram_hold_all_below_their_bounds() {
        let mut histogram = Histogram::default();
        [500, 1_000_000, 2_000_000_000_000].into_iter().for_each(|ns| histogram.note_ns(ns));
        let mut page = Page::default();
        page.family("h_seconds", Kind::Histogram, "h").histogram(&[("a", "b")], &histogram);
        let text = page.into_text();
        assert!(text.contains("h_seconds_bucket{a=\"b\",le=\"0.000001024\"} 1\n"), "{text}");
        assert!(text.contains("h_seconds_bucket{a=\"b\",le=\"0.001048576\"} 2\n"), "{text}");
        assert!(text.contains("h_seconds_bucket{a=\"b\",le=\"68.719476736\"} 2\n"), "{text}");
        assert!(text.contains("h_seconds_bucket{a=\"b\",le=\"+Inf\"} 3\n"), "{text}");
        assert!(
            text.ends_with("h_seconds_sum{a=\"b\"} 2000.0010005\nh_seconds_count{a=\"b\"} 3\n"),
            "{text}"
        );
    }
}
