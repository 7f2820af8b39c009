//! schema_registry_converter and schema-registry-client, through Mekong's broker and registry. Their bytes travel by Mekong's command
//! line, which also reads them, and they read what it wrote.

mod client;
mod converter;

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::SystemTime;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

pub const USER: &str = r#"{"type":"record","name":"User","fields":[{"name":"name","type":"string"}]}"#;
pub const WITH_AGE: &str = r#"{"type":"record","name":"User","fields":[{"name":"name","type":"string"},{"name":"age","type":"int","default":0}]}"#;
pub const BROKEN: &str = r#"{"type":"record","name":"User","fields":[{"name":"name","type":"string"},{"name":"id","type":"long"}]}"#;
pub const OBJECT: &str = r#"{"$schema":"http://json-schema.org/draft-07/schema#","title":"U","type":"object","properties":{"name":{"type":"string"}},"additionalProperties":false}"#;
pub const ORDER: &str = "syntax = \"proto3\";\npackage shop;\n\nmessage Order {\n  string id = 1;\n  Item item = 2;\n\n  message Item {\n    int32 n = 1;\n  }\n}\n";

#[derive(serde::Serialize)]
pub struct User {
    pub name: String,
}

pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Where the broker and the registry are.
pub struct Places {
    bootstrap: String,
    pub registry: String,
    mekong: String,
}

impl Places {
    fn run(&self, arguments: &[&str], input: &str) -> Outcome<String> {
        let mut child = Command::new(&self.mekong)
            .args(["--bootstrap-server", &self.bootstrap])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        child.stdin.take().ok_or("no stdin")?.write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        require(output.status.success(), || format!("{arguments:?} failed"))?;
        Ok(String::from_utf8(output.stdout)?)
    }

    /// What the command line reads in these bytes, and what the broker gives back for them.
    pub fn through(&self, topic: &str, bytes: &[u8]) -> Outcome<(Value, Vec<u8>)> {
        let record = json!({ "value_base64": BASE64_STANDARD.encode(bytes) });
        self.run(&["produce", topic, "--json-lines"], &format!("{record}\n"))?;
        let read = ["consume", topic, "-e", "-o", "-1", "--schema", "--registry", &self.registry];
        let value = serde_json::from_str(self.run(&read, "")?.trim())?;
        Ok((value, self.last(topic)?))
    }

    /// The bytes that the command line writes for this value with the topic's latest schema.
    pub fn written(&self, topic: &str, value: &Value) -> Outcome<Vec<u8>> {
        let write = ["produce", topic, "--schema", "latest", "--registry", &self.registry];
        self.run(&write, &format!("{value}\n"))?;
        self.last(topic)
    }

    fn last(&self, topic: &str) -> Outcome<Vec<u8>> {
        let record = self.run(&["--json", "consume", topic, "-e", "-o", "-1"], "")?;
        let record: Value = serde_json::from_str(record.trim())?;
        Ok(match (record["value_base64"].as_str(), record["value"].as_str()) {
            (Some(text), _) => BASE64_STANDARD.decode(text)?,
            (None, text) => text.ok_or("no value")?.as_bytes().to_vec(),
        })
    }
}

pub fn unique(name: &str) -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    format!("{name}-{}", since.map_or(0, |since| since.as_nanos()))
}

pub fn require(held: bool, what: impl FnOnce() -> String) -> Outcome {
    if held { Ok(()) } else { Err(what().into()) }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().unwrap_or_default();
    let places = Places { bootstrap: next(), registry: next(), mekong: next() };
    let outcomes = [
        ("converter registers, evolves, is refused", converter::registers(&places).await),
        ("converter Avro", converter::avro(&places).await),
        ("converter JSON Schema", converter::json_schema(&places).await),
        ("converter Protobuf", converter::protobuf(&places).await),
        ("client registers, evolves, is refused", client::registers(&places).await),
        ("client Avro", client::avro(&places).await),
        ("client JSON Schema", client::json_schema(&places).await),
    ];
    let mut failed = 0;
    for (name, outcome) in &outcomes {
        match outcome {
            Ok(()) => println!("ok registry-rust {name}"),
            Err(error) => {
                failed += 1;
                println!("not ok registry-rust {name}: {error}");
            }
        }
    }
    println!("registry-rust: {} passed, {failed} failed", outcomes.len() - failed);
    std::process::exit(i32::from(failed > 0));
}
