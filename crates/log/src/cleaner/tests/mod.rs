//! The cleaner against a model of what was written, through crashes at each step.

mod disk;
mod model;

use std::path::Path;
use std::sync::Arc;

use base::{Offset, TopicId, TopicIdPartition};
use env::{Disk, Random, SeededRandom};
use records::{BatchBuilder, BatchOptions, NewRecord};

use super::*;
use crate::{Durability, FileCache, HotBudget, Load, LogConfig, LogContext, LogError, Origin, PartitionLog};
use disk::CrashDisk;
use model::{Model, NOW, check_indexes, how, read_all};

const KEY: TopicIdPartition = TopicIdPartition { topic: TopicId::ZERO, partition: 0 };
const RETENTION_MS: i64 = 1000;

fn config(segment_bytes: u64) -> LogConfig {
    let durability = Durability::Relaxed { flush_messages: i64::MAX, flush_ms: i64::MAX };
    LogConfig {
        segment_bytes,
        index_interval_bytes: 200,
        compact: true,
        delete: false,
        durability,
        ..LogConfig::default()
    }
}

fn policy() -> CompactionPolicy {
    CompactionPolicy { delete_retention_ms: RETENTION_MS, ..CompactionPolicy::default() }
}

fn open(disk: &CrashDisk, config: &LogConfig, load: &Load) -> PartitionLog {
    open_in(&context(disk), config, load)
}

fn context(disk: &CrashDisk) -> LogContext {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    let files = Arc::new(FileCache::new(disk, 16));
    LogContext::new(&files, &HotBudget::new(0), Arc::new(SeededRandom::new(1)))
}

fn open_in(context: &LogContext, config: &LogConfig, load: &Load) -> PartitionLog {
    let context = Arc::new(context.clone());
    let loaded =
        PartitionLog::open(&context, KEY, Path::new("/data/t-0"), Arc::new(config.clone()), load).unwrap();
    assert!(loaded.report.is_quiet(), "{:?}", loaded.report);
    loaded.log.advance_high_watermark(loaded.log.log_end());
    loaded.log
}

fn cleaner() -> Cleaner {
    Cleaner::new(1 << 20, 0.9, &SeededRandom::new(5))
}

/// One round, if there is anything to clean.
fn clean(
    log: &mut PartitionLog,
    checkpoint: &mut Option<Offset>,
    now_ms: i64,
) -> Result<CleanerStats, CleanError> {
    log.advance_high_watermark(log.log_end());
    let cleanable = log.cleanable(&policy(), *checkpoint, now_ms)?;
    let task = log.cleaning_task(&cleanable, &policy(), now_ms)?;
    let mut swap = |replacement: Replacement| match log.replace_segments(replacement, now_ms)? {
        true => Ok(()),
        false => Err(CleanError::Stopped),
    };
    let cleaned = cleaner().clean(&task, &mut |_| true, &mut swap)?;
    *checkpoint = Some(cleaned.end);
    Ok(cleaned.stats)
}

/// A log with plain, idempotent and transactional records in several segments, and what was written to it.
fn filled(disk: &CrashDisk, config: &LogConfig, seed: u64, batches: usize) -> (PartitionLog, Model) {
    let random = SeededRandom::new(seed);
    let mut log = open(disk, config, &Load::clean(NOW));
    let mut model = Model::default();
    for _ in 0..batches {
        write_something(&mut log, &mut model, &random);
    }
    (log, model)
}

fn write_something(log: &mut PartitionLog, model: &mut Model, random: &SeededRandom) {
    match random.below(10) {
        0..4 => model.append(log, random, None, false),
        4..6 => model.append(log, random, Some(random.below(3) as i64), false),
        6..9 => model.append(log, random, Some(10 + random.below(3) as i64), true),
        _ => model.end(log, 10 + random.below(3) as i64, random.below(2) == 0),
    }
}

fn end_all(log: &mut PartitionLog, model: &mut Model) {
    (10..13).for_each(|id| model.end(log, id, id != 11));
    log.roll(NOW).unwrap();
}

#[test]
fn what_counts_stays_through_rounds_and_restarts() {
    for seed in 0..12 {
        let disk = CrashDisk::default();
        let config = config(if seed % 2 == 0 { 2_000 } else { 20_000 });
        let (mut log, mut model) = filled(&disk, &config, seed, 60);
        let random = SeededRandom::new(seed + 100);
        let mut checkpoint = None;
        for round in 0..8 {
            if round % 3 == 2 {
                end_all(&mut log, &mut model);
            }
            let now_ms = NOW + round * 700;
            let stats = clean(&mut log, &mut checkpoint, now_ms).unwrap();
            assert!(stats.records_kept <= stats.records_read && stats.bytes_kept <= stats.bytes_read + 2_000);
            let clean = checkpoint.unwrap().0;
            model.check(&log, clean, clean);
            check_indexes(&log);
            assert_eq!(model.table_of(&log), model.table(), "seed {seed} round {round}");
            let before: Vec<_> = log.producers().collect();
            if round % 2 == 1 {
                log.close().unwrap();
                log = open(&disk, &config, &Load::clean(NOW));
                assert_eq!(before, log.producers().collect::<Vec<_>>());
            }
            (0..15).for_each(|_| write_something(&mut log, &mut model, &random));
        }
        let (sequences, end) = (log.producers().collect::<Vec<_>>(), log.log_end());
        log.close().unwrap();
        // Without any snapshot the producers' state must still be in what the cleaner left.
        disk.file_names().iter().filter(|name| name.ends_with(".snapshot")).for_each(|name| {
            disk.remove(&Path::new("/data/t-0").join(name)).unwrap();
        });
        let log = open(&disk, &config, &Load { recovery_point: end, durable_end: end, ..Load::unclean(NOW) });
        let last = |log: &PartitionLog| {
            log.producers().map(|one| (one.id, one.epoch, one.last_sequence)).collect::<Vec<_>>()
        };
        assert_eq!(
            sequences.iter().map(|one| (one.id, one.epoch, one.last_sequence)).collect::<Vec<_>>(),
            last(&log)
        );
    }
}

#[test]
fn a_stop_at_any_step_leaves_the_old_segments_or_the_new() {
    let origin = CrashDisk::default();
    let (mut log, mut model) = filled(&origin, &config(2_000), 77, 60);
    end_all(&mut log, &mut model);
    log.close().unwrap();
    // Small segments, so that several become one.
    let config = config(9_000);
    let (end, producers) = (log.log_end(), log.producers().collect::<Vec<_>>());
    let load = Load { recovery_point: end, durable_end: end, ..Load::unclean(NOW) };
    let mut steps = 0;
    loop {
        let disk = origin.after_kill();
        let mut log = open(&disk, &config, &Load::clean(NOW));
        disk.stop_after(steps);
        let mut checkpoint = None;
        let outcome = clean(&mut log, &mut checkpoint, NOW);
        assert_eq!(outcome.is_err(), disk.has_stopped() && outcome.is_err(), "{outcome:?}");
        drop(log);
        let remains = [disk.after_kill()]
            .into_iter()
            .chain((0..4).map(|seed| disk.after_power_loss(steps * 31 + seed)));
        for disk in remains {
            let mut log = open(&disk, &config, &load);
            model.check(&log, 0, end.0);
            check_indexes(&log);
            assert_eq!(model.table_of(&log), model.table(), "step {steps}");
            assert_eq!(log.log_end(), end);
            assert_eq!(producers, log.producers().collect::<Vec<_>>());
            assert!(
                disk.file_names().iter().all(|name| !name.ends_with(".swap") && !name.ends_with(".cleaned"))
            );
            clean(&mut log, &mut None, NOW).unwrap();
            assert_eq!(model.table_of(&log), model.table(), "step {steps}, cleaned again");
        }
        if outcome.is_ok() {
            break;
        }
        steps += 1;
    }
    assert!(steps > 30, "the round has many steps: {steps}");
}

#[test]
fn tombstones_and_markers_go_when_their_time_has_come() {
    let disk = CrashDisk::default();
    let config = config(1 << 20);
    let mut log = open(&disk, &config, &Load::clean(NOW));
    let put = |log: &mut PartitionLog, key: &str, value: Option<&str>, transactional: bool| {
        let producer = records::ProducerFields { id: 7.into(), epoch: 0, base_sequence: 0 };
        let producer = if transactional { producer } else { records::ProducerFields::NONE };
        let mut builder =
            BatchBuilder::new(BatchOptions { transactional, producer, ..BatchOptions::default() });
        let value = value.map(str::as_bytes);
        builder.append(NewRecord { timestamp: NOW, key: Some(key.as_bytes()), value, headers: &[] }).unwrap();
        log.append(builder.build().into(), &how(Origin::Client)).unwrap();
    };
    put(&mut log, "a", Some("1"), false);
    put(&mut log, "a", None, false);
    put(&mut log, "b", Some("1"), true);
    let mut model = Model::default();
    model.end(&mut log, 7, true);
    put(&mut log, "b", Some("2"), false);
    log.roll(NOW).unwrap();
    let offsets = |log: &PartitionLog| read_all(log).iter().map(|record| record.offset).collect::<Vec<_>>();
    let mut checkpoint = None;
    // First round: the superseded records go. The tombstone at 1 gets its time; the marker at 3 had a record in this round.
    clean(&mut log, &mut checkpoint, NOW).unwrap();
    assert_eq!(offsets(&log), [1, 3, 4]);
    clean(&mut log, &mut None, NOW + RETENTION_MS - 1).unwrap();
    assert_eq!(offsets(&log), [1, 3, 4]);
    // The tombstone's time is over. The producer's last batch is at 2, empty; the marker waits for a round of its own.
    clean(&mut log, &mut None, NOW + RETENTION_MS).unwrap();
    assert_eq!(offsets(&log), [3, 4]);
    assert_eq!(log.producers().count(), 1);
    // Once the producer has moved on, nothing of its old transaction stays.
    put(&mut log, "c", Some("1"), false);
    log.on_tick(NOW + config.producer_id_expiration_ms * 2).unwrap();
    log.roll(NOW).unwrap();
    let now_ms = NOW + RETENTION_MS * 2;
    clean(&mut log, &mut None, now_ms).unwrap();
    clean(&mut log, &mut None, now_ms + RETENTION_MS).unwrap();
    clean(&mut log, &mut None, now_ms + RETENTION_MS * 2).unwrap();
    assert_eq!(offsets(&log), [4, 5]);
}

/// Batches of more keys than the map holds among them: such logs were never cleaned any further.
#[test]
fn a_full_map_leaves_the_rest_for_the_next_round() {
    for batch_records in [1, 100] {
        let disk = CrashDisk::default();
        let config = config(4_000);
        let mut log = open(&disk, &config, &Load::clean(NOW));
        for batch in 0..400 / batch_records {
            let mut builder = BatchBuilder::new(BatchOptions::default());
            for index in 0..batch_records {
                let key = format!("key-{}", (batch * batch_records + index) % 200);
                let (key, value) = (Some(key.as_bytes()), Some(&b"v"[..]));
                builder.append(NewRecord { timestamp: NOW, key, value, headers: &[] }).unwrap();
            }
            log.append(builder.build().into(), &how(Origin::Client)).unwrap();
        }
        log.roll(NOW).unwrap();
        log.advance_high_watermark(log.log_end());
        let rounds = clean_with_little_room(&mut log);
        assert!(rounds > 3, "{rounds}");
        assert_eq!(read_all(&log).len(), 200);
    }
}

/// How many rounds of sixty keys it took.
fn clean_with_little_room(log: &mut PartitionLog) -> usize {
    let mut checkpoint = None;
    let mut rounds = 0;
    while checkpoint != Some(log.log_end()) {
        let cleanable = log.cleanable(&policy(), checkpoint, NOW).unwrap();
        let task = log.cleaning_task(&cleanable, &policy(), NOW).unwrap();
        let mut small = Cleaner::new(24 * 60, 0.9, &SeededRandom::new(1));
        let mut swap = |replacement: Replacement| {
            assert!(log.replace_segments(replacement, NOW).unwrap());
            Ok(())
        };
        let cleaned = small.clean(&task, &mut |_| true, &mut swap).unwrap();
        assert!(Some(cleaned.end) > checkpoint, "each round gets on");
        checkpoint = Some(cleaned.end);
        rounds += 1;
        let found = read_all(log);
        assert!((200..400).all(|offset| found.iter().any(|record| record.offset == offset)));
    }
    rounds
}

#[test]
fn a_round_ends_when_it_is_stopped_or_the_log_changes_under_it() {
    let config = config(3_000);
    let disk = CrashDisk::default();
    let (mut log, mut model) = filled(&disk, &config, 5, 80);
    end_all(&mut log, &mut model);
    log.advance_high_watermark(log.log_end());
    let cleanable = log.cleanable(&policy(), None, NOW).unwrap();
    let task = log.cleaning_task(&cleanable, &policy(), NOW).unwrap();
    let stopped = cleaner().clean(&task, &mut |_| false, &mut |_| Ok(()));
    assert!(matches!(stopped, Err(CleanError::Stopped)), "{stopped:?}");
    let mut kept = Vec::new();
    cleaner()
        .clean(&task, &mut |_| true, &mut |replacement| {
            kept.push(replacement);
            Ok(())
        })
        .unwrap();
    let end = log.log_end();
    log.truncate_to(Offset(end.0 - 1), NOW).unwrap();
    for replacement in kept {
        assert!(!log.replace_segments(replacement, NOW).unwrap());
    }
    assert!(disk.file_names().iter().all(|name| !name.ends_with(".cleaned")), "{:?}", disk.file_names());
}

#[test]
fn what_still_needs_the_commit_log_is_left_alone() {
    let disk = CrashDisk::default();
    let durable = LogConfig { durability: Durability::Durable, ..config(3_000) };
    let (mut log, mut model) = filled(&disk, &durable, 6, 80);
    log.close().unwrap();
    // A queue from which nobody takes: nothing becomes durable but by closing.
    let context = LogContext { commits: Some(crate::CommitQueue::new()), ..context(&disk) };
    let before = log.log_end();
    let mut log = open_in(&context, &durable, &Load { recovery_point: before, ..Load::clean(NOW) });
    (0..80).for_each(|seed| write_something(&mut log, &mut model, &SeededRandom::new(seed)));
    end_all(&mut log, &mut model);
    log.advance_high_watermark(log.log_end());
    assert!(log.cleanable(&policy(), None, NOW).unwrap().first_uncleanable <= before);
    log.close().unwrap();
    let end = log.log_end();
    let mut log = open_in(&context, &durable, &Load { recovery_point: end, ..Load::clean(NOW) });
    log.advance_high_watermark(end);
    assert_eq!(log.cleanable(&policy(), None, NOW).unwrap().first_uncleanable, end);
    clean(&mut log, &mut None, NOW).unwrap();
    assert_eq!(model.table_of(&log), model.table());
}

#[test]
fn rot_stops_the_round_and_harms_nothing() {
    let config = config(3_000);
    let disk = CrashDisk::default();
    let (mut log, mut model) = filled(&disk, &config, 8, 80);
    end_all(&mut log, &mut model);
    let path = Path::new("/data/t-0/00000000000000000000.log");
    let file = disk.open(path, env::Open::Write).unwrap();
    file.write_all_at(&[0xff], 200).unwrap();
    let before = disk.file_names();
    let outcome = clean(&mut log, &mut None, NOW);
    assert!(matches!(outcome, Err(CleanError::Log(LogError::Corrupt { .. }))), "{outcome:?}");
    assert_eq!(before, disk.file_names());
}

#[test]
fn a_million_commits_of_a_hundred_groups_shrink_to_one_segment() {
    let disk = CrashDisk::default();
    let config = LogConfig { segment_bytes: 8 << 20, index_interval_bytes: 4096, ..config(0) };
    let mut log = open(&disk, &config, &Load::clean(NOW));
    let commits = 1_000_000_i64;
    let mut next = 0;
    while next < commits {
        let mut builder = BatchBuilder::new(BatchOptions::default());
        for index in next..next + 250 {
            let (key, value) = ((index % 100).to_be_bytes(), index.to_be_bytes());
            builder
                .append(NewRecord { timestamp: NOW, key: Some(&key), value: Some(&value), headers: &[] })
                .unwrap();
        }
        log.append(builder.build().into(), &how(Origin::Coordinator)).unwrap();
        next += 250;
    }
    log.roll(NOW).unwrap();
    assert!(log.view().segments.len() > 3);
    log.close().unwrap();
    let load = Load { recovery_point: log.log_end(), durable_end: log.log_end(), ..Load::unclean(NOW) };
    drop(log);
    let check = |log: &PartitionLog| {
        let found = read_all(log);
        let newest = |group: i64| (0..commits).rev().find(|index| index % 100 == group);
        for record in found.iter().rev().take(100) {
            let group = i64::from_be_bytes(record.key.clone().unwrap().try_into().unwrap());
            assert_eq!(
                Some(i64::from_be_bytes(record.value.clone().unwrap().try_into().unwrap())),
                newest(group)
            );
        }
        found.len()
    };
    // The swap begins behind everything that is written; a kill in its middle, then once more to the end.
    let killed = disk.after_kill();
    let mut log = open(&killed, &config, &load);
    let cleanable = log.cleanable(&policy(), None, NOW).unwrap();
    let task = log.cleaning_task(&cleanable, &policy(), NOW).unwrap();
    let mut swap = |replacement: Replacement| {
        killed.stop_after(9);
        log.replace_segments(replacement, NOW).map(drop).map_err(CleanError::from)
    };
    assert!(cleaner().clean(&task, &mut |_| true, &mut swap).is_err());
    let survivor = killed.after_kill();
    check(&open(&survivor, &config, &load));
    let mut log = open(&survivor, &config, &load);
    clean(&mut log, &mut None, NOW).unwrap();
    clean(&mut log, &mut None, NOW).unwrap();
    assert_eq!(log.view().segments.len(), 2, "one clean segment and the active one");
    assert_eq!(check(&log), 100);
    assert!(log.size() < 20_000, "{} bytes", log.size());
    assert_eq!(log.log_end(), Offset(commits));
}
