//! A user's own form for records: text with `%` parts, those of kcat and rpk where these agree.

use std::str::FromStr;

use record::{BatchHeader, Record};
use types::PartitionIndex;

use super::form::write_headers;

/// What a null key, value or header is shown as in a template: nothing would hide it.
const NULL: &[u8] = b"null";

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Vec<u8>),
    Topic,
    Partition,
    Offset,
    Timestamp,
    Key,
    KeyLen,
    Value,
    ValueLen,
    Headers,
    LeaderEpoch,
}

impl FromStr for Template {
    type Err = String;

    fn from_str(template: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut text = Vec::new();
        let mut rest = template.chars();
        while let Some(character) = rest.next() {
            let part = match character {
                '%' => match rest.next() {
                    Some('%') => None,
                    Some(letter) => Some(part(letter).ok_or_else(|| format!("%{letter} is not a part"))?),
                    None => return Err("a % stands at the end; write %% for a percent sign".to_owned()),
                },
                '\\' => {
                    text.push(escape(rest.next())?);
                    continue;
                }
                other => {
                    text.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
                    continue;
                }
            };
            match part {
                None => text.push(b'%'),
                Some(part) => {
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                    }
                    parts.push(part);
                }
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Self(parts))
    }
}

fn part(letter: char) -> Option<Part> {
    Some(match letter {
        't' => Part::Topic,
        'p' => Part::Partition,
        'o' => Part::Offset,
        'T' | 'd' => Part::Timestamp,
        'k' => Part::Key,
        'K' => Part::KeyLen,
        'v' | 's' => Part::Value,
        'V' | 'S' => Part::ValueLen,
        'h' => Part::Headers,
        'e' => Part::LeaderEpoch,
        _ => return None,
    })
}

fn escape(letter: Option<char>) -> Result<u8, String> {
    match letter {
        Some('n') => Ok(b'\n'),
        Some('t') => Ok(b'\t'),
        Some('r') => Ok(b'\r'),
        Some('0') => Ok(0),
        Some('\\') => Ok(b'\\'),
        Some(other) => Err(format!("\\{other} is not known; write \\\\ for a backslash")),
        None => Err("a \\ stands at the end; write \\\\ for a backslash".to_owned()),
    }
}

impl Template {
    /// Appends a record to `line`.
    pub(super) fn write(
        &self,
        line: &mut Vec<u8>,
        topic: &str,
        partition: PartitionIndex,
        header: &BatchHeader,
        record: &Record<'_>,
    ) {
        // As in kcat, the length of null is -1.
        let len = |field: Option<&[u8]>| field.map_or("-1".to_owned(), |field| field.len().to_string());
        for part in &self.0 {
            match part {
                Part::Text(text) => line.extend_from_slice(text),
                Part::Topic => line.extend_from_slice(topic.as_bytes()),
                Part::Partition => line.extend_from_slice(partition.to_string().as_bytes()),
                Part::Offset => line.extend_from_slice(record.offset.to_string().as_bytes()),
                Part::Timestamp => line.extend_from_slice(record.timestamp.to_string().as_bytes()),
                Part::Key => line.extend_from_slice(record.key.unwrap_or(NULL)),
                Part::KeyLen => line.extend_from_slice(len(record.key).as_bytes()),
                Part::Value => line.extend_from_slice(record.value.unwrap_or(NULL)),
                Part::ValueLen => line.extend_from_slice(len(record.value).as_bytes()),
                Part::Headers => write_headers(line, record, NULL),
                Part::LeaderEpoch => {
                    line.extend_from_slice(header.partition_leader_epoch.to_string().as_bytes());
                }
            }
        }
    }
}
