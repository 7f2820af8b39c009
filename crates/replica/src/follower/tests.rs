//! A follower's answers, one table each.

use super::*;
use crate::epochs::tests::history;

const EPOCH: LeaderEpoch = LeaderEpoch(7);

fn follower() -> Follower {
    Follower::new(BrokerId(1), EPOCH, Planted::NONE)
}

fn ends(log_start: i64, durable_end: i64, log_end: i64) -> LogEnds {
    LogEnds {
        log_start: Offset(log_start),
        log_end: Offset(log_end),
        durable_end: Offset(durable_end),
        high_watermark: Offset(log_start),
    }
}

fn answer(next_offset: i64) -> FetchAnswer {
    FetchAnswer {
        error: ErrorCode::NONE,
        high_watermark: Offset(12),
        log_start: Offset(2),
        log_end: Offset(-1),
        diverging: None,
        next_offset: Offset(next_offset),
    }
}

#[test]
fn records_are_appended_and_the_high_watermark_stays_within_the_log() {
    let log = history(&[(3, 0)], 10);
    for (next, high_watermark) in [(10, 10), (11, 11), (20, 12)] {
        let mut follower = follower();
        let asked = follower.fetch(&log, ends(0, 10, 10));
        assert_eq!(asked.last_fetched_epoch, LeaderEpoch(3));
        let step = follower.on_fetch_response(&asked, &answer(next), &log, ends(0, 10, 10));
        let expected = Step::Append { high_watermark: Offset(high_watermark), log_start: Offset(2) };
        assert_eq!(step, expected, "{next}");
    }
}

#[test]
fn an_answer_to_the_past_does_nothing() {
    let log = history(&[(3, 0)], 10);
    let mut follower = follower();
    let asked = follower.fetch(&log, ends(0, 10, 10));
    assert_eq!(follower.on_fetch_response(&asked, &answer(20), &log, ends(0, 8, 8)), Step::Drop);
    let earlier = FetchPosition { leader_epoch: LeaderEpoch(6), ..asked };
    assert_eq!(follower.on_fetch_response(&earlier, &answer(20), &log, ends(0, 10, 10)), Step::Drop);
}

#[test]
fn truncation_comes_before_the_high_watermark() {
    let log = history(&[(3, 4), (5, 8)], 10);
    for (epoch, end, expected) in [
        (3, 6, Step::Truncate { end: Offset(6) }),
        (4, 9, Step::Truncate { end: Offset(8) }),
        (2, 3, Step::Restart { start: Offset(3) }),
        // A leader that contradicts itself does not make the follower spin.
        (5, 11, Step::Pause),
    ] {
        let mut follower = follower();
        let asked = follower.fetch(&log, ends(4, 10, 10));
        let parted = EpochEnd { epoch: LeaderEpoch(epoch), end: Offset(end) };
        let answer = FetchAnswer { diverging: Some(parted), ..answer(10) };
        assert_eq!(
            follower.on_fetch_response(&asked, &answer, &log, ends(4, 10, 10)),
            expected,
            "{epoch} {end}"
        );
    }
}

#[test]
fn errors_lead_to_their_steps() {
    let log = history(&[(3, 0)], 10);
    for (error, leaders, expected) in [
        (ErrorCode::OFFSET_OUT_OF_RANGE, (20, -1), Step::Restart { start: Offset(20) }),
        (ErrorCode::OFFSET_OUT_OF_RANGE, (0, -1), Step::AskLeadersEnd),
        (ErrorCode::OFFSET_OUT_OF_RANGE, (0, 7), Step::Truncate { end: Offset(7) }),
        (ErrorCode::OFFSET_OUT_OF_RANGE, (0, 30), Step::Pause),
        (ErrorCode::FENCED_LEADER_EPOCH, (-1, -1), Step::AwaitMetadata),
        (ErrorCode::NOT_LEADER_OR_FOLLOWER, (-1, -1), Step::AwaitMetadata),
        (ErrorCode::UNKNOWN_LEADER_EPOCH, (-1, -1), Step::Pause),
        (ErrorCode::KAFKA_STORAGE_ERROR, (-1, -1), Step::Pause),
    ] {
        let mut follower = follower();
        let asked = follower.fetch(&log, ends(0, 10, 10));
        let (log_start, log_end) = (Offset(leaders.0), Offset(leaders.1));
        let answer = FetchAnswer { error, log_start, log_end, ..answer(10) };
        assert_eq!(follower.on_fetch_response(&asked, &answer, &log, ends(0, 10, 10)), expected, "{error:?}");
    }
}

#[test]
fn it_waits_for_the_disk_when_nothing_more_comes() {
    let log = history(&[(3, 0)], 10);
    let mut follower = follower();
    for (came, durable_end, expected) in
        [(2, 5, Poll::Now), (2, 10, Poll::Wait), (0, 5, Poll::AfterSync), (0, 10, Poll::Wait)]
    {
        let asked = follower.fetch(&log, ends(0, 10, 10));
        let _ = follower.on_fetch_response(&asked, &answer(10 + came), &log, ends(0, 10, 10));
        assert_eq!(follower.poll(ends(0, durable_end, 10)), expected, "{came} {durable_end}");
    }
}
