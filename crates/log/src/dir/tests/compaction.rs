//! Compaction beside the commit log: what it may still speak of is not replaced, and it lets go when it is asked.

use super::*;
use crate::cleaner::{CleanError, Cleaner, CompactionPolicy, Replacement};

fn config() -> Arc<LogConfig> {
    Arc::new(LogConfig { segment_bytes: 4_000, compact: true, delete: false, ..LogConfig::default() })
}

fn open(dir: &LogDir) -> PartitionLog {
    let loaded = dir.open_partition("t", key(0), config(), NOW).unwrap();
    assert!(loaded.report.is_quiet(), "{:?}", loaded.report);
    loaded.log.advance_high_watermark(loaded.log.log_end());
    loaded.log
}

fn append(log: &mut PartitionLog, key: &str) {
    let mut builder = BatchBuilder::new(BatchOptions::default());
    let record =
        NewRecord { timestamp: NOW, key: Some(key.as_bytes()), value: Some(&[7; 900]), headers: &[] };
    builder.append(record).unwrap();
    log.append(builder.build().into(), &HOW).unwrap();
}

/// Each segment ends with a record that is superseded: cleaned, there are gaps between them.
fn fill(log: &mut PartitionLog) {
    for index in 0..40 {
        append(log, &if index % 2 == 0 { format!("once-{index}") } else { "often".into() });
    }
    log.advance_high_watermark(log.log_end());
}

/// Cleans what may be cleaned now; bytes that went.
fn clean(log: &mut PartitionLog) -> u64 {
    let policy = CompactionPolicy::default();
    let cleanable = log.cleanable(&policy, None, NOW).unwrap();
    let task = log.cleaning_task(&cleanable, &policy, NOW).unwrap();
    let mut swap = |replacement: Replacement| match log.replace_segments(replacement, NOW)? {
        true => Ok(()),
        false => Err(CleanError::Stopped),
    };
    let cleaner = &mut Cleaner::new(1 << 20, 0.9, &SeededRandom::new(5));
    let stats = cleaner.clean(&task, &mut |_| true, &mut swap).unwrap().stats;
    stats.bytes_read - stats.bytes_kept
}

fn keys(log: &PartitionLog) -> Vec<i64> {
    let limit = |next| (next, ReadLimit { bound: log.log_end(), max_bytes: 1, whole_first_batch: true });
    let mut found = Vec::new();
    let (mut next, mut limits) = limit(log.log_start());
    while next < log.log_end() {
        let result = log.reader().read(next, limits).unwrap();
        (next, limits) = limit(result.next_offset);
        found.push(next.0);
    }
    found
}

/// What a restart after `kill -9` amid compaction once took for rot: the log had been opened after a crash, and was cleaned before
/// the directory's bounds said how far it had been recovered.
#[test]
fn a_kill_after_a_compaction_that_follows_a_recovery_loses_and_reports_nothing() {
    for (handed_over, append_more) in [(false, false), (false, true), (true, false), (true, true)] {
        let home = Home::new();
        let OpenedDir { dir, mut committer, .. } = home.open();
        let mut log = open(&dir);
        fill(&mut log);
        committer.commit_round(NOW).unwrap();
        drop((dir, committer, log));

        let OpenedDir { dir, mut committer, .. } = home.open();
        let mut log = open(&dir);
        if handed_over {
            committer.commit_round(NOW).unwrap();
            committer.checkpoint().unwrap();
        }
        assert_eq!(clean(&mut log) > 0, handed_over, "nothing is cleaned that a restart would read again");
        if append_more {
            append(&mut log, "more");
            committer.commit_round(NOW).unwrap();
        }
        let (before, end) = (keys(&log), log.log_end());
        drop((dir, committer, log));
        // Twice: what the first restart does must hold for the second.
        for _ in 0..2 {
            let OpenedDir { dir, committer, .. } = home.open();
            let log = open(&dir);
            assert_eq!((keys(&log), log.log_end()), (before.clone(), end));
            drop((dir, committer, log));
        }
    }
}

#[test]
fn a_partition_that_was_closed_and_opened_again_is_not_cleaned_while_there_are_frames_of_it() {
    let home = Home::new();
    let OpenedDir { dir, mut committer, .. } = home.open();
    let mut log = open(&dir);
    fill(&mut log);
    committer.commit_round(NOW).unwrap();
    dir.close_partition(&mut log).unwrap();
    drop(log);
    let mut log = open(&dir);
    assert_eq!(clean(&mut log), 0, "a replay would write the frames over the cleaned segment");
    committer.commit_round(NOW).unwrap();
    committer.checkpoint().unwrap();
    assert!(clean(&mut log) > 0);
    let before = keys(&log);
    drop((dir, committer, log));
    let OpenedDir { dir, committer, .. } = home.open();
    assert_eq!(keys(&open(&dir)), before);
    drop((dir, committer));
}

#[test]
fn closed_segments_are_handed_over_soon_to_a_cleaner_that_wants_them_and_only_then() {
    let home = Home::new();
    let OpenedDir { dir, mut committer, .. } = home.open();
    let mut log = open(&dir);
    fill(&mut log);
    committer.commit_round(NOW).unwrap();
    for second in 1..20 {
        committer.commit_round(NOW + second * 1000).unwrap();
    }
    let first_uncleanable = |log: &PartitionLog| {
        log.advance_high_watermark(log.log_end());
        log.cleanable(&CompactionPolicy::default(), None, NOW).unwrap().first_uncleanable
    };
    assert_eq!(first_uncleanable(&log), Offset(0), "nobody had asked");
    // This look has asked.
    (20..24).for_each(|second| drop(committer.commit_round(NOW + second * 1000).unwrap()));
    let active = log.view().segments.last().map(|segment| segment.base_offset());
    assert_eq!(Some(first_uncleanable(&log)), active);
    drop((dir, committer));
}
