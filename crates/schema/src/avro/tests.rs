//! Parsing, printing and canonical forms, as tables. Compatibility has its own data file.

use super::*;

fn canonical(text: &str) -> Result<String, String> {
    AvroSchema::parse(text, &[], Strictness::New).and_then(|s| s.canonical()).map_err(|e| e.to_string())
}

fn normalized(text: &str) -> String {
    let schema = AvroSchema::parse(text, &[], Strictness::New).unwrap();
    schema.normalized().unwrap().canonical().unwrap()
}

#[test]
fn the_canonical_form_is_javas_text() {
    // (written, canonical): what matters to identity and what does not.
    let table = [
        (r#" "string" "#, r#""string""#),
        (r#"{"type":"string"}"#, r#""string""#),
        (
            r#"{"type":"string","avro.java.string":"String"}"#,
            r#"{"type":"string","avro.java.string":"String"}"#,
        ),
        (r#"{"items":"int","type":"array"}"#, r#"{"type":"array","items":"int"}"#),
        (r#"{"values":"int","x":1,"type":"map"}"#, r#"{"type":"map","values":"int","x":1}"#),
        (r#"["null",{"type":"int"}]"#, r#"["null","int"]"#),
        (
            r#"{"size":2,"aliases":["a","b.c"],"namespace":"n","name":"F","type":"fixed"}"#,
            r#"{"type":"fixed","name":"F","namespace":"n","size":2,"aliases":["a","b.c"]}"#,
        ),
        (
            r#"{"type":"enum","symbols":["A","B"],"name":"n.E","default":"A","doc":"d"}"#,
            r#"{"type":"enum","name":"E","namespace":"n","doc":"d","symbols":["A","B"],"default":"A"}"#,
        ),
        (
            r#"{"type":"record","name":"n.R","fields":[{"type":"n.R","name":"next"},{"name":"o","type":{"type":"fixed","name":"x.F","size":1}},{"name":"p","type":"x.F"}]}"#,
            r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"next","type":"R"},{"name":"o","type":{"type":"fixed","name":"F","namespace":"x","size":1}},{"name":"p","type":"x.F"}]}"#,
        ),
        (
            r#"{"type":"record","name":"n.R","fields":[{"name":"o","type":{"type":"fixed","name":"F","namespace":"","size":1}}]}"#,
            r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"o","type":{"type":"fixed","name":"F","namespace":"","size":1}}]}"#,
        ),
        (
            r#"{"type":"record","name":"R","fields":[{"order":"IGNORE","aliases":["b","b"],"name":"a","zz":1,"default":1e3,"type":"double","doc":"x"}]}"#,
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"double","doc":"x","default":1000.0,"order":"ignore","aliases":["b"],"zz":1}]}"#,
        ),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"float","default":"NaN"}]}"#,
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"float","default":"NaN"}]}"#,
        ),
        (
            r#"{"type":"error","name":"R","fields":[]} // with a comment"#,
            r#"{"type":"error","name":"R","fields":[]}"#,
        ),
        (
            r#"{"type":"record","name":"a.int","fields":[{"name":"x","type":"a.int"}]}"#,
            r#"{"type":"record","name":"int","namespace":"a","fields":[{"name":"x","type":"a.int"}]}"#,
        ),
    ];
    for (text, expected) in table {
        assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        assert_eq!(canonical(expected).as_deref(), Ok(expected), "the canonical form is not its own");
    }
}

#[test]
fn what_is_not_a_schema_is_refused_in_javas_words() {
    let table = [
        (r#""strin""#, r#"Undefined name: "strin""#),
        ("1", "Schema not yet supported: 1"),
        ("{}", "No type: {}"),
        (r#"{"type":"recrd"}"#, "Type not supported: recrd"),
        (r#"{"type":"record","name":"R"}"#, r#"Record has no fields: {"type":"record","name":"R"}"#),
        (r#"{"type":"record","fields":[]}"#, r#"No name in schema: {"type":"record","fields":[]}"#),
        (r#"{"type":"array"}"#, r#"Array has no items type: {"type":"array"}"#),
        (r#"{"type":"map"}"#, r#"Map has no values type: {"type":"map"}"#),
        (r#"{"type":"enum","name":"E"}"#, r#"Enum has no symbols: {"type":"enum","name":"E"}"#),
        (r#"{"type":"enum","name":"E","symbols":["A","A"]}"#, "Duplicate enum symbol: A"),
        (r#"{"type":"enum","name":"E","symbols":["A-"]}"#, "Illegal character in: A-"),
        (
            r#"{"type":"enum","name":"E","symbols":["A"],"default":"B"}"#,
            "The Enum Default: B is not in the enum symbol set: [A]",
        ),
        (
            r#"{"type":"fixed","name":"F","size":"1"}"#,
            r#"Invalid or no size: {"type":"fixed","name":"F","size":"1"}"#,
        ),
        (r#"{"type":"fixed","name":"F","size":-1}"#, "Invalid fixed size: -1"),
        (r#"{"type":"fixed","name":"1F","size":1}"#, "Illegal initial character: 1F"),
        (r#"{"type":"fixed","name":"","size":1}"#, "Empty name"),
        (r#"{"type":"fixed","name":"a-b.F","size":1}"#, "Illegal character in: a-b"),
        (r#"["int","int"]"#, "Duplicate in union:int"),
        (r#"["int",["null"]]"#, r#"Nested union: ["int",["null"]]"#),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"X"}]}"#,
            r#""X" is not a defined name. The type of the "a" field must be a defined name or a {"type": ...} expression."#,
        ),
        (
            r#"{"type":"record","name":"n.R","fields":[{"name":"a","type":"int"},{"name":"a","type":"string"}]}"#,
            "Duplicate field a in record n.R: a type:STRING pos:1 and a type:INT pos:0.",
        ),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","default":"1"}]}"#,
            r#"Invalid default for field a: "1" not a "int""#,
        ),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"record","name":"R","fields":[]}}]}"#,
            "Can't redefine: R",
        ),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"a","type":"int","order":"up"}]}"#,
            "No enum constant org.apache.avro.Schema.Field.Order.UP",
        ),
        (r#"{"type":"record","name":"R","fields":[{"type":"int"}]}"#, r#"No field name: {"type":"int"}"#),
        (r#"{"type":"record","name":"R","fields":[{"name":"a"}]}"#, r#"No field type: {"name":"a"}"#),
    ];
    for (text, expected) in table {
        assert_eq!(canonical(text), Err(expected.to_owned()), "{text}");
    }
}

#[test]
fn stored_schemas_are_read_leniently() {
    let text = r#"{"type":"record","name":"a-b.R","fields":[{"name":"a","type":"int","default":"1"}]}"#;
    assert!(AvroSchema::parse(text, &[], Strictness::New).is_err());
    assert!(AvroSchema::parse(text, &[], Strictness::Stored).is_ok());
}

#[test]
fn normalizing_removes_what_has_no_meaning() {
    let table = [
        (
            r#"{"type":"bytes","scale":2,"zz":1,"precision":9,"aa":{"b":1,"a":2},"logicalType":"decimal"}"#,
            r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":2,"aa":{"a":2,"b":1},"zz":1}"#,
        ),
        (
            r#"{"type":"bytes","scale":0,"precision":9,"a":1,"logicalType":"decimal"}"#,
            r#"{"type":"bytes","logicalType":"decimal","precision":9,"a":1,"scale":0}"#,
        ),
        (
            r#"{"type":"long","logicalType":"decimal","a":1,"precision":9}"#,
            r#"{"type":"long","a":1,"logicalType":"decimal","precision":9}"#,
        ),
        (
            r#"{"type":"record","name":"R","doc":"","aliases":["z","a"],"fields":[{"name":"d","type":"double","default":1,"doc":"","order":"ascending"}]}"#,
            r#"{"type":"record","name":"R","fields":[{"name":"d","type":"double","doc":"","default":1.0}],"aliases":["a","z"]}"#,
        ),
        (
            r#"{"type":"record","name":"R","fields":[{"name":"f","type":["null","float"],"default":1.10}]}"#,
            r#"{"type":"record","name":"R","fields":[{"name":"f","type":["null","float"],"default":1.1}]}"#,
        ),
    ];
    for (text, expected) in table {
        assert_eq!(normalized(text), expected, "{text}");
    }
}

#[test]
fn references_are_known_by_name_and_stay_names() {
    let address = r#"{"type":"record","name":"n.Address","fields":[{"name":"kind","type":{"type":"enum","name":"Kind","symbols":["A"]}}]}"#;
    let user = r#"{"type":"record","name":"n.User","fields":[{"name":"home","type":"Address"},{"name":"k","type":"Kind"}]}"#;
    assert!(AvroSchema::parse(user, &[], Strictness::New).is_err());
    let schema = AvroSchema::parse(user, &[address], Strictness::New).unwrap();
    let canonical = schema.canonical().unwrap();
    // Only the reference's own name is left out; Java prints a type nested in it where it is first used.
    let kind = r#"{"name":"k","type":{"type":"enum","name":"Kind","symbols":["A"]}}"#;
    assert!(canonical.contains(r#""type":"Address""#) && canonical.contains(kind), "{canonical}");
    let again = AvroSchema::parse(&canonical, &[address], Strictness::New).unwrap();
    assert_eq!(again.canonical().unwrap(), canonical);
    assert!(schema.resolved().unwrap().contains(r#""name":"Address""#));
    let other = canonical.replace("[\"A\"]", "[\"B\"]");
    assert!(AvroSchema::parse(&other, &[address], Strictness::New).is_err());
}

#[test]
fn hostile_schemas_end_in_an_error() {
    let mut deep = String::from("\"int\"");
    for _ in 0..2000 {
        deep = format!("{{\"type\":\"array\",\"items\":{deep}}}");
    }
    assert!(canonical(&deep).is_err());
    let wide = |prefix: &str| {
        let branch = |i: usize| format!(r#"{{"type":"record","name":"{prefix}{i}","fields":[]}}"#);
        format!("[{}]", (0..4000).map(branch).collect::<Vec<_>>().join(","))
    };
    let reader = AvroSchema::parse(&wide("A"), &[], Strictness::New).unwrap();
    let writer = AvroSchema::parse(&wide("B"), &[], Strictness::New).unwrap();
    assert!(reader.read_differences(&writer).is_err());
    let endless = r#"{"type":"record","name":"R","fields":[{"name":"r","type":"R","default":{}}]}"#;
    assert!(canonical(endless).is_err());
}

/// Types that are used by name nest, when printed inline, once per definition: this once overflowed the stack.
#[test]
fn a_long_chain_of_names_is_refused_where_it_would_be_printed_inline() {
    let mut fields = vec![r#"{"name":"f0","type":{"type":"record","name":"A0","fields":[]}}"#.to_owned()];
    for i in 1..20_000 {
        let before = i - 1;
        fields.push(format!(
            r#"{{"name":"f{i}","type":{{"type":"record","name":"A{i}","fields":[{{"name":"x","type":"A{before}"}}]}}}}"#
        ));
    }
    let record = |fields: &str| format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#);
    let flat = AvroSchema::parse(&record(&fields.join(",")), &[], Strictness::New).unwrap();
    assert!(
        flat.canonical().is_ok() && flat.resolved().is_ok(),
        "written one beside the other they are not deep"
    );
    fields.push(r#"{"name":"bad","type":"A19999","default":1}"#.to_owned());
    assert!(AvroSchema::parse(&record(&fields.join(",")), &[], Strictness::New).is_err());
}

/// 20,000 differences at the end of a chain of 300 types: each level once kept a copy of all, with a path of kilobytes.
#[test]
fn differences_far_down_do_not_multiply() {
    let schema = |innermost: &str| {
        let mut text = format!(r#"{{"type":"record","name":"A0","fields":[{innermost}]}}"#);
        for i in 1..80 {
            text = format!(r#"{{"type":"record","name":"A{i}","fields":[{{"name":"x","type":{text}}}]}}"#);
        }
        AvroSchema::parse(&text, &[], Strictness::New).unwrap()
    };
    let many: Vec<String> = (0..20_000).map(|i| format!(r#"{{"name":"n{i}","type":"int"}}"#)).collect();
    let error = schema(&many.join(",")).read_differences(&schema("")).unwrap_err();
    assert!(error.to_string().contains("too complex"), "{error}");
    let few = schema(&many[..100].join(","));
    assert_eq!(few.read_differences(&schema("")).unwrap().len(), 100);
}

/// Many defaults that are each cheap enough to check share one budget.
#[test]
fn defaults_are_checked_for_one_budget() {
    let mut fields =
        vec![r#"{"name":"b0","type":{"type":"record","name":"B0","fields":[]},"default":{}}"#.to_owned()];
    for i in 1..17 {
        let inner = i - 1;
        fields.push(format!(
            r#"{{"name":"b{i}","type":{{"type":"record","name":"B{i}","fields":[{{"name":"a","type":"B{inner}","default":{{}}}},{{"name":"b","type":"B{inner}","default":{{}}}}]}}}}"#
        ));
    }
    fields.extend((0..100).map(|i| format!(r#"{{"name":"f{i}","type":"B16","default":{{}}}}"#)));
    let text = format!(r#"{{"type":"record","name":"R","fields":[{}]}}"#, fields.join(","));
    let error = AvroSchema::parse(&text, &[], Strictness::New).unwrap_err();
    assert!(error.to_string().contains("too complex"), "{error}");
}

#[test]
fn a_recursive_pair_is_compatible_with_itself() {
    let list = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
    let schema = AvroSchema::parse(list, &[], Strictness::New).unwrap();
    assert_eq!(schema.read_differences(&schema), Ok(Vec::new()));
}
