//! The producers' state at one offset, in Kafka's `.snapshot` format.
//!
//! ```text
//! version i16 = 1 │ crc u32 │ count i32 │ entries, 46 bytes each
//! entry: producer id i64 │ epoch i16 │ last sequence i32 │ last offset i64 │ offset delta i32 │ timestamp i64 │
//!        coordinator epoch i32 │ first offset of the open transaction i64, or -1
//! ```
//!
//! The CRC-32C covers everything behind it. Each batch that is remembered has an entry of its own, a producer's oldest first:
//! Kafka reads the last one of a producer and writes no other, and then cannot tell a retry of the four before.

use base::ProducerId;
use crc_fast::crc32_iscsi as crc32c;

use super::{BatchMetadata, Producer, Producers};

const VERSION: i16 = 1;
const ENTRY_BYTES: usize = 46;

/// The bytes of a snapshot.
pub(crate) fn encode(producers: &Producers) -> Vec<u8> {
    let mut entries = vec![0; 4];
    producers.iter().for_each(|(id, producer)| encode_producer(&mut entries, id, producer));
    let count = (entries.len() / ENTRY_BYTES) as i32;
    if let Some(place) = entries.first_chunk_mut() {
        *place = count.to_be_bytes();
    }
    let mut bytes = Vec::with_capacity(6 + entries.len());
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    bytes.extend_from_slice(&crc32c(&entries).to_be_bytes());
    bytes.extend_from_slice(&entries);
    bytes
}

fn encode_producer(bytes: &mut Vec<u8>, id: ProducerId, producer: &Producer) {
    let none = BatchMetadata { last_sequence: -1, last_offset: -1, offset_delta: 0, timestamp: -1 };
    let last = producer.batches.back().unwrap_or(&none);
    for batch in producer.batches.iter().take(producer.batches.len().saturating_sub(1)) {
        encode_entry(bytes, id, producer, batch, batch.timestamp);
    }
    encode_entry(bytes, id, producer, last, producer.last_timestamp);
}

fn encode_entry(bytes: &mut Vec<u8>, id: ProducerId, producer: &Producer, batch: &BatchMetadata, at_ms: i64) {
    bytes.extend_from_slice(&id.0.to_be_bytes());
    bytes.extend_from_slice(&producer.epoch.to_be_bytes());
    bytes.extend_from_slice(&batch.last_sequence.to_be_bytes());
    bytes.extend_from_slice(&batch.last_offset.to_be_bytes());
    bytes.extend_from_slice(&batch.offset_delta.to_be_bytes());
    bytes.extend_from_slice(&at_ms.to_be_bytes());
    bytes.extend_from_slice(&producer.coordinator_epoch.to_be_bytes());
    bytes.extend_from_slice(&producer.open_transaction.unwrap_or(-1).to_be_bytes());
}

/// Reads a snapshot; an error says what is wrong with it.
pub(crate) fn decode(bytes: &[u8]) -> Result<Producers, &'static str> {
    let (version, rest) = bytes.split_first_chunk().ok_or("it has no version")?;
    if i16::from_be_bytes(*version) != VERSION {
        return Err("its version is not 1");
    }
    let (crc, entries) = rest.split_first_chunk().ok_or("it has no CRC")?;
    if u32::from_be_bytes(*crc) != crc32c(entries) {
        return Err("its CRC does not match");
    }
    let (count, entries) = entries.split_first_chunk().ok_or("it has no count")?;
    if usize::try_from(i32::from_be_bytes(*count)).ok() != Some(entries.len() / ENTRY_BYTES) {
        return Err("its entries are not as many as it says");
    }
    let mut producers = Producers::default();
    for entry in entries.chunks_exact(ENTRY_BYTES) {
        let (id, producer) = decode_entry(entry).ok_or("an entry is cut off")?;
        producers.continue_with(id, producer);
    }
    Ok(producers)
}

fn decode_entry(bytes: &[u8]) -> Option<(ProducerId, Producer)> {
    let (id, rest) = bytes.split_first_chunk()?;
    let (epoch, rest) = rest.split_first_chunk()?;
    let (last_sequence, rest) = rest.split_first_chunk()?;
    let (last_offset, rest) = rest.split_first_chunk()?;
    let (offset_delta, rest) = rest.split_first_chunk()?;
    let (timestamp, rest) = rest.split_first_chunk()?;
    let (coordinator_epoch, rest) = rest.split_first_chunk()?;
    let (open, _) = rest.split_first_chunk()?;
    let last = BatchMetadata {
        last_sequence: i32::from_be_bytes(*last_sequence),
        last_offset: i64::from_be_bytes(*last_offset),
        offset_delta: i32::from_be_bytes(*offset_delta),
        timestamp: i64::from_be_bytes(*timestamp),
    };
    let open = i64::from_be_bytes(*open);
    let producer = Producer {
        epoch: i16::from_be_bytes(*epoch),
        batches: (last.last_offset >= 0).then_some(last).into_iter().collect(),
        coordinator_epoch: i32::from_be_bytes(*coordinator_epoch),
        open_transaction: (open >= 0).then_some(open),
        last_timestamp: last.timestamp,
    };
    Some((ProducerId(i64::from_be_bytes(*id)), producer))
}
