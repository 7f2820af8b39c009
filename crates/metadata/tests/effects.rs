//! The catalog does not lie: what it calls effective is read somewhere, what it calls of no use is not.

use std::fs;
use std::path::Path;

use metadata::config::{BROKER, CLIENT_METRICS, Config, DYNAMIC_ONLY, GROUP, Status, TOPIC};

/// The sources that obey configs.
const OBEDIENT: &[&str] = &["broker/src", "coordinator/src", "log/src", "metadata/src/controller", "net/src"];

/// Effective ones whose names the code puts together from parts, some in the check of schemas that the binary brings along.
const PUT_TOGETHER: &[&str] = &[
    "compression.gzip.level",
    "compression.lz4.level",
    "compression.zstd.level",
    "confluent.key.schema.validation",
    "confluent.key.subject.name.strategy",
    "confluent.value.schema.validation",
    "confluent.value.subject.name.strategy",
    "mekong.key.schema.validation.payload",
    "mekong.value.schema.validation.payload",
];

/// Read for a topic that nobody can make yet.
const READ_AHEAD: &[&str] = &["transaction.state.log.replication.factor"];

/// The code below a folder, without its tests.
fn sources(dir: &Path, text: &mut String) {
    for entry in fs::read_dir(dir).expect("a folder of sources") {
        let path = entry.expect("an entry of it").path();
        if path.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        }
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(path).expect("a source in UTF-8");
            // Their tests stand behind what the files do.
            text.push_str(source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default());
        }
    }
}

/// Whether the code names the config, or the topic's config that it gives the default of.
fn is_read(config: &Config, code: &str) -> bool {
    let topic = TOPIC.iter().find(|topic| topic.synonym == Some(config.name));
    names(code, config.name) || topic.is_some_and(|topic| names(code, topic.name))
}

fn names(code: &str, name: &str) -> bool {
    code.contains(&format!("\"{name}\""))
}

#[test]
fn what_is_effective_is_read_and_what_is_not_is_not() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut code = String::new();
    OBEDIENT.iter().for_each(|name| sources(&crates.join(name), &mut code));
    // The controller checks configs, and knows brokers, that do nothing yet.
    let mut shells = String::new();
    let is_shell = |name: &&&str| !name.starts_with("metadata");
    OBEDIENT.iter().filter(is_shell).for_each(|name| sources(&crates.join(name), &mut shells));
    let mut lies = Vec::new();
    let others = TOPIC.iter().chain(DYNAMIC_ONLY).chain(GROUP).chain(CLIENT_METRICS);
    for config in BROKER.iter().flat_map(|table| table.iter()).chain(others) {
        let is_read = is_read(config, &code);
        let is_excused = READ_AHEAD.contains(&config.name) || PUT_TOGETHER.contains(&config.name);
        match config.status {
            Status::Effective if !is_read && !is_excused => lies.push(("is not read", config.name)),
            Status::NoUse(_) if names(&shells, config.name) && !is_excused => {
                lies.push(("is read", config.name))
            }
            _ => {}
        }
    }
    assert!(lies.is_empty(), "{lies:#?}");
}
