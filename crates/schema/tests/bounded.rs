//! Short texts that stand for gigabytes once their names are written in full: each is refused, and costs little.
//!
//! Alone in its process, whose largest memory is looked at; one test, so that nothing else adds to it.

use schema::{Language, Parsed, Strictness};

/// 250 messages in one another with names of 2,000 letters, and 6,000 fields of a type looked for in each of them.
fn protobuf() -> String {
    let mut text = "syntax = \"proto3\"; message R {}".to_owned();
    (0..250).for_each(|at| text.push_str(&format!("message N{at}{} {{", "x".repeat(2_000))));
    (1..=6_000).for_each(|field| text.push_str(&format!("X a{field} = {field};")));
    text + "message X {}" + &"}".repeat(250)
}

/// A namespace of 300,000 letters with 5,000 types in it.
fn avro() -> String {
    let field = |at| format!(r#"{{"name":"a{at}","type":{{"type":"fixed","name":"F{at}","size":1}}}}"#);
    let fields: Vec<_> = (0..5_000).map(field).collect();
    let space = "x".repeat(300_000);
    format!(r#"{{"type":"record","name":"R","namespace":"{space}","fields":[{}]}}"#, fields.join(","))
}

/// An id of 300,000 letters at the root, and 12,000 ids that are relative to it.
fn json_schema() -> String {
    let property = |at| format!(r#""p{at}":{{"$id":"i{at}","type":"string"}}"#);
    let properties: Vec<_> = (0..12_000).map(property).collect();
    let id = "x".repeat(300_000);
    format!(r#"{{"$id":"http://a/{id}/","type":"object","properties":{{{}}}}}"#, properties.join(","))
}

/// The most that this process has held, in MiB; unknown where there is no `/proc`.
fn most_held() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? / 1024)
}

#[test]
fn long_names_are_refused_before_they_cost_gigabytes() {
    for (language, text) in
        [(Language::Protobuf, protobuf()), (Language::Avro, avro()), (Language::Json, json_schema())]
    {
        assert!(text.len() < 1024 * 1024);
        let error = Parsed::parse(language, &text, &[], Strictness::New).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("names written in full"), "{language:?}: {error}");
    }
    assert!(most_held().is_none_or(|mib| mib < 400), "{:?} MiB", most_held());
}
