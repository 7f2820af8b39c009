//! Compares every message with Kafka's own definitions: names, types, versions, nullability, defaults, tags.
//!
//! `MEKONG_KAFKA_DEFINITIONS` names the folder `common/message` of an unpacked `kafka-clients` jar. Without it there is
//! nothing to compare with, which the test says.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value as Json;
use wire::messages::ALL;
use wire::schema::{FieldSchema, MessageKind, MessageSchema, StructSchema, Type, Versions};
use wire::{ApiKey, ErrorCode, Listeners};

/// What Kafka's definitions call each kind of message.
const KINDS: [(&str, MessageKind); 4] = [
    ("request", MessageKind::Request),
    ("response", MessageKind::Response),
    ("header", MessageKind::Header),
    ("data", MessageKind::Data),
];

fn main() {
    let Ok(folder) = std::env::var("MEKONG_KAFKA_DEFINITIONS") else {
        println!("kafka_definitions: NOT COMPARED: MEKONG_KAFKA_DEFINITIONS names no folder of definitions");
        return;
    };
    let definitions = load(Path::new(&folder));
    assert!(
        definitions.len() > 150,
        "{folder} holds {} definitions; that is no kafka-clients jar",
        definitions.len()
    );
    let mut found = Findings::default();
    for definition in &definitions {
        compare_message(definition, &mut found);
    }
    let theirs: BTreeSet<&str> = definitions.iter().map(|definition| text(definition, "name")).collect();
    for message in ALL.iter().filter(|message| !theirs.contains(message.schema.name)) {
        found.differ(message.schema.name, "not among Kafka's definitions");
    }
    let errors = compare_errors(Path::new(&folder), &mut found);
    for line in &found.differences {
        eprintln!("{line}");
    }
    assert!(found.differences.is_empty(), "{} differences", found.differences.len());
    println!(
        "kafka_definitions: {} messages, {} fields, {errors} errors compared, all equal",
        found.messages, found.fields
    );
}

/// Compares the error codes with those of the client library: number, name, and whether clients try again.
fn compare_errors(folder: &Path, found: &mut Findings) -> usize {
    let text =
        std::fs::read_to_string(folder.join("errors.tsv")).expect("errors.tsv lies beside the definitions");
    let mut theirs = Vec::new();
    for line in text.lines() {
        let mut words = line.split('\t');
        let code = ErrorCode(words.next().unwrap().parse().unwrap());
        let (name, retriable) = (words.next().unwrap(), words.next() == Some("true"));
        if code.name() != name {
            found.differ(name, &format!("is {} here", code.name()));
        }
        if code.is_retriable() != retriable {
            found.differ(name, &format!("retriable: {retriable} there, {} here", code.is_retriable()));
        }
        theirs.push(code);
    }
    for code in ErrorCode::ALL.iter().filter(|code| !theirs.contains(code)) {
        found.differ(code.name(), "not among Kafka's errors");
    }
    assert!(theirs.len() > 130, "{} errors; that is no kafka-clients jar", theirs.len());
    theirs.len()
}

/// What the comparison has seen.
#[derive(Default)]
struct Findings {
    differences: Vec<String>,
    messages: usize,
    fields: usize,
}

impl Findings {
    fn differ(&mut self, place: &str, what: &str) {
        self.differences.push(format!("{place}: {what}"));
    }

    fn equal<T: PartialEq + std::fmt::Debug>(&mut self, place: &str, what: &str, ours: &T, kafkas: &T) {
        if ours != kafkas {
            self.differ(place, &format!("{what}: ours {ours:?}, Kafka's {kafkas:?}"));
        }
    }
}

/// The definitions in `folder`: JSON with whole-line comments.
fn load(folder: &Path) -> Vec<Json> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut definitions = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let json: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        definitions
            .push(serde_json::from_str(&json).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
    }
    definitions
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json[key].as_str().unwrap_or_default()
}

/// `none`, `3`, `3+` or `3-5`.
fn versions(text: &str) -> Versions {
    let number = |text: &str| text.parse::<i16>().unwrap_or_else(|_| panic!("version {text:?}"));
    match (text, text.strip_suffix('+'), text.split_once('-')) {
        ("" | "none", _, _) => Versions::NONE,
        (_, Some(min), _) => Versions::new(number(min), Versions::OPEN),
        (_, _, Some((min, max))) => Versions::new(number(min), number(max)),
        (only, _, _) => Versions::new(number(only), number(only)),
    }
}

/// Where a field can be null: only versions that have it count.
fn both(a: Versions, b: Versions) -> Versions {
    let both = Versions::new(a.min.max(b.min), a.max.min(b.max));
    if a.is_empty() || b.is_empty() || both.is_empty() { Versions::NONE } else { both }
}

fn compare_message(json: &Json, found: &mut Findings) {
    let name = text(json, "name");
    let ours = ALL.iter().find(|message| message.schema.name == name).map(|message| message.schema);
    let valid = versions(text(json, "validVersions"));
    if valid.is_empty() {
        let key = json["apiKey"].as_i64().and_then(|key| ApiKey::from_code(key as i16));
        found.equal(name, "in use", &(ours.is_some() || key.is_some()), &false);
        return;
    }
    let Some(ours) = ours else { return found.differ(name, "missing") };
    found.messages += 1;
    let kind = KINDS.iter().find(|(kind, _)| *kind == text(json, "type")).map(|(_, kind)| *kind);
    found.equal(name, "kind", &Some(ours.kind), &kind);
    found.equal(name, "key", &ours.key.map(|key| i64::from(key.code())), &json["apiKey"].as_i64());
    found.equal(name, "versions", &ours.versions, &valid);
    found.equal(name, "flexible", &ours.flexible, &versions(text(json, "flexibleVersions")));
    if ours.kind == MessageKind::Request {
        compare_api(json, ours, found);
    }
    compare_struct(name, json, json, &ours.root, found);
}

/// The table of APIs says the same as the request.
fn compare_api(json: &Json, ours: &MessageSchema, found: &mut Findings) {
    let Some(key) = ours.key else { return };
    found.equal(ours.name, "name", &format!("{}Request", key.name()), &ours.name.to_owned());
    found.equal(ours.name, "versions in the table", &key.versions(), &ours.versions);
    let flexible = if ours.flexible.is_empty() { i16::MAX } else { ours.flexible.min };
    found.equal(ours.name, "flexible in the table", &key.flexible_from(), &flexible);
    let listed = |name| json["listeners"].as_array().is_some_and(|all| all.contains(&Json::from(name)));
    let listeners = match (listed("broker"), listed("controller")) {
        (true, true) => Listeners::Both,
        (true, false) => Listeners::Broker,
        _ => Listeners::Controller,
    };
    found.equal(ours.name, "listeners", &key.listeners(), &listeners);
    let unstable = i16::from(json["latestVersionUnstable"].as_bool().unwrap_or(false));
    found.equal(ours.name, "last version advertised", &key.advertised().max, &(ours.versions.max - unstable));
}

fn compare_struct(place: &str, message: &Json, json: &Json, ours: &StructSchema, found: &mut Findings) {
    let none = Vec::new();
    let (plain, tagged): (Vec<_>, Vec<_>) =
        json["fields"].as_array().unwrap_or(&none).iter().partition(|field| field["tag"].is_null());
    let mut theirs = plain;
    let mut tagged = tagged;
    tagged.sort_by_key(|field| field["tag"].as_i64());
    theirs.extend(tagged);
    // Tags from 10,000 on are fields of our own, which Kafka skips.
    let kafkas = || ours.fields.iter().filter(|field| field.tag.is_none_or(|tag| tag < 10_000));
    let our_names: Vec<_> = kafkas().map(|field| field.name.trim_start_matches("r#").to_owned()).collect();
    let names: Vec<_> = theirs.iter().map(|field| snake_case(text(field, "name"))).collect();
    found.equal(place, "fields", &our_names, &names);
    for (ours, json) in kafkas().zip(theirs) {
        compare_field(&format!("{place}.{}", text(json, "name")), message, json, ours, found);
    }
}

fn compare_field(place: &str, message: &Json, json: &Json, ours: &FieldSchema, found: &mut Findings) {
    found.fields += 1;
    let carried = versions(text(json, "versions"));
    found.equal(place, "versions", &ours.spec.versions, &carried);
    let nullable = both(versions(text(json, "nullableVersions")), carried);
    found.equal(place, "nullable", &both(ours.spec.nullable, ours.spec.versions), &nullable);
    let ignorable = json["ignorable"].as_bool().unwrap_or(false);
    found.equal(place, "ignorable", &ours.spec.ignorable, &ignorable);
    found.equal(place, "tag", &ours.tag.map(i64::from), &json["tag"].as_i64());
    if ours.tag.is_some() {
        found.equal(place, "tagged versions", &carried, &versions(text(json, "taggedVersions")));
    }
    let client_id = place == "RequestHeader.ClientId";
    found.equal(place, "never compact", &(text(json, "flexibleVersions") == "none"), &client_id);
    found.equal(place, "default", &our_default(ours), &kafkas_default(json));
    compare_type(place, message, json, text(json, "type"), ours.ty, found);
}

fn compare_type(place: &str, message: &Json, json: &Json, kafkas: &str, ours: Type, found: &mut Findings) {
    match (kafkas.strip_prefix("[]"), ours) {
        (Some(element), Type::Array(ours)) => compare_type(place, message, json, element, *ours, found),
        (None, Type::Struct(ours)) => {
            let common = message["commonStructs"]
                .as_array()
                .and_then(|all| all.iter().find(|common| text(common, "name") == kafkas));
            let fields = if json["fields"].is_null() { common } else { Some(json) };
            // Where a request and its response name structs alike, ours carry more of a name.
            let names = [
                kafkas.to_owned(),
                format!("{kafkas}Response"),
                format!("{}{kafkas}", text(message, "name")),
            ];
            if !names.iter().any(|name| name == ours.name) {
                found.differ(place, &format!("struct: ours {}, Kafka's {kafkas}", ours.name));
            }
            match fields {
                Some(fields) => compare_struct(place, message, fields, ours, found),
                None => found.differ(place, "a struct that the definition lacks"),
            }
        }
        (None, ours) => found.equal(place, "type", &format!("{ours:?}").to_lowercase(), &kafkas.to_owned()),
        (Some(_), ours) => found.differ(place, &format!("type: ours {ours:?}, Kafka's {kafkas}")),
    }
}

/// A default as a plain word: `null`, `empty`, `zero` or a number.
fn our_default(field: &FieldSchema) -> String {
    match (field.default, field.ty) {
        (Some("None"), _) => "null".to_owned(),
        (Some("i32::MAX"), _) => i32::MAX.to_string(),
        (Some("i32::MIN"), _) => i32::MIN.to_string(),
        (Some("i64::MAX"), _) => i64::MAX.to_string(),
        (Some("true"), _) => "1".to_owned(),
        (Some("Some(Vec::new())" | "Some(Str::default())" | "Some(Bytes::new())"), _) => "empty".to_owned(),
        (Some(number), _) => number.parse::<i64>().unwrap().to_string(),
        (None, Type::String | Type::Bytes | Type::Records | Type::Array(_) | Type::Struct(_)) => {
            "empty".to_owned()
        }
        (None, _) => "0".to_owned(),
    }
}

fn kafkas_default(json: &Json) -> String {
    let ty = text(json, "type");
    let number = matches!(
        ty,
        "bool" | "int8" | "int16" | "uint16" | "int32" | "uint32" | "int64" | "float64" | "uuid"
    );
    let given = match &json["default"] {
        Json::String(text) => text.clone(),
        Json::Null => String::new(),
        other => other.to_string(),
    };
    match given.as_str() {
        // Records are the one type that is null where nothing is said.
        "" if ty == "records" && !json["nullableVersions"].is_null() => "null".to_owned(),
        "" if number => "0".to_owned(),
        "" => "empty".to_owned(),
        "true" => "1".to_owned(),
        "false" => "0".to_owned(),
        "null" => "null".to_owned(),
        text => match text.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16).unwrap().to_string(),
            None => text.parse::<i64>().unwrap().to_string(),
        },
    }
}

/// `TopicId` → `topic_id`, `KRaftVersion` → `k_raft_version`.
fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (place, letter) in letters.iter().enumerate() {
        let before = place.checked_sub(1).map(|before| letters[before]);
        let next_is_small = letters.get(place + 1).is_some_and(char::is_ascii_lowercase);
        let starts_word = before.is_some_and(|before| !before.is_ascii_uppercase() || next_is_small);
        if letter.is_ascii_uppercase() && starts_word {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}
