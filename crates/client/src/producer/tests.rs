//! The accumulator played through by hand: what leaves when, with which numbers, and what happens after failures.

mod chosen;
mod ends;

use std::sync::Arc;
use std::time::{Duration, Instant};

use records::{BatchHeader, Compression, NewRecord};
use tokio::sync::Semaphore;
use wire::{ApiKey, ErrorCode};

use super::accumulator::{Accumulator, Attempt, Identity, Plan, Sending, Settings};
use super::completion::{Ack, Appended};
use super::error::ProduceError;
use crate::{Address, CallError, TopicPartition};

const LINGER: Duration = Duration::from_millis(10);
const TIMEOUT: Duration = Duration::from_secs(120);

struct Play {
    core: Accumulator,
    memory: Arc<Semaphore>,
    begin: Instant,
    now: Instant,
    acks: Vec<Ack>,
}

impl Play {
    fn new(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            batch_size: 200,
            linger: LINGER,
            delivery_timeout: TIMEOUT,
            compression: Compression::None,
            in_flight_max: 5,
            request_size_max: 10_000,
            idempotent: true,
            retries: u32::MAX,
            fixed: None,
        };
        change(&mut settings);
        let mut core = Accumulator::new(settings);
        let begin = Instant::now();
        core.set_identity(Identity { id: 9, epoch: 0 }, begin);
        Self { core, memory: Arc::new(Semaphore::new(100_000)), begin, now: begin, acks: Vec::new() }
    }

    /// Appends a record that fills most of a batch, so that the next begins another.
    fn append(&mut self, partition: i32) {
        let memory = Arc::clone(&self.memory).try_acquire_many_owned(100).unwrap();
        let value = [0u8; 100];
        let record = NewRecord { timestamp: 1, value: Some(&value), ..NewRecord::default() };
        let (ack, _) = self.core.append(&TopicPartition::new("t", partition), &record, memory, self.now);
        self.acks.push(ack);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    fn plan(&mut self) -> Plan {
        self.core.plan(self.now, |_| Some(1), |_| true)
    }

    /// What leaves now, as (sending, epoch, sequence), in order.
    fn send(&mut self) -> Vec<(Sending, i16, i32)> {
        let plan = self.plan();
        let stamped = |sending: Sending| {
            let header = BatchHeader::parse(&sending.records.to_bytes()).unwrap();
            let body = sending.records.to_bytes().slice(61..);
            assert_eq!(header.compute_crc(&body), header.crc, "what is sent is sound");
            (sending, header.producer_epoch, header.base_sequence)
        };
        let mut sent: Vec<_> =
            plan.requests.into_iter().flat_map(|(_, sendings)| sendings).map(stamped).collect();
        sent.sort_by_key(|(sending, _, _)| sending.batch);
        sent
    }

    /// Everything that may leave, one request after the other.
    fn send_all(&mut self) -> Vec<(Sending, i16, i32)> {
        let mut all = Vec::new();
        loop {
            let sent = self.send();
            if sent.is_empty() {
                return all;
            }
            all.extend(sent);
        }
    }

    fn finish(&mut self, sending: &Sending, attempt: Attempt) -> bool {
        self.core.finish(&sending.partition, sending.batch, attempt, self.now, |_| Duration::from_millis(100))
    }

    fn result(&mut self, ack: usize) -> Option<Result<Option<i64>, ProduceError>> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::Pin::new(&mut self.acks[ack]).poll(&mut context) {
            std::task::Poll::Ready(result) => Some(result.map(|metadata| metadata.offset)),
            std::task::Poll::Pending => None,
        }
    }
}

fn done(base: i64) -> Attempt {
    Attempt::Done(Appended { base_offset: Some(base), append_time: None })
}

fn refused(code: ErrorCode) -> Attempt {
    Attempt::Refused(code, None)
}

fn lost() -> Attempt {
    let address = Address { host: "h".to_owned(), port: 1 };
    Attempt::Failed(CallError::Disconnected { address, api: ApiKey::Produce })
}

impl Play {
    /// Lets the broker know the producer on a partition: one batch sent and acknowledged, numbers from 1 on.
    fn establish(&mut self, partition: i32) {
        self.append(partition);
        self.core.flushing += 1;
        let sent = self.send_all();
        self.core.flushing -= 1;
        self.finish(&sent[0].0, done(0));
        self.acks.clear();
    }
}

fn numbers(sent: &[(Sending, i16, i32)]) -> Vec<(i16, i32)> {
    sent.iter().map(|(_, epoch, sequence)| (*epoch, *sequence)).collect()
}

#[test]
fn a_batch_leaves_when_it_is_full_or_has_lingered() {
    let mut play = Play::new(|_| ());
    play.append(0);
    assert_eq!(play.plan().wake_at, Some(play.begin + LINGER));
    assert!(play.send().is_empty());
    play.pass(LINGER);
    assert_eq!(numbers(&play.send()), [(0, 0)]);
    let sent_alone = play.core.plan(play.now, |_| Some(1), |_| true).requests;
    assert!(sent_alone.is_empty());
    let mut play = Play::new(|_| ());
    play.establish(0);
    play.append(0);
    play.append(0);
    assert_eq!(numbers(&play.send_all()), [(0, 1)], "full, though young; the other lingers");
    play.core.flushing = 1;
    assert_eq!(numbers(&play.send_all()), [(0, 2)], "who flushes does not linger");
}

#[test]
fn five_batches_of_a_partition_are_under_way_at_most() {
    let mut play = Play::new(|_| ());
    play.establish(0);
    (0..8).for_each(|_| play.append(0));
    play.append(1);
    play.core.flushing = 1;
    let sent = play.send_all();
    assert_eq!(sent.iter().filter(|(sending, _, _)| sending.partition.partition == 0).count(), 5);
    assert_eq!(sent.len(), 6);
    play.finish(&sent[0].0, done(0));
    assert_eq!(play.send_all().len(), 1);
    assert_eq!(play.result(0), Some(Ok(Some(0))));
    assert_eq!(play.result(1), None);
}

#[test]
fn after_a_failure_the_first_goes_again_and_the_others_wait() {
    let mut play = Play::new(|_| ());
    play.establish(0);
    (0..3).for_each(|_| play.append(0));
    play.core.flushing = 1;
    let sent = play.send_all();
    assert_eq!(numbers(&sent), [(0, 1), (0, 2), (0, 3)]);
    assert!(play.finish(&sent[0].0, refused(ErrorCode::NOT_LEADER_OR_FOLLOWER)), "the metadata is old");
    play.finish(&sent[1].0, refused(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER));
    play.finish(&sent[2].0, refused(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER));
    assert!(play.send_all().is_empty(), "backing off");
    play.pass(Duration::from_millis(100));
    for expected in 1..4 {
        let again = play.send_all();
        assert_eq!(numbers(&again), [(0, expected)], "the same numbers, one by one");
        play.finish(&again[0].0, done(i64::from(expected)));
    }
    assert!(play.core.is_empty());
    assert_eq!(play.memory.available_permits(), 100_000);
}

#[test]
fn a_batch_given_up_makes_a_gap_that_a_new_epoch_closes() {
    let mut play = Play::new(|_| ());
    play.establish(0);
    (0..3).for_each(|_| play.append(0));
    play.core.flushing = 1;
    let sent = play.send_all();
    play.finish(&sent[0].0, refused(ErrorCode::INVALID_RECORD));
    assert!(matches!(play.result(0), Some(Err(ProduceError::Refused { .. }))));
    play.finish(&sent[1].0, refused(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER));
    assert!(play.send_all().is_empty(), "one is still under way");
    play.finish(&sent[2].0, refused(ErrorCode::OUT_OF_ORDER_SEQUENCE_NUMBER));
    let again = play.send_all();
    assert_eq!(numbers(&again), [(1, 0)]);
    play.finish(&again[0].0, done(0));
    assert_eq!(numbers(&play.send_all()), [(1, 1)]);
    play.append(0);
    assert_eq!(numbers(&play.send_all()), [(1, 2)]);
}

/// It once went on under the old stamp, refused again and again until its time was up.
#[test]
fn behind_the_last_epoch_another_identity_is_asked_for() {
    let mut play = Play::new(|_| ());
    play.core.set_identity(Identity { id: 9, epoch: i16::MAX }, play.begin);
    play.establish(0);
    play.append(0);
    play.core.flushing += 1;
    let sent = play.send_all();
    assert_eq!(numbers(&sent), [(i16::MAX, 1)]);
    play.finish(&sent[0].0, refused(ErrorCode::UNKNOWN_PRODUCER_ID));
    assert!(play.plan().wants_identity);
    assert!(play.send_all().is_empty());
    play.core.set_identity(Identity { id: 10, epoch: 0 }, play.now);
    play.pass(Duration::from_secs(1));
    assert_eq!(numbers(&play.send_all()), [(0, 0)]);
}

#[test]
fn new_records_go_on_with_the_new_epoch() {
    let mut play = Play::new(|settings| settings.linger = Duration::ZERO);
    play.append(0);
    let sent = play.send_all();
    play.finish(&sent[0].0, refused(ErrorCode::UNKNOWN_PRODUCER_ID));
    let again = play.send_all();
    assert_eq!(numbers(&again), [(1, 0)]);
    play.finish(&again[0].0, done(4));
    play.append(0);
    play.append(1);
    assert_eq!(numbers(&play.send_all()), [(1, 1), (0, 0)], "each partition has an epoch of its own");
}

#[test]
fn a_duplicate_is_a_success_without_offset() {
    let mut play = Play::new(|settings| settings.linger = Duration::ZERO);
    play.append(0);
    let sent = play.send_all();
    play.finish(&sent[0].0, lost());
    play.pass(Duration::from_millis(100));
    let again = play.send_all();
    assert_eq!(numbers(&again), [(0, 0)]);
    play.finish(&again[0].0, refused(ErrorCode::DUPLICATE_SEQUENCE_NUMBER));
    assert_eq!(play.result(0), Some(Ok(None)));
}

#[test]
fn sequence_numbers_wrap_to_zero() {
    let stamp = super::batch::Stamp { id: 1, epoch: 0, sequence: i32::MAX };
    assert_eq!(stamp.next(1).sequence, 0);
    assert_eq!(stamp.next(3).sequence, 2);
}

#[test]
fn without_a_leader_or_identity_nothing_leaves() {
    let mut play = Play::new(|settings| settings.linger = Duration::ZERO);
    play.append(0);
    let plan = play.core.plan(play.now, |_| None, |_| true);
    assert_eq!(plan.leaderless, [TopicPartition::new("t", 0)]);
    assert!(plan.requests.is_empty());
    let mut fresh = Accumulator::new(Settings { idempotent: true, ..settings() });
    assert!(fresh.plan(play.now, |_| Some(1), |_| true).wants_identity);
}

fn settings() -> Settings {
    Settings {
        batch_size: 1,
        linger: LINGER,
        delivery_timeout: TIMEOUT,
        compression: Compression::None,
        in_flight_max: 5,
        request_size_max: 1,
        idempotent: false,
        retries: 0,
        fixed: None,
    }
}

/// Found by `mekong demo iot` on a partition that had no leader yet: batch 0 refused, batch 1 taken, since the broker knew no
/// number of the producer's.
#[test]
fn the_first_batch_that_a_broker_sees_goes_alone() {
    let mut play = Play::new(|_| ());
    (0..3).for_each(|_| play.append(0));
    play.core.flushing = 1;
    let sent = play.send_all();
    assert_eq!(numbers(&sent), [(0, 0)]);
    play.finish(&sent[0].0, refused(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION));
    play.pass(Duration::from_millis(100));
    let again = play.send_all();
    assert_eq!(numbers(&again), [(0, 0)]);
    play.finish(&again[0].0, done(0));
    assert_eq!(numbers(&play.send_all()), [(0, 1), (0, 2)]);
}

#[test]
fn a_batch_that_is_too_large_goes_again_in_halves_with_its_numbers() {
    for compression in [Compression::None, Compression::Gzip { level: 6 }] {
        let mut play =
            Play::new(|settings| (settings.batch_size, settings.compression) = (10_000, compression));
        (0..5).for_each(|_| play.append(0));
        play.pass(LINGER);
        let sent = play.send_all();
        assert_eq!(sent.len(), 1);
        assert!(!play.finish(&sent[0].0, refused(ErrorCode::MESSAGE_TOO_LARGE)));
        let first = play.send_all();
        assert_eq!(
            first.iter().map(|(_, epoch, sequence)| (*epoch, *sequence)).collect::<Vec<_>>(),
            [(0, 0)]
        );
        play.finish(&first[0].0, done(70));
        let second = play.send_all();
        assert_eq!(second.iter().map(|(_, _, sequence)| *sequence).collect::<Vec<_>>(), [2]);
        assert_eq!(play.result(1).unwrap().unwrap(), Some(71));
        assert!(play.result(2).is_none(), "the other half is still on its way");
        // Its half is too large as well, and of that one a single record.
        play.finish(&second[0].0, refused(ErrorCode::MESSAGE_TOO_LARGE));
        let third = play.send_all();
        assert_eq!(third.iter().map(|(_, _, sequence)| *sequence).collect::<Vec<_>>(), [2]);
        play.finish(&third[0].0, refused(ErrorCode::MESSAGE_TOO_LARGE));
        assert!(matches!(
            play.result(2),
            Some(Err(ProduceError::Refused { code: ErrorCode::MESSAGE_TOO_LARGE, .. }))
        ));
        let fourth = play.send_all();
        play.finish(&fourth[0].0, done(90));
        assert_eq!(
            (play.result(3).unwrap().unwrap(), play.result(4).unwrap().unwrap()),
            (Some(90), Some(91))
        );
        assert!(play.core.is_empty());
        drop((play.acks, play.core));
        assert_eq!(play.memory.available_permits(), 100_000, "all memory came back");
    }
}
