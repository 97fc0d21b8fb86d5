//! Every table against Kafka's own definition of the message, field by field.
//!
//! The definitions are in the jar of Kafka's clients (`jars/mod.rs`). Without it the test is skipped, and says so.
#![allow(clippy::disallowed_methods, reason = "a test may look at files and at the environment")]

mod jars;

use jars::{Artifact, KAFKA_CLIENTS, KAFKA_GROUP_COORDINATOR, KAFKA_METADATA, jar, run, skipped};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;
use strome_protocol::ApiKey;
use strome_protocol::consumer_protocol::{self, ConsumerProtocolAssignment, ConsumerProtocolSubscription};
use strome_protocol::group_log::Kind;
use strome_protocol::kraft::KINDS;
use strome_protocol::schema::{FieldSchema, FieldType, OWN_TAGS_FROM, StructSchema, Versions};

/// Fewer lines than this would mean that the comparison has not looked at the tables.
const FIELDS_MIN: usize = 1_300;

/// The definitions in `inside` of a jar by message name.
fn definitions(artifact: &Artifact, inside: &str) -> Result<BTreeMap<String, Value>, String> {
    let jar = jar(artifact)?;
    // A folder for each call: tests run at the same time, and some look into the same jar.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).map_err(|e| e.to_string())?;
    let folder = folder.path();
    let unzip = run(Command::new("unzip")
        .args(["-qq", "-o"])
        .arg(&jar)
        .args([&format!("{inside}/*.json"), "-d"])
        .arg(folder));
    if unzip.is_err() {
        run(Command::new("jar").arg("xf").arg(&jar).arg(inside).current_dir(folder))?;
    }
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder.join(inside)).map_err(|e| e.to_string())? {
        let path = entry.map_err(|e| e.to_string())?.path();
        let text = std::fs::read_to_string(&path).map_err(|e| e.to_string())?;
        let json =
            serde_json::from_str(&without_comments(&text)).expect("a definition is JSON with comments");
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name");
        found.insert(name.to_owned(), json);
    }
    Ok(found)
}

/// Kafka's definitions have comments to the end of the line.
fn without_comments(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let mut quoted = false;
        let mut end = line.len();
        for (i, c) in line.char_indices() {
            match c {
                '"' => quoted = !quoted,
                '/' if !quoted && line[i..].starts_with("//") => {
                    end = i;
                    break;
                }
                _ => {}
            }
        }
        out.push_str(&line[..end]);
        out.push('\n');
    }
    out
}

fn versions(text: &str) -> Versions {
    let number = |text: &str| text.parse().expect("a version");
    match text.split_once('-') {
        _ if text == "none" => Versions::NONE,
        Some((min, max)) => Versions::between(number(min), number(max)),
        None => match text.strip_suffix('+') {
            Some(min) => Versions::since(number(min)),
            None => Versions::between(number(text), number(text)),
        },
    }
}

/// `ClientId` and `client_id`, `Type` and `type_` are the same name.
fn plain(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

/// A field of Kafka's definition, as this crate would describe it.
struct Expected<'j> {
    json: &'j Value,
    structs: &'j BTreeMap<String, &'j Value>,
}

impl Expected<'_> {
    fn text(&self, key: &str) -> Option<String> {
        match self.json.get(key)? {
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    fn versions(&self, key: &str) -> Versions {
        self.text(key).map_or(Versions::NONE, |text| versions(&text))
    }

    fn default(&self) -> String {
        let given = self.text("default").unwrap_or_default();
        let hexadecimal = given.strip_prefix("0x").and_then(|digits| i64::from_str_radix(digits, 16).ok());
        hexadecimal.map_or(given.to_lowercase(), |number| number.to_string())
    }
}

/// Whether only Strome has it.
fn is_own(field: &FieldSchema) -> bool {
    field.tag.is_some_and(|tag| tag >= OWN_TAGS_FROM)
}

/// Our default in Kafka's words.
fn default(field: &FieldSchema) -> String {
    match field.default {
        None => String::new(),
        // Whatever the definition says, in Kafka's code a tagged structure that is not there is an empty one.
        Some("None" | "Some(ClassicMemberMetadata::default())") => "null".to_owned(),
        Some("i32::MAX") => i32::MAX.to_string(),
        Some("i32::MIN") => i32::MIN.to_string(),
        Some("i64::MAX") => i64::MAX.to_string(),
        Some(other) => other.replace('_', ""),
    }
}

/// The defaults that go without saying: whether they are said makes no difference.
fn implied(default: String) -> String {
    if matches!(default.as_str(), "0" | "0.0" | "false") { String::new() } else { default }
}

#[derive(Default)]
struct Comparison {
    fields: usize,
    differences: Vec<String>,
}

impl Comparison {
    fn check<T: PartialEq + std::fmt::Debug>(&mut self, place: &str, what: &str, ours: T, kafka: T) {
        if ours != kafka {
            self.differences.push(format!("{place}: {what} is {ours:?}, in Kafka {kafka:?}"));
        }
    }

    fn structure(
        &mut self,
        place: &str,
        ours: &StructSchema,
        kafka: &[Value],
        structs: &BTreeMap<String, &Value>,
    ) {
        let names = |fields: Vec<&str>| fields.into_iter().map(plain).collect::<Vec<_>>();
        let ours: Vec<&FieldSchema> = ours.fields.iter().filter(|field| !is_own(field)).collect();
        let ours_names = names(ours.iter().map(|field| field.name).collect());
        let kafka_names = names(kafka.iter().map(|field| field["name"].as_str().expect("a name")).collect());
        if ours_names != kafka_names {
            self.differences.push(format!("{place}: fields are {ours_names:?}, in Kafka {kafka_names:?}"));
            return;
        }
        for (field, json) in ours.into_iter().zip(kafka) {
            let place = format!("{place}.{}", field.name);
            self.field(&place, field, &Expected { json, structs });
        }
    }

    fn field(&mut self, place: &str, ours: &FieldSchema, kafka: &Expected<'_>) {
        self.fields += 1;
        self.check(place, "its range", ours.versions, kafka.versions("versions"));
        self.check(place, "its nullable range", ours.nullable, kafka.versions("nullableVersions"));
        let tag = kafka.text("tag").map(|tag| tag.parse().expect("a tag"));
        self.check(place, "its tag", ours.tag, tag);
        let tagged = if ours.tag.is_some() { ours.versions } else { Versions::NONE };
        self.check(place, "its tagged range", tagged, kafka.versions("taggedVersions"));
        let ignorable = kafka.text("ignorable").is_some_and(|text| text.eq_ignore_ascii_case("true"));
        self.check(place, "ignorable", ours.ignorable, ignorable);
        self.check(place, "its default", implied(default(ours)), implied(kafka.default()));
        self.ty(place, &ours.ty, &kafka.text("type").expect("a type"), kafka);
    }

    fn ty(&mut self, place: &str, ours: &FieldType, kafka: &str, field: &Expected<'_>) {
        let plain = match ours {
            FieldType::Array(element) => match kafka.strip_prefix("[]") {
                Some(kafka) => return self.ty(place, element, kafka, field),
                None => "an array",
            },
            FieldType::Struct(schema) => {
                let inside =
                    field.json.get("fields").or_else(|| field.structs.get(kafka).map(|s| &s["fields"]));
                match inside.and_then(Value::as_array) {
                    Some(fields) => return self.structure(place, schema, fields, field.structs),
                    None => "a structure",
                }
            }
            FieldType::Bool => "bool",
            FieldType::Int8 => "int8",
            FieldType::Int16 => "int16",
            FieldType::Uint16 => "uint16",
            FieldType::Int32 => "int32",
            FieldType::Int64 => "int64",
            FieldType::Float64 => "float64",
            FieldType::Uuid => "uuid",
            FieldType::String => "string",
            FieldType::Bytes => "bytes",
            FieldType::Records => "records",
        };
        self.check(place, "its type", plain, kafka);
    }

    fn message(&mut self, key: ApiKey, schema: &StructSchema, kafka: &Value) {
        let api = key.api();
        let place = schema.name;
        let text = |name: &str| kafka[name].as_str().expect("a text");
        self.check(place, "its API", i64::from(key.key()), kafka["apiKey"].as_i64().expect("a number"));
        self.check(place, "its range", api.versions, versions(text("validVersions")));
        self.check(place, "its flexible range", api.flexible, versions(text("flexibleVersions")));
        let mut structs = BTreeMap::new();
        for common in kafka["commonStructs"].as_array().into_iter().flatten() {
            structs.insert(common["name"].as_str().expect("a name").to_owned(), common);
        }
        self.structure(place, schema, kafka["fields"].as_array().expect("fields"), &structs);
    }
}

#[test]
fn every_table_says_what_kafka_says() {
    let kafka = match definitions(&KAFKA_CLIENTS, "common/message") {
        Ok(kafka) => kafka,
        Err(reason) => {
            skipped("every_table_says_what_kafka_says", &reason);
            return;
        }
    };
    let mut comparison = Comparison::default();
    for key in ApiKey::ALL {
        let api = key.api();
        let name = api.name;
        comparison.check(name, "the request", api.request.name.to_owned(), format!("{name}Request"));
        comparison.check(name, "the response", api.response.name.to_owned(), format!("{name}Response"));
        comparison.message(*key, api.request, &kafka[&format!("{name}Request")]);
        comparison.message(*key, api.response, &kafka[&format!("{name}Response")]);

        // The last version of an API can be one that Kafka does not offer yet, and Produce is offered from 0.
        let unstable = kafka[&format!("{name}Request")]["latestVersionUnstable"] == Value::Bool(true);
        let min = if *key == ApiKey::Produce { 0 } else { api.versions.min };
        let advertised = Versions::between(min, api.versions.max - i16::from(unstable));
        comparison.check(name, "what is advertised", api.advertised, advertised);
    }
    for (name, json) in &kafka {
        let for_brokers = json["listeners"].as_array().is_some_and(|l| l.contains(&Value::from("broker")));
        if let Some(key) = json["apiKey"].as_i64().filter(|_| for_brokers) {
            let known = ApiKey::from_key(key as i16).is_some();
            comparison.check(name, "known", known, true);
        }
    }
    assert!(comparison.differences.is_empty(), "{}", comparison.differences.join("\n"));
    assert!(comparison.fields >= FIELDS_MIN, "only {} fields were compared", comparison.fields);
}

#[test]
fn every_metadata_record_that_is_read_is_kafkas() {
    let kafka = match definitions(&KAFKA_METADATA, "common/metadata") {
        Ok(kafka) => kafka,
        Err(reason) => {
            skipped("every_metadata_record_that_is_read_is_kafkas", &reason);
            return;
        }
    };
    let mut comparison = Comparison::default();
    for (kind, range, schema) in KINDS {
        let json = &kafka[schema.name];
        let text = |name: &str| versions(json[name].as_str().expect("a text"));
        comparison.check(
            schema.name,
            "its kind",
            i64::from(*kind),
            json["apiKey"].as_i64().expect("a number"),
        );
        comparison.check(schema.name, "its range", *range, text("validVersions"));
        comparison.check(schema.name, "its flexible range", Versions::since(0), text("flexibleVersions"));
        let fields = json["fields"].as_array().expect("fields");
        comparison.structure(schema.name, schema, fields, &BTreeMap::new());
    }
    assert!(comparison.differences.is_empty(), "{}", comparison.differences.join("\n"));
    assert!(comparison.fields >= 36, "only {} fields were compared", comparison.fields);
}

#[test]
fn every_record_of_group_coordinators_is_kafkas() {
    let kafka = match definitions(&KAFKA_GROUP_COORDINATOR, "common/message") {
        Ok(kafka) => kafka,
        Err(reason) => {
            skipped("every_record_of_group_coordinators_is_kafkas", &reason);
            return;
        }
    };
    let mut comparison = Comparison::default();
    for kind in Kind::ALL {
        for (schema, range, flexible) in
            [(kind.key, Versions::between(0, 0), Versions::NONE), (kind.value, kind.versions, kind.flexible)]
        {
            let json = &kafka[schema.name];
            let text = |name: &str| versions(json[name].as_str().expect("a text"));
            let number = json["apiKey"].as_i64().expect("a number");
            comparison.check(schema.name, "its kind", i64::from(kind.number), number);
            comparison.check(schema.name, "its range", range, text("validVersions"));
            comparison.check(schema.name, "its flexible range", flexible, text("flexibleVersions"));
            let mut structs = BTreeMap::new();
            for common in json["commonStructs"].as_array().into_iter().flatten() {
                structs.insert(common["name"].as_str().expect("a name").to_owned(), common);
            }
            comparison.structure(schema.name, schema, json["fields"].as_array().expect("fields"), &structs);
        }
    }
    assert!(comparison.differences.is_empty(), "{}", comparison.differences.join("\n"));
    assert!(comparison.fields >= 70, "only {} fields were compared", comparison.fields);
}

#[test]
fn what_consumers_tell_each_other_is_kafkas() {
    let kafka = match definitions(&KAFKA_CLIENTS, "common/message") {
        Ok(kafka) => kafka,
        Err(reason) => {
            skipped("what_consumers_tell_each_other_is_kafkas", &reason);
            return;
        }
    };
    let mut comparison = Comparison::default();
    for schema in [&ConsumerProtocolSubscription::SCHEMA, &ConsumerProtocolAssignment::SCHEMA] {
        let json = &kafka[schema.name];
        let text = |name: &str| versions(json[name].as_str().expect("a text"));
        comparison.check(schema.name, "its range", consumer_protocol::VERSIONS, text("validVersions"));
        comparison.check(schema.name, "its flexible range", Versions::NONE, text("flexibleVersions"));
        let fields = json["fields"].as_array().expect("fields");
        comparison.structure(schema.name, schema, fields, &BTreeMap::new());
    }
    assert!(comparison.differences.is_empty(), "{}", comparison.differences.join("\n"));
    assert!(comparison.fields >= 11, "only {} fields were compared", comparison.fields);
}

/// What the code that tables expand to relies on.
#[test]
fn tagged_fields_are_in_order_and_in_flexible_versions_only() {
    fn walk(schema: &StructSchema, flexible: Versions) {
        let tagged: Vec<_> = schema.fields.iter().filter(|field| field.tag.is_some()).collect();
        assert!(tagged.is_sorted_by_key(|field| field.tag), "{}", schema.name);
        for field in tagged {
            let (name, versions, nullable) = (field.name, field.versions, field.nullable);
            assert!(flexible.min <= versions.min && versions.max <= flexible.max, "{}.{name}", schema.name);
            assert!(nullable.is_empty() || nullable == versions, "{}.{name}", schema.name);
        }
        for field in schema.fields {
            let mut ty = &field.ty;
            while let FieldType::Array(element) = ty {
                ty = element;
            }
            if let FieldType::Struct(inner) = ty {
                walk(inner, flexible);
            }
        }
    }
    for key in ApiKey::ALL {
        walk(key.api().request, key.api().flexible);
        walk(key.api().response, key.api().flexible);
    }
    for kind in Kind::ALL {
        walk(kind.value, kind.flexible);
    }
}
