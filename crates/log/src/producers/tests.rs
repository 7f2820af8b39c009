//! Idempotence as a table: what each next batch of a producer is answered with.

use base::{LeaderEpoch, Offset};
use records::Attributes;

use super::*;

fn batch(epoch: i16, sequence: i32, records: i32, offset: i64) -> BatchHeader {
    BatchHeader {
        base_offset: Offset(offset),
        batch_length: 100,
        partition_leader_epoch: LeaderEpoch(0),
        magic: 2,
        crc: 0,
        attributes: Attributes(0),
        last_offset_delta: records - 1,
        base_timestamp: 0,
        max_timestamp: offset,
        producer_id: ProducerId(7),
        producer_epoch: epoch,
        base_sequence: sequence,
        records_count: records,
    }
}

#[derive(Debug, PartialEq)]
enum Answer {
    Fresh,
    Duplicate(i64),
    OutOfOrder,
    OldEpoch,
}

fn answer(producers: &Producers, batch: &BatchHeader) -> Answer {
    match producers.check(batch, None, Origin::Client) {
        Ok(Verdict::Fresh) => Answer::Fresh,
        Ok(Verdict::Duplicate(first)) => Answer::Duplicate(first.first_offset()),
        Err(LogError::OutOfOrderSequence { .. }) => Answer::OutOfOrder,
        Err(LogError::InvalidProducerEpoch { .. }) => Answer::OldEpoch,
        Err(other) => panic!("{other}"),
    }
}

/// Appends batches of 10 records with these (epoch, sequence), each at the next offset.
fn after(appended: &[(i16, i32)]) -> Producers {
    let mut producers = Producers::default();
    for (place, (epoch, sequence)) in appended.iter().enumerate() {
        producers.update(&batch(*epoch, *sequence, 10, place as i64 * 10), None);
    }
    producers
}

#[test]
fn idempotence() {
    use Answer::{Duplicate, Fresh, OldEpoch, OutOfOrder};
    let seven: Vec<_> = (0..7).map(|place| (3_i16, place * 10)).collect();
    let wrap = i32::MAX - 4;
    for (appended, next, expected) in [
        (&[][..], (0, 0), Fresh),
        (&[], (5, 1234), Fresh),
        (&[(3, 0)], (3, 10), Fresh),
        (&[(3, 0)], (3, 0), Duplicate(0)),
        (&[(3, 0)], (3, 11), OutOfOrder),
        (&[(3, 0)], (3, 5), OutOfOrder),
        (&[(3, 0)], (2, 10), OldEpoch),
        (&[(3, 0)], (4, 0), Fresh),
        (&[(3, 0)], (4, 10), OutOfOrder),
        (&seven, (3, 70), Fresh),
        (&seven, (3, 60), Duplicate(60)),
        (&seven, (3, 20), Duplicate(20)),
        (&seven, (3, 10), OutOfOrder),
        (&[(3, wrap)], (3, 5), Fresh),
        (&[(3, wrap)], (3, wrap), Duplicate(0)),
        (&[(3, wrap), (3, 5)], (3, wrap), Duplicate(0)),
        (&[(3, wrap)], (3, 0), OutOfOrder),
    ] {
        let producers = after(appended);
        let (epoch, sequence) = next;
        assert_eq!(
            answer(&producers, &batch(epoch, sequence, 10, 1000)),
            expected,
            "{appended:?} then {next:?}"
        );
    }
}

#[test]
fn replicas_are_believed_and_strangers_pass() {
    let producers = after(&[(3, 0)]);
    let odd = batch(1, 99, 10, 50);
    assert_eq!(producers.check(&odd, None, Origin::Replica).unwrap(), Verdict::Fresh);
    let plain = BatchHeader { producer_id: ProducerId(-1), base_sequence: -1, producer_epoch: -1, ..odd };
    assert_eq!(producers.check(&plain, None, Origin::Client).unwrap(), Verdict::Fresh);
}

#[test]
fn snapshots_come_back() {
    let mut producers = after(&[(3, 0), (3, 10)]);
    let transactional =
        BatchHeader { producer_id: ProducerId(9), attributes: Attributes(0x10), ..batch(0, 0, 10, 20) };
    assert_eq!(producers.update(&transactional, None), Change::Began(20));
    let bytes = snapshot::encode(&producers);
    let back = snapshot::decode(&bytes).unwrap();
    assert_eq!(back.open_transactions().collect::<Vec<_>>(), [20]);
    assert_eq!(back.0[&7].batches.back().unwrap().last_offset, 19);
    assert_eq!(answer(&back, &batch(3, 10, 10, 100)), Answer::Duplicate(10));
    assert_eq!(snapshot::encode(&back), bytes);
    for place in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[place] ^= 1;
        assert!(snapshot::decode(&bad).is_err(), "byte {place}");
        assert!(snapshot::decode(&bytes[..place]).is_err());
    }
}

#[test]
fn snapshots_keep_the_whole_window_and_read_those_that_do_not() {
    let seven: Vec<_> = (0..7).map(|place| (3_i16, place * 10)).collect();
    let bytes = snapshot::encode(&after(&seven));
    assert_eq!(bytes.len(), 10 + 5 * 46, "an entry for each of the last five batches");
    let back = snapshot::decode(&bytes).unwrap();
    assert_eq!(back, after(&seven));
    for (sequence, expected) in [
        (10, Answer::OutOfOrder),
        (20, Answer::Duplicate(20)),
        (50, Answer::Duplicate(50)),
        (60, Answer::Duplicate(60)),
        (70, Answer::Fresh),
    ] {
        assert_eq!(answer(&back, &batch(3, sequence, 10, 1000)), expected, "{sequence}");
    }
    // Kafka's reader takes the last entry of a producer, and its writer writes no other.
    let last = back.0[&7].batches.back().copied().unwrap();
    let mut of_kafka = back.clone();
    of_kafka.0.get_mut(&7).unwrap().batches = [last].into();
    let short = snapshot::decode(&snapshot::encode(&of_kafka)).unwrap();
    assert_eq!(short, of_kafka);
    assert_eq!(answer(&short, &batch(3, 70, 10, 1000)), Answer::Fresh);
}

#[test]
fn transactions_begin_and_end() {
    let mut producers = Producers::default();
    let data =
        |offset, sequence| BatchHeader { attributes: Attributes(0x10), ..batch(0, sequence, 10, offset) };
    assert_eq!(producers.update(&data(0, 0), None), Change::Began(0));
    assert_eq!(producers.update(&data(10, 10), None), Change::None);
    let outside = batch(0, 20, 10, 20);
    let refused = producers.check(&outside, None, Origin::Client);
    assert!(matches!(refused, Err(LogError::InvalidTxnState { .. })), "{refused:?}");
    let marker = Marker { committed: false, coordinator_epoch: 4 };
    let control = BatchHeader { attributes: Attributes(0x30), base_sequence: -1, ..batch(0, 0, 1, 20) };
    let ended = producers.update(&control, Some(marker));
    let expected = Ended { producer: ProducerId(7), first_offset: 0, marker_offset: 20, commit: false };
    assert_eq!(ended, Change::Ended(expected));
    let stale = Marker { coordinator_epoch: 3, ..marker };
    let fenced = producers.check(&control, Some(stale), Origin::Coordinator);
    assert!(matches!(fenced, Err(LogError::CoordinatorFenced { .. })), "{fenced:?}");
}

#[test]
fn the_silent_are_forgotten_unless_a_transaction_is_open() {
    let mut producers = after(&[(0, 0)]);
    producers.update(
        &BatchHeader { producer_id: ProducerId(8), attributes: Attributes(0x10), ..batch(0, 0, 10, 10) },
        None,
    );
    producers.expire(1_000_000, 1000);
    assert_eq!(producers.iter().map(|(id, _)| id.0).collect::<Vec<_>>(), [8]);
}
