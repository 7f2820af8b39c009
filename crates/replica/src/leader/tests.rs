//! A leader of three: scripts of what happens and what must follow.

use alloc::vec;
use alloc::vec::Vec;

use wire::ErrorCode;

use super::*;
use crate::epochs::tests::{History, history};
use crate::lease::Lease;

/// Every broker is registered under its id times ten.
struct Registered;

impl Brokers for Registered {
    fn eligible_epoch(&self, broker: BrokerId) -> Option<i64> {
        Some(i64::from(broker.0) * 10)
    }
}

/// Broker 3 is fenced.
struct ThreeFenced;

impl Brokers for ThreeFenced {
    fn eligible_epoch(&self, broker: BrokerId) -> Option<i64> {
        Registered.eligible_epoch(broker).filter(|_| broker.0 != 3)
    }
}

fn ids(ids: &[i32]) -> Vec<BrokerId> {
    ids.iter().copied().map(BrokerId).collect()
}

fn state(isr: &[i32], partition_epoch: i32) -> PartitionState {
    PartitionState {
        replicas: ids(&[1, 2, 3]),
        isr: ids(isr),
        leader: BrokerId(1),
        leader_epoch: LeaderEpoch(5),
        partition_epoch,
        ..PartitionState::default()
    }
}

/// A leader at offset 10 whose log is of epoch 4, high watermark 6.
fn leader(isr: &[i32], min_isr: usize) -> Leader {
    let settings = Settings { min_isr, lag_time_max_ms: 1000, ..Settings::default() };
    let log = LogEnds {
        log_end: Offset(10),
        durable_end: Offset(10),
        high_watermark: Offset(6),
        log_start: Offset(0),
    };
    Leader::new(BrokerId(1), &state(isr, 3), settings, log, 0)
}

fn log(end: i64) -> History {
    let starts: &[(i32, i64)] = if end > 10 { &[(2, 0), (4, 5), (5, 10)] } else { &[(2, 0), (4, 5)] };
    history(starts, end)
}

fn fetch(replica: i32, log_end: i64, durable_end: i64) -> FollowerFetch {
    FollowerFetch {
        replica: BrokerId(replica),
        broker_epoch: i64::from(replica) * 10,
        leader_epoch: LeaderEpoch(5),
        last_fetched_epoch: LeaderEpoch(if log_end > 10 { 5 } else { 4 }),
        log_start: Offset(0),
        log_end: Offset(log_end),
        durable_end: Offset(durable_end),
    }
}

impl Leader {
    fn fetched(&mut self, fetch: FollowerFetch, now_ms: i64) -> Effects {
        let history = log(self.log_end.0);
        match self.on_follower_fetch(&fetch, &history, Offset(0), &Registered, now_ms) {
            Ok(Fetched::Read(effects)) => effects,
            other => panic!("{other:?}"),
        }
    }

    fn high(&self) -> i64 {
        self.high_watermark.0
    }
}

#[test]
fn the_high_watermark_waits_for_all_in_sync_disks() {
    let mut leader = leader(&[1, 2, 3], 2);
    assert_eq!(leader.on_append(Offset(20), Offset(15), 0), Effects::default());
    assert_eq!(leader.fetched(fetch(2, 18, 12), 0), Effects::default(), "3 was not heard of in this epoch");
    for (id, log_end, durable_end, expected) in
        [(3, 11, 11, 11), (3, 20, 13, 12), (2, 20, 20, 13), (3, 20, 20, 15)]
    {
        let _ = leader.fetched(fetch(id, log_end, durable_end), 0);
        assert_eq!(leader.high(), expected, "{id} {durable_end}");
    }
    let effects = leader.on_append(Offset(20), Offset(20), 0);
    assert_eq!(effects.high_watermark, Some(Offset(20)));
}

#[test]
fn an_isr_of_one_needs_only_its_own_disk() {
    let state = PartitionState::single(BrokerId(1), LeaderEpoch(0));
    let mut leader = Leader::new(BrokerId(1), &state, Settings::default(), LogEnds::default(), 0);
    assert_eq!(leader.on_append(Offset(8), Offset(0), 0), Effects::default());
    assert_eq!(leader.on_append(Offset(8), Offset(5), 0).high_watermark, Some(Offset(5)));
    assert_eq!(leader.next_tick_ms(0), None);
    assert_eq!(leader.outcome(Offset(5)), Some(Ok(())));
    assert_eq!(leader.outcome(Offset(8)), None);
}

#[test]
fn below_min_isr_nothing_is_committed_and_acks_all_refused() {
    let mut leader = leader(&[1], 2);
    let mut lease = Lease::new(100);
    assert_eq!(leader.check_append(false, &lease, 0), Err(AppendRefused::NoLease));
    lease.renew(0);
    assert_eq!(leader.check_append(false, &lease, 0), Ok(()));
    assert_eq!(leader.check_append(true, &lease, 0), Err(AppendRefused::NotEnoughReplicas));
    assert_eq!(leader.on_append(Offset(20), Offset(20), 0), Effects::default());
    assert_eq!(leader.outcome(Offset(6)), Some(Err(NotEnoughReplicasAfterAppend)));
    // A partition of one replica is not asked for two.
    let single = PartitionState::single(BrokerId(1), LeaderEpoch(0));
    let settings = Settings { min_isr: 2, ..Settings::default() };
    let leader = Leader::new(BrokerId(1), &single, settings, LogEnds::default(), 0);
    assert!(!leader.is_under_min_isr());
}

#[test]
fn a_replica_joins_once_it_has_durably_what_may_be_committed() {
    for (broker_epoch, log_end, durable_end, joins) in [
        (20, 10, 10, true),
        (20, 10, 9, false),
        (20, 9, 9, false),
        // Another incarnation than the registered one.
        (19, 10, 10, false),
    ] {
        let mut leader = leader(&[1], 1);
        let fetch = FollowerFetch { broker_epoch, ..fetch(2, log_end, durable_end) };
        let asked = leader.fetched(fetch, 0).alter_partition;
        let expected = AlterPartition {
            leader_epoch: LeaderEpoch(5),
            partition_epoch: 3,
            new_isr: vec![(BrokerId(1), -1), (BrokerId(2), 20)],
        };
        assert_eq!(asked, joins.then_some(expected), "{broker_epoch} {durable_end}");
    }
    let mut leader = leader(&[1, 2], 1);
    let fetched = leader.on_follower_fetch(&fetch(3, 10, 10), &log(10), Offset(0), &ThreeFenced, 0);
    assert_eq!(fetched, Ok(Fetched::Read(Effects::default())), "a fenced broker does not join");
}

#[test]
fn an_observer_never_joins_nor_holds_back() {
    let settings = Settings::default();
    let observed = PartitionState { observers: ids(&[4]), ..state(&[1], 3) };
    let log = LogEnds { log_end: Offset(10), durable_end: Offset(10), ..LogEnds::default() };
    let mut leader = Leader::new(BrokerId(1), &observed, settings, log, 0);
    assert_eq!(leader.fetched(fetch(4, 10, 10), 0).alter_partition, None);
    assert_eq!(leader.on_append(Offset(20), Offset(20), 0).high_watermark, Some(Offset(20)));
}

#[test]
fn the_maximal_isr_counts_until_the_answer_is_known() {
    let mut leader = leader(&[1, 2], 1);
    let _ = leader.fetched(fetch(2, 10, 10), 0);
    let question = leader.fetched(fetch(3, 10, 10), 0).alter_partition.expect("3 may join");
    let _ = leader.on_append(Offset(20), Offset(20), 0);
    let _ = leader.fetched(fetch(2, 20, 20), 0);
    assert_eq!(leader.high(), 10, "3 may be in the ISR already");
    // Unknown outcome: asked again, and still counted.
    let _ = leader.on_alter_partition_answer(&question, Err(ErrorCode::REQUEST_TIMED_OUT), 10);
    assert_eq!(leader.next_tick_ms(10), Some(60));
    assert_eq!(leader.on_tick(60).alter_partition, Some(question.clone()));
    // Refused now, but the first question may still be granted: the leader asks for what it has.
    let _ = leader.on_alter_partition_answer(&question, Err(ErrorCode::INELIGIBLE_REPLICA), 100);
    let settle = leader.on_tick(150).alter_partition.expect("a question that moves the partition epoch on");
    assert_eq!(settle.new_isr, [(BrokerId(1), -1), (BrokerId(2), 20)]);
    assert_eq!(leader.high(), 10);
    let altered = AlteredPartition { leader_epoch: LeaderEpoch(5), partition_epoch: 4, isr: ids(&[1, 2]) };
    // Silent for longer than the lag, 3 is not waited for any more.
    let effects = leader.on_alter_partition_answer(&settle, Ok(altered), 2000);
    assert_eq!(effects.high_watermark, Some(Offset(20)));
}

/// The metadata may be faster than the answer (simulator, seeds 15009 and 19482).
#[test]
fn a_late_grant_does_not_settle_the_next_question() {
    let mut leader = leader(&[1], 1);
    let first = leader.fetched(fetch(2, 10, 10), 0).alter_partition.expect("2 may join");
    let _ = leader.on_metadata(&state(&[1, 2], 4), 0);
    let _ = leader.fetched(fetch(3, 10, 10), 0).alter_partition.expect("3 may join");
    let altered = AlteredPartition { leader_epoch: LeaderEpoch(5), partition_epoch: 4, isr: ids(&[1, 2]) };
    let _ = leader.on_alter_partition_answer(&first, Ok(altered), 0);
    let _ = leader.on_append(Offset(20), Offset(20), 0);
    let _ = leader.fetched(fetch(2, 20, 20), 0);
    assert_eq!(leader.high(), 10, "3 may be in the ISR already");
}

#[test]
fn a_certain_refusal_settles_a_question() {
    let mut leader = leader(&[1, 2], 1);
    let _ = leader.fetched(fetch(2, 10, 10), 0);
    let question = leader.fetched(fetch(3, 10, 10), 0).alter_partition.expect("3 may join");
    let _ = leader.on_alter_partition_answer(&question, Err(ErrorCode::INELIGIBLE_REPLICA), 0);
    assert!(leader.pending.is_none());
    // An answer to a question of the past changes nothing.
    let again = leader.fetched(fetch(3, 10, 10), 0).alter_partition.expect("asked anew");
    let _ = leader.on_metadata(&state(&[1, 2], 4), 0);
    let newer = leader.fetched(fetch(3, 10, 10), 0).alter_partition.expect("asked on the new epoch");
    let _ = leader.on_alter_partition_answer(&again, Err(ErrorCode::INELIGIBLE_REPLICA), 0);
    assert!(leader.pending.is_some());
    assert_eq!(newer.partition_epoch, 4);
}

#[test]
fn who_does_not_keep_up_leaves() {
    let mut leader = leader(&[1, 2, 3], 1);
    let _ = leader.fetched(fetch(2, 10, 10), 0);
    let _ = leader.on_append(Offset(20), Offset(20), 100);
    assert_eq!(leader.on_tick(1000).alter_partition, None);
    let _ = leader.fetched(fetch(2, 15, 12), 900);
    assert_eq!(leader.next_tick_ms(900), Some(1000), "3 never fetched");
    // 2 was caught up until 100, when the log went on.
    let asked = leader.on_tick(1101).alter_partition.expect("a smaller ISR");
    assert_eq!(asked.new_isr, [(BrokerId(1), -1)]);
    assert_eq!(leader.high(), 6, "the larger ISR counts until the controller agreed");
    let altered = AlteredPartition { leader_epoch: LeaderEpoch(5), partition_epoch: 4, isr: ids(&[1]) };
    let answered = leader.on_alter_partition_answer(&asked, Ok(altered), 1102);
    assert_eq!(answered, Effects::default(), "a smaller ISR comes with the metadata");
    let effects = leader.on_metadata(&state(&[1], 4), 1103);
    assert_eq!(effects.high_watermark, Some(Offset(20)));
}

#[test]
fn a_follower_some_round_trips_behind_keeps_up() {
    let mut leader = leader(&[1, 2], 1);
    let mut now_ms = 0;
    for round in 0..100_i64 {
        now_ms = round * 100;
        let end = 10 + round * 10;
        let _ = leader.on_append(Offset(end), Offset(end), now_ms);
        let durable_end = (end - 30).max(0);
        let _ = leader.fetched(fetch(2, end, durable_end), now_ms);
        assert_eq!(leader.on_tick(now_ms).alter_partition, None, "round {round}");
    }
    assert!(leader.on_tick(now_ms + 1500).alter_partition.is_some());
}

#[test]
fn fetches_are_judged_before_they_count() {
    let parted = |epoch, end| Ok(Fetched::Diverged(EpochEnd { epoch: LeaderEpoch(epoch), end: Offset(end) }));
    let wrong_epoch =
        |leader_epoch| FollowerFetch { leader_epoch: LeaderEpoch(leader_epoch), ..fetch(2, 10, 10) };
    let last = |last, end| FollowerFetch { last_fetched_epoch: LeaderEpoch(last), ..fetch(2, end, end) };
    for (fetch, expected) in [
        (wrong_epoch(4), Err(FetchRefused::Fenced)),
        (wrong_epoch(6), Err(FetchRefused::Ahead)),
        (fetch(9, 10, 10), Err(FetchRefused::NotAReplica)),
        (last(4, 12), parted(4, 10)),
        (last(3, 8), parted(2, 5)),
        (last(2, 6), parted(2, 5)),
        (last(2, 5), Ok(Fetched::Read(Effects::default()))),
        (last(-1, 99), Err(FetchRefused::OutOfRange)),
    ] {
        let mut leader = leader(&[1, 2], 1);
        let answer = leader.on_follower_fetch(&fetch, &log(10), Offset(0), &Registered, 0);
        assert_eq!(answer, expected, "{fetch:?}");
        let counted = leader.followers[0].ends.is_some();
        assert_eq!(counted, matches!(expected, Ok(Fetched::Read(_))), "{fetch:?}");
    }
    let mut leader = leader(&[1, 2], 1);
    let _ = leader.fetched(fetch(2, 10, 10), 0);
    let earlier = FollowerFetch { broker_epoch: 19, ..fetch(2, 10, 10) };
    let answer = leader.on_follower_fetch(&earlier, &log(10), Offset(0), &Registered, 0);
    assert_eq!(answer, Err(FetchRefused::NotAReplica), "an earlier incarnation");
}

#[test]
fn a_new_leader_proves_its_high_watermark() {
    let mut leader = leader(&[1, 2], 1);
    assert_eq!(leader.read_bound(), ReadBound { high_watermark: Offset(6), proven: false });
    let _ = leader.fetched(fetch(2, 8, 8), 0);
    assert_eq!(leader.read_bound(), ReadBound { high_watermark: Offset(8), proven: false });
    let _ = leader.fetched(fetch(2, 10, 10), 0);
    assert_eq!(leader.read_bound(), ReadBound { high_watermark: Offset(10), proven: true });
}

#[test]
fn an_unclean_leader_says_that_it_recovered_before_anyone_joins() {
    let mut recovering = state(&[1], 3);
    recovering.recovering = true;
    let log = LogEnds { log_end: Offset(10), durable_end: Offset(10), ..LogEnds::default() };
    let mut leader = Leader::new(BrokerId(1), &recovering, Settings::default(), log, 0);
    assert_eq!(leader.fetched(fetch(2, 10, 10), 0).alter_partition, None);
    let question = leader.on_tick(0).alter_partition.expect("says that it recovered");
    assert_eq!(question.new_isr, [(BrokerId(1), -1)]);
    let altered = AlteredPartition { leader_epoch: LeaderEpoch(5), partition_epoch: 4, isr: ids(&[1]) };
    let _ = leader.on_alter_partition_answer(&question, Ok(altered), 0);
    assert!(leader.fetched(fetch(2, 10, 10), 0).alter_partition.is_some());
}

#[test]
fn a_follower_that_idled_with_all_records_is_not_late_at_once() {
    let mut leader = leader(&[1, 2], 1);
    let _ = leader.fetched(fetch(2, 10, 10), 0);
    let _ = leader.on_append(Offset(20), Offset(20), 50_000);
    assert_eq!(leader.on_tick(50_900).alter_partition, None);
    assert!(leader.on_tick(51_100).alter_partition.is_some(), "now it had its time");
}

#[test]
fn who_could_not_be_asked_for_is_asked_for_later() {
    let mut leader = leader(&[1], 1);
    assert!(leader.fetched(fetch(2, 10, 10), 0).alter_partition.is_some());
    assert_eq!(leader.fetched(fetch(3, 10, 10), 0).alter_partition, None, "one question at a time");
    let _ = leader.on_metadata(&state(&[1, 2], 4), 0);
    let asked = leader.on_brokers(&Registered, 0).alter_partition.expect("3 may join");
    assert_eq!(asked.new_isr.last(), Some(&(BrokerId(3), 30)));
}

#[test]
fn a_follower_that_died_is_not_waited_for_once_it_left_the_isr() {
    let mut leader = leader(&[1, 2, 3], 2);
    let _ = leader.fetched(fetch(2, 10, 10), 0);
    let _ = leader.fetched(fetch(3, 10, 10), 0);
    let _ = leader.on_append(Offset(20), Offset(20), 10);
    let _ = leader.on_metadata(&state(&[1, 2], 4), 20);
    assert_eq!(leader.fetched(fetch(2, 20, 20), 30).high_watermark, None, "3 may be about to join again");
    assert_eq!(leader.on_brokers(&ThreeFenced, 40).high_watermark, Some(Offset(20)), "3 is known to be gone");
}

#[test]
fn an_unclean_leader_without_company_tells_the_controller_that_it_recovered() {
    let mut state = state(&[1], 3);
    state.recovering = true;
    let log = LogEnds { log_end: Offset(10), durable_end: Offset(10), ..LogEnds::default() };
    let mut leader = Leader::new(BrokerId(1), &state, Settings::default(), log, 0);
    let due = leader.next_tick_ms(5).expect("it has something to say");
    assert!(leader.on_tick(due).alter_partition.is_some());
    assert_eq!(leader.next_tick_ms(due), None, "it waits for the answer");
}
