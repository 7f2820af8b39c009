//! An idempotent producer: one batch at a time, tried again under its sequence number until it is answered or out of time.

use base::{Offset, ProducerId};
use bytes::Bytes;
use checker::{Key, Outcome};
use records::{BatchBuilder, BatchOptions, NewRecord, ProducerFields};
use wire::ErrorCode;

use super::Port;
use crate::Time;
use crate::message::{NoAnswer, Request, Response};
use crate::plan::{MS, SECOND};

/// How long a record is tried, like `delivery.timeout.ms`.
const DELIVERY: Time = 12 * SECOND;

/// A producer's identity and its sequence in each partition.
#[derive(Debug)]
pub struct Producer {
    id: ProducerId,
    sequences: Vec<i32>,
}

impl Producer {
    pub fn new(process: u32, keys: usize) -> Self {
        Self { id: ProducerId(i64::from(process)), sequences: vec![0; keys] }
    }

    /// Sends one record; how that ended, and where it is.
    pub async fn send(&mut self, port: &Port, key: Key, value: u64) -> (Outcome, Option<i64>) {
        let Some(partition) = port.partition(key) else { return (Outcome::Fail, None) };
        let sequence = self.sequences.get(key as usize).copied().unwrap_or(0);
        let batch = batch(self.id, sequence, value, port.now());
        let give_up = port.now() + DELIVERY;
        let mut is_uncertain = false;
        loop {
            let request = Request::Produce { partition, batch: batch.clone() };
            let answer = port.ask_leader(|led| led.partition == partition, request, 2 * SECOND).await;
            match answer {
                Ok(Response::Produce(Ok(offset))) => {
                    if let Some(next) = self.sequences.get_mut(key as usize) {
                        *next += 1;
                    }
                    return (
                        Outcome::Ok,
                        Some(offset).filter(|offset| *offset >= Offset(0)).map(Offset::get),
                    );
                }
                Ok(Response::Produce(Err(error))) => {
                    is_uncertain |= !is_definite(error);
                    if !error.is_retriable() {
                        return (unless(is_uncertain), None);
                    }
                }
                // A leader that was never found was never asked.
                Err(NoAnswer::Disconnected | NoAnswer::TimedOut) | Ok(_) => is_uncertain = true,
            }
            if port.now() >= give_up {
                return (unless(is_uncertain), None);
            }
            let pause = port.draw(|draws| draws.within(20 * MS, 150 * MS));
            port.sleep(pause).await;
        }
    }
}

/// Errors that a leader gives only where it certainly appended nothing.
fn is_definite(error: ErrorCode) -> bool {
    matches!(
        error,
        ErrorCode::NOT_ENOUGH_REPLICAS
            | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            | ErrorCode::INVALID_PRODUCER_EPOCH
            | ErrorCode::CORRUPT_MESSAGE
    )
}

fn unless(is_uncertain: bool) -> Outcome {
    if is_uncertain { Outcome::Info } else { Outcome::Fail }
}

fn batch(id: ProducerId, base_sequence: i32, value: u64, now: Time) -> Bytes {
    let producer = ProducerFields { id, epoch: 0, base_sequence };
    let mut batch = BatchBuilder::new(BatchOptions { producer, ..BatchOptions::default() });
    // Of several sizes, so that segments roll at different places.
    let mut text = value.to_string();
    text.extend(std::iter::repeat_n('.', usize::try_from(value % 7).unwrap_or(0) * 40));
    let timestamp = crate::quorum::millis(now);
    let record = NewRecord { timestamp, key: None, value: Some(text.as_bytes()), headers: &[] };
    let added = batch.append(record);
    assert!(added.is_ok(), "one small record fits");
    batch.build().to_bytes()
}

/// The value of a record.
pub fn value_of(bytes: &[u8]) -> u64 {
    let mut digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    let value =
        digits.try_fold(0_u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
    value.filter(|_| bytes.first().is_some_and(u8::is_ascii_digit)).unwrap_or(u64::MAX)
}
