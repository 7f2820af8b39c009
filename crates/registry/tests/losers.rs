//! What compaction leaves where two writers met: never a record that had lost.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use registry::{
    Appended, BoxFuture, Fence, Live, LogEntry, LogError, MemoryLog, Record, Registry, SchemaValue,
    SchemasLog, SchemasReader, Settings, Store, http,
};
use tokio::sync::watch;

async fn router_on(log: Box<dyn SchemasLog>) -> axum::Router {
    let settings =
        Settings { profile: registry::Profile::V7, timeout: Duration::from_secs(2), ..Settings::default() };
    http::router(Registry::start(log, settings, || 0).await.unwrap())
}

async fn call(router: &axum::Router, request: Request<Body>) -> String {
    let mut service = router.clone();
    let answer = tower_service::Service::call(&mut service, request).await.unwrap();
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

async fn register(router: &axum::Router, subject: &str, text: &str) -> String {
    let body = format!(r#"{{"schema":"\"{text}\""}}"#);
    call(router, Request::post(format!("/subjects/{subject}/versions")).body(body.into()).unwrap()).await
}

async fn delete(router: &axum::Router, path: &str) -> String {
    call(router, Request::delete(path).body(Body::empty()).unwrap()).await
}

fn record(subject: &str, version: i32, id: i32, text: &str) -> Record {
    let text = format!("\"{text}\"");
    let content = registry::Content::new(schema::Language::Avro, text.into(), Vec::new(), None, None);
    SchemaValue { id, content: content.into(), deleted: false }.record(subject, version)
}

/// The last entry of each key, in the log's order.
fn compacted(log: &MemoryLog) -> Vec<LogEntry> {
    let mut last: BTreeMap<Vec<u8>, LogEntry> = BTreeMap::new();
    for entry in log.entries() {
        last.insert(entry.key.clone(), entry);
    }
    let mut kept: Vec<LogEntry> = last.into_values().filter(|entry| entry.value.is_some()).collect();
    kept.sort_by_key(|entry| entry.offset);
    kept
}

fn replayed(entries: &[LogEntry]) -> Store {
    let mut store = Store::default();
    for entry in entries {
        store.apply(entry);
    }
    store
}

/// Waits until the log holds what is wanted.
async fn until(log: &MemoryLog, wanted: impl Fn(&MemoryLog) -> bool, what: &str) {
    for _ in 0..1500 {
        if wanted(log) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}: {:?}", log.entries());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn losers_that_a_start_meets_are_seen_to() {
    let log = Arc::new(MemoryLog::new(|| 0));
    log.push(record("a", 1, 1, "int"));
    // Late records of a writer that is dead: one under the winner's key, one under a key of its own.
    log.push(record("a", 1, 1, "bytes"));
    log.push(record("b", 1, 1, "bytes"));
    let router = router_on(Box::new(Arc::clone(&log))).await;
    let own = record("b", 1, 1, "bytes").key;
    let is_settled = |log: &MemoryLog| {
        let kept = compacted(log);
        let again = log.entries().iter().rfind(|entry| entry.key == record("a", 1, 1, "int").key).cloned();
        !kept.iter().any(|entry| entry.key == own) && again.is_some_and(|entry| entry.offset > 2)
    };
    until(&log, is_settled, "the losers stay").await;
    // Not before: the winner's record must not come to stand behind a loser's.
    let place = |key: &[u8]| log.entries().iter().rposition(|entry| entry.key == key).unwrap();
    assert!(place(&record("a", 1, 1, "int").key) > place(&own));
    let store = replayed(&compacted(&log));
    assert_eq!(&*store.by_id(".", 1).unwrap().text, "\"int\"");
    assert_eq!(store.version("a", 1, Live::Only).unwrap().1.id, 1);
    assert!(!store.has_subject("b", Live::WithDeleted));
    // What rewrites the winner's record later finds no loser before it.
    assert_eq!(delete(&router, "/subjects/a/versions/1").await, "1");
    assert_eq!(&*replayed(&compacted(&log)).by_id(".", 1).unwrap().text, "\"int\"");
    assert_eq!(register(&router, "b", "long").await, "{\"id\":3}");
    assert_eq!(replayed(&compacted(&log)).version("b", 1, Live::Only).unwrap().1.id, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_writer_claimed_is_buried() {
    let deleted = |subject: &str, version, id, text: &str| {
        let mut record = record(subject, version, id, text);
        let value = String::from_utf8(record.value.unwrap()).unwrap();
        record.value = Some(value.replace("\"deleted\":false", "\"deleted\":true").into_bytes());
        record
    };
    let log = Arc::new(MemoryLog::new(|| 0));
    log.push(record("a", 1, 1, "int"));
    // A loser, and the claim that its writer was to follow with a tombstone.
    log.push(record("b", 1, 1, "bytes"));
    log.push(deleted("b", 1, 2, "bytes"));
    // What looks like it and was deleted as versions are: something stood under the key.
    log.push(record("c", 1, 3, "long"));
    log.push(record("c", 1, 4, "long"));
    log.push(deleted("c", 1, 3, "long"));
    let router = router_on(Box::new(Arc::clone(&log))).await;
    let own = record("b", 1, 1, "bytes").key;
    until(
        &log,
        |log| log.entries().iter().any(|entry| entry.key == own && entry.value.is_none()),
        "the claim stays",
    )
    .await;
    assert_eq!(register(&router, "d", "float").await, "{\"id\":4}");
    let store = replayed(&compacted(&log));
    assert!(!store.has_subject("b", Live::WithDeleted));
    assert!(store.version("c", 1, Live::WithDeleted).unwrap().1.deleted);
}

/// A log whose reader waits for a word.
struct Halting(Arc<MemoryLog>, watch::Receiver<bool>);

struct HaltingReader(Box<dyn SchemasReader>, watch::Receiver<bool>);

impl SchemasLog for Halting {
    fn new_producer(&self) -> BoxFuture<'_, Result<i64, LogError>> {
        self.0.new_producer()
    }

    fn fence(&self, fence: Fence) -> BoxFuture<'_, Result<(), LogError>> {
        self.0.fence(fence)
    }

    fn append(&self, under: Fence, records: Vec<Record>) -> BoxFuture<'_, Result<Appended, LogError>> {
        self.0.append(under, records)
    }

    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn SchemasReader>, LogError>> {
        Box::pin(async move {
            Ok(Box::new(HaltingReader(self.0.reader().await?, self.1.clone())) as Box<dyn SchemasReader>)
        })
    }

    fn end(&self) -> BoxFuture<'_, Result<i64, LogError>> {
        self.0.end()
    }
}

impl SchemasReader for HaltingReader {
    fn next(&mut self) -> BoxFuture<'_, Result<(Vec<LogEntry>, i64), LogError>> {
        Box::pin(async move {
            let read = self.0.next().await;
            let _ = self.1.wait_for(|go| *go).await;
            read
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_that_loses_takes_no_version_away() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let (word, go) = watch::channel(true);
    let router = router_on(Box::new(Halting(Arc::clone(&log), go))).await;
    assert_eq!(register(&router, "s", "int").await, "{\"id\":1}");
    assert_eq!(delete(&router, "/subjects/s/versions/1").await, "1");
    word.send_replace(false);
    // Another writer is first with version 2; this one does not know yet.
    log.push(record("s", 2, 2, "string"));
    let appended = log.entries().len();
    let again = tokio::spawn({
        let router = router.clone();
        async move { register(&router, "s", "int").await }
    });
    until(&log, |log| log.entries().len() > appended, "nothing was appended").await;
    word.send_replace(true);
    let answer = again.await.unwrap();
    assert!(answer.contains("incompatible"), "{answer}");
    // The id that records carry still has its schema.
    let store = replayed(&log.entries());
    assert_eq!(&*store.by_id(".", 1).unwrap().text, "\"int\"");
    assert!(store.version("s", 1, Live::OnlyDeleted).is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_decided_on_what_has_passed_is_decided_anew() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let (word, go) = watch::channel(true);
    let router = router_on(Box::new(Halting(Arc::clone(&log), go))).await;
    assert_eq!(register(&router, "s", "int").await, "{\"id\":1}");
    assert_eq!(delete(&router, "/subjects/s/versions/1").await, "1");
    word.send_replace(false);
    // Another writer deletes the version for good and gives its number to another schema; this one does not know yet.
    log.push(Record { value: None, ..record("s", 1, 1, "int") });
    log.push(record("s", 1, 7, "long"));
    let late = tokio::spawn({
        let router = router.clone();
        async move { delete(&router, "/subjects/s/versions/1?permanent=true").await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    word.send_replace(true);
    let answer = late.await.unwrap();
    assert!(answer.contains("40407"), "{answer}");
    assert_eq!(replayed(&log.entries()).version("s", 1, Live::Only).unwrap().1.id, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_decided_on_what_has_passed_is_decided_anew() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let (word, go) = watch::channel(true);
    let router = router_on(Box::new(Halting(Arc::clone(&log), go))).await;
    assert_eq!(register(&router, "s", "int").await, "{\"id\":1}");
    word.send_replace(false);
    // Another writer registers; this one does not know yet.
    log.push(record("t", 1, 2, "long"));
    let late = tokio::spawn({
        let router = router.clone();
        async move { delete(&router, "/subjects/t/versions/1").await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    word.send_replace(true);
    assert_eq!(late.await.unwrap(), "1");
    assert!(delete(&router, "/subjects/u").await.contains("40401"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_turn_to_write_is_not_waited_for_longer_than_a_write_may_take() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let (word, go) = watch::channel(true);
    let router = router_on(Box::new(Halting(Arc::clone(&log), go))).await;
    assert_eq!(register(&router, "s", "int").await, "{\"id\":1}");
    word.send_replace(false);
    // Replay stands still: whoever has the turn keeps it until its own time is over.
    log.push(record("t", 1, 2, "long"));
    let start = std::time::Instant::now();
    let writes = (0..4).map(|_| {
        let router = router.clone();
        tokio::spawn(async move { delete(&router, "/subjects/s").await })
    });
    for write in writes.collect::<Vec<_>>() {
        let answer = write.await.unwrap();
        assert!(answer.contains("50002"), "{answer}");
    }
    assert!(start.elapsed() < Duration::from_secs(6), "they waited one after another: {:?}", start.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn versions_behind_the_first_that_does_not_fit_are_not_parsed() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let router = router_on(Box::new(Arc::clone(&log))).await;
    log.push(record("s", 1, 1, "a type that nobody defines"));
    log.push(record("s", 2, 2, "string"));
    let level = Request::put("/config").body(r#"{"compatibility":"BACKWARD_TRANSITIVE"}"#.into()).unwrap();
    assert!(call(&router, level).await.contains("BACKWARD_TRANSITIVE"));
    let answer = register(&router, "s", "int").await;
    assert!(answer.contains("incompatible") && answer.contains("{oldSchemaVersion: 2}"), "{answer}");
    let answer = register(&router, "s", "string").await;
    assert_eq!(answer, "{\"id\":2}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_is_registered_again_replaces_its_deleted_version() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let router = router_on(Box::new(Arc::clone(&log))).await;
    assert_eq!(register(&router, "s", "int").await, "{\"id\":1}");
    assert_eq!(delete(&router, "/subjects/s/versions/1").await, "1");
    assert_eq!(register(&router, "s", "int").await, "{\"id\":1}");
    let store = replayed(&log.entries());
    assert!(store.version("s", 1, Live::WithDeleted).is_none());
    assert_eq!(store.version("s", 2, Live::Only).unwrap().1.id, 1);
}

#[test]
fn versions_that_cannot_be_read_have_their_numbers_and_ids() {
    let mut store = Store::default();
    let key = record("s", 3, 1, "int").key;
    let value = br#"{"subject":"s","version":3,"id":41,"schemaType":"THRIFT","schema":"x","deleted":false}"#;
    store.apply(&LogEntry { offset: 0, key, value: Some(value.to_vec()), timestamp: 0 });
    assert_eq!((store.next_version("s"), store.next_id(".")), (4, Some(42)));
    let last = record("t", 1, i32::MAX, "int");
    store.apply(&LogEntry { offset: 1, key: last.key, value: last.value, timestamp: 0 });
    assert_eq!(store.next_id("."), Some(i32::MAX - 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_losers_are_seen_to_together() {
    const MANY: i32 = 100;
    let log = Arc::new(MemoryLog::new(|| 0));
    for id in 1..=MANY {
        log.push(record(&format!("a{id}"), 1, id, &format!("n.A{id}")));
    }
    for id in 1..=MANY {
        log.push(record(&format!("b{id}"), 1, id, "bytes"));
    }
    let before = log.entries().len();
    let _router = router_on(Box::new(Arc::clone(&log))).await;
    let is_losers = |entry: &LogEntry| String::from_utf8_lossy(&entry.key).contains("\"subject\":\"b");
    let is_settled = |log: &MemoryLog| !compacted(log).iter().any(is_losers);
    until(&log, is_settled, "the losers stay").await;
    let written: Vec<LogEntry> = log.entries().into_iter().skip(before).filter(is_losers).collect();
    let (claims, tombstones): (Vec<_>, Vec<_>) = written.iter().partition(|entry| entry.value.is_some());
    assert_eq!((claims.len(), tombstones.len()), (MANY as usize, MANY as usize));
    let last = claims.iter().map(|claim| claim.offset).max();
    assert!(last < tombstones.iter().map(|tombstone| tombstone.offset).min(), "one after another");
}
