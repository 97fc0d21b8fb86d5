//! How a line becomes a record: headers, key and value.

use bytes::Bytes;
use clap::Args;
use types::TimestampMs;

use crate::cli::connect::key_value;
use crate::client::OutRecord;

const SEPARATOR_DEFAULT: &str = "\t";

/// The arguments about it.
#[derive(Args)]
pub(super) struct RecordForm {
    /// Lines are KEY<SEPARATOR>VALUE [default: lines are values]
    #[arg(long, value_name = "SEPARATOR")]
    key_separator: Option<String>,
    /// The same with a tab for separator
    #[arg(long)]
    parse_key: bool,
    /// Lines begin with headers, a tab behind them: NAME:VALUE,NAME:VALUE
    #[arg(long)]
    parse_headers: bool,
    /// A header for every record; may be given many times
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = key_value)]
    headers: Vec<(String, String)>,
    /// What stands for a null key or value
    #[arg(long, value_name = "TEXT")]
    null_marker: Option<String>,
    /// Take a line without the separator for a value without a key
    #[arg(long)]
    ignore_error: bool,
    /// As in Kafka's console producer: parse.key, key.separator, parse.headers, null.marker, ignore.error
    #[arg(long = "property", visible_alias = "reader-property", value_name = "KEY=VALUE", value_parser = key_value)]
    properties: Vec<(String, String)>,
}

/// What the arguments come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Resolved {
    key_separator: Option<Vec<u8>>,
    parse_headers: bool,
    headers: Vec<(Bytes, Option<Bytes>)>,
    null_marker: Option<Bytes>,
    ignore_error: bool,
}

impl RecordForm {
    /// Puts options and properties together.
    pub(super) fn resolve(&self) -> Result<Resolved, String> {
        let mut parse_key = self.parse_key || self.key_separator.is_some();
        let mut separator = self.key_separator.clone();
        let mut null_marker = self.null_marker.clone();
        let (mut parse_headers, mut ignore_error) = (self.parse_headers, self.ignore_error);
        for (key, value) in &self.properties {
            match key.as_str() {
                "parse.key" => parse_key = truth(key, value)?,
                "key.separator" => separator = Some(value.clone()),
                "parse.headers" => parse_headers = truth(key, value)?,
                "null.marker" => null_marker = Some(value.clone()),
                "ignore.error" => ignore_error = truth(key, value)?,
                _ => return Err(format!("--property {key}: unknown; --help lists those that are known")),
            }
        }
        let separator = unescaped(separator.as_deref().unwrap_or(SEPARATOR_DEFAULT));
        if separator.is_empty() {
            return Err("the key's separator is empty".to_owned());
        }
        let header = |(name, value): &(String, String)| {
            (Bytes::from(name.clone().into_bytes()), Some(Bytes::from(value.clone().into_bytes())))
        };
        Ok(Resolved {
            key_separator: parse_key.then(|| separator.into_bytes()),
            parse_headers,
            headers: self.headers.iter().map(header).collect(),
            null_marker: null_marker.map(|marker| Bytes::from(marker.into_bytes())),
            ignore_error,
        })
    }
}

fn truth(key: &str, value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("{key}={value}: expected true or false")),
    }
}

/// Tabs are hard to type in a shell.
fn unescaped(separator: &str) -> String {
    separator.replace("\\t", "\t")
}

impl Resolved {
    /// The record of a line.
    ///
    /// # Errors
    /// In words, for a line that is not as it was said to be.
    pub(super) fn record(&self, line: &Bytes, timestamp: TimestampMs) -> Result<OutRecord, String> {
        let mut rest = line.clone();
        let mut headers = self.headers.clone();
        if self.parse_headers {
            let end = find(&rest, b"\t").ok_or("no tab behind the headers")?;
            let text = rest.split_to(end);
            rest = rest.slice(1..);
            if self.nullable(text.clone()).is_some() {
                headers.extend(self.parsed_headers(&text)?);
            }
        }
        let mut key = None;
        if let Some(separator) = &self.key_separator {
            match find(&rest, separator) {
                Some(end) => {
                    key = self.nullable(rest.split_to(end));
                    rest = rest.slice(separator.len()..);
                }
                None if self.ignore_error => {}
                None => return Err("no separator between key and value".to_owned()),
            }
        }
        Ok(OutRecord { timestamp, key, value: self.nullable(rest), headers })
    }

    fn parsed_headers(&self, text: &Bytes) -> Result<Vec<(Bytes, Option<Bytes>)>, String> {
        let header = |header: &[u8]| {
            let header = text.slice_ref(header);
            match find(&header, b":") {
                Some(end) => Ok((header.slice(..end), self.nullable(header.slice(end + 1..)))),
                None => Err("a header is not NAME:VALUE".to_owned()),
            }
        };
        text.split(|byte| *byte == b',').map(header).collect()
    }

    fn nullable(&self, field: Bytes) -> Option<Bytes> {
        Some(field).filter(|field| Some(field) != self.null_marker.as_ref())
    }
}

fn find(text: &[u8], pattern: &[u8]) -> Option<usize> {
    text.windows(pattern.len()).position(|window| window == pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(form: &Resolved, line: &'static str) -> Result<(Option<Bytes>, Option<Bytes>), String> {
        form.record(&Bytes::from_static(line.as_bytes()), TimestampMs(1)).map(|r| (r.key, r.value))
    }

    fn text(text: &'static str) -> Option<Bytes> {
        Some(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn a_line_is_a_value_unless_a_separator_is_given() {
        assert_eq!(parsed(&Resolved::default(), "a:b"), Ok((None, text("a:b"))));
        let keyed = Resolved { key_separator: Some(b"::".to_vec()), ..Default::default() };
        assert_eq!(parsed(&keyed, "a::b::c"), Ok((text("a"), text("b::c"))));
        assert_eq!(parsed(&keyed, "::"), Ok((text(""), text(""))));
        assert!(parsed(&keyed, "a:b").is_err());
        let lenient = Resolved { ignore_error: true, ..keyed };
        assert_eq!(parsed(&lenient, "a:b"), Ok((None, text("a:b"))));
    }

    #[test]
    fn the_null_marker_stands_for_nothing() {
        let form =
            Resolved { key_separator: Some(b":".to_vec()), null_marker: text("NULL"), ..Default::default() };
        assert_eq!(parsed(&form, "NULL:NULL"), Ok((None, None)));
        assert_eq!(parsed(&form, "k:NULL"), Ok((text("k"), None)));
    }

    #[test]
    fn headers_come_before_the_key() {
        let form = Resolved {
            key_separator: Some(b":".to_vec()),
            parse_headers: true,
            headers: vec![(Bytes::from_static(b"always"), text("x"))],
            null_marker: text("NULL"),
            ..Default::default()
        };
        let record = form.record(&Bytes::from_static(b"a:1,b:NULL\tk:v"), TimestampMs(1)).unwrap();
        let names: Vec<_> = record.headers.iter().map(|(name, value)| (&name[..], value.clone())).collect();
        assert_eq!(names, [(&b"always"[..], text("x")), (b"a", text("1")), (b"b", None)]);
        assert_eq!((record.key, record.value), (text("k"), text("v")));
        assert!(form.record(&Bytes::from_static(b"a:1"), TimestampMs(1)).is_err());
        let none = form.record(&Bytes::from_static(b"NULL\tk:v"), TimestampMs(1)).unwrap();
        assert_eq!(none.headers.len(), 1);
    }
}
