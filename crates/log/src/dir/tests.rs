//! Directories that are taken, and those that are refused and left alone.

mod compaction;

use std::sync::Arc;

use base::{BrokerId, LeaderEpoch, Offset, TopicId, TopicIdPartition, Uuid};
use bytes::Bytes;
use env::{Disk, Random, RealDisk, SeededRandom};
use records::{BatchBuilder, BatchOptions, NewRecord, ValidBatches};

use super::*;
use crate::{Append, Origin, ReadLimit};

const NOW: i64 = 1_700_000_000_000;

fn meta() -> MetaProperties {
    MetaProperties {
        cluster_id: "5L6g3nShT-eMCtK--X86sw".into(),
        node_id: BrokerId(1),
        directory_id: Uuid([9; 16]),
        is_new: false,
    }
}

struct Home(PathBuf);

impl Home {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("mekong-dir-{:x}", env::OsRandom.next_u64())))
    }

    fn open_as(&self, meta: &MetaProperties) -> Result<OpenedDir, DirError> {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk);
        let files = Arc::new(FileCache::new(disk, 16));
        // Two lives with the same numbers would chain their frames alike.
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(env::OsRandom.next_u64()));
        LogDir::open(&self.0, meta, &files, &HotBudget::new(0), &random, Policy::default())
    }

    fn open(&self) -> OpenedDir {
        self.open_as(&meta()).unwrap()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn key(partition: i32) -> TopicIdPartition {
    TopicIdPartition { topic: TopicId(Uuid([5; 16])), partition }
}

fn batch(value: &[u8]) -> ValidBatches {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(NewRecord { timestamp: NOW, key: None, value: Some(value), headers: &[] }).unwrap();
    builder.build().into()
}

const HOW: Append = Append { leader_epoch: LeaderEpoch(0), origin: Origin::Client, now_ms: NOW };

fn content(log: &PartitionLog) -> Vec<Bytes> {
    let mut next = log.log_start();
    let mut found = Vec::new();
    let limit = ReadLimit { bound: log.log_end(), max_bytes: 1, whole_first_batch: true };
    while next < log.log_end() {
        let result = log.reader().read(next, limit).unwrap();
        let [crate::Slice::Bytes(bytes)] = &result.slices[..] else { panic!("{result:?}") };
        found.push(bytes.clone());
        next = result.next_offset;
    }
    found
}

#[test]
fn appends_are_durable_after_a_round_and_come_back_after_a_crash_and_after_a_stop() {
    let home = Home::new();
    let OpenedDir { dir, mut committer, report } = home.open();
    assert!(report.created && !report.clean);
    let config = Arc::new(LogConfig { segment_bytes: 200_000, ..LogConfig::default() });
    let open = |dir: &LogDir, partition| {
        dir.open_partition("orders", key(partition), Arc::clone(&config), NOW).unwrap()
    };
    let mut logs: Vec<_> = (0..3).map(|partition| open(&dir, partition).log).collect();
    assert!(dir.partitions().unwrap().is_empty(), "folders come with the first append");
    for round in 0..20_u8 {
        for (place, log) in logs.iter_mut().enumerate() {
            let len = if place == 0 { 70_000 } else { 10 };
            log.append(batch(&vec![round; len]), &HOW).unwrap();
            assert_eq!(log.view().durable_end, Offset(i64::from(round)));
        }
        let round = committer.commit_round(NOW).unwrap();
        assert_eq!(round.committed.len(), 3);
        assert!(round.frame_bytes < 1000 && round.synced_bytes > 70_000, "{round:?}");
        logs.iter().for_each(|log| assert_eq!(log.view().durable_end, log.log_end()));
    }
    assert_eq!(dir.partitions().unwrap().len(), 3);
    let before: Vec<_> = logs.iter().map(content).collect();
    drop((dir, committer, logs));

    let OpenedDir { dir, mut committer, report } = home.open();
    assert!(!report.clean && report.replayed.frames > 40, "{report:?}");
    let logs: Vec<_> = (0..3).map(|partition| open(&dir, partition)).collect();
    logs.iter().for_each(|loaded| assert!(loaded.report.is_quiet(), "{:?}", loaded.report));
    assert_eq!(logs.iter().map(|loaded| content(&loaded.log)).collect::<Vec<_>>(), before);
    let mut logs: Vec<_> = logs.into_iter().map(|loaded| loaded.log).collect();
    logs[2].append(batch(b"last"), &HOW).unwrap();
    committer.commit_round(NOW).unwrap();
    let before: Vec<_> = logs.iter().map(content).collect();
    logs.into_iter().for_each(|mut log| dir.close_partition(&mut log).unwrap());
    dir.set_broker_epoch(7);
    dir.close(committer, NOW).unwrap();

    let OpenedDir { dir, committer, report } = home.open();
    assert!(report.clean && report.replayed.frames == 0);
    assert_eq!(report.clean_epoch, Some(7), "said once, and only by a stop in order");
    let logs: Vec<_> = (0..3).map(|partition| open(&dir, partition)).collect();
    logs.iter().for_each(|loaded| assert_eq!(loaded.report.segments_read, 0));
    assert_eq!(logs.iter().map(|loaded| content(&loaded.log)).collect::<Vec<_>>(), before);
    drop((dir, committer));
}

#[test]
fn deleted_partitions_stay_deleted_and_log_starts_stay_moved() {
    let home = Home::new();
    let OpenedDir { dir, mut committer, .. } = home.open();
    let config = Arc::new(LogConfig::default());
    let open = |dir: &LogDir, partition| {
        dir.open_partition("orders", key(partition), Arc::clone(&config), NOW).unwrap().log
    };
    let (mut gone, mut kept) = (open(&dir, 0), open(&dir, 1));
    for log in [&mut gone, &mut kept] {
        for _ in 0..5 {
            log.append(batch(b"x"), &HOW).unwrap();
        }
    }
    committer.commit_round(NOW).unwrap();
    gone.mark_deleted().unwrap();
    kept.advance_log_start(Offset(3)).unwrap();
    assert_eq!(kept.view().durable_log_start, Offset(0));
    committer.commit_round(NOW).unwrap();
    assert_eq!(kept.view().durable_log_start, Offset(3));
    drop((dir, committer, gone, kept));
    let OpenedDir { dir, committer, report } = home.open();
    assert_eq!(report.removed.len(), 1);
    assert_eq!(dir.partitions().unwrap(), [PartitionFolder { topic: "orders".into(), partition: 1 }]);
    assert_eq!(open(&dir, 1).log_start(), Offset(3));
    let other = TopicIdPartition { topic: TopicId(Uuid([6; 16])), partition: 1 };
    let refused = dir.open_partition("orders", other, Arc::clone(&config), NOW);
    assert!(matches!(refused, Err(LogError::OtherTopic { .. })));
    drop(committer);
}

#[test]
fn a_directory_whose_partition_was_deleted_is_stopped_in_order() {
    let home = Home::new();
    let config = Arc::new(LogConfig::default());
    let OpenedDir { dir, mut committer, .. } = home.open();
    let mut log = dir.open_partition("orders", key(0), Arc::clone(&config), NOW).unwrap().log;
    log.append(batch(b"x"), &HOW).unwrap();
    committer.commit_round(NOW).unwrap();
    assert!(dir.delete_partition(&mut log).unwrap());
    dir.close(committer, NOW).unwrap();
    drop(log);
    let OpenedDir { dir, committer, report } = home.open();
    assert!(report.clean && report.removed.len() == 1, "{report:?}");
    drop((dir, committer));
}

#[test]
fn foreign_directories_are_refused_and_left_alone() {
    let ours =
        "cluster.id=5L6g3nShT-eMCtK--X86sw\ndirectory.id=AAAAAAAAAAAAAAAAAAAAAA\nnode.id=1\nversion=1\n";
    let with = |extra: &str, from: &str, to: &str| format!("{ours}{extra}").replace(from, to);
    for (file, text, expected) in [
        ("meta.properties", ours.to_owned(), "was written by Apache Kafka"),
        ("meta.properties", with("mekong.version=2\n", "", ""), "later Mekong"),
        ("meta.properties", with("mekong.version=1\n", "node.id=1", "node.id=2"), "belongs to node 2"),
        ("meta.properties", with("mekong.version=1\n", "5L6g3", "6L6g3"), "belongs to cluster 6L6g3"),
        ("meta.properties", with("mekong.version=1\n", "node.id=1", ""), "node.id is missing"),
        ("thesis.txt", "dear".to_owned(), "holds \"thesis.txt\""),
    ] {
        let home = Home::new();
        std::fs::create_dir_all(&home.0).unwrap();
        std::fs::write(home.0.join(file), &text).unwrap();
        let error = home.open_as(&meta()).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
        assert_eq!(std::fs::read_dir(&home.0).unwrap().count(), 1);
        assert_eq!(std::fs::read_to_string(home.0.join(file)).unwrap(), text);
    }
    let home = Home::new();
    let held = home.open();
    assert!(matches!(home.open_as(&meta()), Err(DirError::Locked { .. })));
    drop(held);
    home.open();
}

/// The simulator's seed 1257: a follower that waits for its disk waited for ever.
#[test]
fn what_a_truncation_keeps_becomes_durable_though_it_was_appended_before() {
    let home = Home::new();
    let OpenedDir { dir, mut committer, .. } = home.open();
    let mut log = dir.open_partition("t", key(0), Arc::new(LogConfig::default()), NOW).unwrap().log;
    for value in [b"one", b"two", b"six"] {
        log.append(batch(value), &HOW).unwrap();
    }
    log.truncate_to(Offset(2), NOW).unwrap();
    let round = committer.commit_round(NOW).unwrap();
    assert_eq!(
        round.committed.iter().map(|committed| committed.durable_end).collect::<Vec<_>>(),
        [Offset(2)]
    );
    assert_eq!((log.view().log_end, log.view().durable_end), (Offset(2), Offset(2)));
}

/// Trace 106 of the crash images: a deletion that the power loss undid, of a folder whose `partition.metadata` was not durable.
#[test]
fn a_folder_that_does_not_say_whose_it_is_is_taken_only_by_whom_the_directory_knows() {
    // What the directory knows of the partition that opens the folder, and whether it may have what is in it.
    for (acknowledged, opened_by, expected) in [(false, 6, 0), (true, 6, 0), (true, 5, 1)] {
        let home = Home::new();
        let OpenedDir { dir, mut committer, .. } = home.open();
        let config = Arc::new(LogConfig::default());
        let mut log = dir.open_partition("t", key(0), Arc::clone(&config), NOW).unwrap().log;
        log.append(batch(b"of the old topic"), &HOW).unwrap();
        if acknowledged {
            committer.commit_round(NOW).unwrap();
            committer.checkpoint().unwrap();
        }
        drop((dir, committer, log));
        std::fs::remove_file(home.0.join("t-0/partition.metadata")).unwrap();

        let OpenedDir { dir, committer, .. } = home.open();
        let new = TopicIdPartition { topic: TopicId(Uuid([opened_by; 16])), partition: 0 };
        let loaded = dir.open_partition("t", new, config, NOW).unwrap();
        assert_eq!(loaded.log.log_end(), Offset(expected), "{:?}", loaded.report);
        let aside = loaded.report.set_aside.as_ref();
        assert_eq!(aside.is_some(), expected == 0);
        assert!(aside.is_none_or(|aside| aside.join("00000000000000000000.log").exists()));
        drop((dir, committer));
    }
}
