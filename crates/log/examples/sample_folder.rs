//! Writes a partition's folder with a bit of everything, for Apache Kafka's `DumpLogSegments` to read:
//! `cargo run -p mekong-log --example sample_folder -- <dir>` leaves `<dir>/orders-0`.

use std::path::Path;
use std::sync::Arc;

use base::{BrokerId, LeaderEpoch, Offset, TopicId, TopicIdPartition, Uuid};
use env::{OsRandom, Random, RealDisk};
use log::{
    Append, FileCache, HotBudget, LogConfig, LogDir, MetaProperties, OpenedDir, Origin, PartitionLog, Policy,
};
use records::control::EndTransactionMarker;
use records::{BatchBuilder, BatchOptions, NewRecord, ProducerFields, ValidBatches};

const NOW: i64 = 1_700_000_000_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("name a folder")?;
    let files = Arc::new(FileCache::new(Arc::new(RealDisk), 64));
    let random: Arc<dyn Random> = Arc::new(OsRandom);
    let meta = MetaProperties {
        cluster_id: "5L6g3nShT-eMCtK--X86sw".into(),
        node_id: BrokerId(1),
        directory_id: Uuid::from_random([7; 16]),
        is_new: false,
    };
    let opened =
        LogDir::open(Path::new(&dir), &meta, &files, &HotBudget::new(0), &random, Policy::default())?;
    let OpenedDir { dir, mut committer, .. } = opened;
    let config = LogConfig { segment_bytes: 20_000, index_interval_bytes: 512, ..LogConfig::default() };
    let key = TopicIdPartition { topic: TopicId(Uuid::from_random([3; 16])), partition: 0 };
    let mut log = dir.open_partition("orders", key, Arc::new(config), NOW)?.log;
    for round in 0..300 {
        write_round(&mut log, round)?;
        committer.commit_round(NOW)?;
    }
    log.advance_high_watermark(log.log_end());
    log.advance_log_start(Offset(20))?;
    dir.close_partition(&mut log)?;
    dir.close(committer, NOW)?;
    Ok(())
}

/// Three plain records, two of an idempotent producer, and in every tenth round a transaction with its marker.
fn write_round(log: &mut PartitionLog, round: i32) -> log::Result<()> {
    let how = Append { leader_epoch: LeaderEpoch(round / 100), origin: Origin::Client, now_ms: NOW };
    let at = NOW + i64::from(round) * 7 % 501;
    log.append(batch(at, 3, ProducerFields::NONE, false), &how)?;
    let idempotent = ProducerFields { id: 4.into(), epoch: 1, base_sequence: round * 2 };
    log.append(batch(at, 2, idempotent, false), &how)?;
    if round % 10 == 0 {
        let transactional = ProducerFields { id: 5.into(), epoch: 0, base_sequence: round / 10 };
        log.append(batch(at, 1, transactional, true), &how)?;
        let marker = EndTransactionMarker { committed: round % 20 == 0, coordinator_epoch: 2 };
        let marker = marker.into_batch(Offset(0), LeaderEpoch(0), (5.into(), 0), at);
        log.append(marker.into(), &Append { origin: Origin::Coordinator, ..how })?;
    }
    Ok(())
}

fn batch(at: i64, records: i64, producer: ProducerFields, transactional: bool) -> ValidBatches {
    let mut builder = BatchBuilder::new(BatchOptions { producer, transactional, ..BatchOptions::default() });
    for place in 0..records {
        let record =
            NewRecord { timestamp: at + place, key: Some(b"key"), value: Some(b"value"), headers: &[] };
        // A builder takes as much as a batch may hold, and this is little.
        let _ = builder.append(record);
    }
    builder.build().into()
}
