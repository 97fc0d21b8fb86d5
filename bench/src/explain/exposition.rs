//! Prometheus' text format (version 0.0.4), as strictly as is needed to trust its figures: text in, samples out.
//!
//! # Not here
//! What the samples mean (`page.rs`).

use std::fmt;

/// One line with a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample<'a> {
    pub(super) name: &'a str,
    labels: Vec<(&'a str, String)>,
    pub(super) value: f64,
}

impl Sample<'_> {
    /// The value of a label.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(label, _)| *label == name).map(|(_, value)| value.as_str())
    }
}

/// A line that is not in the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    line: usize,
    why: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of the metrics: {}", self.line, self.why)
    }
}

/// All samples. One line that is wrong spoils them all: what else is missing could not be known.
pub(super) fn samples(text: &str) -> Result<Vec<Sample<'_>>, Malformed> {
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(Malformed { line: text.lines().count(), why: "it is cut off" });
    }
    let lines =
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    lines.map(|(index, line)| sample(line).map_err(|why| Malformed { line: index + 1, why })).collect()
}

fn sample(line: &str) -> Result<Sample<'_>, &'static str> {
    let end = line.find(|c: char| !is_name(c)).ok_or("a name without a value")?;
    let (name, rest) = line.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("it does not begin with a name");
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let mut fields = rest.split_ascii_whitespace();
    let value = fields.next().and_then(|field| field.parse().ok()).ok_or("its value is no number")?;
    // A time may follow, which says nothing here.
    if fields.next().is_some_and(|time| time.parse::<i64>().is_err()) || fields.next().is_some() {
        return Err("something follows its value");
    }
    Ok(Sample { name, labels, value })
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

type Labels<'a> = Vec<(&'a str, String)>;

/// The labels behind an opening brace, and what follows the closing one.
fn labels(mut rest: &str) -> Result<(Labels<'_>, &str), &'static str> {
    let mut labels = Vec::new();
    loop {
        if let Some(rest) = rest.strip_prefix('}') {
            return Ok((labels, rest));
        }
        let (name, after) = rest.split_once("=\"").ok_or("a label without a value")?;
        if name.is_empty() || !name.chars().all(is_name) {
            return Err("a label without a name");
        }
        let (value, after) = quoted(after)?;
        labels.push((name, value));
        rest = match after.strip_prefix(',') {
            Some(after) => after,
            None if after.starts_with('}') => after,
            None => return Err("its labels do not end"),
        };
    }
}

/// The text up to a closing quote, and what follows that.
fn quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok((value, chars.as_str())),
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some(escaped @ ('\\' | '"')) => value.push(escaped),
                _ => return Err("an escape that there is not"),
            },
            other => value.push(other),
        }
    }
    Err("a label's value does not end")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_labels_and_values_are_read_and_comments_are_not() {
        let text = "# HELP a_total it\n# TYPE a_total counter\n\
                    a_total 3\n\
                    b_bucket{api=\"Fetch\",le=\"+Inf\"} 1e3 1700000000000\n\
                    c{odd=\"a\\\"b\\\\c\\nd,}\",} -0.5\n\n";
        let read = samples(text).unwrap();
        assert_eq!(read.iter().map(|sample| sample.value).collect::<Vec<_>>(), [3.0, 1000.0, -0.5]);
        assert_eq!(
            (read[1].name, read[1].label("api"), read[1].label("le")),
            ("b_bucket", Some("Fetch"), Some("+Inf"))
        );
        assert_eq!((read[2].label("odd"), read[2].label("even")), (Some("a\"b\\c\nd,}"), None));
    }

    #[test]
    fn a_line_that_is_wrong_is_named() {
        for wrong in [
            "a",
            "a ",
            "a x",
            "1a 1",
            "{} 1",
            "a{b} 1",
            "a{b=\"c} 1",
            "a{b=\"c\" 1",
            "a{=\"c\"} 1",
            "a{b=\"c\"d=\"e\"} 1",
            "a{b=\"\\x\"} 1",
            "a 1 2 3",
            "a 1 x",
            "<html>",
        ] {
            let text = format!("good 1\n{wrong}\n");
            let read = samples(&text).map_err(|malformed| malformed.to_string());
            assert!(read.as_ref().is_err_and(|why| why.starts_with("line 2 of")), "{wrong}: {read:?}");
        }
    }

    #[test]
    fn a_page_that_is_cut_off_is_not_believed() {
        assert!(samples("a 1\nb 22").is_err() && samples("a 1\nb 22\n").is_ok() && samples("").is_ok());
    }
}
