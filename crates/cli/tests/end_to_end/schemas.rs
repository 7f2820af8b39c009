//! Schemas and records written by them, run as people run them.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::server::{Server, unique};

const USER: &str = r#"{"type":"record","name":"User","fields":[{"name":"name","type":"string"}]}"#;
const AGED: &str = r#"{"type":"record","name":"User","fields":[{"name":"name","type":"string"},{"name":"age","type":["null","int"],"default":null}]}"#;
const BROKEN: &str = r#"{"type":"record","name":"User","fields":[{"name":"name","type":"string"},{"name":"age","type":"int"}]}"#;
const ORDER: &str =
    "syntax = \"proto3\"; package shop; message Order { string id = 1; message Item { int64 n = 1; } }";
const JSON: &str = r#"{"type":"object","properties":{"n":{"type":"integer"}},"additionalProperties":false}"#;

/// Files that go with the test.
struct Files(PathBuf);

impl Files {
    fn new() -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(unique("schemas"));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn put(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn schemas_are_registered_refused_compared_and_copied() {
    let (server, files) = (Server::start("schemas"), Files::new());
    if server.registry.is_empty() {
        return;
    }
    let (user, aged, broken) =
        (files.put("user.avsc", USER), files.put("aged.avsc", AGED), files.put("broken.avsc", BROKEN));
    let said = server.says(&["schema", "register", "users-value", &user], "");
    assert!(said.contains("version 1"), "{said}");
    for command in ["register", "check"] {
        let refused = server.refuses(&["schema", command, "users-value", &broken]);
        assert!(
            refused.contains("/fields/1") && refused.contains("Give the field 'age' a default"),
            "{refused}"
        );
    }
    let told = server.refuses(&["--json", "schema", "register", "users-value", &broken]);
    assert_eq!(objects(&told)[0]["reasons"][0]["path"], "/fields/1");
    server.says(&["schema", "check", "users-value", &aged], "");
    server.says(&["schema", "register", "users-value", &aged], "");
    let diff = &objects(&server.says(&["--json", "schema", "diff", "users-value"], ""))[0];
    assert_eq!((&diff["from"], &diff["backward"]["compatible"]), (&json!(1), &json!(true)));
    assert_eq!(server.says(&["schema", "get", "users-value@1"], "").trim(), USER);

    server.says(&["schema", "config", "users-value", "-c", "full"], "");
    assert!(server.says(&["schema", "config", "users-value"], "").contains("FULL"));
    server.says(&["schema", "mode", "users-value", "readonly"], "");
    // What is registered already is answered all the same.
    server.says(&["schema", "register", "users-value", &user], "");
    assert!(server.refuses(&["schema", "register", "users-value", &broken]).contains("42205"));
    server.says(&["schema", "mode", "users-value", "--delete"], "");
    assert!(server.refuses(&["schema", "config", "users-value", "--delete"]).contains("--yes"));
    assert!(server.refuses(&["schema", "mode", "users-value", "import", "--force"]).contains("--yes"));
    assert!(server.says(&["schema", "config", "users-value"], "").contains("FULL"));

    let copy = server.says(&["schema", "export"], "");
    assert!(server.refuses(&["schema", "delete", "users-value"]).contains("--yes"));
    server.says(&["schema", "delete", "users-value", "--yes"], "");
    server.says(&["schema", "delete", "users-value", "--yes", "--permanent"], "");
    assert!(server.refuses(&["schema", "get", "users-value"]).contains("mekong schema list"));
    server.says(&["schema", "import", "-"], &copy);
    assert_eq!(server.says(&["schema", "export"], ""), copy);
}

#[test]
fn a_copy_holds_what_is_deleted_softly_and_modes() {
    let (from, to, files) = (Server::start("copied"), Server::start("copy"), Files::new());
    if from.registry.is_empty() || to.registry.is_empty() {
        return;
    }
    let (user, aged) = (files.put("user.avsc", USER), files.put("aged.avsc", AGED));
    for (subject, file) in [("a", &user), ("a", &aged), ("b", &aged), ("gone", &aged), (":.c:d", &user)] {
        from.says(&["schema", "register", subject, file], "");
    }
    // What refers to another context's schema has the lower id here.
    let part = files.put("part.avsc", r#"{"type":"record","name":"Part","fields":[]}"#);
    let whole = files.put("whole.avsc", r#"{"type":"array","items":"Part"}"#);
    from.says(&["schema", "register", "part", &part], "");
    from.says(&["schema", "register", ":.e:whole", &whole, "--reference", "Part=:.:part:1"], "");
    from.says(&["schema", "delete", "a@1", "--yes"], "");
    from.says(&["schema", "delete", "gone", "--yes"], "");
    from.says(&["schema", "config", "-c", "full"], "");
    from.says(&["schema", "config", "b", "-c", "none"], "");
    from.says(&["schema", "mode", ":.c:", "readonly"], "");
    from.says(&["schema", "mode", "b", "readonly"], "");
    let copy = from.says(&["schema", "export"], "");
    let lines = objects(&copy);
    let of = |subject: &str, version: i32| {
        lines.iter().find(|line| line["subject"] == subject && line["version"] == version).unwrap()
    };
    assert_eq!((&of("a", 1)["deleted"], &of("a", 2)["deleted"]), (&json!(true), &Value::Null));
    to.says(&["schema", "import", "-"], &copy);
    assert_eq!(to.says(&["schema", "export"], ""), copy);
    // The ids of what is deleted softly are still known, and what was closed is closed.
    assert_eq!(to.says(&["schema", "get", "--id", "1"], "").trim(), USER);
    assert!(to.refuses(&["schema", "register", ":.c:d", &aged]).contains("42205"));
    assert!(to.refuses(&["schema", "register", "b", &user]).contains("42205"));
    assert!(to.refuses(&["schema", "import", "--force", "-"]).contains("--yes"));
}

#[test]
fn records_are_written_and_read_by_schemas() {
    let (server, files) = (Server::start("records-by-schemas"), Files::new());
    if server.registry.is_empty() {
        return;
    }
    let (user, aged) = (files.put("user.avsc", USER), files.put("aged.avsc", AGED));
    let (order, json_schema) = (files.put("order.proto", ORDER), files.put("n.json", JSON));
    server.says(&["produce", "users", "--schema", &user, r#"{"name":"Ada"}"#], "");
    server
        .says(&["produce", "users", "--schema", &aged], "{\"name\":\"Bob\",\"age\":7}\n{\"name\":\"Eve\"}\n");
    let latest = ["produce", "users", "--schema", "latest", "--schema-header", r#"{"name":"Fay"}"#];
    server.says(&latest, "");
    let shown = server.says(&["consume", "users", "-e", "--schema"], "");
    let expected =
        [json!({"name": "Ada"}), json!({"name": "Bob", "age": 7}), json!({"name": "Eve", "age": null})];
    assert_eq!(objects(&shown)[..3], expected);
    let older = server.says(&["consume", "users", "-e", "--schema", "--reader-schema", &user], "");
    assert_eq!(objects(&older)[1], json!({"name": "Bob"}));
    let bytes = server.says(&["--json", "consume", "users", "-n", "1"], "");
    assert_eq!(objects(&bytes)[0]["value"], "\u{0}\u{0}\u{0}\u{0}\u{1}\u{6}Ada");
    let wrong = server.refuses(&["produce", "users", "--schema", "latest", r#"{"nome":"x"}"#]);
    assert!(wrong.contains("nome"), "{wrong}");

    server.says(&["produce", "orders", "--schema", &order, r#"{"id":"o"}"#], "");
    let item = ["produce", "orders", "--schema", "1", "--message", "shop.Order.Item", r#"{"n":"5"}"#];
    server.says(&item, "");
    let shown = objects(&server.says(&["--json", "consume", "orders", "-e", "--schema"], ""));
    assert_eq!((&shown[0]["value"], &shown[1]["value"]), (&json!({"id": "o"}), &json!({"n": 5})));
    assert_eq!(shown[0]["value_schema"]["type"], "PROTOBUF");

    server.says(&["produce", "json", "--schema", &json_schema, "-k", "k", r#"{"n":1}"#], "");
    let wrong = server.refuses(&["produce", "json", "--schema", &json_schema, r#"{"n":"x"}"#]);
    assert!(wrong.contains("/n"), "{wrong}");
    assert_eq!(server.says(&["consume", "json", "-e", "--schema", "-f", "%k=%s"], ""), "k={\"n\":1}");
    let plain = server.says(&["produce", "json", "no schema"], "");
    assert_eq!(plain, "");
    assert!(server.refuses(&["consume", "json", "-e", "--schema"]).contains("offset 1"));
    let read = ["consume", "json", "-g", "readers", "-o", "beginning", "-e", "--schema"];
    let output = server.run(&read, "");
    assert!(!output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "{\"n\":1}\n", "what comes before is shown");
    let next = server.says(&["consume", "json", "-g", "readers", "-n", "1"], "");
    assert_eq!(next, "no schema\n", "what was not shown is not committed");
}

/// `mekong registry` on https, killed when dropped.
struct Secured {
    child: Child,
    url: String,
}

impl Secured {
    fn start(server: &Server, certificates: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_mekong"))
            .args(["registry", "--json", "--bootstrap-server", &server.address])
            .args(["--listener", "https://127.0.0.1:0", "--set", "kafkastore.topic=_secured"])
            .args(["--set", "schema.registry.group.id=secured", "--set"])
            .arg(format!("ssl.keystore.location={certificates}/server.pem"))
            .arg("--set")
            .arg(format!("ssl.truststore.location={certificates}/server.crt"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        Self { child, url: ready.get("registry").and_then(Value::as_str).unwrap().to_owned() }
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn registries_and_clients_speak_https_to_each_other() {
    let (server, files) = (Server::start("secured"), Files::new());
    if server.registry.is_empty() {
        return;
    }
    let certificates = concat!(env!("CARGO_MANIFEST_DIR"), "/../registry/tests/tls");
    let user = files.put("user.avsc", USER);
    let fleet = [Secured::start(&server, certificates), Secured::start(&server, certificates)];
    let (trust, other) = (format!("{certificates}/server.crt"), format!("{certificates}/other.crt"));
    // One of them is elected and the other forwards, whichever that is.
    for (place, registry) in fleet.iter().enumerate() {
        assert!(registry.url.starts_with("https://"), "{}", registry.url);
        let subject = format!("s{place}");
        let to = ["--registry", &registry.url, "--registry-trust", &trust];
        server.says(&[&["schema", "register", &subject, &user], &to[..]].concat(), "");
    }
    for registry in &fleet {
        let to = ["--registry", &registry.url, "--registry-trust", &trust];
        let listed = server.says(&[&["--json", "schema", "list"], &to[..]].concat(), "");
        assert!(listed.contains("s0") && listed.contains("s1"), "{listed}");
        let stranger = ["schema", "list", "--registry", &registry.url, "--registry-trust", &other];
        assert!(server.refuses(&stranger).contains("certificate"), "a registry that nobody vouches for");
    }
}
