//! A writer that is stopped between its decision and the log, until another has written, and then goes on.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use registry::{
    Appended, BoxFuture, Fence, Key, Live, LogError, MemoryLog, Record, Registry, SchemasLog, SchemasReader,
    Settings, Store, http,
};
use tokio::sync::watch;

/// A log whose appends wait for a word.
struct Stopped(Arc<MemoryLog>, watch::Receiver<bool>);

impl SchemasLog for Stopped {
    fn new_producer(&self) -> BoxFuture<'_, Result<i64, LogError>> {
        self.0.new_producer()
    }

    fn fence(&self, fence: Fence) -> BoxFuture<'_, Result<(), LogError>> {
        self.0.fence(fence)
    }

    fn append(&self, under: Fence, records: Vec<Record>) -> BoxFuture<'_, Result<Appended, LogError>> {
        let mut go = self.1.clone();
        Box::pin(async move {
            let _ = go.wait_for(|go| *go).await;
            self.0.append(under, records).await
        })
    }

    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn SchemasReader>, LogError>> {
        self.0.reader()
    }

    fn end(&self) -> BoxFuture<'_, Result<i64, LogError>> {
        self.0.end()
    }
}

/// A log, two that write to it, and the word by which the first goes on.
struct Pair {
    log: Arc<MemoryLog>,
    first: axum::Router,
    second: axum::Router,
    go: watch::Sender<bool>,
}

impl Pair {
    async fn new() -> Self {
        let log = Arc::new(MemoryLog::new(|| 0));
        let (go, wait) = watch::channel(true);
        let first = router_on(Box::new(Stopped(Arc::clone(&log), wait))).await;
        let second = router_on(Box::new(Arc::clone(&log))).await;
        Self { log, first, second, go }
    }

    /// The first decides on a request and is stopped; the second does what it is told; then the first goes on.
    async fn stopped_in(&self, request: (&str, &str, &str), meanwhile: &[(&str, &str, &str)]) -> String {
        self.go.send_replace(false);
        let (method, path, body) = (request.0.to_owned(), request.1.to_owned(), request.2.to_owned());
        let first = self.first.clone();
        let late = tokio::spawn(async move { call(&first, (&method, &path, &body)).await });
        tokio::time::sleep(Duration::from_millis(300)).await;
        for other in meanwhile {
            let answer = call(&self.second, *other).await;
            assert!(!answer.contains("error_code"), "{other:?}: {answer}");
        }
        assert!(!late.is_finished(), "nothing stopped it");
        self.go.send_replace(true);
        late.await.unwrap()
    }

    fn store(&self) -> Store {
        let mut store = Store::default();
        for entry in self.log.entries() {
            store.apply(&entry);
        }
        store
    }

    /// The records that the log has beside its fences.
    fn records(&self) -> usize {
        self.log.entries().iter().filter(|entry| Fence::read(entry).is_none()).count()
    }
}

async fn router_on(log: Box<dyn SchemasLog>) -> axum::Router {
    let settings =
        Settings { profile: registry::Profile::V7, timeout: Duration::from_secs(5), ..Settings::default() };
    http::router(Registry::start(log, settings, || 0).await.unwrap())
}

async fn call(router: &axum::Router, (method, path, body): (&str, &str, &str)) -> String {
    let request = Request::builder().method(method).uri(path).body(Body::from(body.to_owned())).unwrap();
    let mut service = router.clone();
    let answer = tower_service::Service::call(&mut service, request).await.unwrap();
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

const INT: (&str, &str, &str) = ("POST", "/subjects/s/versions", r#"{"schema":"\"int\""}"#);
const STRING: (&str, &str, &str) = ("POST", "/subjects/s/versions", r#"{"schema":"\"string\""}"#);
const SOFTLY: (&str, &str, &str) = ("DELETE", "/subjects/s/versions/1", "");
const SOFTLY_2: (&str, &str, &str) = ("DELETE", "/subjects/s/versions/2", "");
const FOR_GOOD: (&str, &str, &str) = ("DELETE", "/subjects/s/versions/1?permanent=true", "");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deletion_for_good_does_not_meet_what_was_registered_since() {
    let pair = Pair::new().await;
    call(&pair.first, INT).await;
    call(&pair.first, SOFTLY).await;
    let answer = pair.stopped_in(FOR_GOOD, &[FOR_GOOD, STRING]).await;
    assert!(answer.contains("40407"), "{answer}");
    let store = pair.store();
    let (_, version) = store.version("s", 1, Live::Only).unwrap();
    assert_eq!(&*version.content.text, "\"string\"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_soft_deletion_is_of_what_stands_there_then() {
    let pair = Pair::new().await;
    call(&pair.first, INT).await;
    let answer = pair.stopped_in(SOFTLY, &[SOFTLY, FOR_GOOD, STRING]).await;
    assert_eq!(answer, "1");
    let store = pair.store();
    let (_, version) = store.version("s", 1, Live::WithDeleted).unwrap();
    assert_eq!((&*version.content.text, version.deleted), ("\"string\"", true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_leaves_no_loser_behind() {
    let pair = Pair::new().await;
    let none = ("PUT", "/config", r#"{"compatibility":"NONE"}"#);
    call(&pair.first, none).await;
    let answer = pair.stopped_in(INT, &[STRING]).await;
    assert!(answer.starts_with("{\"id\":2"), "{answer}");
    assert_eq!(pair.records(), 3, "{:?}", pair.log.entries());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_and_modes_are_decided_anew() {
    let pair = Pair::new().await;
    let level = ("PUT", "/config/s", r#"{"compatibility":"FULL"}"#);
    let other = ("PUT", "/config/s", r#"{"compatibility":"NONE"}"#);
    let answer = pair.stopped_in(level, &[other]).await;
    assert!(answer.contains("FULL"), "{answer}");
    assert_eq!(pair.records(), 2, "what was decided first is not in the log");
    // The mode that was set in between forbids what was decided before it.
    let locked = ("PUT", "/mode/s", r#"{"mode":"READONLY"}"#);
    let answer = pair.stopped_in(INT, &[locked]).await;
    assert!(answer.contains("42205"), "{answer}");
    let mode = ("PUT", "/mode/t", r#"{"mode":"READONLY"}"#);
    let import = ("PUT", "/mode/t?force=true", r#"{"mode":"IMPORT"}"#);
    let answer = pair.stopped_in(import, &[mode]).await;
    assert!(answer.contains("IMPORT"), "{answer}");
    assert_eq!(pair.records(), 5, "{:?}", pair.log.entries());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_epoch_of_an_id_is_followed_by_another_id() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let through = Arc::clone(&log);
    let producer = through.new_producer().await.unwrap();
    through.fence(Fence { producer, epoch: i16::MAX - 1, writer: 1 }).await.unwrap();
    let router = router_on(Box::new(Arc::clone(&log))).await;
    assert_eq!(call(&router, INT).await, "{\"id\":1}");
    let fences: Vec<_> = log.entries().iter().filter_map(Fence::read).collect();
    let numbers: Vec<_> = fences.iter().map(|fence| (fence.producer, fence.epoch)).collect();
    assert_eq!(numbers, [(producer, i16::MAX - 1), (producer, i16::MAX), (producer + 1, 0)]);
    // Who wrote under the id before is refused for ever.
    let late = through.append(fences[0], vec![]).await.unwrap().await;
    assert!(late.unwrap_err().fenced);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_fences_of_one_epoch_the_first_counts() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let router = router_on(Box::new(Arc::clone(&log))).await;
    assert_eq!(call(&router, INT).await, "{\"id\":1}");
    let fence = log.entries().iter().find_map(Fence::read).unwrap();
    // Another writer's, of an id of its own, put at the same time by one that had not met the first: it does not stand.
    let producer = log.new_producer().await.unwrap();
    log.fence(Fence { producer, epoch: 0, writer: !fence.writer }).await.unwrap();
    assert_eq!(call(&router, SOFTLY).await, "1");
    // Compaction keeps the last of them: that must be one that stands.
    assert_eq!(last_fence(&log), (fence.producer, fence.epoch + 1));
    // Nor must it be one of Confluent's, whose value is nothing.
    log.push(Record { key: Key::Noop.to_bytes(), value: None });
    assert_eq!(call(&router, STRING).await, "{\"id\":2}");
    assert_eq!(last_fence(&log), (fence.producer, fence.epoch + 2));
    log.fence(Fence { epoch: fence.epoch + 3, writer: 1, ..fence }).await.unwrap();
    assert_eq!(call(&router, SOFTLY_2).await, "2");
    assert_eq!(last_fence(&log), (fence.producer, fence.epoch + 4));
}

/// The producer and the epoch of the last record that is a fence or has a fence's key.
fn last_fence(log: &MemoryLog) -> (i64, i16) {
    let last = log.entries().into_iter().rfind(|entry| entry.key == Key::Noop.to_bytes()).unwrap();
    Fence::read(&last).map(|fence| (fence.producer, fence.epoch)).unwrap()
}

/// A log that takes records in at once and writes the first of them when it is told.
struct Slow(Arc<MemoryLog>, watch::Receiver<bool>, std::sync::atomic::AtomicBool);

impl SchemasLog for Slow {
    fn new_producer(&self) -> BoxFuture<'_, Result<i64, LogError>> {
        self.0.new_producer()
    }

    fn fence(&self, fence: Fence) -> BoxFuture<'_, Result<(), LogError>> {
        self.0.fence(fence)
    }

    fn append(&self, under: Fence, records: Vec<Record>) -> BoxFuture<'_, Result<Appended, LogError>> {
        let waits = !*self.1.borrow() && !self.2.swap(true, std::sync::atomic::Ordering::SeqCst);
        let (log, mut go) = (Arc::clone(&self.0), self.1.clone());
        Box::pin(async move {
            if !waits {
                return log.append(under, records).await;
            }
            Ok(Box::pin(async move {
                let _ = go.wait_for(|go| *go).await;
                log.append(under, records).await?.await
            }) as Appended)
        })
    }

    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn SchemasReader>, LogError>> {
        self.0.reader()
    }

    fn end(&self) -> BoxFuture<'_, Result<i64, LogError>> {
        self.0.end()
    }
}

/// A writer that lost its turn with a record on its way, and has it again, counts that record no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_on_its_way_under_an_older_fence_is_not_built_upon() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let (go, wait) = watch::channel(true);
    let router = router_on(Box::new(Slow(Arc::clone(&log), wait, false.into()))).await;
    assert_eq!(call(&router, INT).await, "{\"id\":1}");
    go.send_replace(false);
    let send = |request| {
        let router = router.clone();
        tokio::spawn(async move { call(&router, request).await })
    };
    let softly = send(SOFTLY);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let fence = log.entries().iter().find_map(Fence::read).unwrap();
    log.fence(Fence { epoch: fence.epoch + 1, writer: 1, ..fence }).await.unwrap();
    let for_good = send(FOR_GOOD);
    tokio::time::sleep(Duration::from_millis(400)).await;
    let tombstones = |log: &MemoryLog| log.entries().iter().any(|entry| entry.value.is_none());
    assert!(!tombstones(&log), "it deletes for good what was never deleted softly");
    go.send_replace(true);
    assert_eq!(softly.await.unwrap(), "1");
    // Whichever of the two was decided first.
    let answer = for_good.await.unwrap();
    assert!(answer == "1" || answer.contains("40407"), "{answer}");
    assert_eq!(tombstones(&log), answer == "1");
}

/// A log in which another writer's NOOP stands directly behind the first fence, before anybody has met either.
struct Crowded(Arc<MemoryLog>, std::sync::atomic::AtomicBool);

impl SchemasLog for Crowded {
    fn new_producer(&self) -> BoxFuture<'_, Result<i64, LogError>> {
        self.0.new_producer()
    }

    fn fence(&self, fence: Fence) -> BoxFuture<'_, Result<(), LogError>> {
        Box::pin(async move {
            self.0.fence(fence).await?;
            if !self.1.swap(true, std::sync::atomic::Ordering::SeqCst) {
                self.0.push(Record { key: registry::Key::Noop.to_bytes(), value: None });
            }
            Ok(())
        })
    }

    fn append(&self, under: Fence, records: Vec<Record>) -> BoxFuture<'_, Result<Appended, LogError>> {
        self.0.append(under, records)
    }

    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn SchemasReader>, LogError>> {
        self.0.reader()
    }

    fn end(&self) -> BoxFuture<'_, Result<i64, LogError>> {
        self.0.end()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_writes_whose_fence_compaction_would_take_away() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let router = router_on(Box::new(Crowded(Arc::clone(&log), false.into()))).await;
    assert_eq!(call(&router, INT).await, "{\"id\":1}");
    let noop = registry::Key::Noop.to_bytes();
    let entries = log.entries();
    let last = entries.iter().rfind(|entry| entry.key == noop).unwrap();
    assert_eq!(Fence::read(last).map(|fence| fence.epoch), Some(1), "{entries:?}");
}
