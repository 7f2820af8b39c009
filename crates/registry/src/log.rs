//! The log that the registry stands on, as it needs it: ordered appends, reading from the start, the end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

use tokio::sync::watch;

use crate::record::Record;

/// A future on the heap: the log is used behind a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A record that the log has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Its offset.
    pub offset: i64,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value; nothing is a tombstone.
    pub value: Option<Vec<u8>>,
    /// When it was written, in milliseconds.
    pub timestamp: i64,
}

/// Why the log did not do as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogError {
    /// What happened.
    pub reason: String,
    /// Whether a record may be in the log all the same.
    pub possibly_written: bool,
    /// Whether the record was refused for its size.
    pub too_large: bool,
}

/// The outcome of an append, once all its records are durable.
pub type Appended = BoxFuture<'static, Result<(), LogError>>;

/// The one partition of `_schemas`.
pub trait SchemasLog: Send + Sync + 'static {
    /// Takes records in; those of an earlier call come before those of a later one.
    fn append(&self, records: Vec<Record>) -> BoxFuture<'_, Result<Appended, LogError>>;
    /// A reader from the beginning.
    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn SchemasReader>, LogError>>;
    /// The offset after the last durable record.
    fn end(&self) -> BoxFuture<'_, Result<i64, LogError>>;
}

/// Reads the log in order.
pub trait SchemasReader: Send {
    /// The next entries with the offset after them, since compaction leaves holes. Waits for entries; may come back without
    /// any to tell of an offset. Cancel-safe.
    fn next(&mut self) -> BoxFuture<'_, Result<(Vec<LogEntry>, i64), LogError>>;
}

/// A log in memory, for tests and for trying things out: what it holds is gone with it.
pub struct MemoryLog {
    entries: Mutex<Vec<LogEntry>>,
    end: watch::Sender<usize>,
    clock: fn() -> i64,
}

impl MemoryLog {
    /// An empty log whose records carry the time that `clock` tells, in milliseconds.
    pub fn new(clock: fn() -> i64) -> Self {
        Self { entries: Mutex::new(Vec::new()), end: watch::Sender::new(0), clock }
    }

    /// Appends at once and returns the offset.
    pub fn push(&self, record: Record) -> i64 {
        let mut entries = self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let offset = entries.len() as i64;
        entries.push(LogEntry { offset, key: record.key, value: record.value, timestamp: (self.clock)() });
        self.end.send_replace(entries.len());
        offset
    }

    /// All that it holds.
    pub fn entries(&self) -> Vec<LogEntry> {
        self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

impl SchemasLog for std::sync::Arc<MemoryLog> {
    fn append(&self, records: Vec<Record>) -> BoxFuture<'_, Result<Appended, LogError>> {
        for record in records {
            self.push(record);
        }
        Box::pin(async move { Ok(Box::pin(async move { Ok(()) }) as Appended) })
    }

    fn reader(&self) -> BoxFuture<'_, Result<Box<dyn SchemasReader>, LogError>> {
        let reader = MemoryReader { log: Self::clone(self), at: 0, end: self.end.subscribe() };
        Box::pin(async move { Ok(Box::new(reader) as Box<dyn SchemasReader>) })
    }

    fn end(&self) -> BoxFuture<'_, Result<i64, LogError>> {
        let end = *self.end.borrow() as i64;
        Box::pin(async move { Ok(end) })
    }
}

struct MemoryReader {
    log: std::sync::Arc<MemoryLog>,
    at: usize,
    end: watch::Receiver<usize>,
}

impl SchemasReader for MemoryReader {
    fn next(&mut self) -> BoxFuture<'_, Result<(Vec<LogEntry>, i64), LogError>> {
        Box::pin(async move {
            let at = self.at;
            // The sender lives in the log, which this reader keeps alive.
            let _ = self.end.wait_for(|end| *end > at).await;
            let new: Vec<LogEntry> = self.log.entries().into_iter().skip(at).collect();
            self.at += new.len();
            Ok((new, self.at as i64))
        })
    }
}
