//! The commands, run as people run them, against one broker.

use crate::server::{Server, unique};
use serde_json::Value;

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn records_go_in_and_come_out() {
    let server = Server::start("records");
    let topic = unique("records");
    server.says(&["topic", "create", &topic, "-p", "1"], "");
    server.says(&["produce", &topic], "one\ntwo\n");
    server.says(&["produce", &topic, "-K", ":", "-H", "h=x", "--timestamp", "1000"], "k:three\n");
    let all = server.says(&["consume", &topic, "-e", "-f", "%o %k %s %h %K|"], "");
    assert_eq!(all, "0  one  -1|1  two  -1|2 k three h=x 1|");
    assert_eq!(server.says(&["consume", &topic, "-n", "1", "-o", "1"], ""), "two\n");
    assert_eq!(server.says(&["consume", &topic, "-e", "-o", "-1"], ""), "three\n");
    let as_json = server.says(&["--json", "consume", &topic, "-e"], "");
    assert_eq!(objects(&as_json)[2]["headers"][0]["value"], "x");

    let copy = unique("copy");
    server.says(&["topic", "create", &copy, "-p", "1"], "");
    server.says(&["produce", &copy, "--json-lines"], &as_json);
    let copied = server.says(&["--json", "consume", &copy, "-e"], "");
    let without = |text: &str| -> Vec<Value> {
        let mut all = objects(text);
        all.iter_mut().for_each(|record| drop(record.as_object_mut().unwrap().remove("topic")));
        all
    };
    assert_eq!(without(&copied), without(&as_json));
    for codec in ["gzip", "snappy", "lz4", "zstd"] {
        server.says(&["produce", &copy, "-z", codec], &"squeeze ".repeat(1000));
    }
    assert_eq!(lines(&server.says(&["consume", &copy, "-e"], "")).len(), 7);
}

#[test]
fn topics_and_configs() {
    let server = Server::start("topics");
    let topic = unique("topics");
    assert!(
        server
            .says(&["topic", "create", &topic, "-p", "2", "-c", "retention.ms=60000"], "")
            .contains("2 partitions")
    );
    assert!(server.refuses(&["topic", "create", &topic]).contains("TOPIC_ALREADY_EXISTS"));
    server.says(&["topic", "create", &topic, "--if-not-exists"], "");
    assert!(server.says(&["topic", "list"], "").contains(&topic));
    assert!(server.says(&["topic", "describe", &topic], "").contains("retention.ms = 60000"));
    server.says(&["topic", "alter", &topic, "-p", "3"], "");
    let described = &objects(&server.says(&["--json", "topic", "describe", &topic], ""))[0];
    assert_eq!(described["partitions"].as_array().unwrap().len(), 3);

    let resource = format!("topic:{topic}");
    server.says(&["config", "set", &resource, "retention.ms=70000"], "");
    assert!(server.says(&["config", "describe", &resource], "").contains("70000"));
    server.says(&["config", "unset", &resource, "retention.ms"], "");
    assert!(!server.says(&["config", "describe", &resource], "").contains("retention.ms"));
    assert!(server.refuses(&["config", "set", &resource, "retention.ms=soon"]).contains("INVALID_CONFIG"));

    server.says(&["produce", &topic, "-p", "0"], "a\nb\n");
    assert!(
        server
            .says(&["topic", "alter", &topic, "--delete-records", "0:1", "--yes"], "")
            .contains("begins at 1")
    );
    assert!(server.refuses(&["topic", "delete", &topic]).contains("--yes"));
    server.says(&["topic", "delete", &topic, "--yes"], "");
    assert!(server.refuses(&["topic", "describe", &topic]).contains("mekong topic list"));
}

#[test]
fn groups() {
    let server = Server::start("groups");
    let (topic, group) = (unique("groups"), unique("group"));
    server.says(&["topic", "create", &topic, "-p", "1"], "");
    server.says(&["produce", &topic], "1\n2\n3\n4\n");
    assert_eq!(
        server.says(&["consume", &topic, "-g", &group, "-o", "beginning", "-n", "3"], ""),
        "1\n2\n3\n"
    );
    assert_eq!(server.says(&["consume", &topic, "-g", &group, "-n", "1"], ""), "4\n");
    assert!(server.says(&["group", "list"], "").contains(&group));
    let described = &objects(&server.says(&["--json", "group", "describe", &group], ""))[0];
    assert_eq!((&described["offsets"][0]["offset"], &described["offsets"][0]["lag"]), (&4.into(), &0.into()));
    server.says(&["group", "reset", &group, "--to", "-3", "--yes"], "");
    assert_eq!(server.says(&["consume", &topic, "-g", &group, "-n", "1"], ""), "2\n");
    assert!(server.refuses(&["group", "delete", &group]).contains("--yes"));
    server.says(&["group", "delete", &group, "--yes"], "");
    assert!(!server.says(&["group", "list"], "").contains(&group));
}

#[test]
fn the_cluster_and_its_folders() {
    let server = Server::start("cluster");
    let topic = unique("folders");
    server.says(&["produce", &topic], "x\n");
    let info = &objects(&server.says(&["--json", "cluster", "info"], ""))[0];
    assert_eq!(info["brokers"].as_array().unwrap().len(), 1);
    assert!(server.says(&["cluster", "apis"], "").contains("Produce"));
    assert!(server.says(&["cluster", "dirs", "-r"], "").contains(&topic));
    assert!(server.says(&["cluster", "ping"], "").contains("ms"));
    let latency =
        &objects(&server.says(&["--json", "perf", "latency", &unique("latency"), "-n", "20"], ""))[0];
    assert_eq!(latency["records"], 20);
    let perf = unique("perf");
    let produced = &objects(&server.says(&["--json", "perf", "produce", &perf, "-n", "2000"], ""))[0];
    assert_eq!((&produced["records"], &produced["failed"]), (&2000.into(), &0.into()));
    let consumed = &objects(&server.says(&["--json", "perf", "consume", &perf, "-n", "2000"], ""))[0];
    assert_eq!(consumed["records"], 2000);
}

#[test]
fn profiles_and_mistakes() {
    let server = Server::start("profiles");
    server.says(&["profile", "set", "here", &format!("bootstrap.servers={}", server.address)], "");
    assert!(server.says(&["profile", "list"], "").contains("here"));
    assert!(server.refuses(&["--profile", "there", "topic", "list"]).contains("mekong profile list"));
    let nobody = server.refuses(&["-b", "127.0.0.1:1", "--timeout", "2", "topic", "list"]);
    assert!(nobody.contains("127.0.0.1:1") && nobody.contains("--bootstrap-server"), "{nobody}");
    assert!(server.refuses(&["consume", "x", "-f", "%q"]).contains("%q"));
    assert!(server.says(&["completions", "bash"], "").contains("mekong"));
}
