//! The codec by example: bytes as Avro's specification has them, evolution, and what does not fit.

use ::schema::avro::{AvroSchema, Strictness};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Datum, decode, encode, from_bytes, from_json, to_bytes};

fn schema(text: &str) -> AvroSchema {
    AvroSchema::parse(text, &[], Strictness::New).unwrap()
}

fn record(fields: &str) -> String {
    format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#)
}

#[test]
fn documented_bytes() {
    let in_record = record(r#"{"name":"a","type":"long"},{"name":"b","type":"string"}"#);
    let table: &[(&str, serde_json::Value, &[u8])] = &[
        (r#""null""#, json!(null), &[]),
        (r#""boolean""#, json!(true), &[1]),
        (r#""int""#, json!(-1), &[1]),
        (r#""int""#, json!(64), &[0x80, 1]),
        (r#""long""#, json!(-65), &[0x81, 1]),
        (r#""float""#, json!(1.0), &[0, 0, 0x80, 0x3f]),
        (r#""double""#, json!(-2.0), &[0, 0, 0, 0, 0, 0, 0, 0xc0]),
        (r#""bytes""#, json!("\u{ff}"), &[2, 0xff]),
        (r#""string""#, json!("foo"), &[6, b'f', b'o', b'o']),
        (&in_record, json!({"a": 27, "b": "foo"}), &[0x36, 6, b'f', b'o', b'o']),
        (r#"{"type":"array","items":"long"}"#, json!([3, 27]), &[4, 6, 0x36, 0]),
        (r#"{"type":"array","items":"long"}"#, json!([]), &[0]),
        (r#"{"type":"map","values":"int"}"#, json!({"k": 1}), &[2, 2, b'k', 2, 0]),
        (r#"["null","string"]"#, json!(null), &[0]),
        (r#"["null","string"]"#, json!("a"), &[2, 2, b'a']),
        (r#"["null","string"]"#, json!({"string": "a"}), &[2, 2, b'a']),
        (r#"["string","int"]"#, json!({"int": 1}), &[2, 2]),
        (r#"{"type":"enum","name":"E","symbols":["A","B"]}"#, json!("B"), &[2]),
        (r#"{"type":"fixed","name":"F","size":2}"#, json!("ab"), b"ab"),
    ];
    for (text, value, bytes) in table {
        let schema = schema(text);
        let datum = from_json(&schema, value).unwrap();
        assert_eq!(encode(&schema, &datum).unwrap(), *bytes, "{text} {value}");
        assert_eq!(decode(&schema, &schema, bytes).unwrap(), datum, "{text} {value}");
    }
}

#[test]
fn blocks_may_tell_their_size() {
    let longs = schema(r#"{"type":"array","items":"long"}"#);
    let datum = decode(&longs, &longs, &[1, 2, 6, 2, 8, 0]).unwrap();
    assert_eq!(datum, Datum::Array(vec![Datum::Long(3), Datum::Long(4)]));
}

#[test]
fn unions_print_their_branch_where_it_is_in_doubt() {
    for (text, value) in [
        (r#"["null","int"]"#, json!(5)),
        (r#"["null","int","long"]"#, json!({"long": 5})),
        (r#"["string","bytes"]"#, json!({"bytes": "x"})),
        (r#"["null","int","long"]"#, json!(null)),
    ] {
        let schema = schema(text);
        let datum = from_json(&schema, &value).unwrap();
        let bytes = encode(&schema, &datum).unwrap();
        assert_eq!(decode(&schema, &schema, &bytes).unwrap().to_json(), value);
    }
}

#[test]
fn readers_see_writers_through_their_own_schema() {
    let int = |name: &str| format!(r#"{{"name":"{name}","type":"int"}}"#);
    let table = [
        (r#""int""#.to_owned(), r#""double""#.to_owned(), json!(3), Some(json!(3.0))),
        (r#""string""#.into(), r#""bytes""#.into(), json!("é"), Some(json!("\u{c3}\u{a9}"))),
        (r#""long""#.into(), r#""int""#.into(), json!(3), None),
        (r#""int""#.into(), r#"["null","int"]"#.into(), json!(3), Some(json!(3))),
        (r#""int""#.into(), r#"["string","long"]"#.into(), json!(3), Some(json!({"long": 3}))),
        (r#"["null","int"]"#.into(), r#""int""#.into(), json!(3), Some(json!(3))),
        (r#"["null","int"]"#.into(), r#""int""#.into(), json!(null), None),
        (
            record(&format!("{},{}", int("a"), int("b"))),
            record(&int("b")),
            json!({"a": 1, "b": 2}),
            Some(json!({"b": 2})),
        ),
        (
            record(&int("a")),
            record(
                r#"{"name":"b","type":"int","aliases":["a"]},{"name":"c","type":["null","int"],"default":null}"#,
            ),
            json!({"a": 1}),
            Some(json!({"b": 1, "c": null})),
        ),
        (record(&int("a")), record(&int("b")), json!({"a": 1}), None),
        (
            r#"{"type":"enum","name":"E","symbols":["A","B"]}"#.into(),
            r#"{"type":"enum","name":"E","symbols":["A","Z"],"default":"Z"}"#.into(),
            json!("B"),
            Some(json!("Z")),
        ),
        (
            r#"{"type":"enum","name":"E","symbols":["A","B"]}"#.into(),
            r#"{"type":"enum","name":"E","symbols":["A"]}"#.into(),
            json!("B"),
            None,
        ),
        (
            r#"{"type":"fixed","name":"a.F","size":1}"#.into(),
            r#"{"type":"fixed","name":"b.F","size":1}"#.into(),
            json!("x"),
            Some(json!("x")),
        ),
    ];
    for (writer, reader, value, expected) in table {
        let (written, read) = (schema(&writer), schema(&reader));
        let bytes = encode(&written, &from_json(&written, &value).unwrap()).unwrap();
        let seen = decode(&written, &read, &bytes).ok().map(|datum| datum.to_json());
        assert_eq!(seen, expected, "{writer} as {reader}");
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Suit {
    Hearts,
    Spades,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    #[serde(rename = "double")]
    Radius(f64),
    Square {
        side: i64,
    },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    name: String,
    age: Option<i32>,
    suit: Suit,
    shapes: Vec<Shape>,
    raw: Vec<u8>,
    scores: std::collections::BTreeMap<String, f32>,
    next: Option<Box<Everything>>,
}

const EVERYTHING: &str = r#"{"type":"record","name":"Everything","namespace":"a.b","fields":[
    {"name":"name","type":"string"},
    {"name":"age","type":["null","int"],"default":null},
    {"name":"suit","type":{"type":"enum","name":"Suit","symbols":["Spades","Hearts"]}},
    {"name":"shapes","type":{"type":"array","items":["double",
        {"type":"record","name":"Square","fields":[{"name":"side","type":"long"}]}]}},
    {"name":"raw","type":"bytes"},
    {"name":"scores","type":{"type":"map","values":"float"}},
    {"name":"next","type":["null","Everything"],"default":null}]}"#;

#[test]
fn types_that_derive_serde_go_round() {
    let inner = Everything {
        name: "inner".into(),
        age: None,
        suit: Suit::Hearts,
        shapes: Vec::new(),
        raw: Vec::new(),
        scores: [("x".to_owned(), 0.5)].into(),
        next: None,
    };
    let outer = Everything {
        name: "outer".into(),
        age: Some(7),
        suit: Suit::Spades,
        shapes: vec![Shape::Radius(1.5), Shape::Square { side: 3 }],
        raw: vec![0, 255],
        scores: Default::default(),
        next: Some(Box::new(inner)),
    };
    let schema = schema(EVERYTHING);
    let bytes = to_bytes(&schema, &outer).unwrap();
    let back: Everything = from_bytes(&schema, &schema, &bytes).unwrap();
    assert_eq!(back, outer);
    let json = decode(&schema, &schema, &bytes).unwrap().to_json();
    assert_eq!(json["shapes"], json!([{"double": 1.5}, {"a.b.Square": {"side": 3}}]));
    assert_eq!(encode(&schema, &from_json(&schema, &json).unwrap()).unwrap(), bytes);
}

#[test]
fn what_does_not_fit_is_named_with_its_place() {
    let text =
        record(r#"{"name":"a","type":{"type":"array","items":"int"}},{"name":"b","type":"int","default":1}"#);
    let schema = schema(&text);
    for (value, expected) in [
        (json!({"a": [1, "x"]}), "a.1: a string where the schema has int"),
        (json!({"b": 1}), "a: it is missing and has no default"),
        (json!({"a": [], "c": 1}), "the schema has no field `c`"),
        (json!({"a": [3_000_000_000i64]}), "a.0: a whole number where the schema has int"),
    ] {
        let error = from_json(&schema, &value).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let datum = |json| super::to_datum(&json).unwrap();
    for (value, expected) in [
        (json!({"a": [true]}), "a.0: a boolean where the schema has int"),
        (json!({}), "the field `a` is missing"),
        (json!({"a": [], "z": 1}), "no field `z`"),
    ] {
        let error = encode(&schema, &datum(value)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(encode(&schema, &datum(json!({"a": [1]}))).unwrap(), [2, 2, 0, 2]);
}

#[test]
fn no_bytes_panic_or_grow_without_end() {
    let nulls = schema(r#"{"type":"array","items":"null"}"#);
    assert!(decode(&nulls, &nulls, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0]).is_err());
    let text = schema(r#""string""#);
    for bytes in [&[][..], &[2], &[0xff; 12], &[1], &[2, 0xff], &[2, b'a', b'b']] {
        assert!(decode(&text, &text, bytes).is_err(), "{bytes:?}");
    }
    let tree = schema(r#"{"type":"record","name":"T","fields":[{"name":"t","type":["null","T"]}]}"#);
    assert!(decode(&tree, &tree, &[2; 100_000]).is_err());
    let everything = schema(EVERYTHING);
    let mut state = 1u64;
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..24)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 60) as u8
            })
            .collect();
        let decoded = decode(&everything, &everything, &bytes);
        assert_eq!(super::check(&everything, &bytes).is_ok(), decoded.is_ok(), "{bytes:?}");
        if let Ok(datum) = decoded {
            assert!(encode(&everything, &datum).is_ok());
        }
    }
}

#[test]
fn what_comes_out_of_the_schema_counts_towards_the_budget() {
    let array = |fields: &str| format!(r#"{{"type":"array","items":{}}}"#, record(fields));
    let nothing = schema(&array(""));
    let long = "x".repeat(100_000);
    // A million records of no bytes; each would have a default, a name or a symbol of 100 kB.
    let bytes = [0x80, 0x89, 0x7a, 0];
    let count =
        |reader: &str| decode(&nothing, &schema(reader), &bytes).map(drop).map_err(|error| error.to_string());
    assert_eq!(count(&array("")), Ok(()));
    for fields in [
        format!(r#"{{"name":"a","type":"string","default":"{long}"}}"#),
        format!(r#"{{"name":"{long}","type":"null","default":null}}"#),
        r#"{"name":"a","type":{"type":"array","items":"int"},"default":[1,2,3,4,5,6,7,8]}"#.to_owned(),
    ] {
        let refused = count(&array(&fields));
        assert!(refused.is_err_and(|reason| reason.contains("too many values")), "{:.80}", fields);
    }
    // Each level's default holds two of the next: 2^40 values out of a schema of 3 kB.
    let mut inner = record("");
    for level in 0..40 {
        inner = format!(
            r#"{{"type":"record","name":"L{level}","fields":[{{"name":"a","type":{inner},"default":{{}}}},
                {{"name":"b","type":"{}","default":{{}}}}]}}"#,
            if level == 0 { "R".to_owned() } else { format!("L{}", level - 1) }
        );
    }
    // A registry that is asked to store it refuses; one elsewhere may have it.
    let outer = |fields: &str| {
        let text = format!(r#"{{"type":"record","name":"Outer","fields":[{fields}]}}"#);
        AvroSchema::parse(&text, &[], Strictness::Stored).unwrap()
    };
    let bomb = outer(&format!(r#"{{"name":"bomb","type":{inner},"default":{{}}}}"#));
    let empty = outer("");
    let refused = decode(&empty, &bomb, &[]).unwrap_err().to_string();
    assert!(refused.contains("too many values"), "{refused}");
    assert!(encode(&bomb, &super::to_datum(&json!({})).unwrap()).is_err());
    assert!(from_json(&bomb, &json!({})).is_err());
}

#[test]
fn a_check_is_bounded_by_the_bytes() {
    // Nulls take no bytes: half a million of them in four.
    let nulls = schema(r#"{"type":"array","items":"null"}"#);
    let refused = super::check(&nulls, &[0xc0, 0x84, 0x3d, 0]).unwrap_err().to_string();
    assert!(refused.contains("too many values"), "{refused}");
}

#[test]
fn bare_bytes_stand_in_records_as_they_are() {
    use super::raw::{from_payload, to_payload};
    let (bytes, text) = (schema(r#""bytes""#), schema(r#""string""#));
    assert_eq!(to_payload(&bytes, &Datum::Bytes(vec![1, 2])).unwrap(), [1, 2]);
    assert!(to_payload(&bytes, &Datum::Int(1)).is_err());
    assert_eq!(from_payload(&bytes, &bytes, &[1, 2]).unwrap(), Datum::Bytes(vec![1, 2]));
    assert_eq!(from_payload(&bytes, &text, b"ab").unwrap(), Datum::String("ab".to_owned()));
    assert_eq!(to_payload(&text, &Datum::String("ab".to_owned())).unwrap(), *b"\x04ab");
    assert!(super::check(&bytes, &[0xff; 9]).is_ok());
}
