//! Parsing, the registry's text, normalizing and descriptors. Compatibility has its own data file.

use super::*;

fn canonical(text: &str) -> Result<String, String> {
    ProtobufSchema::parse(text, &[]).and_then(|s| s.canonical()).map_err(|e| e.to_string())
}

fn normalized(text: &str) -> String {
    ProtobufSchema::parse(text, &[]).unwrap().normalized().unwrap().canonical().unwrap()
}

#[test]
fn the_canonical_text_has_its_own_layout() {
    let table = [
        (
            "syntax = \"proto3\"; message User { int32 id = 1; }",
            "syntax = \"proto3\";\n\nmessage User {\n  int32 id = 1;\n}\n",
        ),
        (
            "syntax=\"proto2\";package a.b;import \"x.proto\";import public 'y.proto';option java_package = \"j\";message M{}",
            "syntax = \"proto2\";\npackage a.b;\n\nimport \"x.proto\";\nimport public \"y.proto\";\n\noption java_package = \"j\";\n\nmessage M {}\n",
        ),
        (
            "syntax = \"proto3\"; enum E { A = 0; B = 1 [deprecated = true]; } message M { enum F { X = 0; } oneof o { string a = 1; } map<string, E> m = 2; }",
            "syntax = \"proto3\";\n\nmessage M {\n  map<string, E> m = 2;\n\n  oneof o {\n    string a = 1;\n  }\n\n  enum F {\n    X = 0;\n  }\n}\nenum E {\n  A = 0;\n  B = 1 [deprecated = true];\n}\n",
        ),
        (
            "syntax = \"proto3\"; message M { message N { reserved 1, 3 to 5, 9 to max; reserved \"x\"; string a = 2 [json_name = \"b\", deprecated = true]; } }",
            "syntax = \"proto3\";\n\nmessage M {\n  message N {\n    reserved 1, 3 to 5, 9 to max;\n    reserved \"x\";\n  \n    string a = 2 [\n      deprecated = true,\n      json_name = \"b\"\n    ];\n  }\n}\n",
        ),
        (
            "syntax = \"proto3\"; service S { rpc A (X) returns (stream Y); rpc B (.p.X) returns (Y) { option deprecated = true; } }",
            "syntax = \"proto3\";\n\nservice S {\n  rpc A (X) returns (stream Y);\n  rpc B (.p.X) returns (Y) {\n    option deprecated = true;\n  };\n}\n",
        ),
        (
            "message M { optional int32 a = 1 [default = 5, (o).b.c = {x: 1 y {z: \"s\"} l: [1, 2]}]; extensions 100 to max; } extend M { repeated string e = 100; }",
            "\nmessage M {\n  optional int32 a = 1 [\n    (o).b.c = {\n      x: 1,\n      y: {\n        z: \"s\"\n      },\n      l: [\n        1,\n        2\n      ]\n    },\n    default = 5\n  ];\n\n  extensions 100 to max;\n}\n\nextend M {\n  repeated string e = 100;\n}\n",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(canonical(text).as_deref(), Ok(expected), "{text}");
        assert_eq!(canonical(expected).as_deref(), Ok(expected), "the canonical text is not its own");
    }
}

#[test]
fn what_is_not_protobuf_is_refused() {
    let table = [
        ("{", "unexpected {"),
        ("message", "expected a word but was end of file"),
        ("message M", "expected '{'"),
        ("message M { int32 a = 1; }", "unexpected label: int32"),
        ("syntax = \"proto3\"; message M { required int32 a = 1; }", "'required' label forbidden"),
        ("syntax = \"proto3\"; message M { int32 a = x; }", "expected an integer"),
        ("syntax = \"proto3\"; message M { int32 a = 99999999999; }", "expected an integer"),
        ("syntax = \"proto4\";", "unexpected syntax: proto4"),
        ("edition = \"2023\";", "editions are not supported"),
        ("package a; syntax = \"proto3\";", "must be the first"),
        ("package a; package b;", "too many package names"),
        ("syntax = \"proto3\"; message M { string a = 1 [b = ]; }", "expected a word"),
        ("syntax = \"proto3\"; message M { repeated map<string, string> a = 1; }", "cannot have label"),
        ("syntax = \"proto3\"; message M { map<float, string> a = 1; }", "map key must be"),
        ("import \"a", "unterminated string"),
        ("/* ", "unterminated comment"),
        ("\"string\"", "unexpected"),
    ];
    for (text, expected) in table {
        let error = canonical(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
    assert!(canonical(&"message M {".repeat(100_000)).is_err());
    assert!(canonical(&format!("option a = {}", "[".repeat(100_000))).is_err());
}

#[test]
fn normalizing_sorts_and_qualifies() {
    let table = [
        (
            "syntax = \"proto2\"; package p; import \"b\"; import \"a\"; import \"b\"; message M { optional N n = 2; optional string s = 1; message N {} }",
            "package p;\n\nimport \"a\";\nimport \"b\";\n\nmessage M {\n  optional string s = 1;\n  optional .p.M.N n = 2;\n\n  message N {}\n}\n",
        ),
        (
            "syntax = \"proto3\"; message M { repeated MEntry m = 1; message MEntry { option map_entry = true; string key = 1; N value = 2; } } message N {}",
            "syntax = \"proto3\";\n\nmessage M {\n  map<string, .N> m = 1;\n}\nmessage N {}\n",
        ),
        (
            "syntax = \"proto3\"; message M { oneof b { string y = 4; string x = 3; } oneof a { string z = 2; } reserved 9, 5 to 5; reserved \"q\"; }",
            "syntax = \"proto3\";\n\nmessage M {\n  reserved 5;\n  reserved 9;\n  reserved \"q\";\n\n  oneof a {\n    string z = 2;\n  }\n  oneof b {\n    string x = 3;\n    string y = 4;\n  }\n}\n",
        ),
        (
            "syntax = \"proto3\"; enum E { option allow_alias = true; B = 1; A = 0; C = 1; }",
            "syntax = \"proto3\";\n\nenum E {\n  option allow_alias = true;\n  A = 0;\n  B = 1;\n  C = 1;\n}\n",
        ),
        (
            "syntax = \"proto3\"; import \"confluent/meta.proto\"; message M { string a = 1 [(confluent.field_meta).doc = \"d\", (confluent.field_meta).tags = \"t\", deprecated = true]; }",
            "syntax = \"proto3\";\n\nimport \"confluent/meta.proto\";\n\nmessage M {\n  string a = 1 [\n    (confluent.field_meta) = {\n      doc: \"d\",\n      tags: \"t\"\n    },\n    deprecated = true\n  ];\n}\n",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(normalized(text), expected, "{text}");
    }
    let unknown = ProtobufSchema::parse("syntax = \"proto3\"; message M { Gone g = 1; }", &[]).unwrap();
    assert_eq!(unknown.check_types().unwrap_err().reason(), "Could not resolve type: Gone");
    let bundled =
        "syntax = \"proto3\"; message M { google.protobuf.Timestamp t = 1; google.type.Month m = 2; }";
    assert!(ProtobufSchema::parse(bundled, &[]).unwrap().check_types().is_ok());
}

#[test]
fn descriptors_go_both_ways() {
    let text = "syntax = \"proto3\";\npackage p;\n\nimport \"google/protobuf/timestamp.proto\";\n\noption java_package = \"j\";\n\nmessage M {\n  reserved 9;\n  reserved \"old\";\n\n  string name = 1 [json_name = \"n\"];\n  optional int32 count = 2 [deprecated = true];\n  repeated .p.M.N ns = 3;\n  .google.protobuf.Timestamp at = 4;\n  .p.E e = 5;\n\n  oneof choice {\n    string a = 6;\n    sint64 b = 7;\n  }\n\n  message N {}\n}\nenum E {\n  ZERO = 0;\n}\n\nservice S {\n  rpc Do (.p.M) returns (stream .p.M.N);\n}\n";
    let schema = ProtobufSchema::parse(text, &[]).unwrap();
    let serialized = schema.serialized("m.proto").unwrap();
    let again = ProtobufSchema::parse(&serialized, &[]).unwrap();
    assert_eq!(again.canonical().unwrap(), text);
    let map = ProtobufSchema::parse("syntax = \"proto3\"; message M { map<string, M> some_map = 1; }", &[])
        .unwrap();
    let spelled = ProtobufSchema::parse(&map.serialized("m").unwrap(), &[]).unwrap();
    assert!(spelled.canonical().unwrap().contains("message SomeMapEntry {\n    option map_entry = true;"));
    assert_eq!(spelled.normalized().unwrap().canonical(), map.normalized().unwrap().canonical());
    assert_eq!(spelled.differences(&map).unwrap(), Vec::new());
}

#[test]
fn broken_descriptors_are_refused() {
    let whole = ProtobufSchema::parse("syntax = \"proto3\"; message M { string a = 1; }", &[]).unwrap();
    let bytes = wire::base64_decoded(&whole.serialized("m.proto").unwrap()).unwrap();
    for end in 1..bytes.len() {
        let _ = ProtobufSchema::parse(&wire::base64(&bytes[..end]), &[]);
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut broken = bytes.clone();
            broken[at] ^= 1 << bit;
            let _ = ProtobufSchema::parse(&wire::base64(&broken), &[]).map(|s| s.normalized());
        }
    }
}

#[test]
fn base64_goes_both_ways() {
    for (plain, encoded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
        assert_eq!(wire::base64(plain.as_bytes()), encoded);
        assert_eq!(wire::base64_decoded(encoded).as_deref(), Some(plain.as_bytes()));
    }
    assert_eq!(wire::base64_decoded("a b"), None);
}

#[test]
fn every_kind_has_a_name_and_a_remedy() {
    for kind in ProtoDifferenceKind::ALL {
        let difference = ProtoDifference { kind: *kind, path: "#/x".to_owned() };
        assert!(kind.is_compatible() || !difference.description("new", "old").is_empty(), "{}", kind.name());
        assert!(!difference.remedy(true).is_empty() && !difference.remedy(false).is_empty());
    }
}

#[test]
fn names_that_could_not_be_read_again_are_refused() {
    assert!(ProtobufSchema::parse("import \"a\\n.proto\";", &[]).is_err());
    // Base64 of nine services that have none.
    assert!(ProtobufSchema::parse(" MMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMMM", &[]).is_err());
}

/// Messages in one another, the innermost with fields of a type that is looked for from there outwards.
fn nested(depth: usize, letters: usize, fields: usize) -> String {
    let mut text = "syntax = \"proto3\"; message R {}".to_owned();
    for at in 0..depth {
        text.push_str(&format!("message N{at}{} {{", "x".repeat(letters)));
    }
    for field in 1..=fields {
        text.push_str(&format!("R a{field} = {field};"));
    }
    text + &"}".repeat(depth)
}

#[test]
fn full_names_are_bounded() {
    for (depth, letters, fields, passes) in
        [(5, 30, 5_000, true), (200, 10, 100, true), (250, 2_000, 6_000, false), (200, 500, 2_000, false)]
    {
        let schema = ProtobufSchema::parse(&nested(depth, letters, fields), &[]);
        let outcome = schema.and_then(|schema| schema.check_types());
        assert_eq!(outcome.is_ok(), passes, "{depth} x {letters}, {fields}: {outcome:?}");
    }
    let dots = format!("package {}a; message M {{ N n = 1; }}", "a.".repeat(1_000_000));
    assert!(ProtobufSchema::parse(&dots, &[]).is_err());
}

#[test]
fn many_parts_of_an_option_are_merged() {
    let merged = |values: String| {
        let text = format!(
            "syntax = \"proto2\"; message T {{ repeated int32 l = 1; optional T t = 2; }} extend E {{ optional T meta = 1; }}
             message M {{ optional int32 a = 1 [{values} deprecated = true]; }} message E {{}}"
        );
        ProtobufSchema::parse(&text, &[]).unwrap().normalized().unwrap().canonical().unwrap()
    };
    let ways: [fn(i32) -> String; 2] = [
        |at| format!("(meta) = {{ l: {at} t {{ l: [{at}, 1] }} }},"),
        |at| format!("(meta).l = {at}, (meta).t.l = 1, (meta).t.l = {at},"),
    ];
    let same: String = merged("(meta).l = 1, (meta).l = 1,".to_owned()).split_whitespace().collect();
    assert!(same.contains("(meta)={l:1}"), "what is left of a list once is no list: {same}");
    for part in ways {
        let of = |count: i32| merged((0..count).map(part).collect());
        let few: String = of(3).split_whitespace().collect();
        assert!(few.contains("(meta)={l:[0,1,2],t:{l:["), "{few}");
        // As many as stand in a body: each once, and in time.
        let many = of(60_000);
        assert_eq!(many.matches("\n").count(), 120_000 + of(3).matches("\n").count() - 6, "{}", many.len());
    }
}

#[test]
fn keys_of_options_count_among_names() {
    let text = |package: usize, keys: usize| {
        let keys: String = (0..keys).map(|at| format!("k{at} {{ [e]: 1 }} ")).collect();
        let package = "p".repeat(package);
        format!(
            "syntax = \"proto2\"; package {package}; message T {{ extensions 100 to max; }} extend T {{ optional int32 e = 100; }}
             message M {{ optional int32 a = 1 [(o) = {{ {keys} }}]; }}"
        )
    };
    assert!(ProtobufSchema::parse(&text(10, 1_000), &[]).is_ok());
    // Ten gigabytes, were each key written in full.
    assert!(ProtobufSchema::parse(&text(1_000_000, 10_000), &[]).is_err());
}

#[test]
fn entries_that_fields_name_are_counted_for_each() {
    let text = |fields: usize, letters: usize| {
        let fields: String = (1..=fields).map(|at| format!("E f{at} = {at};")).collect();
        let value = "v".repeat(letters);
        format!(
            "syntax = \"proto3\"; message M {{ message E {{ option map_entry = true; string key = 1; {value} value = 2; }} {fields} }}"
        )
    };
    let checked = |fields, letters| ProtobufSchema::parse(&text(fields, letters), &[])?.check_types();
    assert!(checked(1_000, 100).is_ok());
    // Ten gigabytes, were each field given its own.
    assert!(checked(50_000, 200_000).is_err());
    let [one, other] = [(1_000, 200_000), (2_000, 200_000)]
        .map(|(fields, letters)| ProtobufSchema::parse(&text(fields, letters), &[]).unwrap());
    assert!(one.differences(&other).is_err(), "a comparison makes them, too");
}

#[test]
fn options_of_many_ranges_are_bounded() {
    let text = |ranges: usize, letters: usize| {
        let ranges: Vec<String> = (0..ranges).map(|at| (100 + at).to_string()).collect();
        let ranges = ranges.join(", ");
        let value = "v".repeat(letters);
        format!("syntax = \"proto2\"; message M {{ extensions {ranges} [(o) = \"{value}\"]; }}")
    };
    let parsed = |ranges, letters| ProtobufSchema::parse(&text(ranges, letters), &[]);
    assert!(parsed(10_000, 1_000).unwrap().normalized().is_ok());
    // A hundred gigabytes, were each range given its own.
    assert!(parsed(100_000, 1_000_000).is_err());
}

/// Each part was once a message around the rest, however many there were: dropping them took the stack.
#[test]
fn the_parts_of_an_options_name_are_bounded() {
    let text = |parts: usize| {
        format!(
            "syntax = \"proto3\"; message M {{ option (confluent.message_meta){} = 1; }}",
            ".a".repeat(parts)
        )
    };
    assert!(ProtobufSchema::parse(&text(100), &[]).unwrap().normalized().is_ok());
    assert!(ProtobufSchema::parse(&text(500_000), &[]).is_err());
}

#[test]
fn printing_is_bounded_inside_options_too() {
    let text = |depth: usize, items: usize| {
        let list = vec!["1"; items].join(",");
        format!("message M {{ option (o) = {}[{list}]{}; }}", "{a:".repeat(depth), "}".repeat(depth))
    };
    let printed = |depth, items| ProtobufSchema::parse(&text(depth, items), &[]).unwrap().canonical();
    assert!(printed(10, 1_000).is_ok());
    // More than a gigabyte, most of it blanks.
    assert!(printed(240, 3_000_000).is_err());
}

#[test]
fn differences_are_bounded_in_bytes() {
    let text = |fields: core::ops::Range<usize>, letters: usize| {
        let fields: String = fields.map(|at| format!("int32 f{at} = {at};")).collect();
        format!("syntax = \"proto3\"; message M {{ oneof {} {{ {fields} }} }}", "o".repeat(letters))
    };
    let parsed = |fields, letters| ProtobufSchema::parse(&text(fields, letters), &[]);
    let differences = |letters| parsed(1..2, letters)?.differences(&parsed(1..1_000, letters)?);
    assert_eq!(differences(10).unwrap().len(), 998);
    // A gigabyte of paths.
    assert!(differences(1_000_000).is_err());
}

#[test]
fn oneofs_that_come_and_go_cost_no_copy_of_a_long_path_each() {
    let text = |oneofs: usize, letters: usize| {
        let oneofs: String = (0..oneofs).map(|at| format!("oneof o{at} {{}} ")).collect();
        format!("syntax = \"proto3\"; message {} {{ {oneofs} }}", "M".repeat(letters))
    };
    let found = |oneofs, letters| {
        let [before, after] =
            [0, oneofs].map(|count| ProtobufSchema::parse(&text(count, letters), &[]).unwrap());
        after.differences(&before)
    };
    assert_eq!(found(1_000, 10).unwrap().len(), 1_000);
    // A terabyte of paths, were each written.
    assert!(found(300_000, 3_000_000).is_err());
}
