//! The log that the registry stands on, as it needs it: ordered appends, reading from the start, the end.

use std::cmp::Ordering;
use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

use tokio::sync::watch;

use crate::fence::Fence;
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
    /// Whether the record was refused, and is not in the log, since another writer has taken over.
    pub fenced: bool,
}

/// The outcome of an append, once all its records are durable.
pub type Appended = BoxFuture<'static, Result<(), LogError>>;

/// The one partition of `_schemas`.
pub trait SchemasLog: Send + Sync + 'static {
    /// A producer id that nobody had.
    fn new_producer(&self) -> BoxFuture<'_, Result<i64, LogError>>;
    /// Takes over: appends the fence's record, the first of its epoch. Where another writer's has that epoch already, the log has
    /// only that one, whatever is answered: replay tells.
    fn fence(&self, fence: Fence) -> BoxFuture<'_, Result<(), LogError>>;
    /// Takes records in under the fence that was put last; those of an earlier call come before those of a later one. Refused where a
    /// fence of a higher epoch stands.
    fn append(&self, under: Fence, records: Vec<Record>) -> BoxFuture<'_, Result<Appended, LogError>>;
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

fn fenced(reason: &str) -> LogError {
    LogError { reason: reason.to_owned(), possibly_written: false, too_large: false, fenced: true }
}

/// A log in memory, for tests and for trying things out: what it holds is gone with it.
pub struct MemoryLog {
    entries: Mutex<Vec<LogEntry>>,
    /// The newest epoch of each producer id, in the place of its number.
    epochs: Mutex<Vec<i16>>,
    end: watch::Sender<usize>,
    clock: fn() -> i64,
}

impl MemoryLog {
    /// An empty log whose records carry the time that `clock` tells, in milliseconds.
    pub fn new(clock: fn() -> i64) -> Self {
        Self { entries: Mutex::default(), epochs: Mutex::default(), end: watch::Sender::new(0), clock }
    }

    /// Appends at once and returns the offset.
    pub fn push(&self, record: Record) -> i64 {
        let mut entries = self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let offset = entries.len() as i64;
        entries.push(LogEntry { offset, key: record.key, value: record.value, timestamp: (self.clock)() });
        self.end.send_replace(entries.len());
        offset
    }

    /// The newest epoch of a producer, to be looked at and changed with nobody else's appends in between.
    fn with_epoch<T>(&self, producer: i64, act: impl FnOnce(&mut i16) -> T) -> Result<T, LogError> {
        let mut epochs = self.epochs.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let epoch = usize::try_from(producer).ok().and_then(|place| epochs.get_mut(place));
        epoch.map(act).ok_or_else(|| fenced("nobody has this producer id"))
    }

    /// All that it holds.
    pub fn entries(&self) -> Vec<LogEntry> {
        self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

impl SchemasLog for std::sync::Arc<MemoryLog> {
    fn new_producer(&self) -> BoxFuture<'_, Result<i64, LogError>> {
        let mut epochs = self.epochs.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        epochs.push(-1);
        let producer = epochs.len() as i64 - 1;
        Box::pin(async move { Ok(producer) })
    }

    fn fence(&self, fence: Fence) -> BoxFuture<'_, Result<(), LogError>> {
        let put = self.with_epoch(fence.producer, |epoch| match fence.epoch.cmp(epoch) {
            Ordering::Less => Err(fenced("a newer fence stands")),
            // As a broker takes it for a batch that was sent twice.
            Ordering::Equal => Ok(()),
            Ordering::Greater => {
                *epoch = fence.epoch;
                self.push(fence.record());
                Ok(())
            }
        });
        Box::pin(async move { put? })
    }

    fn append(&self, under: Fence, records: Vec<Record>) -> BoxFuture<'_, Result<Appended, LogError>> {
        let appended = self.with_epoch(under.producer, |epoch| {
            if *epoch != under.epoch {
                return Err(fenced("a newer fence stands"));
            }
            for record in records {
                self.push(record);
            }
            Ok(())
        });
        let appended = appended.and_then(|appended| appended);
        Box::pin(async move { Ok(Box::pin(async move { appended }) as Appended) })
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
