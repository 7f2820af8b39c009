//! What retention takes, for which reason, and when its files go.

use super::*;

#[test]
fn retention_takes_old_segments_and_their_files_follow() {
    let config = LogConfig { retention_bytes: 5_000, retention_ms: -1, ..small() };
    let home = Home::new(0, config.clone());
    let mut log = home.open(&Load::clean(NOW)).log;
    let all = fill(&mut log);
    assert!(log.delete_old_segments(NOW).unwrap().is_empty(), "nothing is committed yet");
    log.advance_high_watermark(log.log_end());
    let held = log.view();
    let deleted = log.delete_old_segments(NOW).unwrap();
    assert!(deleted.iter().all(|gone| gone.because == DeletedBecause::Size) && !deleted.is_empty());
    assert!(log.size() >= 5_000 && log.size() < 7_100, "{}", log.size());
    let start = log.log_start().0;
    assert_eq!(read_all(&log, start, 500), behind(&all, start));
    let on_disk = || std::fs::read_dir(home.dir.join("orders-0")).unwrap().count();
    let before = on_disk();
    log.on_tick(NOW + 59_999).unwrap();
    log.on_tick(NOW + 60_000).unwrap();
    assert_eq!(on_disk(), before, "a reader still holds them");
    drop(held);
    log.on_tick(NOW + 60_000).unwrap();
    assert!(on_disk() < before);

    log.set_config(Arc::new(LogConfig { retention_bytes: -1, retention_ms: 1000, ..config })).unwrap();
    assert!(log.delete_old_segments(NOW).unwrap().is_empty());
    let deleted = log.delete_old_segments(NOW + 100_000).unwrap();
    assert!(deleted.iter().all(|gone| gone.because == DeletedBecause::Age));
    assert_eq!((log.log_start(), log.size()), (log.log_end(), 0));
    let end = log.log_end();
    log.append(batch(&[NOW], None), &how(9)).unwrap();
    assert_eq!(read_all(&log, end.0, 5000), [(end.0, NOW)]);
}

/// What goes by age or lies before the start counts for `retention.bytes` too.
#[test]
fn retention_by_size_counts_what_goes_for_other_reasons() {
    for by_age in [true, false] {
        let config = LogConfig { retention_bytes: -1, retention_ms: -1, ..small() };
        let home = Home::new(0, config.clone());
        let mut log = home.open(&Load::clean(NOW)).log;
        for at in 0..200 {
            log.append(batch(&[NOW + at], None), &how(0)).unwrap();
        }
        log.advance_high_watermark(log.log_end());
        let segments = log.segments();
        assert!(segments.len() > 6, "{}", segments.len());
        let kept: u64 = segments.iter().skip(2).map(|segment| segment.size()).sum();
        let third = segments.get(2).unwrap().base_offset().0;
        let (retention_ms, now_ms) = match by_age {
            // The newest of the second segment is just too old.
            true => (1_000, NOW + third + 1_000),
            false => {
                log.advance_log_start(Offset(third)).unwrap();
                (-1, NOW)
            }
        };
        let limits = LogConfig { retention_bytes: i64::try_from(kept).unwrap(), retention_ms, ..config };
        log.set_config(Arc::new(limits)).unwrap();
        let because = if by_age { DeletedBecause::Age } else { DeletedBecause::BeforeLogStart };
        let deleted = log.delete_old_segments(now_ms).unwrap();
        assert_eq!(deleted.iter().map(|gone| gone.because).collect::<Vec<_>>(), [because, because]);
        assert_eq!((log.log_start(), log.size()), (Offset(third), kept));
    }
}

/// Trap of clients without timestamps: such segments once stayed for ever.
#[test]
fn records_without_a_timestamp_age_from_when_they_were_written() {
    let home = Home::new(0, LogConfig { retention_ms: 60_000, ..small() });
    let mut log = home.open(&Load::clean(NOW)).log;
    for _ in 0..60 {
        log.append(batch(&[-1, -1], None), &how(0)).unwrap();
    }
    assert!(log.view().segments.len() > 2);
    log.advance_high_watermark(log.log_end());
    let now_ms = env::Clock::wall_ms(&env::SystemClock::new());
    assert!(log.delete_old_segments(now_ms).unwrap().is_empty());
    let deleted = log.delete_old_segments(now_ms + 120_000).unwrap();
    assert!(deleted.len() > 2 && deleted.iter().all(|gone| gone.because == DeletedBecause::Age));
    assert_eq!(log.log_start(), log.log_end());
}

/// Its first batch has no timestamp to count from: what counts is when the segment was begun.
#[test]
fn a_segment_that_begins_without_a_timestamp_is_not_closed_by_the_next() {
    let home = Home::new(0, LogConfig { segment_ms: 60_000, segment_jitter_ms: 0, ..small() });
    let mut log = home.open(&Load::clean(NOW)).log;
    for timestamp in [-1, NOW, NOW + 1] {
        log.append(batch(&[timestamp], None), &how(0)).unwrap();
    }
    assert_eq!(log.view().segments.len(), 1);
    let late = Append { now_ms: NOW + 60_001, ..how(0) };
    log.append(batch(&[-1], None), &late).unwrap();
    assert_eq!(log.view().segments.len(), 2);
}
