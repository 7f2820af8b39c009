//! Compatibility by example: every case of `cases/*.txt`, in both directions, with every difference and its place.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use std::collections::{BTreeMap, BTreeSet};

use schema::avro::{AvroSchema, Strictness};
use schema::jsonschema::{JsonDifferenceKind, JsonSchema};
use schema::protobuf::{ProtoDifferenceKind, ProtobufSchema};
use schema::{Direction, Language, Level, Parsed, Policy, Previous, check};

/// A case: two schemas and the verdict both ways.
#[derive(Default)]
struct Case {
    name: String,
    why: String,
    old: String,
    new: String,
    imports: Vec<(String, String, String)>,
    backward: Vec<String>,
    forward: Vec<String>,
}

fn read(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut forward = false;
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let (key, value) = line.split_once(": ").unwrap_or((line, ""));
        if key == "case" {
            cases.push(Case { name: value.to_owned(), ..Case::default() });
            continue;
        }
        let case = cases.last_mut().expect("a case begins with its name");
        match key {
            "why" => case.why = value.to_owned(),
            "old" => case.old = value.to_owned(),
            "new" => case.new = value.to_owned(),
            "import-old" | "import-new" => {
                let (name, text) = value.split_once(' ').expect("name and text");
                case.imports.push((key.to_owned(), name.to_owned(), text.to_owned()));
            }
            "backward" => {
                forward = false;
                case.backward.push(value.to_owned());
            }
            "forward" => {
                forward = true;
                case.forward.push(value.to_owned());
            }
            _ if forward => case.forward.push(line.trim().to_owned()),
            _ => case.backward.push(line.trim().to_owned()),
        }
    }
    cases
}

fn verdict(compatible: bool, differences: Vec<String>) -> Vec<String> {
    let word = if compatible { "allowed" } else { "refused" };
    std::iter::once(word.to_owned()).chain(differences).collect()
}

fn avro(reader: &str, writer: &str) -> Vec<String> {
    let parse = |text| AvroSchema::parse(text, &[], Strictness::New).unwrap();
    let differences = parse(reader).read_differences(&parse(writer)).unwrap();
    let rows = differences.iter().map(|d| format!("{} {} {}", d.kind.name(), d.path, d.detail)).collect();
    verdict(differences.is_empty(), rows)
}

fn json(reader: &str, writer: &str, policy: Policy) -> Vec<String> {
    let parse = |text| JsonSchema::parse(text, &[]).unwrap();
    let differences = parse(reader).differences(&parse(writer), policy).unwrap();
    let rows = differences.iter().map(|d| format!("{} {}", d.kind.name(), d.path)).collect();
    verdict(differences.iter().all(|d| d.kind.is_compatible(policy)), rows)
}

fn protobuf(case: &Case, new_reads: bool) -> Vec<String> {
    let parse = |text: &str, side: &str| {
        let own = case.imports.iter().filter(|(key, _, _)| key == side);
        let references: Vec<_> = own.map(|(_, name, text)| (name.as_str(), text.as_str(), None)).collect();
        ProtobufSchema::parse(text, &references).unwrap()
    };
    let (old, new) = (parse(&case.old, "import-old"), parse(&case.new, "import-new"));
    let (reader, writer) = if new_reads { (new, old) } else { (old, new) };
    let differences = reader.differences(&writer).unwrap();
    let rows = differences.iter().map(|d| format!("{} {}", d.kind.name(), d.path)).collect();
    verdict(differences.iter().all(|d| d.kind.is_compatible()), rows)
}

const AVRO: &str = include_str!("cases/avro.txt");
const JSON: &str = include_str!("cases/json.txt");
const PROTOBUF: &str = include_str!("cases/protobuf.txt");

#[test]
fn avro_cases() {
    for case in read(AVRO) {
        assert_eq!(avro(&case.new, &case.old), case.backward, "{}: {} (backward)", case.name, case.why);
        assert_eq!(avro(&case.old, &case.new), case.forward, "{}: {} (forward)", case.name, case.why);
    }
}

#[test]
fn json_cases() {
    for case in read(JSON) {
        assert_eq!(
            json(&case.new, &case.old, Policy::Strict),
            case.backward,
            "{}: {} (backward)",
            case.name,
            case.why
        );
        assert_eq!(
            json(&case.old, &case.new, Policy::Strict),
            case.forward,
            "{}: {} (forward)",
            case.name,
            case.why
        );
    }
}

/// What the lenient policy allows besides.
const LENIENT: [&str; 9] = [
    "ADDITIONAL_PROPERTIES_REMOVED",
    "ADDITIONAL_PROPERTIES_NARROWED",
    "UNEVALUATED_PROPERTIES_REMOVED",
    "UNEVALUATED_PROPERTIES_NARROWED",
    "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL",
    "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
    "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL",
    "PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
    "PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
];

#[test]
fn the_lenient_policy_allows_what_it_is_documented_to() {
    let mut allowed: BTreeMap<String, usize> = BTreeMap::new();
    for case in read(JSON) {
        for (reader, writer) in [(&case.new, &case.old), (&case.old, &case.new)] {
            let [strict, lenient] = [Policy::Strict, Policy::Lenient].map(|p| json(reader, writer, p));
            let is = |verdict: &[String], word: &str| verdict.first().is_some_and(|first| first == word);
            let kinds = |row: &String| row.split(' ').next().unwrap_or_default().to_owned();
            let forgiven = lenient.iter().skip(1).map(kinds).filter(|kind| LENIENT.contains(&kind.as_str()));
            let forgiven: Vec<String> = forgiven.collect();
            assert!(!is(&strict, "allowed") || is(&lenient, "allowed"), "{}: lenient is stricter", case.name);
            let differs = is(&strict, "refused") && is(&lenient, "allowed");
            assert!(!differs || !forgiven.is_empty(), "{}: {lenient:?} is not to be allowed", case.name);
            if is(&lenient, "allowed") {
                forgiven.into_iter().for_each(|kind| *allowed.entry(kind).or_default() += 1);
            }
        }
    }
    let lenient = |kind: &&JsonDifferenceKind| {
        kind.is_compatible(Policy::Lenient) && !kind.is_compatible(Policy::Strict)
    };
    let kinds = JsonDifferenceKind::ALL.iter().filter(lenient).map(|kind| kind.name());
    assert_eq!(kinds.collect::<BTreeSet<_>>(), LENIENT.into_iter().collect());
    // What is not covered differs in its own schema besides, which no policy forgives.
    for kind in LENIENT.into_iter().filter(|kind| !kind.contains("NOT_COVERED")) {
        let times = allowed.get(kind).copied().unwrap_or_default();
        assert!(times >= 2, "{kind} is allowed leniently in {times} verdicts: {allowed:?}");
    }
}

#[test]
fn protobuf_cases() {
    for case in read(PROTOBUF) {
        assert_eq!(protobuf(&case, true), case.backward, "{}: {} (backward)", case.name, case.why);
        assert_eq!(protobuf(&case, false), case.forward, "{}: {} (forward)", case.name, case.why);
    }
}

#[test]
fn the_cases_cover_every_kind_of_difference_twice() {
    // How often each kind stands in a verdict that allows, and in one that refuses.
    let mut seen: BTreeMap<(&str, String), [usize; 2]> = BTreeMap::new();
    let mut cases = 0;
    for (language, text) in [("avro", AVRO), ("json", JSON), ("protobuf", PROTOBUF)] {
        for case in read(text) {
            cases += 1;
            assert!(!case.why.is_empty(), "{} has no reason", case.name);
            for verdict in [&case.backward, &case.forward] {
                let refused = usize::from(verdict.first().is_some_and(|word| word == "refused"));
                for row in verdict.iter().skip(1) {
                    let kind = row.split(' ').next().unwrap_or_default().to_owned();
                    seen.entry((language, kind)).or_default()[refused] += 1;
                }
            }
        }
    }
    assert!(cases >= 400, "{cases} cases");
    // Reserved properties stand in metadata, not in the schema: the registry's tests have them.
    let json = JsonDifferenceKind::ALL.iter().filter(|kind| !kind.name().starts_with("RESERVED_"));
    let json = json.map(|kind| ("json", kind.name().to_owned(), kind.is_compatible(Policy::Strict)));
    let protobuf = ProtoDifferenceKind::ALL.iter();
    let protobuf = protobuf.map(|kind| ("protobuf", kind.name().to_owned(), kind.is_compatible()));
    let avro = [
        "NAME_MISMATCH",
        "FIXED_SIZE_MISMATCH",
        "MISSING_ENUM_SYMBOLS",
        "READER_FIELD_MISSING_DEFAULT_VALUE",
        "TYPE_MISMATCH",
        "MISSING_UNION_BRANCH",
    ];
    let avro = avro.iter().map(|name| ("avro", (*name).to_owned(), false));
    for (language, name, is_compatible) in json.chain(protobuf).chain(avro) {
        let [allowed, refused] = seen.get(&(language, name.clone())).copied().unwrap_or_default();
        let [own, other] = if is_compatible { [allowed, refused] } else { [refused, allowed] };
        assert!(own >= 2, "{name} of {language} stands in {own} verdicts of its own kind");
        assert!(is_compatible || other == 0, "{name} of {language} is never compatible, but was allowed");
    }
}

fn parsed(text: &str) -> Parsed {
    Parsed::parse(Language::Avro, text, &[], Strictness::New).unwrap()
}

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}

#[test]
fn levels_choose_directions_and_versions() {
    let a = r#"{"name":"a","type":"int"}"#;
    let b = r#"{"name":"b","type":"int"}"#;
    let b_default = r#"{"name":"b","type":"int","default":0}"#;
    let texts = [record(a), record(&format!("{a},{b_default}"))];
    let schemas: Vec<Parsed> = texts.iter().map(|text| parsed(text)).collect();
    let previous: Vec<Previous<'_>> = (1..)
        .zip(texts.iter().zip(&schemas))
        .map(|(version, (text, schema))| Previous { version, text, schema })
        .collect();
    // (new schema, the levels that allow it): version 1 has a; version 2 has a and b with a default.
    let table = [
        (record(&format!("{a},{b}")), "NONE BACKWARD FORWARD FORWARD_TRANSITIVE FULL"),
        (record(a), "NONE BACKWARD BACKWARD_TRANSITIVE FORWARD FORWARD_TRANSITIVE FULL FULL_TRANSITIVE"),
        (record(""), "NONE BACKWARD BACKWARD_TRANSITIVE"),
        (record(b), "NONE BACKWARD"),
        (r#""string""#.to_owned(), "NONE"),
    ];
    for (text, allowed) in table {
        let allowed: Vec<&str> = allowed.split(' ').collect();
        for level in Level::ALL {
            let verdict = check(level, Policy::Strict, &parsed(&text), &previous);
            assert_eq!(
                verdict.is_compatible(),
                allowed.contains(&level.name()),
                "{text} under {}",
                level.name()
            );
        }
    }
}

#[test]
fn verdicts_read_as_the_registry_writes_them() {
    let old = record(r#"{"name":"a","type":"int"}"#);
    let schema = parsed(&old);
    let previous = [Previous { version: 3, text: &old, schema: &schema }];
    let new = parsed(&record(r#"{"name":"b","type":"int"}"#));
    let verdict = check(Level::Full, Policy::Strict, &new, &previous);
    assert_eq!(
        verdict.messages,
        [
            "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'a' at path '/fields/0' in the old schema has no default value and is missing in the new schema', additionalInfo:'a'}".to_owned(),
            "{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE', description:'The field 'b' at path '/fields/0' in the new schema has no default value and is missing in the old schema', additionalInfo:'b'}".to_owned(),
            "{oldSchemaVersion: 3}".to_owned(),
            format!("{{oldSchema: '{old}'}}"),
        ]
    );
    let remedies: Vec<&str> = verdict.findings.iter().map(|f| f.remedy.as_str()).collect();
    assert_eq!(
        remedies,
        ["Keep the field 'a': the old schema has no default for it.", "Give the field 'b' a default."]
    );
    assert_eq!(verdict.findings[0].direction, Direction::OldReadsNew);
    assert_eq!(verdict.version, Some(3));
}

#[test]
fn schemas_of_different_languages_are_incompatible() {
    let old = parsed("\"int\"");
    let new = Parsed::parse(Language::Json, "{}", &[], Strictness::New).unwrap();
    let previous = [Previous { version: 1, text: "\"int\"", schema: &old }];
    let verdict = check(Level::Backward, Policy::Strict, &new, &previous);
    assert_eq!(verdict.messages, ["Incompatible because of different schema type"]);
    assert!(check(Level::None, Policy::Strict, &new, &previous).is_compatible());
}

#[test]
fn json_messages_keep_the_registrys_odd_quotes() {
    let text = r#"{"type":"string"}"#;
    let old = Parsed::parse(Language::Json, text, &[], Strictness::New).unwrap();
    let new = Parsed::parse(Language::Json, r#"{"type":"number"}"#, &[], Strictness::New).unwrap();
    let previous = [Previous { version: 1, text, schema: &old }];
    let verdict = check(Level::Backward, Policy::Strict, &new, &previous);
    assert_eq!(
        verdict.messages[0],
        "{errorType:\"TYPE_CHANGED\", description:\"A type at path '#/' is different between the new schema and the old schema'}"
    );
}
