//! Several registries on one log: whoever writes, no id names two schemas, and nothing acknowledged is lost.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use std::collections::BTreeMap;
use std::sync::Arc;

use registry::{Key, Live, MemoryLog, Record, Registry, SchemaValue, Settings, Store, http};

fn settings() -> Settings {
    Settings { profile: registry::Profile::V7, ..Settings::default() }
}

async fn registry_on(log: &Arc<MemoryLog>) -> (Arc<Registry>, axum::Router) {
    let registry = Registry::start(Box::new(Arc::clone(log)), settings(), || 0).await.unwrap();
    (Arc::clone(&registry), http::router(registry))
}

/// Registers over the router's own call, without a socket.
async fn post(router: &axum::Router, path: &str, body: String) -> (u16, String) {
    use axum::body::Body;
    use axum::http::Request;
    let request = Request::post(path).body(Body::from(body)).unwrap();
    let mut service = router.clone();
    let answer = tower_service::Service::call(&mut service, request).await.unwrap();
    let status = answer.status().as_u16();
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

fn record(writer: usize, n: usize) -> String {
    format!(r#"{{"schema":"{{\"type\":\"record\",\"name\":\"R{writer}_{n}\",\"fields\":[]}}"}}"#)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_that_race_agree() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let mut tasks = Vec::new();
    for writer in 0..4 {
        let (_, router) = registry_on(&log).await;
        tasks.push(tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for n in 0..60 {
                let subject = format!("s{writer}-{n}");
                let (status, body) =
                    post(&router, &format!("/subjects/{subject}/versions"), record(writer, n)).await;
                if status == 200 {
                    acknowledged.push((subject, body));
                }
            }
            acknowledged
        }));
    }
    let mut acknowledged = Vec::new();
    for task in tasks {
        acknowledged.extend(task.await.unwrap());
    }
    assert!(acknowledged.len() > 200, "only {} of 240 were acknowledged", acknowledged.len());
    let mut store = Store::default();
    for entry in log.entries() {
        store.apply(&entry);
    }
    let mut ids: BTreeMap<i32, String> = BTreeMap::new();
    for (subject, body) in acknowledged {
        let (_, version) =
            store.version(&subject, 1, Live::Only).unwrap_or_else(|| panic!("{subject} is lost"));
        assert_eq!(body, format!("{{\"id\":{}}}", version.id), "{subject} was promised another id");
        let text = version.content.text.to_string();
        let known = ids.insert(version.id, text.clone());
        assert!(known.is_none_or(|known| known == text), "id {} names two schemas", version.id);
    }
    // After the repairs, the last record of every key alone says the same: compaction loses nothing.
    let mut last: BTreeMap<Vec<u8>, Option<Vec<u8>>> = BTreeMap::new();
    let mut order: Vec<Vec<u8>> = Vec::new();
    for entry in log.entries() {
        order.retain(|key| *key != entry.key);
        order.push(entry.key.clone());
        last.insert(entry.key, entry.value);
    }
    let mut compacted = Store::default();
    for (offset, key) in order.into_iter().enumerate() {
        let value = last.get(&key).cloned().flatten();
        compacted.apply(&registry::LogEntry { offset: offset as i64, key, value, timestamp: 0 });
    }
    for (subject, number, version) in store.subjects_with("", Live::Only).flat_map(|name| {
        store.versions(name, Live::Only).map(move |(number, version)| (name, number, version))
    }) {
        let kept = compacted.version(subject, number, Live::Only).map(|(_, version)| version.id);
        assert_eq!(kept, Some(version.id), "{subject} {number}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_schema_registered_by_all_gets_one_id() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let mut tasks = Vec::new();
    for writer in 0..4 {
        let (_, router) = registry_on(&log).await;
        tasks.push(tokio::spawn(async move {
            let mut answers = Vec::new();
            for n in 0..20 {
                let path = format!("/subjects/shared-{n}/versions");
                answers.push((writer, n, post(&router, &path, record(0, n)).await));
            }
            answers
        }));
    }
    let mut by_schema: BTreeMap<usize, String> = BTreeMap::new();
    for task in tasks {
        for (writer, n, (status, body)) in task.await.unwrap() {
            assert_eq!(status, 200, "writer {writer}: {body}");
            let known = by_schema.entry(n).or_insert_with(|| body.clone());
            assert_eq!(*known, body, "writer {writer} was told another id");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_wakes_late_does_no_harm() {
    let log = Arc::new(MemoryLog::new(|| 0));
    // Its own losers are seen to when a writer has had its time.
    let hasty = Settings { timeout: std::time::Duration::from_secs(1), ..settings() };
    let router = http::router(Registry::start(Box::new(Arc::clone(&log)), hasty, || 0).await.unwrap());
    let (_, body) = post(&router, "/subjects/a/versions", record(0, 0)).await;
    assert_eq!(body, "{\"id\":1}");
    // What a writer decided before it was stopped, appended now: the id is taken, and so is the version.
    let stale = |subject: &str| -> Record {
        let content =
            registry::Content::new(schema::Language::Avro, "\"bytes\"".into(), Vec::new(), None, None);
        SchemaValue { id: 1, content: content.into(), deleted: false }.record(subject, 1)
    };
    log.push(stale("a"));
    log.push(stale("b"));
    let (_, body) = post(&router, "/subjects/c/versions", r#"{"schema":"\"int\""}"#.to_owned()).await;
    assert_eq!(body, "{\"id\":2}");
    let mut store = Store::default();
    for entry in log.entries() {
        store.apply(&entry);
    }
    let (_, version) = store.version("a", 1, Live::Only).unwrap();
    assert!(version.content.text.contains("R0_0"), "the late record overwrote {}", version.content.text);
    assert!(!store.has_subject("b", Live::WithDeleted), "the late record took an id that is taken");
    // Compaction keeps the last record of a key: it must be the winner's.
    let key = stale("a").key;
    for attempt in 0.. {
        let last =
            log.entries().into_iter().rev().find(|entry| entry.key == key).and_then(|entry| entry.value);
        if last.is_some_and(|value| String::from_utf8_lossy(&value).contains("R0_0")) {
            break;
        }
        assert!(attempt < 500, "the winner's record was not written again");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(Key::read(&stale("b").key), Some(Key::Schema { subject: "b".to_owned(), version: 1 }));
}

/// A log whose readers are slow, or wait for a word.
struct SlowLog {
    log: Arc<MemoryLog>,
    go: tokio::sync::watch::Receiver<bool>,
    pause: std::time::Duration,
}

struct SlowReader {
    reader: Box<dyn registry::SchemasReader>,
    go: tokio::sync::watch::Receiver<bool>,
    pause: std::time::Duration,
}

impl registry::SchemasLog for SlowLog {
    fn new_producer(&self) -> registry::BoxFuture<'_, Result<i64, registry::LogError>> {
        self.log.new_producer()
    }

    fn fence(&self, fence: registry::Fence) -> registry::BoxFuture<'_, Result<(), registry::LogError>> {
        self.log.fence(fence)
    }

    fn append(
        &self,
        under: registry::Fence,
        records: Vec<Record>,
    ) -> registry::BoxFuture<'_, Result<registry::Appended, registry::LogError>> {
        self.log.append(under, records)
    }

    fn reader(
        &self,
    ) -> registry::BoxFuture<'_, Result<Box<dyn registry::SchemasReader>, registry::LogError>> {
        Box::pin(async move {
            let (reader, go) = (self.log.reader().await?, self.go.clone());
            Ok(Box::new(SlowReader { reader, go, pause: self.pause }) as Box<dyn registry::SchemasReader>)
        })
    }

    fn end(&self) -> registry::BoxFuture<'_, Result<i64, registry::LogError>> {
        self.log.end()
    }
}

impl registry::SchemasReader for SlowReader {
    fn next(
        &mut self,
    ) -> registry::BoxFuture<'_, Result<(Vec<registry::LogEntry>, i64), registry::LogError>> {
        Box::pin(async move {
            let _ = self.go.wait_for(|go| *go).await;
            tokio::time::sleep(self.pause).await;
            self.reader.next().await
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_answered_before_the_end_seen_at_the_start_is_replayed() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let (_, router) = registry_on(&log).await;
    for n in 0..20 {
        let (status, _) = post(&router, &format!("/subjects/s{n}/versions"), record(0, n)).await;
        assert_eq!(status, 200);
    }
    let (word, go) = tokio::sync::watch::channel(false);
    let slow = SlowLog { log, go, pause: std::time::Duration::ZERO };
    let mut starting = tokio::spawn(Registry::start(Box::new(slow), settings(), || 0));
    let early = tokio::time::timeout(std::time::Duration::from_millis(200), &mut starting).await;
    assert!(early.is_err(), "it serves before it has replayed");
    word.send_replace(true);
    let registry = starting.await.unwrap().unwrap();
    assert_eq!(registry.read(|store| store.subjects_with("", Live::Only).count()), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_unknown_is_caught_up_with_first() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let (_, writer) = registry_on(&log).await;
    let (_word, go) = tokio::sync::watch::channel(true);
    let slow = SlowLog { log, go, pause: std::time::Duration::from_millis(30) };
    let behind = http::router(Registry::start(Box::new(slow), settings(), || 0).await.unwrap());
    for n in 0..10 {
        let (_, body) = post(&writer, &format!("/subjects/n{n}/versions"), record(0, n)).await;
        let (status, found) = post(&behind, &format!("/subjects/n{n}"), record(0, n)).await;
        assert_eq!(status, 200, "{found}");
        let id = body.trim_start_matches("{\"id\":").trim_end_matches('}');
        assert!(found.contains(&format!("\"id\":{id},")), "{found}");
    }
}
