//! Each rule on the smallest histories that keep and that break it, after Jepsen's own tests of its checker.

use checker::{Call, History, Mop, Observation, Op, Outcome, Report, Rule, Settings, check};
use checker::{Fact, Mark};

use Outcome::{Fail, Info, Ok as Done};

/// Operations that follow one another, one unit of time each.
#[derive(Default)]
struct Script {
    history: History,
    settings: Settings,
    now: u64,
}

impl Script {
    fn new() -> Self {
        let settings =
            Settings { final_reads: false, recency_max: 5, recovery_max: 30, ..Settings::default() };
        Self { settings, ..Self::default() }
    }

    fn atomic() -> Self {
        let mut script = Self::new();
        script.settings.atomic = true;
        script
    }

    fn op(mut self, process: u32, outcome: Outcome, call: Call) -> Self {
        self.now += 10;
        self.history.ops.push(Op::new(process, self.now - 8, self.now, outcome, call));
        self
    }

    fn send(self, process: u32, outcome: Outcome, sends: &[(u32, u64, Option<i64>)]) -> Self {
        self.op(process, outcome, Call::Records(sends.iter().map(send).collect()))
    }

    fn poll(self, process: u32, outcome: Outcome, records: &[(u32, i64, u64)]) -> Self {
        self.op(process, outcome, Call::Records(vec![Mop::Poll { records: records.into() }]))
    }

    fn txn(
        self,
        process: u32,
        outcome: Outcome,
        sends: &[(u32, u64, Option<i64>)],
        records: &[(u32, i64, u64)],
    ) -> Self {
        let mut mops: Vec<Mop> = sends.iter().map(send).collect();
        mops.push(Mop::Poll { records: records.into() });
        self.op(process, outcome, Call::Records(mops))
    }

    fn full(self, key: u32, records: &[(i64, u64)]) -> Self {
        self.op(99, Done, Call::FullRead { key, log_start: 0, records: records.into() })
    }

    fn saw(mut self, observation: Observation) -> Self {
        self.history.observations.push(observation);
        self
    }

    fn report(&self) -> Report {
        check(&self.history, &self.settings)
    }

    /// Exactly these rules are broken, this often.
    fn breaks(self, expected: &[(Rule, usize)]) {
        let report = self.report();
        let found: Vec<(Rule, usize)> = Rule::ALL
            .iter()
            .map(|rule| (*rule, report.count(*rule)))
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(found, expected, "{:#?}", report.all());
    }

    fn breaks_nothing(self) {
        self.breaks(&[]);
    }
}

fn send(send: &(u32, u64, Option<i64>)) -> Mop {
    Mop::Send { key: send.0, value: send.1, offset: send.2 }
}

#[test]
fn an_empty_history_is_clean() {
    let script = Script::new();
    assert!(check(&History::default(), &Settings::default()).is_clean());
    script.breaks_nothing();
}

#[test]
fn inconsistent_offsets() {
    Script::new()
        .send(0, Done, &[(0, 1, Some(0))])
        .send(1, Done, &[(0, 2, Some(0))])
        .breaks(&[(Rule::InconsistentOffsets, 1)]);
    // Info counts once one of its writes was read.
    let info = |read| {
        let script = Script::new().send(0, Info, &[(0, 1, Some(0)), (0, 3, Some(1))]).send(
            1,
            Done,
            &[(0, 2, Some(0))],
        );
        if read { script.poll(2, Done, &[(0, 1, 3)]) } else { script }
    };
    assert_eq!(info(false).report().count(Rule::InconsistentOffsets), 0);
    assert_eq!(info(true).report().count(Rule::InconsistentOffsets), 1);
}

#[test]
fn duplicates_even_of_failed_writes() {
    Script::new()
        .send(0, Done, &[(0, 1, Some(0))])
        .poll(1, Done, &[(0, 0, 1)])
        .poll(2, Done, &[(0, 3, 1)])
        .breaks(&[(Rule::Duplicate, 1), (Rule::AckOffset, 1)]);
    let report = Script::new()
        .send(0, Fail, &[(0, 1, None)])
        .poll(1, Done, &[(0, 0, 1)])
        .poll(2, Done, &[(0, 3, 1)])
        .report();
    assert_eq!((report.count(Rule::Duplicate), report.count(Rule::AbortedRead)), (1, 2));
}

#[test]
fn aborted_reads_count_in_ok_reads_only() {
    let script = |outcome| Script::new().send(0, Fail, &[(0, 1, None)]).poll(1, outcome, &[(0, 0, 1)]);
    script(Done).breaks(&[(Rule::AbortedRead, 1), (Rule::FailedWriteVisible, 1)]);
    script(Info).breaks(&[(Rule::FailedWriteVisible, 1)]);
}

#[test]
fn lost_writes() {
    let base = || Script::new().send(0, Done, &[(0, 1, Some(0))]).send(0, Done, &[(0, 2, Some(1))]);
    // Nobody read behind the missing one.
    base().poll(1, Done, &[(0, 0, 1)]).breaks_nothing();
    // Somebody did.
    base().poll(1, Done, &[(0, 1, 2)]).breaks(&[(Rule::LostWrite, 1)]);
    // Whether an unknown write was lost nobody can say …
    let unknown = |also| {
        Script::new().send(0, Info, also).send(1, Done, &[(0, 2, Some(1))]).poll(2, Done, &[(0, 1, 2)])
    };
    unknown(&[(0, 1, Some(0))]).breaks_nothing();
    // … unless another part of it was seen.
    unknown(&[(0, 1, Some(0)), (1, 7, Some(0))]).poll(3, Done, &[(1, 0, 7)]).breaks(&[(Rule::LostWrite, 1)]);
    // A value at two offsets counts at its last: what lies before that is not known to be lost.
    let script = Script::new()
        .send(0, Done, &[(0, 1, Some(0))])
        .send(0, Done, &[(0, 2, Some(1))])
        .poll(1, Info, &[(0, 5, 1)])
        .poll(1, Done, &[(0, 1, 2)]);
    assert_eq!(script.report().count(Rule::LostWrite), 0);
}

#[test]
fn unseen_values() {
    let mut script = Script::new().send(0, Done, &[(0, 1, Some(0))]).send(0, Done, &[(0, 2, Some(1))]);
    script.settings.final_reads = true;
    script.poll(1, Done, &[(0, 0, 1)]).breaks(&[(Rule::Unseen, 1)]);
}

#[test]
fn polls_within_an_operation() {
    let log = || Script::new().full(0, &[(0, 1), (2, 2), (3, 3), (9, 4)]).send(0, Done, &[]);
    let writes = |script: Script| {
        script.send(0, Done, &[(0, 1, Some(0)), (0, 2, Some(2)), (0, 3, Some(3)), (0, 4, Some(9))])
    };
    for (records, expected) in [
        (&[(0, 0, 1), (0, 2, 2), (0, 3, 3)][..], None),
        (&[(0, 0, 1), (0, 3, 3)][..], Some(Rule::IntPollSkip)),
        (&[(0, 2, 2), (0, 0, 1)][..], Some(Rule::IntNonmonotonicPoll)),
        (&[(0, 2, 2), (0, 2, 2)][..], Some(Rule::IntNonmonotonicPoll)),
    ] {
        let expected: Vec<(Rule, usize)> = expected.map(|rule| (rule, 1)).into_iter().collect();
        writes(log()).poll(1, Done, records).breaks(&expected);
    }
    let mut rebalanced = writes(log()).poll(1, Done, &[(0, 0, 1), (0, 3, 3)]);
    if let Some(op) = rebalanced.history.ops.last_mut() {
        op.rebalanced.push(0);
    }
    rebalanced.breaks_nothing();
}

#[test]
fn polls_between_operations() {
    let script = || {
        Script::new()
            .send(9, Done, &[(0, 1, Some(0)), (0, 2, Some(1)), (0, 3, Some(2))])
            .full(0, &[(0, 1), (1, 2), (2, 3)])
            .op(1, Done, Call::Assign(vec![0]))
            .poll(1, Done, &[(0, 0, 1)])
    };
    script().poll(1, Done, &[(0, 2, 3)]).breaks(&[(Rule::PollSkip, 1)]);
    script().poll(1, Done, &[(0, 0, 1)]).breaks(&[(Rule::NonmonotonicPoll, 1)]);
    // A poll that was not ok is judged, and does not move the place.
    script().poll(1, Info, &[(0, 2, 3)]).poll(1, Done, &[(0, 1, 2)]).breaks(&[(Rule::PollSkip, 1)]);
    // An assignment that names the key keeps the place, another one forgets it.
    script().op(1, Done, Call::Assign(vec![0])).poll(1, Done, &[(0, 2, 3)]).breaks(&[(Rule::PollSkip, 1)]);
    script().op(1, Done, Call::Assign(vec![1])).poll(1, Done, &[(0, 2, 3)]).breaks_nothing();
    script().op(1, Fail, Call::Assign(vec![1])).poll(1, Done, &[(0, 2, 3)]).breaks(&[(Rule::PollSkip, 1)]);
    // With subscriptions a rebalance may lie between.
    let mut subscribed = script().poll(1, Done, &[(0, 2, 3)]);
    subscribed.settings.subscribes = true;
    subscribed.breaks_nothing();
}

#[test]
fn sends() {
    let read = |script: Script| script.full(0, &[(0, 1), (1, 2), (2, 3)]);
    read(Script::new().send(0, Done, &[(0, 2, Some(1)), (0, 1, Some(0)), (0, 3, Some(2))]))
        .breaks(&[(Rule::IntNonmonotonicSend, 1), (Rule::IntSendSkip, 1)]);
    let script = Script::new().send(0, Done, &[(0, 2, Some(1))]).send(0, Info, &[(0, 1, None)]);
    read(script.send(1, Done, &[(0, 3, Some(2))])).breaks(&[(Rule::NonmonotonicSend, 1)]);
}

#[test]
fn cycles() {
    // ww alone: legal.
    let report = Script::atomic()
        .send(0, Done, &[(0, 1, Some(0)), (1, 2, Some(1))])
        .send(1, Done, &[(0, 2, Some(1)), (1, 1, Some(0))])
        .report();
    assert_eq!(report.count(Rule::WriteCycle), 1);
    assert!(report.is_clean());
    // wr alone: illegal.
    let report = Script::atomic()
        .txn(0, Done, &[(0, 1, Some(0))], &[(1, 0, 2)])
        .txn(1, Done, &[(1, 2, Some(0))], &[(0, 0, 1)])
        .report();
    assert_eq!((report.count(Rule::ReadCycle), report.count(Rule::EarlyRead)), (1, 1));
    // ww and wr: legal, since ww is inferred.
    let report = Script::atomic()
        .send(0, Done, &[(0, 1, Some(0)), (1, 5, Some(0))])
        .txn(1, Done, &[(0, 0, Some(-1))], &[(1, 0, 5)])
        .report();
    assert_eq!(report.count(Rule::InferredCycle), 1);
    assert!(report.is_clean());
    // Read from the future.
    let report = Script::atomic().poll(0, Done, &[(0, 0, 1)]).send(1, Done, &[(0, 1, Some(0))]).report();
    assert_eq!(report.count(Rule::RealtimeReadCycle), 1);
}

#[test]
fn own_and_unwritten_values() {
    Script::atomic().txn(0, Done, &[(0, 1, Some(0))], &[(0, 0, 1)]).breaks(&[(Rule::PrecommittedRead, 1)]);
    Script::new().txn(0, Done, &[(0, 1, Some(0))], &[(0, 0, 1)]).breaks_nothing();
    Script::new().poll(0, Done, &[(0, 0, 1)]).breaks(&[(Rule::PhantomRead, 1)]);
}

#[test]
fn aborted_polls_rewind() {
    let script = |outcome, next: &[(u32, i64, u64)]| {
        let mut script = Script::new()
            .send(9, Done, &[(0, 1, Some(0)), (0, 2, Some(1)), (0, 3, Some(2))])
            .full(0, &[(0, 1), (1, 2), (2, 3)])
            .poll(1, Done, &[(0, 0, 1)])
            .poll(1, outcome, &[(0, 1, 2)])
            .poll(1, Done, next);
        script.settings.rewinds = true;
        script
    };
    script(Fail, &[(0, 1, 2)]).breaks_nothing();
    script(Fail, &[(0, 2, 3)]).breaks(&[(Rule::PollSkip, 1), (Rule::AbortRewind, 1)]);
    script(Fail, &[(0, 0, 1)]).breaks(&[(Rule::NonmonotonicPoll, 1), (Rule::AbortRewind, 1)]);
    script(Info, &[(0, 1, 2)]).breaks_nothing();
}

#[test]
fn commits_stay_behind_the_poll_in_progress() {
    let script = |offset| {
        let mops =
            vec![Mop::Poll { records: vec![(0, 4, 1), (0, 5, 2)] }, Mop::SeenCommitted { key: 0, offset }];
        Script::new().send(0, Done, &[(0, 1, Some(4)), (0, 2, Some(5))]).op(1, Done, Call::Records(mops))
    };
    script(5).breaks_nothing();
    script(6).breaks(&[(Rule::CommittedTooFar, 1)]);
}

#[test]
fn torn_and_flipped_transactions() {
    let script = || Script::atomic().send(0, Info, &[(0, 1, None), (1, 2, None)]);
    script().full(0, &[(0, 1)]).full(1, &[(0, 2)]).breaks_nothing();
    script().full(0, &[(0, 1)]).full(1, &[]).breaks(&[(Rule::TornTransaction, 1)]);
    // The transaction may have been committed between the two reads.
    script().full(1, &[]).full(0, &[(0, 1)]).breaks_nothing();
    let decided = |committed| Observation::Decided { key: 0, value: 1, committed };
    script().full(0, &[(0, 1)]).saw(decided(false)).breaks(&[(Rule::DecidedThenFlipped, 1)]);
    script().full(0, &[]).saw(decided(true)).breaks(&[(Rule::DecidedThenFlipped, 1)]);
    script().saw(decided(true)).saw(decided(false)).breaks(&[(Rule::DecidedThenFlipped, 1)]);
    script().full(0, &[(0, 1)]).full(1, &[(0, 2)]).saw(decided(true)).breaks_nothing();
}

#[test]
fn marks_only_grow_per_client() {
    let mark = |process, value| Observation::Mark { process, key: 0, mark: Mark::HighWatermark, value };
    Script::new().saw(mark(0, 5)).saw(mark(1, 3)).saw(mark(0, 5)).breaks_nothing();
    Script::new().saw(mark(0, 5)).saw(mark(0, 4)).breaks(&[(Rule::MarkRegressed, 1)]);
}

#[test]
fn registers_keep_what_was_set() {
    let set = |value| Call::Set { register: 1, value };
    let get = |value| Call::Get { register: 1, value };
    let script = || Script::new().op(0, Done, set(5)).op(0, Done, set(9));
    script().op(1, Done, get(9)).breaks_nothing();
    script().op(1, Done, get(5)).breaks(&[(Rule::RegisterRegressed, 1)]);
    script().op(1, Done, get(-1)).breaks(&[(Rule::RegisterRegressed, 1)]);
    script().op(1, Fail, get(5)).breaks_nothing();
    script().op(0, Info, set(12)).op(1, Done, get(9)).op(1, Done, get(12)).breaks_nothing();
    script().op(0, Fail, set(12)).op(1, Done, get(12)).breaks(&[(Rule::RegisterRegressed, 1)]);
}

#[test]
fn groups_have_one_owner_and_rising_generations() {
    let given = |generation, member, keys: &[u32]| Observation::Assignment {
        group: 0,
        generation,
        member,
        keys: keys.into(),
    };
    Script::new().saw(given(1, 7, &[0, 1])).saw(given(2, 8, &[0])).saw(given(2, 7, &[1])).breaks_nothing();
    Script::new().saw(given(1, 7, &[0, 1])).saw(given(1, 8, &[1])).breaks(&[(Rule::DoubleAssignment, 1)]);
    Script::new().saw(given(2, 7, &[0])).saw(given(1, 7, &[])).breaks(&[(Rule::GenerationRegressed, 1)]);
}

#[test]
fn sources_are_transformed_once_and_in_order() {
    let made = |from, value| Observation::Transformed { source: (0, from), sink: (1, value) };
    let script =
        || Script::new().send(0, Done, &[(1, 1, Some(0)), (1, 2, Some(1))]).full(1, &[(0, 1), (1, 2)]);
    script().saw(made(0, 1)).saw(made(1, 2)).breaks_nothing();
    script().saw(made(0, 1)).saw(made(0, 2)).breaks(&[(Rule::TransformedTwice, 1)]);
    script().saw(made(1, 1)).saw(made(0, 2)).breaks(&[(Rule::TransformedTwice, 1)]);
    // What was aborted is not visible and does not count.
    script().saw(made(0, 1)).saw(made(0, 9)).saw(made(1, 2)).breaks_nothing();
    Script::new().saw(Observation::BankTotal { total: 0, expected: 0 }).breaks_nothing();
    Script::new().saw(Observation::BankTotal { total: 3, expected: 0 }).breaks(&[(Rule::BankTotal, 1)]);
}

#[test]
fn compaction_keeps_each_last_value() {
    let script = |left: &[(i64, u64, u64)]| {
        let mut script = Script::new()
            .send(0, Done, &[(0, 1, Some(0)), (0, 2, Some(1)), (0, 3, Some(2))])
            .full(0, &[(0, 1), (1, 2), (2, 3)])
            .saw(Observation::Compacted { key: 0, records: left.into() });
        script.history.facts = [(1, 7), (2, 8), (3, 7)]
            .map(|(value, key)| Fact { key: 0, value, timestamp: None, record_key: Some(key) })
            .into();
        script
    };
    script(&[(1, 8, 2), (2, 7, 3)]).breaks_nothing();
    script(&[(2, 7, 3)]).breaks(&[(Rule::Compaction, 1)]);
    script(&[(0, 7, 1), (1, 8, 2)]).breaks(&[(Rule::Compaction, 1)]);
    script(&[(0, 7, 1), (1, 8, 2), (2, 7, 3)]).breaks(&[(Rule::Compaction, 1)]);
    script(&[(2, 7, 3), (1, 8, 2)]).breaks(&[(Rule::Compaction, 1)]);
}

#[test]
fn timestamps_find_the_first_record_not_older() {
    let script = |timestamp, found| {
        let mut script = Script::new()
            .send(0, Done, &[(0, 1, Some(0)), (0, 2, Some(1)), (0, 3, Some(2))])
            .op(1, Done, Call::OffsetForTimestamp { key: 0, timestamp, found });
        script.history.facts = [(1, 100), (2, 300), (3, 200)]
            .map(|(value, stamp)| Fact { key: 0, value, timestamp: Some(stamp), record_key: None })
            .into();
        script
    };
    for (timestamp, found, is_right) in [
        (50, Some((0, 100)), true),
        (150, Some((1, 300)), true),
        (150, Some((2, 200)), false),
        (150, None, false),
        (400, None, true),
        (400, Some((1, 300)), false),
    ] {
        let broken = script(timestamp, found).report().count(Rule::TimestampOffset);
        assert_eq!(broken == 0, is_right, "{timestamp} {found:?}");
    }
}

#[test]
fn replicas_and_log_lines() {
    let hash = |replica, end, hash| Observation::ReplicaHash { key: 0, replica, end, hash };
    Script::new().saw(hash(1, 10, 5)).saw(hash(2, 10, 5)).saw(hash(2, 11, 6)).breaks_nothing();
    Script::new().saw(hash(1, 10, 5)).saw(hash(2, 10, 6)).breaks(&[(Rule::ReplicasDiffer, 1)]);
    let line = |line: &str| Observation::LogLine { broker: 1, line: line.into() };
    Script::new().saw(line("ERROR disk full")).breaks_nothing();
    Script::new().saw(line("ERROR thread panicked at")).breaks(&[(Rule::BrokerPanicked, 1)]);
}

#[test]
fn fresh_consumers_see_what_is_old() {
    let script = || Script::new().send(0, Done, &[(0, 1, Some(0))]).send(0, Done, &[(0, 2, Some(1))]);
    let report = script().send(0, Done, &[]).full(0, &[(0, 1)]).report();
    assert_eq!(report.count(Rule::StaleRead), 1);
    let mut healing = script().send(0, Done, &[]).full(0, &[(0, 1)]);
    healing.history.faults = vec![(0, 32)];
    healing.history.healed = Some(32);
    assert_eq!(healing.report().count(Rule::StaleRead), 0, "so soon after the last fault it may lag");
}

#[test]
fn work_goes_on() {
    let script = |outcome| {
        let mut script = Script::new().send(0, Done, &[(0, 1, Some(0))]).send(0, outcome, &[(0, 2, None)]);
        script.history.faults = vec![(5, 11)];
        script.history.healed = Some(11);
        script
    };
    assert_eq!(script(Done).report().count(Rule::Stalled), 0);
    assert_eq!(script(Info).report().count(Rule::Stalled), 1);
    let mut slow = script(Done);
    (slow.settings.recoverable, slow.settings.progress_min) = (true, 2);
    assert_eq!(slow.report().count(Rule::Stalled), 1);
}

#[test]
fn reads_may_lag_and_that_is_told() {
    let report = Script::new()
        .send(0, Done, &[(0, 1, Some(0)), (0, 2, Some(1))])
        .full(0, &[(0, 1), (1, 2)])
        .poll(1, Done, &[(0, 0, 1)])
        .poll(2, Done, &[(0, 0, 1)])
        .report();
    assert!(report.is_clean());
    assert_eq!((report.realtime_lag_max, report.polled_again), (22, 1));
}
