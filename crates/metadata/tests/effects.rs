//! The catalog does not lie: what it calls effective is read somewhere and has a test (`effects.txt`), what it calls of no use is not.

use std::collections::BTreeSet;
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

/// Every config of the tables.
fn all() -> impl Iterator<Item = &'static Config> {
    let others = TOPIC.iter().chain(DYNAMIC_ONLY).chain(GROUP).chain(CLIENT_METRICS);
    BROKER.iter().flat_map(|table| table.iter()).chain(others)
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
    for config in all() {
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

/// What a test does: from its name to the end of its body.
fn test_of<'a>(source: &'a str, function: &str) -> Option<&'a str> {
    let (before, after) = source.split_once(&format!("fn {function}()"))?;
    // The attribute stands before the function, with others at most between.
    let is_test = before.rsplit("\n\n").next().is_some_and(|head| head.contains("test"));
    let indent: String = before.rsplit('\n').next()?.chars().take_while(|char| *char == ' ').collect();
    let (body, _) = after.split_once(&format!("\n{indent}}}\n"))?;
    is_test.then_some(body)
}

/// Whether a test names a config, or a constant of its file that does.
fn says(body: &str, config: &str, source: &str) -> bool {
    let constant = source.split_once(&format!(": &str = \"{config}\";")).map(|(before, _)| before);
    let constant = constant.and_then(|before| before.rsplit("const ").next());
    body.contains(config) || constant.is_some_and(|name| body.contains(name))
}

#[test]
fn what_is_effective_has_its_test() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (mut named, mut wrong) = (BTreeSet::new(), Vec::new());
    for line in include_str!("effects.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (config, test) = line.split_once("  ").expect("a config and its test");
        let (file, function) = test.trim().split_once("::").expect("a file and its function");
        let source = fs::read_to_string(crates.join(file)).unwrap_or_default();
        if !test_of(&source, function).is_some_and(|body| says(body, config, &source)) {
            wrong.push(format!("{config}: {file} has no test {function} that names it"));
        }
        if !named.insert(config) {
            wrong.push(format!("{config} has two lines"));
        }
    }
    let effective: BTreeSet<&str> =
        all().filter(|config| config.status == Status::Effective).map(|config| config.name).collect();
    wrong.extend(effective.difference(&named).map(|name| format!("{name} has an effect and no line")));
    wrong.extend(named.difference(&effective).map(|name| format!("{name} has a line and no effect")));
    assert!(wrong.is_empty(), "{wrong:#?}");
}
