//! The log against a plain list of records: appends, rolls, reads, look-ups, restarts and crashes.

mod duplicates;
mod retention;
mod starts;

use std::path::PathBuf;
use std::sync::Arc;

use base::{LeaderEpoch, Offset, TopicId, TopicIdPartition};
use env::{Random, RealDisk, SeededRandom};
use records::{BatchBuilder, BatchOptions, Batches, NewRecord, ProducerFields, ValidBatches};

use super::*;
use crate::{FileCache, HotBudget, LogConfig, LogError, Origin, ReadLimit, Slice};

const NOW: i64 = 1_700_000_000_000;
const KEY: TopicIdPartition = TopicIdPartition { topic: TopicId::ZERO, partition: 0 };

/// A folder that goes with its test.
struct Home {
    dir: PathBuf,
    context: Arc<LogContext>,
    config: Arc<LogConfig>,
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

impl Home {
    fn new(hot_bytes: u64, config: LogConfig) -> Self {
        let dir = std::env::temp_dir().join(format!("mekong-log-{:x}", env::OsRandom.next_u64()));
        std::fs::create_dir_all(&dir).unwrap();
        let files = Arc::new(FileCache::new(Arc::new(RealDisk), 4));
        let context = LogContext::new(&files, &HotBudget::new(hot_bytes), Arc::new(SeededRandom::new(1)));
        Self { dir, context: Arc::new(context), config: Arc::new(config) }
    }

    fn open(&self, load: &Load) -> Loaded {
        let dir = self.dir.join("orders-0");
        PartitionLog::open(&self.context, KEY, &dir, Arc::clone(&self.config), load).unwrap()
    }
}

fn small() -> LogConfig {
    LogConfig { segment_bytes: 2000, index_interval_bytes: 200, ..LogConfig::default() }
}

/// A batch of records with these timestamps.
fn batch(timestamps: &[i64], producer: Option<(i64, i16, i32)>) -> ValidBatches {
    let producer = producer.map_or(ProducerFields::NONE, |(id, epoch, base_sequence)| ProducerFields {
        id: id.into(),
        epoch,
        base_sequence,
    });
    let mut builder = BatchBuilder::new(BatchOptions { producer, ..BatchOptions::default() });
    for timestamp in timestamps {
        let value = timestamp.to_string();
        let record = NewRecord {
            timestamp: *timestamp,
            key: Some(b"key"),
            value: Some(value.as_bytes()),
            headers: &[],
        };
        builder.append(record).unwrap();
    }
    builder.build().into()
}

fn how(epoch: i32) -> Append {
    Append { leader_epoch: LeaderEpoch(epoch), origin: Origin::Client, now_ms: NOW }
}

fn limit(log: &PartitionLog, max_bytes: usize) -> ReadLimit {
    ReadLimit { bound: log.log_end(), max_bytes, whole_first_batch: true }
}

/// All (offset, timestamp) from `offset` on, read piece by piece.
fn read_all(log: &PartitionLog, offset: i64, max_bytes: usize) -> Vec<(i64, i64)> {
    let mut found = Vec::new();
    let mut next = Offset(offset);
    loop {
        let result = log.reader().read(next, limit(log, max_bytes)).unwrap();
        if result.slices.is_empty() {
            return found;
        }
        let bytes: Vec<u8> = result
            .slices
            .iter()
            .flat_map(|slice| match slice {
                Slice::Bytes(bytes) => bytes.to_vec(),
                Slice::File { file, position, len } => {
                    let mut bytes = vec![0; *len];
                    file.read_exact_at(&mut bytes, *position).unwrap();
                    bytes
                }
            })
            .collect();
        for batch in Batches::new(&bytes) {
            let batch = batch.unwrap();
            batch.check_crc().unwrap();
            let records = batch.decompress(1 << 20).unwrap();
            let records = batch.records(&records).map(|record| record.unwrap());
            found.extend(records.map(|record| (record.offset.0, record.timestamp)));
        }
        assert!(result.next_offset > next);
        next = result.next_offset;
    }
}

/// Appends 200 batches of 1 to 5 records with wandering timestamps; returns every (offset, timestamp).
fn fill(log: &mut PartitionLog) -> Vec<(i64, i64)> {
    let random = SeededRandom::new(42);
    let mut all = Vec::new();
    for round in 0..200_i64 {
        let timestamps: Vec<_> =
            (0..=random.below(4)).map(|_| NOW + round * 10 + random.below(500) as i64).collect();
        let info = log.append(batch(&timestamps, None), &how((round / 50) as i32)).unwrap();
        assert_eq!(info.first_offset.0, all.len() as i64);
        all.extend(
            timestamps.iter().enumerate().map(|(place, at)| (info.first_offset.0 + place as i64, *at)),
        );
    }
    all
}

fn check_lookups(log: &PartitionLog, all: &[(i64, i64)]) {
    let reader = log.reader();
    for timestamp in (NOW - 5..NOW + 2600).step_by(13) {
        let found = reader.offset_for_timestamp(timestamp, 1 << 20).unwrap();
        let expected = all.iter().find(|(_, at)| *at >= timestamp);
        assert_eq!(found.map(|found| (found.offset.0, found.timestamp)), expected.copied(), "{timestamp}");
    }
    let max = all.iter().map(|(_, at)| *at).max().unwrap();
    let first = all.iter().find(|(_, at)| *at == max).copied();
    let found = reader.offset_of_max_timestamp(1 << 20).unwrap();
    assert_eq!(found.map(|found| (found.offset.0, found.timestamp)), first);
}

/// From `from` on, with the batch's earlier records left out.
fn behind(all: &[(i64, i64)], from: i64) -> Vec<(i64, i64)> {
    all.iter().copied().filter(|(offset, _)| *offset >= from).collect()
}

#[test]
fn what_is_appended_is_read_hot_and_cold_before_and_after_a_restart() {
    for hot_bytes in [0, 3_000, 1 << 20] {
        let home = Home::new(hot_bytes, small());
        let mut log = home.open(&Load::clean(NOW)).log;
        let all = fill(&mut log);
        let check = |log: &PartitionLog| {
            for from in (0..all.len() as i64).step_by(7) {
                for max_bytes in [1, 300, 100_000] {
                    let found = read_all(log, from, max_bytes);
                    assert_eq!(behind(&found, from), behind(&all, from), "{hot_bytes} {from} {max_bytes}");
                }
            }
            check_lookups(log, &all);
            assert!(log.view().segments.len() > 5);
            assert!(home.context.files.open_count() <= 4);
        };
        check(&log);
        log.close().unwrap();
        let loaded = home.open(&Load::clean(NOW));
        check(&loaded.log);
        drop(loaded);
        let loaded = home.open(&Load::unclean(NOW));
        assert!(loaded.report.is_quiet(), "{:?}", loaded.report);
        check(&loaded.log);
        assert_eq!(loaded.log.epoch_starts().len(), 4);
    }
}

#[test]
fn bounds_and_ranges_are_kept() {
    let home = Home::new(1 << 20, small());
    let mut log = home.open(&Load::clean(NOW)).log;
    log.append(batch(&[1, 2, 3], None), &how(0)).unwrap();
    log.append(batch(&[4, 5], None), &how(0)).unwrap();
    let read = |offset, bound| {
        let limit = ReadLimit { bound: Offset(bound), max_bytes: 10_000, whole_first_batch: true };
        log.reader().read(Offset(offset), limit).map(|result| result.next_offset.0)
    };
    assert_eq!(read(0, 5).unwrap(), 5);
    assert_eq!(read(0, 4).unwrap(), 3);
    assert_eq!(read(3, 4).unwrap(), 3);
    assert_eq!(read(5, 5).unwrap(), 5);
    assert!(matches!(read(6, 9), Err(LogError::OffsetOutOfRange { .. })));
    assert!(matches!(read(-1, 9), Err(LogError::OffsetOutOfRange { .. })));
}

#[test]
fn a_torn_tail_is_cut_and_rot_is_stepped_over() {
    let home = Home::new(0, LogConfig { segment_bytes: 1 << 20, ..small() });
    let mut log = home.open(&Load::clean(NOW)).log;
    let all = fill(&mut log);
    let end = log.log_end();
    let file = home.dir.join("orders-0/00000000000000000000.log");
    let size = log.size();
    drop(log);
    let bytes = std::fs::read(&file).unwrap();

    // Torn: the last batch lacks its last byte and nobody was told of it.
    std::fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    let loaded = home.open(&Load::unclean(NOW));
    let cut = loaded.report.cut.clone().unwrap();
    assert_eq!(cut.offset, loaded.log.log_end());
    assert!(loaded.log.log_end() < end && cut.position < size);
    assert_eq!(read_all(&loaded.log, 0, 5000), all[..cut.offset.0 as usize]);

    // Rot: a byte in the middle changed below the durable end.
    let mut rotten = bytes.clone();
    rotten[bytes.len() / 2] ^= 1;
    std::fs::write(&file, &rotten).unwrap();
    let load = Load { durable_end: end, ..Load::unclean(NOW) };
    let loaded = home.open(&load);
    assert_eq!(loaded.log.log_end(), end);
    let rot = loaded.report.rot.first().cloned().unwrap();
    assert!(rot.position as usize <= bytes.len() / 2 && loaded.report.cut.is_none());
    assert_eq!(read_all(&loaded.log, rot.next_offset.0, 5000), behind(&all, rot.next_offset.0));
    let refused = loaded.log.reader().read(rot.offset, limit(&loaded.log, 5000));
    assert!(matches!(refused, Err(LogError::Corrupt { .. })), "{refused:?}");

    // The same without knowledge of what was durable is a torn write.
    std::fs::write(&file, &rotten).unwrap();
    let loaded = home.open(&Load::unclean(NOW));
    assert_eq!(loaded.report.cut.map(|cut| cut.offset), Some(rot.offset));
}

#[test]
fn truncation_takes_offsets_back() {
    let home = Home::new(2_000, small());
    let mut log = home.open(&Load::clean(NOW)).log;
    let all = fill(&mut log);
    let ends: Vec<_> = log.epoch_starts().iter().map(|entry| entry.start.0).collect();
    for end in [ends[3] + 3, ends[3], ends[2], ends[1], 7, 0] {
        log.truncate_to(Offset(end), NOW).unwrap();
        assert_eq!(log.log_end(), Offset(end));
        assert!(log.epoch_starts().iter().all(|entry| entry.start.0 < end));
        let kept = read_all(&log, 0, 5000);
        assert!(kept.iter().all(|found| all.contains(found)) && kept.len() as i64 <= end);
        let info = log.append(batch(&[NOW], None), &how(9)).unwrap();
        assert_eq!(info.first_offset, Offset(end));
        assert_eq!(read_all(&log, end, 5000), [(end, NOW)]);
        log.truncate_to(Offset(end), NOW).unwrap();
    }
    log.truncate_fully(Offset(1000), NOW).unwrap();
    assert_eq!((log.log_start(), log.log_end()), (Offset(1000), Offset(1000)));
    log.append(batch(&[NOW], None), &how(9)).unwrap();
    log.on_tick(i64::MAX).unwrap();
    drop(log);
    let log = home.open(&Load::unclean(NOW)).log;
    assert_eq!(read_all(&log, 1000, 5000), [(1000, NOW)]);
}

/// Seeds 3831 and 9340 of the failing calls: where the next segment could not be begun, what retention had taken was found again.
#[test]
fn a_log_that_begins_anew_leaves_no_name_to_what_retention_took() {
    let home = Home::new(0, LogConfig { retention_bytes: 1, ..small() });
    let mut log = home.open(&Load::clean(NOW)).log;
    fill(&mut log);
    log.advance_high_watermark(log.log_end());
    assert!(!log.delete_old_segments(NOW).unwrap().is_empty());
    log.truncate_fully(Offset(0), NOW).unwrap();
    let names = std::fs::read_dir(home.dir.join("orders-0")).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(names.filter(|name| name.ends_with(".log")).collect::<Vec<_>>(), [format!("{:020}.log", 0)]);
}

#[test]
fn a_deleted_partition_frees_its_name_and_is_read_to_the_end() {
    let home = Home::new(0, small());
    let mut log = home.open(&Load::clean(NOW)).log;
    let all = fill(&mut log);
    log.mark_deleted().unwrap();
    assert!(!home.dir.join("orders-0").exists());
    assert!(log.dir().to_str().unwrap().ends_with("-delete"));
    assert_eq!(read_all(&log, 0, 5000), all);
    log.remove_dir().unwrap();
    assert!(!log.dir().exists());
}

#[test]
fn segments_roll_by_time_and_by_index() {
    let day = 24 * 60 * 60 * 1000;
    let home = Home::new(0, LogConfig { segment_ms: day, ..LogConfig::default() });
    let mut log = home.open(&Load::clean(NOW)).log;
    for at in [NOW, NOW + day, NOW + day + 1, NOW + day + 2] {
        log.append(batch(&[at], None), &how(0)).unwrap();
    }
    assert_eq!(log.view().segments.len(), 2);
    log.set_config(Arc::new(LogConfig {
        segment_index_bytes: 24,
        index_interval_bytes: 1,
        ..LogConfig::default()
    }))
    .unwrap();
    for _ in 0..10 {
        log.append(batch(&[NOW + day], None), &how(0)).unwrap();
    }
    assert!(log.view().segments.len() > 4);
}

#[test]
fn transactions_hold_the_last_stable_offset_until_their_marker_is_committed() {
    let home = Home::new(0, small());
    let mut log = home.open(&Load::clean(NOW)).log;
    let options = BatchOptions {
        producer: ProducerFields { id: 5.into(), epoch: 0, base_sequence: 0 },
        transactional: true,
        ..BatchOptions::default()
    };
    let mut builder = BatchBuilder::new(options);
    builder.append(NewRecord { timestamp: NOW, key: None, value: Some(b"x"), headers: &[] }).unwrap();
    log.append(batch(&[NOW], None), &how(0)).unwrap();
    log.append(builder.build().into(), &how(0)).unwrap();
    log.advance_high_watermark(log.log_end());
    assert_eq!(log.view().last_stable_offset, Offset(1));
    let marker = records::control::EndTransactionMarker { committed: false, coordinator_epoch: 3 };
    let marker = marker.into_batch(Offset(0), LeaderEpoch(0), (5.into(), 0), NOW);
    log.append(marker.into(), &Append { origin: Origin::Coordinator, ..how(0) }).unwrap();
    assert_eq!(log.view().last_stable_offset, Offset(1));
    let check = |log: &PartitionLog| {
        log.advance_high_watermark(log.log_end());
        assert_eq!(log.view().last_stable_offset, Offset(3));
        let aborted = log.reader().aborted_transactions(Offset(0), Offset(3)).unwrap();
        assert_eq!(
            aborted.iter().map(|txn| (txn.first_offset.0, txn.last_offset.0)).collect::<Vec<_>>(),
            [(1, 2)]
        );
        assert_eq!(aborted[0].last_stable_offset, Offset(3));
    };
    check(&log);
    log.close().unwrap();
    check(&home.open(&Load::clean(NOW)).log);
    check(&home.open(&Load::unclean(NOW)).log);
}
