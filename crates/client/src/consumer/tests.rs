//! Positions, eras and what is handed out; the bytes of the consumer protocol.

use std::time::Instant;

use base::{Offset, Str};
use records::{BatchBuilder, BatchOptions, NewRecord, ProducerFields};
use wire::ErrorCode;
use wire::messages::fetch::AbortedTransaction;

use super::chunk::{self, Chunk};
use super::error::ConsumeError;
use super::protocol;
use super::state::{Advance, Fetchable, StartAt, State};
use crate::TopicPartition;
use crate::assignor::MemberSubscription;

fn batch(base: i64, count: usize, producer: i64, transactional: bool) -> bytes::Bytes {
    let fields = ProducerFields { id: base::ProducerId(producer), epoch: 0, base_sequence: 0 };
    let producer = if producer >= 0 { fields } else { ProducerFields::NONE };
    let mut builder = BatchBuilder::new(BatchOptions {
        base_offset: Offset(base),
        producer,
        transactional,
        ..BatchOptions::default()
    });
    for _ in 0..count {
        builder.append(NewRecord { timestamp: 5, value: Some(b"v"), ..NewRecord::default() }).unwrap();
    }
    builder.build().to_bytes()
}

fn marker(base: i64, producer: i64, commit: bool) -> bytes::Bytes {
    let fields = ProducerFields { id: base::ProducerId(producer), epoch: 0, base_sequence: -1 };
    let options = BatchOptions {
        base_offset: Offset(base),
        producer: fields,
        transactional: true,
        control: true,
        ..BatchOptions::default()
    };
    let mut builder = BatchBuilder::new(options);
    let key = [0, 0, 0, u8::from(commit)];
    builder.append(NewRecord { key: Some(&key), value: Some(&[0; 6]), ..NewRecord::default() }).unwrap();
    builder.build().to_bytes()
}

fn concat(batches: &[bytes::Bytes]) -> bytes::Bytes {
    bytes::Bytes::from(batches.concat())
}

fn partition() -> TopicPartition {
    TopicPartition::new("t", 0)
}

fn offsets(chunks: &[Chunk], from: i64) -> Vec<i64> {
    let decoded = chunks.iter().flat_map(|chunk| chunk::decode(chunk, &partition(), from, true).unwrap());
    decoded.map(|record| record.offset).collect()
}

#[test]
fn a_cut_answer_gives_its_whole_batches_from_the_position_on() {
    let bytes = concat(&[batch(0, 3, -1, false), batch(3, 3, -1, false), batch(6, 3, -1, false)]);
    let (chunks, broken) = chunk::split(&bytes.slice(..bytes.len() - 1), None, 4);
    assert_eq!(broken, None);
    assert_eq!(offsets(&chunks, 4), [4, 5]);
}

/// It was fetched again and again, and nobody was told.
#[test]
fn an_answer_without_a_whole_batch_is_said() {
    let bytes = concat(&[batch(0, 3, -1, false), batch(3, 3, -1, false)]);
    for (end, from) in [(bytes.len() / 2 - 1, 0), (bytes.len() - 1, 3)] {
        let (chunks, broken) = chunk::split(&bytes.slice(..end), None, from);
        assert!(chunks.is_empty() && broken.is_some(), "{end}: {broken:?}");
    }
}

#[test]
fn a_flipped_bit_is_found_unless_nobody_looks() {
    let mut bytes = batch(0, 1, -1, false).to_vec();
    *bytes.last_mut().unwrap() ^= 2;
    let (chunks, _) = chunk::split(&bytes.into(), None, 0);
    assert!(chunk::decode(&chunks[0], &partition(), 0, true).unwrap_err().contains("corrupt"));
}

#[test]
fn aborted_transactions_and_markers_are_hidden() {
    let bytes = concat(&[
        batch(0, 2, 7, true),
        batch(2, 1, 8, true),
        marker(3, 7, false),
        batch(4, 1, 7, true),
        marker(5, 7, true),
        marker(6, 8, true),
        batch(7, 1, -1, false),
    ]);
    let aborted = [AbortedTransaction { producer_id: 7, first_offset: 0 }];
    let (chunks, _) = chunk::split(&bytes, Some(&aborted), 0);
    assert_eq!(offsets(&chunks, 0), [2, 4, 7]);
    let (chunks, _) = chunk::split(&bytes, None, 0);
    assert_eq!(offsets(&chunks, 0), [0, 1, 2, 4, 7]);
    assert_eq!(chunks.last().map(Chunk::next_offset), Some(8));
}

fn passed(position: i64) -> Advance {
    Advance { position, leader_epoch: 0, is_handed_out: true }
}

fn fetched(state: &State) -> Fetchable {
    state.fetchable(1000, 10_000, Instant::now()).remove(0)
}

/// A state that has fetched the records of offsets 0 to 2.
fn buffering() -> State {
    let mut state = State::new(Instant::now());
    state.add(partition(), StartAt::Offset(0));
    state.seek(&partition(), StartAt::Offset(0));
    let asked = fetched(&state);
    let (chunks, _) = chunk::split(&concat(&[batch(0, 3, -1, false)]), None, 0);
    state.buffer(&asked, chunks);
    state
}

#[test]
fn positions_move_with_what_is_handed_out_and_processed_with_coming_back() {
    let mut state = buffering();
    assert_eq!(fetched(&state).offset, 3, "goes on behind what is buffered");
    let (tp, era, from, chunk) = state.take().unwrap();
    assert_eq!((from, chunk.next_offset()), (0, 3));
    state.advance(&tp, era, passed(3));
    assert!(state.uncommitted().iter().all(|(_, offset, _)| *offset == 0), "handed out is not processed");
    state.polled(Instant::now());
    assert_eq!(state.uncommitted()[0].1, 3);
}

#[test]
fn batches_and_records_out_of_order_are_no_panic() {
    let (chunks, broken) =
        chunk::split(&concat(&[batch(0, 100, -1, false), batch(10, 40, -1, false)]), None, 0);
    assert_eq!(offsets(&chunks, 0).len(), 100);
    assert!(broken.unwrap().contains("in front of it"));
    let mut longer = batch(0, 3, -1, false).to_vec();
    // The header's last offset delta says less than the records do.
    longer[23..27].copy_from_slice(&1_i32.to_be_bytes());
    let (chunks, _) = chunk::split(&longer.into(), None, 0);
    assert!(chunk::decode(&chunks[0], &partition(), 0, false).unwrap_err().contains("offset 2"));
}

/// A state whose application holds the records of offsets 0 to 2.
fn at_work() -> State {
    let mut state = buffering();
    let (tp, era, _, _) = state.take().unwrap();
    state.advance(&tp, era, passed(3));
    state
}

#[test]
fn a_commit_after_the_place_was_lost_under_way_is_in_vain_until_the_application_comes_back() {
    let mut state = at_work();
    assert!(!state.commits_in_vain());
    state.lose_work();
    state.remove(&partition());
    assert!(state.commits_in_vain() && state.commits_in_vain());
    state.polled(Instant::now());
    assert!(!state.commits_in_vain());
    let mut idle = at_work();
    idle.polled(Instant::now());
    let (position, is_handed_out) = (9, false);
    let era = idle.get(&partition()).unwrap().era;
    // A marker, or a batch that compaction has emptied.
    idle.advance(&partition(), era, Advance { position, leader_epoch: 0, is_handed_out });
    assert_eq!(idle.uncommitted()[0].1, 9);
    idle.lose_work();
    assert!(!idle.commits_in_vain(), "nothing was under way");
}

#[test]
fn what_a_reader_that_went_away_was_given_last_is_not_processed_and_given_again() {
    let mut state = at_work();
    let tenure = state.get(&partition()).unwrap().tenure;
    state.get_mut(&partition()).unwrap().lent_at = Some(Instant::now());
    state.went_away(&partition(), tenure);
    assert_eq!(state.uncommitted()[0].1, 0);
    assert_eq!((state.get(&partition()).unwrap().position, fetched(&state).offset), (Some(0), 0));
}

#[test]
fn what_was_fetched_before_a_seek_is_dropped() {
    let mut state = State::new(Instant::now());
    state.add(partition(), StartAt::Offset(0));
    state.seek(&partition(), StartAt::Offset(0));
    let asked = fetched(&state);
    state.seek(&partition(), StartAt::Offset(0));
    let (chunks, _) = chunk::split(&concat(&[batch(0, 3, -1, false)]), None, 0);
    state.buffer(&asked, chunks);
    assert!(state.take().is_none());
    state.seek(&partition(), StartAt::Latest);
    assert_eq!(state.unresolved(Instant::now()).len(), 1);
    state.resolve(&partition(), asked.era, 99);
    assert_eq!(state.get(&partition()).unwrap().position, None, "an answer to an older question");
}

#[test]
fn nothing_leaves_while_held_or_paused() {
    let mut state = buffering();
    state.is_held = true;
    assert!(state.take().is_none());
    state.is_held = false;
    state.get_mut(&partition()).unwrap().is_paused = true;
    assert!(state.take().is_none());
    state.get_mut(&partition()).unwrap().is_paused = false;
    assert!(state.take().is_some());
}

/// One with a backlog is filled again before it is empty.
#[test]
fn partitions_take_turns_though_one_is_filled_again_and_again() {
    let (first, second) = (partition(), TopicPartition::new("t", 1));
    let mut state = State::new(Instant::now());
    for tp in [&first, &second] {
        state.add(tp.clone(), StartAt::Offset(0));
        state.seek(tp, StartAt::Offset(0));
    }
    let fill = |state: &mut State, tp: &TopicPartition| {
        let wanted = state.fetchable(100_000, 1_000_000, Instant::now());
        let asked = wanted.into_iter().find(|wanted| wanted.partition == *tp).unwrap();
        let bytes = concat(&[batch(asked.offset, 1, -1, false), batch(asked.offset + 1, 1, -1, false)]);
        let (chunks, _) = chunk::split(&bytes, None, asked.offset);
        state.buffer(&asked, chunks);
    };
    fill(&mut state, &first);
    fill(&mut state, &second);
    let mut served = Vec::new();
    for _ in 0..8 {
        served.push(state.take().unwrap().0.partition);
        fill(&mut state, &first);
    }
    assert_eq!(served, [0, 0, 1, 1, 0, 0, 0, 0], "neighbours stay together, and both are served");
}

#[test]
fn errors_wait_once_each() {
    let mut state = State::new(Instant::now());
    let error = |partition| ConsumeError::Partition {
        partition: TopicPartition::new("t", partition),
        code: ErrorCode::TOPIC_AUTHORIZATION_FAILED,
    };
    [0, 1, 0, 1, 0].into_iter().for_each(|partition| state.fail(error(partition)));
    assert!(state.take_error().is_some() && state.take_error().is_some() && state.take_error().is_none());
    state.fail(error(0));
    assert!(state.take_error().is_some());
}

#[test]
fn commits_by_acknowledging_follow_what_was_acknowledged() {
    let tp = partition();
    let mut state = State::new(Instant::now());
    state.commits_acked = true;
    state.add(tp.clone(), StartAt::Offset(0));
    state.seek(&tp, StartAt::Offset(0));
    let known = state.get(&tp).unwrap();
    let (era, course) = (known.era, known.acks.course());
    let processed = |state: &State| state.get(&tp).unwrap().processed.unwrap();
    state.advance(&tp, era, passed(3));
    state.advance(&tp, era, passed(6));
    state.polled(Instant::now());
    assert_eq!(processed(&state), 0, "asking for more says nothing");
    assert!(state.acknowledge(&tp, course, 6));
    assert_eq!(processed(&state), 0, "the first batch is not done with");
    assert!(state.acknowledge(&tp, course, 3));
    assert_eq!((processed(&state), state.positions()[0].1), (6, 6));
    // A marker behind it needs no word of the application.
    state.advance(&tp, era, Advance { is_handed_out: false, ..passed(7) });
    assert_eq!(processed(&state), 7);
    state.seek(&tp, StartAt::Offset(2));
    assert!(!state.acknowledge(&tp, course, 6), "handed out before the seek");
}

#[test]
fn a_split_consumer_yields_once_no_reader_is_at_work() {
    let mut state = State::new(Instant::now());
    state.is_split = true;
    state.add(partition(), StartAt::Offset(0));
    let (tp, tenure) = state.claim_reader().unwrap();
    assert!(state.claim_reader().is_none(), "one reader per partition");
    state.get_mut(&tp).unwrap().lent_at = Some(Instant::now());
    assert!(state.is_away_longer_than(std::time::Duration::ZERO));
    state.is_held = true;
    state.came_back(&TopicPartition::new("t", 1), 9);
    assert!(!state.has_yielded);
    state.came_back(&tp, tenure);
    assert!(state.has_yielded && !state.is_away_longer_than(std::time::Duration::ZERO));
    state.release_reader(&tp, tenure);
    assert!(state.claim_reader().is_some(), "a partition whose reader went gets another");
    state.remove(&tp);
    state.add(tp.clone(), StartAt::Offset(0));
    assert!(!state.is_tenant(&tp, tenure), "it came anew");
}

/// The bytes that `ConsumerProtocol.serializeSubscription` and `serializeAssignment` of 4.3.1 write.
#[test]
fn the_consumer_protocol_is_that_of_java() {
    let member = MemberSubscription {
        topics: vec!["b".into(), "a".into()],
        user_data: Some(bytes::Bytes::from_static(&[1, 2])),
        owned: vec![TopicPartition::new("b", 1), TopicPartition::new("a", 2), TopicPartition::new("a", 0)],
        generation: Some(7),
        rack: None,
        ..MemberSubscription::default()
    };
    let bytes = protocol::encode_subscription(&member).unwrap();
    assert_eq!(hex(&bytes), include_str!("golden_subscription.txt").trim());
    let read = protocol::decode_subscription(Str::default(), None, bytes).unwrap();
    assert_eq!((read.topics.len(), read.owned.len(), read.generation), (2, 3, Some(7)));

    let bytes =
        protocol::encode_assignment(vec![TopicPartition::new("a", 2), TopicPartition::new("a", 0)]).unwrap();
    assert_eq!(hex(&bytes), include_str!("golden_assignment.txt").trim());
    assert_eq!(protocol::decode_assignment(bytes).unwrap().len(), 2);
    assert_eq!(protocol::decode_assignment(bytes::Bytes::new()), Ok(Vec::new()));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
