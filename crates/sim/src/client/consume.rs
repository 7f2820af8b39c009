//! Reading: one fetch, or a whole partition from its start.

use base::{LeaderEpoch, Offset};
use checker::{Key, Mark, Observation, Process};
use records::Batches;
use wire::ErrorCode;

use super::Port;
use super::produce::value_of;
use crate::Time;
use crate::message::{ReadAnswer, Request, Response};
use crate::plan::{MS, SECOND};

/// What one fetch brought.
#[derive(Debug)]
pub struct Fetched {
    pub records: Vec<(i64, u64)>,
    /// Where to go on.
    pub next: i64,
    pub log_start: i64,
    /// The end of what is committed, if the leader knows it.
    pub end: Option<i64>,
}

/// Reads from an offset on, once.
pub async fn fetch(port: &Port, process: Process, key: Key, offset: i64) -> Result<Fetched, ErrorCode> {
    let partition = port.partition(key).ok_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION)?;
    let epoch = LeaderEpoch(port.epochs.borrow().get(&key).copied().unwrap_or(-1));
    let request = Request::Read { partition, offset: Offset(offset), epoch };
    let answer = port.ask_leader(|led| led.partition == partition, request, 900 * MS).await;
    match answer {
        Ok(Response::Read(Ok(answer))) => Ok(take(port, process, key, offset, &answer)),
        Ok(Response::Read(Err(error))) => Err(error),
        _ => Err(ErrorCode::NETWORK_EXCEPTION),
    }
}

fn take(port: &Port, process: Process, key: Key, offset: i64, answer: &ReadAnswer) -> Fetched {
    let mut fetched = Fetched {
        records: Vec::new(),
        next: offset,
        log_start: answer.log_start.0,
        end: answer.is_proven.then_some(answer.high_watermark.0),
    };
    for batch in Batches::new(&answer.records).filter_map(Result::ok) {
        fetched.next = fetched.next.max(batch.header.next_offset().0);
        let Ok(body) = batch.decompress(1 << 20) else { continue };
        for record in batch.records(&body).filter_map(Result::ok).filter(|record| record.offset.0 >= offset) {
            fetched.records.push((record.offset.0, value_of(record.value.unwrap_or_default())));
        }
    }
    port.epochs.borrow_mut().insert(key, answer.leader_epoch.0);
    let saw = |mark, value| port.observe(Observation::Mark { process, key, mark, value });
    saw(Mark::LeaderEpoch, i64::from(answer.leader_epoch.0));
    saw(Mark::LogStart, fetched.log_start);
    if let Some(end) = fetched.end {
        saw(Mark::HighWatermark, end);
    }
    fetched
}

/// Reads a whole partition: its start, its records. `None` when that takes too long.
pub async fn read_all(
    port: &Port,
    process: Process,
    key: Key,
    patience: Time,
) -> Option<(i64, Vec<(i64, u64)>)> {
    let give_up = port.now() + patience;
    let (mut records, mut at, mut log_start) = (Vec::new(), 0, 0);
    let mut goal: Option<i64> = None;
    loop {
        match fetch(port, process, key, at).await {
            Ok(fetched) => {
                records.extend(fetched.records);
                at = fetched.next;
                log_start = fetched.log_start;
                // The end as of the first answer that tells it: what is committed later need not be there.
                goal = goal.or(fetched.end);
                if goal.is_some_and(|goal| at >= goal) {
                    return Some((log_start, records));
                }
            }
            Err(_) => port.sleep(100 * MS).await,
        }
        if port.now() >= give_up {
            let _ = log_start;
            return None;
        }
    }
}

/// How long a full read may take.
pub const FULL_READ: Time = 8 * SECOND;
