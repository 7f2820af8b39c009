//! What nobody should send: a Confluent error, soon, and the registry goes on.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use registry::{MemoryLog, Settings, http};
use schema::json::{Json, parse};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How long any answer may take, in a build without optimizations on a busy machine.
const SOON: Duration = Duration::from_secs(20);

async fn serve(settings: Settings) -> http::Handle {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    http::serve(listener, Box::new(Arc::new(MemoryLog::new(|| 0))), settings, || 0).await.unwrap()
}

/// Status and body of the answer to a request on a connection of its own.
async fn ask(handle: &http::Handle, head: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(handle.address).await.unwrap();
    let head =
        format!("{head} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", body.len());
    let mut answer = Vec::new();
    let exchange = async {
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that has seen enough may close before all is sent.
        let _ = stream.write_all(body).await;
        let _ = stream.read_to_end(&mut answer).await;
    };
    tokio::time::timeout(SOON, exchange).await.unwrap_or_else(|_| panic!("{head} is not answered"));
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, text.split_once("\r\n\r\n").map_or(String::new(), |(_, body)| body.to_owned()))
}

fn quoted(schema: &str, language: &str) -> Vec<u8> {
    let schema = Json::from(schema).to_text();
    format!(r#"{{"schemaType":"{language}","schema":{schema}}}"#).into_bytes()
}

/// Bodies of many small parts.
fn many_of_one() -> [(&'static str, Vec<u8>, &'static [u16]); 2] {
    [
        ("two million zeros", format!(r#"{{"x":[{}0]}}"#, "0,".repeat(2_000_000)).into_bytes(), &[400]),
        (
            "a reference given 50,000 times",
            format!(
                r#"{{"schema":"\"int\"","references":[{}{{"name":"n","subject":"r","version":1}}]}}"#,
                r#"{"name":"n","subject":"r","version":1},"#.repeat(50_000)
            )
            .into_bytes(),
            &[400, 422],
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn huge_deep_and_broken_bodies_are_answered() {
    let handle = serve(Settings { body_bytes_max: 12 * 1024 * 1024, ..Settings::default() }).await;
    let deep_avro =
        |depth: usize| format!("{}\"int\"{}", r#"{"type":"array","items":"#.repeat(depth), "}".repeat(depth));
    let deep_json = |depth: usize| {
        format!("{}{{}}{}", r#"{"type":"object","properties":{"a":"#.repeat(depth), "}}".repeat(depth))
    };
    let deep_proto =
        |depth: usize| format!("syntax = \"proto3\"; {}{}", "message M { ".repeat(depth), "}".repeat(depth));
    let many_fields: String = (0..60_000).map(|n| format!("int32 f{n} = {}; ", n + 20_000)).collect();
    let record = |fields: &str| format!(r#"{{"type":"record","name":"R","fields":[{fields}]}}"#);
    let wide: Vec<String> = (0..100_000).map(|n| format!(r#"{{"name":"f{n}","type":"int"}}"#)).collect();
    let table: Vec<(&str, Vec<u8>, &[u16])> = vec![
        ("a body of 13 MB", vec![b' '; 13 * 1024 * 1024], &[413]),
        ("10 MB of nothing", vec![b' '; 10 * 1024 * 1024], &[400, 422]),
        ("10 MB of a schema", quoted(&format!("\"{}\"", "x".repeat(10 * 1024 * 1024)), "AVRO"), &[400, 422]),
        ("100,000 fields", quoted(&record(&wide.join(",")), "AVRO"), &[400, 422]),
        ("invalid UTF-8", b"{\"schema\":\"\xff\xfe\"}".to_vec(), &[400]),
        ("100,000 brackets", "[".repeat(100_000).into_bytes(), &[400]),
        ("100,000 objects", r#"{"a":"#.repeat(100_000).into_bytes(), &[400]),
        ("a number beyond all", br#"{"schema":"\"int\"","version":1e999999999}"#.to_vec(), &[400, 422]),
        ("a long number", format!(r#"{{"version":{}}}"#, "9".repeat(1_000_000)).into_bytes(), &[400, 422]),
        ("duplicate keys", br#"{"schema":"\"int\"","schema":"\"long\""}"#.to_vec(), &[200]),
        ("a deep array", quoted(&deep_avro(50_000), "AVRO"), &[400, 422]),
        ("a deep object", quoted(&deep_json(50_000), "JSON"), &[400, 422]),
        ("a deep message", quoted(&deep_proto(50_000), "PROTOBUF"), &[400, 422]),
        ("a wide message", quoted(&format!("message M {{ {many_fields} }}"), "PROTOBUF"), &[200, 422]),
        (
            "a pattern that explodes",
            quoted(r#"{"type":"string","pattern":"(a+)+(b|c*)*$"}"#, "JSON"),
            &[200, 409, 422],
        ),
        ("a pattern that is none", quoted(r#"{"type":"string","pattern":"((("}"#, "JSON"), &[200, 409, 422]),
        ("a reference to itself", quoted(r##"{"$ref":"#"}"##, "JSON"), &[200, 409, 422]),
        (
            "references in a ring",
            quoted(
                r##"{"$ref":"#/definitions/a","definitions":{"a":{"$ref":"#/definitions/b"},"b":{"$ref":"#/definitions/a"}}}"##,
                "JSON",
            ),
            &[200, 409, 422],
        ),
        (
            "a default beyond f64",
            quoted(&record(r#"{"name":"d","type":"double","default":1e99999}"#), "AVRO"),
            &[200, 409, 422],
        ),
        ("a byte of nothing", vec![0], &[400]),
    ];
    for (name, body, statuses) in table.into_iter().chain(many_of_one()) {
        for head in [
            "POST /subjects/s/versions",
            "POST /subjects/s",
            "POST /compatibility/subjects/s/versions/latest?verbose=true",
        ] {
            let started = Instant::now();
            let (status, answer) = ask(&handle, head, &body).await;
            let fits =
                statuses.contains(&status) || status == 404 || (status == 200 && head.contains("verbose"));
            assert!(fits, "{name}, {head}: {status} {}", answer.chars().take(300).collect::<String>());
            assert!(started.elapsed() < SOON, "{name}, {head}: {:?}", started.elapsed());
        }
    }
    assert_eq!(ask(&handle, "GET /subjects", b"").await.0, 200);
    handle.stop().await;
}

/// Values of every kind, for members of any kind.
const VALUES: [&str; 11] =
    ["null", "0", "-1", "1.5", "1e400", "true", "\"\"", "\"x\"", "[]", "[1,\"a\",null,{}]", "{\"a\":[{}]}"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_member_of_every_body_may_be_of_any_type() {
    let document = parse(include_str!("../../../docs/registry-openapi.json")).unwrap();
    let at = |path: &[&str]| path.iter().try_fold(&document, |json, key| json.get(key)).cloned();
    let handle = serve(Settings::default()).await;
    ask(&handle, "POST /subjects/s/versions", br#"{"schema":"\"int\""}"#).await;
    let mut asked = 0;
    for (path, item) in at(&["paths"]).unwrap().as_object().unwrap().iter() {
        for method in ["post", "put"] {
            let body = ["requestBody", "content", "application/vnd.schemaregistry.v1+json", "schema", "$ref"];
            let Some(name) =
                item.get(method).and_then(|item| body.iter().try_fold(item, |json, key| json.get(key)))
            else {
                continue;
            };
            let name = name.as_str().unwrap().rsplit('/').next().unwrap();
            let members = at(&["components", "schemas", name, "properties"]).unwrap();
            let target = path.replace("{subject}", "s").replace("{version}", "1");
            for (member, _) in members.as_object().unwrap().iter() {
                for value in VALUES {
                    let body = format!(r#"{{"schema":"\"int\"","{member}":{value}}}"#);
                    let (status, answer) =
                        ask(&handle, &format!("{} {target}", method.to_uppercase()), body.as_bytes()).await;
                    let fits = matches!(status, 200 | 400 | 404 | 409 | 422);
                    assert!(fits, "{method} {target} {body}: {status} {answer}");
                    assert!(status == 200 || answer.starts_with(r#"{"error_code":"#), "{answer}");
                    asked += 1;
                }
            }
            // What a value may have changed must not stand in the way of the next.
            ask(&handle, "PUT /mode?force=true", br#"{"mode":"READWRITE"}"#).await;
            ask(&handle, "DELETE /config/s", b"").await;
        }
    }
    assert!(asked > 500, "{asked}");
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_slow_is_let_go() {
    let handle = serve(Settings { idle_timeout: Duration::from_millis(300), ..Settings::default() }).await;
    for (what, start, status) in [
        (
            "a head that does not end",
            "GET /subjects HTTP/1.1\r\nHost: x\r\nX-More: ",
            &["", "HTTP/1.1 408"][..],
        ),
        (
            "a body that does not come",
            "POST /subjects/s HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{",
            &["HTTP/1.1 408"],
        ),
        ("nothing at all", "", &["", "HTTP/1.1 408"]),
    ] {
        let mut stream = TcpStream::connect(handle.address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await;
        assert!(read.is_ok(), "{what}: still connected");
        let text = String::from_utf8_lossy(&answer).into_owned();
        let first = text.get(..12).unwrap_or_default();
        assert!(status.contains(&first), "{what}: {text}");
    }
    handle.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_fetched_that_a_schema_points_to() {
    let bait = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/schema.json", bait.local_addr().unwrap());
    let handle = serve(Settings::default()).await;
    for schema in [
        format!(r#"{{"$ref":"{url}"}}"#),
        format!(r#"{{"$schema":"{url}","type":"object"}}"#),
        format!(r#"{{"$id":"{url}","properties":{{"a":{{"$ref":"other.json#/definitions/x"}}}}}}"#),
    ] {
        let (status, answer) = ask(&handle, "POST /subjects/r/versions", &quoted(&schema, "JSON")).await;
        assert!(matches!(status, 200 | 409 | 422), "{schema}: {status} {answer}");
    }
    let caught = tokio::time::timeout(Duration::from_millis(300), bait.accept()).await;
    assert!(caught.is_err(), "somebody came for the schema");
    handle.stop().await;
}
