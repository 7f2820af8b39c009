//! The registry's answers, exchange by exchange: every script of `golden/` against a registry of its own over HTTP.
//!
//! ```text
//! == heading [section of the reference the expectations come from]
//! POST /subjects/s/versions {"schema":"\"string\""}
//! 200 {"id":1}
//! ```
//!
//! A line `profile 8.1` before the first exchange chooses the profile; a line `header: value` before a request adds a
//! header, one after its status expects it. `MEKONG_GOLDEN_FILL=1` writes the answers that come into the scripts: look at
//! every one of them before you keep it.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use registry::{MemoryLog, Profile, Settings, http};

/// A request with what is expected.
struct Exchange {
    line: usize,
    /// The lines of the reference that the heading names.
    source: String,
    request_headers: Vec<String>,
    request: String,
    status: String,
    response_headers: Vec<String>,
}

struct Answer {
    status: String,
    headers: Vec<(String, String)>,
    body: String,
}

fn is_request(line: &str) -> bool {
    ["GET ", "POST ", "PUT ", "DELETE ", "HEAD ", "PATCH ", "OPTIONS "]
        .iter()
        .any(|method| line.starts_with(method))
}

fn read_script(text: &str) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    let mut headers: Vec<String> = Vec::new();
    let mut source = String::new();
    for (number, line) in text.lines().enumerate() {
        let status = line.get(..3).is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        if line.starts_with("== ") {
            source = line.split_once('[').map_or(String::new(), |(_, rest)| rest.replace(']', ""));
        }
        if is_request(line) {
            let request_headers = std::mem::take(&mut headers);
            let request = line.to_owned();
            let empty = String::new();
            exchanges.push(Exchange {
                line: number + 1,
                source: source.clone(),
                request_headers,
                request,
                status: empty,
                response_headers: Vec::new(),
            });
        } else if status {
            let last = exchanges.last_mut().expect("an answer follows a request");
            last.status = line.to_owned();
        } else if let Some(expected) = line.strip_prefix("    ") {
            exchanges
                .last_mut()
                .expect("a header follows an answer")
                .response_headers
                .push(expected.to_owned());
        } else if line.contains(": ") && !line.starts_with(['=', '#']) {
            headers.push(line.to_owned());
        }
    }
    exchanges
}

fn call(address: SocketAddr, exchange: &Exchange) -> Answer {
    let mut parts = exchange.request.splitn(3, ' ');
    let (method, path) = (parts.next().unwrap_or(""), parts.next().unwrap_or("/"));
    let body = parts.next().unwrap_or("");
    let mut stream = TcpStream::connect(address).unwrap();
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    for header in &exchange.request_headers {
        head.push_str(&format!("{header}\r\n"));
    }
    if !body.is_empty() {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().unwrap_or("").split(' ').nth(1).unwrap_or("").to_owned();
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_lowercase(), v.to_owned()));
    Answer { status, headers: headers.collect(), body: body.to_owned() }
}

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn settings(script: &str) -> Settings {
    let named = |key: &str| script.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let mut settings = Settings { cluster_id: "cluster".to_owned(), ..Settings::default() };
    if let Some(name) = named("profile ") {
        settings.profile = Profile::of_name(name).unwrap();
    }
    if let Some(most) = named("record.bytes.max ") {
        settings.record_bytes_max = most.parse().unwrap();
    }
    let number = |key: &str| named(key).map(|number| number.parse::<usize>().unwrap());
    settings.search_limit = number("schema.search.default.limit ").unwrap_or(settings.search_limit);
    settings.search_limit_max = number("schema.search.max.limit ").unwrap_or(settings.search_limit_max);
    settings.search_bytes_max = number("search.bytes.max ").unwrap_or(settings.search_bytes_max);
    settings.mode_mutability = named("mode.mutability ") != Some("false");
    settings.read_only = named("read.only ") == Some("true");
    settings
}

async fn start(settings: Settings) -> http::Handle {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    http::serve(listener, Box::new(Arc::new(MemoryLog::new(|| 1_700_000_000_000))), settings, || {
        1_700_000_000_000
    })
    .await
    .unwrap()
}

fn matches(exchange: &Exchange, answer: &Answer) -> bool {
    let shown = format!("{} {}", answer.status, answer.body);
    let headers = exchange.response_headers.iter().all(|expected| {
        let (key, value) = expected.split_once(": ").unwrap_or((expected, ""));
        answer.headers.iter().any(|(k, v)| k == key && (v == value || value == "*"))
    });
    headers && shown.trim_end() == exchange.status.trim_end()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_as_scripted() {
    let fill = std::env::var("MEKONG_GOLDEN_FILL").is_ok();
    let mut count = 0;
    let mut wrong = Vec::new();
    for path in scripts() {
        let script = std::fs::read_to_string(&path).unwrap();
        let handle = start(settings(&script)).await;
        let address = handle.address;
        let mut filled: Vec<String> = script.lines().map(str::to_owned).collect();
        let mut inserted = 0;
        for exchange in read_script(&script) {
            count += 1;
            let (answer, exchange) =
                tokio::task::spawn_blocking(move || (call(address, &exchange), exchange)).await.unwrap();
            if fill {
                let at = exchange.line + inserted;
                let shown = format!("{} {}", answer.status, answer.body);
                match filled.get_mut(at) {
                    Some(line) if !exchange.status.is_empty() => *line = shown.trim_end().to_owned(),
                    _ => {
                        filled.insert(at, shown.trim_end().to_owned());
                        inserted += 1;
                    }
                }
            } else if !matches(&exchange, &answer) {
                let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                wrong.push(format!(
                    "{name}:{}\n  {}\n  expected {}\n  answered {} {}",
                    exchange.line, exchange.request, exchange.status, answer.status, answer.body
                ));
            }
        }
        if fill {
            std::fs::write(&path, filled.join("\n") + "\n").unwrap();
        }
        handle.stop().await;
    }
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(fill || count >= 300, "{count} exchanges");
}

/// The numbers that come after a word in the places that the scripts name, ranges spelt out.
fn rows_named(sources: &[String]) -> std::collections::BTreeSet<u32> {
    let mut rows = std::collections::BTreeSet::new();
    for source in sources {
        let Some((_, list)) = source.split_once("row") else { continue };
        let list = list.split(';').next().unwrap_or_default();
        for part in list.trim_start_matches('s').split(',') {
            let part = part.trim().split(' ').next().unwrap_or_default();
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            if let (Ok(from), Ok(to)) = (from.parse::<u32>(), to.parse::<u32>()) {
                rows.extend(from..=to);
            }
        }
    }
    rows
}

#[test]
fn every_expectation_names_its_line_and_every_line_is_asked_for() {
    let mut sources = Vec::new();
    let mut answers = String::new();
    for path in scripts() {
        for exchange in read_script(&std::fs::read_to_string(&path).unwrap()) {
            let named = exchange.source.starts_with(|c: char| c.is_ascii_digit());
            assert!(named, "{}:{} names no line of the reference", path.display(), exchange.line);
            sources.push(exchange.source);
            answers.push_str(&exchange.status);
        }
    }
    let rows = rows_named(&sources);
    let missing: Vec<u32> = (1..=29).filter(|row| !rows.contains(row)).collect();
    assert!(missing.is_empty(), "no script asks for rows {missing:?}");
    let codes = [
        40401, 40402, 40403, 40404, 40405, 40406, 40407, 40408, 40409, 409, 40901, 42201, 42202, 42203,
        42204, 42205, 42206, 42208, 42209, 42210, 42211, 400, 404, 405, 406, 415, 422,
    ];
    let unseen: Vec<i32> =
        codes.into_iter().filter(|code| !answers.contains(&format!("\"error_code\":{code},"))).collect();
    assert!(unseen.is_empty(), "no script is answered {unseen:?}");
}
