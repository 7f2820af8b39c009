//! Writes that are broken off: callers who go away, and appends that fail while others rest on them.

#![expect(clippy::unwrap_used, reason = "a test may stop")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use registry::{
    Appended, BoxFuture, Fence, LogError, MemoryLog, Record, Registry, SchemasLog, SchemasReader, Settings,
    Store, http,
};
use tokio::sync::watch;

/// What a log does with an append once it may go on.
enum Whim {
    /// Takes it only then.
    Hang(watch::Receiver<bool>),
    /// Says then that nothing was written.
    Fail(watch::Receiver<bool>),
}

/// A log with whims, one for each of its next appends.
struct Whimsical {
    log: Arc<MemoryLog>,
    whims: Mutex<VecDeque<Whim>>,
}

impl SchemasLog for Whimsical {
    fn new_producer(&self) -> BoxFuture<'_, Result<i64, LogError>> {
        self.log.new_producer()
    }

    fn fence(&self, fence: Fence) -> BoxFuture<'_, Result<(), LogError>> {
        self.log.fence(fence)
    }

    fn append(&self, under: Fence, records: Vec<Record>) -> BoxFuture<'_, Result<Appended, LogError>> {
        let whim = self.whims.lock().unwrap().pop_front();
        Box::pin(async move {
            match whim {
                None => self.log.append(under, records).await,
                Some(Whim::Hang(mut go)) => {
                    go.wait_for(|go| *go).await.unwrap();
                    self.log.append(under, records).await
                }
                Some(Whim::Fail(mut go)) => Ok(Box::pin(async move {
                    go.wait_for(|go| *go).await.unwrap();
                    let reason = "too few in-sync replicas".to_owned();
                    Err(LogError { reason, possibly_written: false, too_large: false, fenced: false })
                }) as Appended),
            }
        })
    }

    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn SchemasReader>, LogError>> {
        self.log.reader()
    }

    fn end(&self) -> BoxFuture<'_, Result<i64, LogError>> {
        self.log.end()
    }
}

async fn router_on(log: &Arc<MemoryLog>, whim: Whim) -> axum::Router {
    let whims = Mutex::new(VecDeque::from([whim]));
    let settings = Settings { timeout: Duration::from_secs(5), ..Settings::default() };
    let log = Box::new(Whimsical { log: Arc::clone(log), whims });
    http::router(Registry::start(log, settings, || 0).await.unwrap())
}

async fn register(router: axum::Router, subject: &'static str, schema: &'static str) -> (u16, String) {
    use axum::body::Body;
    let body = format!(r#"{{"schema":"\"{schema}\""}}"#);
    let request = axum::http::Request::post(format!("/subjects/{subject}/versions")).body(Body::from(body));
    let mut router = router;
    let answer = tower_service::Service::call(&mut router, request.unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

/// Long enough for a request to get as far as it gets.
async fn a_while() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_away_stops_nobody() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let (word, go) = watch::channel(false);
    let router = router_on(&log, Whim::Hang(go)).await;
    let gone = tokio::spawn(register(router.clone(), "gone", "int"));
    a_while().await;
    gone.abort();
    a_while().await;
    word.send_replace(true);
    for (subject, schema) in [("a", "long"), ("b", "string"), ("gone", "int")] {
        let (status, body) = register(router.clone(), subject, schema).await;
        assert_eq!(status, 200, "{subject}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_rests_on_a_failed_write_is_decided_anew() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let (word, go) = watch::channel(false);
    let router = router_on(&log, Whim::Fail(go)).await;
    let first = tokio::spawn(register(router.clone(), "s", "int"));
    a_while().await;
    let second = tokio::spawn(register(router.clone(), "s", "int"));
    a_while().await;
    assert!(!second.is_finished(), "it was answered by what is not in the log");
    word.send_replace(true);
    assert_eq!(first.await.unwrap().0, 500);
    let (status, body) = second.await.unwrap();
    assert_eq!(status, 200, "{body}");
    let mut store = Store::default();
    for entry in log.entries() {
        store.apply(&entry);
    }
    let (_, version) = store.version("s", 1, registry::Live::Only).unwrap();
    assert!(body.starts_with(&format!("{{\"id\":{}", version.id)), "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_rests_on_nothing_that_failed() {
    let log = Arc::new(MemoryLog::new(|| 0));
    let (word, go) = watch::channel(false);
    let router = router_on(&log, Whim::Fail(go)).await;
    let first = tokio::spawn(register(router.clone(), "s", "int"));
    a_while().await;
    // Incompatible with what is on its way, and that comes to nothing.
    let second = tokio::spawn(register(router, "s", "bytes"));
    a_while().await;
    word.send_replace(true);
    assert_eq!(first.await.unwrap().0, 500);
    let (status, body) = second.await.unwrap();
    assert_eq!(status, 200, "{body}");
}
