//! Reading a shard's log into its core, off the threads that serve.

use std::sync::Arc;
use std::time::Duration;

use base::Offset;
use bytes::Bytes;
use coordinator::group::record::{Decoded, GroupRecord};
use coordinator::group::{GroupEngine, Live};
use log::{LogReader, ReadLimit, Slice};
use records::control::EndTransactionMarker;
use records::{Batch, Batches, Record};
use tokio::runtime::Handle;

use super::shard::Shard;
use crate::Broker;
use crate::waiters::{Key, Waiters};

/// How much is read at once; Kafka's `offsets.load.buffer.size`.
const READ_BYTES_MAX: usize = 5 << 20;

/// The most that one batch may grow to when it is decompressed.
const DECOMPRESSED_BYTES_MAX: usize = 256 << 20;

/// Why a log could not be loaded.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error(transparent)]
    Log(#[from] log::LogError),
    #[error("cannot read its file: {0}")]
    File(std::io::Error),
    #[error("offset {offset}: {what}")]
    Broken { offset: i64, what: String },
}

/// A new leader may take long to prove how much was committed: as long as too few replicas are in sync.
const PROOF_MAX: Duration = Duration::from_secs(365 * 24 * 3600);

/// Reads the shards' logs, once they are known to hold all that was committed, and hands each its core.
pub(super) fn in_background(broker: &Arc<Broker>, shards: Vec<Arc<Shard>>) {
    let (proven, unproven): (Vec<_>, Vec<_>) = shards.into_iter().partition(|shard| is_proven(shard));
    let runtime = &broker.coordinators.runtime;
    load_all(runtime, &broker.waiters, proven);
    for shard in unproven {
        let (waiters, then) = (Arc::clone(&broker.waiters), runtime.clone());
        runtime.spawn(async move {
            let key = Key::Partition(shard.partition().key());
            waiters.wait_until(key, PROOF_MAX, || is_proven(&shard)).await;
            load_all(&then, &waiters, vec![shard]);
        });
    }
}

/// Whether nothing committed lies beyond what this leader has; or it leads no longer, and what comes of the shard does not matter.
fn is_proven(shard: &Shard) -> bool {
    let partition = shard.partition();
    partition.read_bound().is_none_or(|bound| bound.proven)
        || partition.leader_epoch() != shard.epoch()
        || partition.is_closed()
}

fn load_all(runtime: &Handle, waiters: &Arc<Waiters>, shards: Vec<Arc<Shard>>) {
    if shards.is_empty() {
        return;
    }
    let (runtime, waiters) = (runtime.clone(), Arc::clone(waiters));
    runtime.clone().spawn_blocking(move || {
        for shard in shards {
            match load(&shard) {
                Ok((core, end)) => serve(&runtime, &waiters, shard, core, end),
                Err(error) => {
                    tracing::error!(shard = ?shard.partition(), %error, "cannot load groups");
                    shard.loaded(None);
                }
            }
        }
    });
}

/// Serves what was loaded once all of it is committed: a tail that is not might be gone after a crash, and with it what was told.
fn serve(runtime: &Handle, waiters: &Arc<Waiters>, shard: Arc<Shard>, core: GroupEngine, end: Offset) {
    if is_committed(&shard, end) {
        return shard.loaded(Some(core));
    }
    let waiters = Arc::clone(waiters);
    runtime.spawn(async move {
        let key = Key::Partition(shard.partition().key());
        waiters.wait_until(key, PROOF_MAX, || is_committed(&shard, end)).await;
        shard.loaded(Some(core));
    });
}

/// Whether everything below `end` is committed; or what comes of the shard does not matter.
fn is_committed(shard: &Shard, end: Offset) -> bool {
    let partition = shard.partition();
    partition.reader().view().high_watermark >= end
        || partition.leader_epoch() != shard.epoch()
        || partition.is_closed()
}

fn load(shard: &Shard) -> Result<(GroupEngine, Offset), LoadError> {
    let mut loading = Loading { core: GroupEngine::new(Live::new(shard.settings().clone())), skipped: 0 };
    // Appends of an earlier life of the shard are in the log, or have failed, before it is read.
    shard.partition().with_log(|_| ());
    let reader = shard.partition().reader();
    let view = reader.view();
    let mut offset = view.log_start;
    while offset < view.log_end {
        let next = loading.read(reader, offset, view.log_end)?;
        if next <= offset {
            return Err(LoadError::Broken { offset: offset.0, what: "the log does not go on".to_owned() });
        }
        offset = next;
    }
    if loading.skipped > 0 {
        tracing::info!(shard = ?shard.partition(), records = loading.skipped, "skipped records of kinds this version does not serve");
    }
    Ok((loading.core, view.log_end))
}

struct Loading {
    core: GroupEngine,
    /// Records of kinds that are not served; they stay in the log.
    skipped: u64,
}

impl Loading {
    fn read(&mut self, reader: &LogReader, from: Offset, end: Offset) -> Result<Offset, LoadError> {
        let limit = ReadLimit { bound: end, max_bytes: READ_BYTES_MAX, whole_first_batch: true };
        let result = reader.read(from, limit)?;
        let mut bytes = Vec::with_capacity(result.bytes);
        for slice in result.slices {
            copy(slice, &mut bytes)?;
        }
        let bytes = Bytes::from(bytes);
        for batch in Batches::new(&bytes) {
            let batch = batch.map_err(|error| broken(from, &error))?;
            self.batch(&batch)?;
        }
        Ok(result.next_offset)
    }

    fn batch(&mut self, batch: &Batch<'_>) -> Result<(), LoadError> {
        let header = &batch.header;
        let at = header.base_offset;
        let body = batch.decompress(DECOMPRESSED_BYTES_MAX).map_err(|error| broken(at, &error))?;
        for record in batch.records(&body) {
            let record = record.map_err(|error| broken(at, &error.what))?;
            if header.attributes.is_control() {
                self.marker(batch, &record);
            } else {
                self.record(batch, &record)?;
            }
        }
        Ok(())
    }

    fn marker(&mut self, batch: &Batch<'_>, record: &Record<'_>) {
        let key_value = record.key.zip(record.value);
        if let Some(marker) = key_value.and_then(|(key, value)| EndTransactionMarker::parse(key, value)) {
            self.core.load_marker(batch.header.producer_id, marker.committed);
        }
    }

    fn record(&mut self, batch: &Batch<'_>, record: &Record<'_>) -> Result<(), LoadError> {
        let Some(key) = record.key else { return Ok(()) };
        let producer = batch.header.attributes.is_transactional().then_some(batch.header.producer_id);
        let value = record.value.map(Bytes::copy_from_slice);
        match GroupRecord::decode(Bytes::copy_from_slice(key), value) {
            Ok(Decoded::Record(decoded)) => self.core.load(&decoded, producer),
            Ok(Decoded::Unknown(_)) => self.skipped += 1,
            Err(error) => return Err(broken(record.offset, &error)),
        }
        Ok(())
    }
}

fn broken(at: Offset, what: &dyn std::fmt::Display) -> LoadError {
    LoadError::Broken { offset: at.0, what: what.to_string() }
}

fn copy(slice: Slice, into: &mut Vec<u8>) -> Result<(), LoadError> {
    match slice {
        Slice::Bytes(bytes) => into.extend_from_slice(&bytes),
        Slice::File { file, position, len } => {
            let start = into.len();
            into.resize(start + len, 0);
            let place = into.get_mut(start..).unwrap_or_default();
            file.read_exact_at(place, position).map_err(LoadError::File)?;
        }
    }
    Ok(())
}
