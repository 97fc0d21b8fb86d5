//! How a record is printed.

use clap::Args;
use record::{BatchHeader, Record, TimestampType};
use serde_json::{Map, Value, json};
use types::PartitionIndex;

use super::template::Template;
use crate::cli::connect::key_value;

/// The arguments about it.
#[derive(Args)]
pub(super) struct FormArgs {
    /// text, json (one object per line), or a template of %t topic, %p partition, %o offset, %T timestamp, %k key,
    /// %v value, %h headers, %K and %V lengths in bytes, %e leader epoch, %%, and \n, \t, \\ (a template ends its
    /// lines itself)
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = form)]
    format: Form,
    /// What stands between the parts of a line of text
    #[arg(long, value_name = "TEXT")]
    key_separator: Option<String>,
    /// Print keys too
    #[arg(long)]
    print_key: bool,
    /// Print the partition too
    #[arg(long)]
    print_partition: bool,
    /// Print the offset too
    #[arg(long)]
    print_offset: bool,
    /// Print the timestamp too
    #[arg(long)]
    print_timestamp: bool,
    /// Print headers too
    #[arg(long)]
    print_headers: bool,
    /// Do not print values
    #[arg(long)]
    no_value: bool,
    /// What stands for null in text
    #[arg(long, value_name = "TEXT", default_value = "null")]
    null_marker: String,
    /// As in Kafka's console consumer: print.key, print.value, print.partition, print.offset, print.timestamp,
    /// print.headers, key.separator, null.literal
    #[arg(long = "property", visible_alias = "formatter-property", value_name = "KEY=VALUE", value_parser = key_value)]
    properties: Vec<(String, String)>,
}

#[derive(Clone, Debug)]
enum Form {
    Text,
    Json,
    Template(Template),
}

fn form(text: &str) -> Result<Form, String> {
    match text {
        "text" => Ok(Form::Text),
        "json" => Ok(Form::Json),
        template if template.contains('%') => Ok(Form::Template(template.parse()?)),
        _ => Err("expected text, json or a template with a % in it".to_owned()),
    }
}

/// Prints records in the form that was asked for.
#[derive(Clone, Debug)]
pub(super) enum RecordWriter {
    Text(Text),
    Json,
    Template(Template),
}

/// The parts of a line, as Kafka's console consumer orders them.
#[derive(Clone, Debug)]
pub(super) struct Text {
    timestamp: bool,
    partition: bool,
    offset: bool,
    headers: bool,
    key: bool,
    value: bool,
    separator: Vec<u8>,
    null: Vec<u8>,
}

impl FormArgs {
    /// Puts options and properties together.
    pub(super) fn writer(&self) -> Result<RecordWriter, String> {
        let mut text = Text {
            timestamp: self.print_timestamp,
            partition: self.print_partition,
            offset: self.print_offset,
            headers: self.print_headers,
            key: self.print_key,
            value: !self.no_value,
            separator: self.key_separator.as_deref().unwrap_or("\t").replace("\\t", "\t").into_bytes(),
            null: self.null_marker.clone().into_bytes(),
        };
        for (key, value) in &self.properties {
            let place = match key.as_str() {
                "print.timestamp" => &mut text.timestamp,
                "print.partition" => &mut text.partition,
                "print.offset" => &mut text.offset,
                "print.headers" => &mut text.headers,
                "print.key" => &mut text.key,
                "print.value" => &mut text.value,
                "key.separator" => {
                    text.separator = value.replace("\\t", "\t").into_bytes();
                    continue;
                }
                "null.literal" => {
                    text.null = value.clone().into_bytes();
                    continue;
                }
                _ => return Err(format!("--property {key}: unknown; --help lists those that are known")),
            };
            *place = match value.to_ascii_lowercase().as_str() {
                "true" => true,
                "false" => false,
                _ => return Err(format!("{key}={value}: expected true or false")),
            };
        }
        Ok(match &self.format {
            Form::Text => RecordWriter::Text(text),
            Form::Json => RecordWriter::Json,
            Form::Template(template) => RecordWriter::Template(template.clone()),
        })
    }
}

impl RecordWriter {
    /// Appends a record to `line`.
    pub(super) fn write(
        &self,
        line: &mut Vec<u8>,
        topic: &str,
        partition: PartitionIndex,
        header: &BatchHeader,
        record: &Record<'_>,
    ) {
        match self {
            Self::Text(text) => text.write(line, partition, header, record),
            Self::Json => {
                line.extend_from_slice(as_json(topic, partition, header, record).to_string().as_bytes());
                line.push(b'\n');
            }
            Self::Template(template) => template.write(line, topic, partition, header, record),
        }
    }
}

fn timestamp_type(header: &BatchHeader) -> &'static str {
    match header.timestamp_type() {
        _ if header.max_timestamp.0 < 0 => "NoTimestampType",
        TimestampType::CreateTime => "CreateTime",
        TimestampType::LogAppendTime => "LogAppendTime",
    }
}

impl Text {
    fn write(
        &self,
        line: &mut Vec<u8>,
        partition: PartitionIndex,
        header: &BatchHeader,
        record: &Record<'_>,
    ) {
        let mut parts = 0;
        let mut part = |line: &mut Vec<u8>, shown: bool, write: &dyn Fn(&mut Vec<u8>)| {
            if shown {
                if parts > 0 {
                    line.extend_from_slice(&self.separator);
                }
                parts += 1;
                write(line);
            }
        };
        part(line, self.timestamp, &|line| {
            line.extend_from_slice(format!("{}:{}", timestamp_type(header), record.timestamp).as_bytes());
        });
        part(line, self.partition, &|line| {
            line.extend_from_slice(format!("Partition:{partition}").as_bytes());
        });
        part(line, self.offset, &|line| {
            line.extend_from_slice(format!("Offset:{}", record.offset).as_bytes());
        });
        part(line, self.headers, &|line| write_headers(line, record, &self.null));
        part(line, self.key, &|line| line.extend_from_slice(record.key.unwrap_or(&self.null)));
        part(line, self.value, &|line| line.extend_from_slice(record.value.unwrap_or(&self.null)));
        line.push(b'\n');
    }
}

/// Headers as Kafka's console consumer prints them.
pub(super) fn write_headers(line: &mut Vec<u8>, record: &Record<'_>, null: &[u8]) {
    let begin = line.len();
    for header in record.headers() {
        if line.len() > begin {
            line.push(b',');
        }
        line.extend_from_slice(header.key);
        line.push(b':');
        line.extend_from_slice(header.value.unwrap_or(null));
    }
    if line.len() == begin {
        line.extend_from_slice(b"NO_HEADERS");
    }
}

fn as_json(topic: &str, partition: PartitionIndex, header: &BatchHeader, record: &Record<'_>) -> Value {
    let mut object = Map::new();
    object.insert("topic".to_owned(), json!(topic));
    object.insert("partition".to_owned(), json!(partition.0));
    object.insert("offset".to_owned(), json!(record.offset.0));
    object.insert("timestamp".to_owned(), json!(record.timestamp.0));
    object.insert("timestampType".to_owned(), json!(timestamp_type(header)));
    let headers = record.headers().map(|header| {
        let mut object = Map::new();
        object.insert("key".to_owned(), json!(String::from_utf8_lossy(header.key)));
        put_bytes(&mut object, "value", header.value);
        Value::Object(object)
    });
    object.insert("headers".to_owned(), headers.collect());
    put_bytes(&mut object, "key", record.key);
    put_bytes(&mut object, "value", record.value);
    Value::Object(object)
}

/// Text as it is; what is no text as Base64 under another name, so that neither can be taken for the other.
fn put_bytes(object: &mut Map<String, Value>, name: &str, bytes: Option<&[u8]>) {
    match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => object.insert(name.to_owned(), Value::Null),
        Some((_, Ok(text))) => object.insert(name.to_owned(), json!(text)),
        Some((bytes, Err(_))) => object.insert(format!("{name}Base64"), json!(base64(bytes))),
    };
}

/// Base64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        let bits = bits << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = ALPHABET.get(bits >> (18 - 6 * place) & 63).copied().unwrap_or_default();
            text.push(if place <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{BatchBuilder, BatchOptions, Header, decompress};
    use types::{Offset, TimestampMs};

    /// What a writer prints of one record with a header.
    pub(in super::super) fn printed(
        writer: &RecordWriter,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
    ) -> String {
        let options = BatchOptions { base_offset: Offset(41), ..Default::default() };
        let mut builder = BatchBuilder::new(options);
        let headers = [Header { key: b"h", value: Some(b"1") }, Header { key: b"n", value: None }];
        builder.push(TimestampMs(1000), key, value, &headers).unwrap();
        let batch = builder.build().unwrap();
        let records = decompress(&batch, 1 << 20).unwrap();
        let mut line = Vec::new();
        for record in &records {
            writer.write(&mut line, "orders", PartitionIndex(3), records.header(), &record.unwrap());
        }
        String::from_utf8(line).unwrap()
    }

    fn text() -> Text {
        Text {
            timestamp: false,
            partition: false,
            offset: false,
            headers: false,
            key: false,
            value: true,
            separator: b"\t".to_vec(),
            null: b"null".to_vec(),
        }
    }

    #[test]
    fn text_has_the_parts_of_kafkas_console_consumer_in_its_order() {
        let all = Text { timestamp: true, partition: true, offset: true, headers: true, key: true, ..text() };
        let all = RecordWriter::Text(all);
        let line = "CreateTime:1000\tPartition:3\tOffset:41\th:1,n:null\tk\tnull\n";
        assert_eq!(printed(&all, Some(b"k"), None), line);
        assert_eq!(printed(&RecordWriter::Text(text()), Some(b"k"), Some(b"v")), "v\n");
    }

    #[test]
    fn json_keeps_text_apart_from_bytes() {
        let line = printed(&RecordWriter::Json, Some("ä".as_bytes()), Some(b"\xff\xfe"));
        let value: Value = serde_json::from_str(&line).unwrap();
        let wanted = json!({
            "topic": "orders", "partition": 3, "offset": 41, "timestamp": 1000, "timestampType": "CreateTime",
            "headers": [{"key": "h", "value": "1"}, {"key": "n", "value": null}],
            "key": "ä", "valueBase64": "//4=",
        });
        assert_eq!(value, wanted);
    }

    #[test]
    fn base64_is_padded() {
        let vectors: [(&[u8], &str); 5] =
            [(b"", ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"foobar", "Zm9vYmFy")];
        for (bytes, text) in vectors {
            assert_eq!(base64(bytes), text);
        }
    }

    #[test]
    fn a_template_prints_each_part() {
        let Form::Template(template) = form(r"%t %p %o %T %k=%v %h %K %V 100%%\n").unwrap() else { panic!() };
        let line = printed(&RecordWriter::Template(template), Some(b"key"), Some(b"v"));
        assert_eq!(line, "orders 3 41 1000 key=v h:1,n:null 3 1 100%\n");
        for bad in ["tex", "%q", "%", "%k\\q"] {
            assert!(form(bad).is_err(), "{bad:?}");
        }
    }
}
