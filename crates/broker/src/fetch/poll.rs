//! The long poll: read what moved, wait for more, until there is enough or the time is over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::Str;
use net::Reservation;
use tokio::time::Instant;
use wire::ErrorCode;

use super::memory::Held;
use super::read::{Ask, FromReplica, Isolation, Reading, read};
use super::watch::{Listen, Watch};
use crate::Broker;
use crate::request::ConnectionInfo;
use crate::waiters::Key;

/// What a fetch asks for in all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits<'a> {
    pub isolation: Isolation,
    /// A consumer's rack, where it may be sent to a replica there.
    pub rack: Option<&'a Str>,
    /// Which replica asks, if one does.
    pub replica: Option<FromReplica>,
    pub max_wait: Duration,
    pub min_bytes: usize,
    pub max_bytes: usize,
    pub version: i16,
}

/// Reads the places that moved, and waits until there are `min_bytes`, an error, or no time left. Gives the readings by
/// place, and what they hold of the memory for answers.
///
/// A reading that was cut short by the limits leaves its place noted, so that the session's next fetch looks there again.
pub(crate) async fn poll(
    broker: &Arc<Broker>,
    watch: &mut Watch,
    limits: Limits<'_>,
    connection: &ConnectionInfo,
) -> (BTreeMap<usize, Reading>, Reservation) {
    let mut held = Held::nothing(broker);
    let mut readings = BTreeMap::new();
    let mut bytes = 0;
    let deadline = Instant::now() + limits.max_wait;
    let (mut order, mut is_over) = (Vec::new(), false);
    loop {
        for place in watch.moved.take() {
            let Some(known) = watch.get_mut(place) else { continue };
            let left = limits.max_bytes.saturating_sub(bytes);
            let ask = Ask {
                isolation: limits.isolation,
                rack: limits.rack,
                replica: limits.replica,
                max_bytes: left,
                whole_first_batch: bytes == 0,
                version: limits.version,
            };
            let told_start = known.log_start;
            let mut reading = read(broker, &known.wanted, ask, &mut held).await;
            // Records were deleted: followers hear so at once.
            reading.urgent |=
                limits.replica.is_some() && told_start >= 0 && told_start != reading.data.log_start_offset;
            if reading.data.error_code != ErrorCode::NONE {
                watch.unregister(place);
            }
            bytes += reading.bytes;
            let before: Option<Reading> = readings.insert(place, reading);
            let replaced = before.map_or(0, |before| before.bytes);
            bytes -= replaced;
            held.give_back(replaced);
            order.push(place);
        }
        let urgent = readings.values().any(|reading: &Reading| reading.urgent);
        if is_over || urgent || bytes >= limits.min_bytes || limits.max_wait.is_zero() || watch.len() == 0 {
            break;
        }
        if register(broker, watch, limits.replica.is_some()) {
            continue;
        }
        let moved = Arc::clone(&watch.moved);
        let is_moved = tokio::select! {
            () = std::future::poll_fn(|cx| moved.poll(cx)) => true,
            // A follower has more to say.
            () = connection.parked.until_interrupted(), if limits.replica.is_some() => false,
            () = connection.slot.until_shut() => false,
            () = tokio::time::sleep_until(deadline) => false,
        };
        if !is_moved {
            is_over = true;
        }
    }
    note_again(watch, &readings, &order, limits.replica.is_some());
    (readings, held.into_reservation())
}

/// Has all places told of what moves, also those of a session that was answered without waiting.
pub(crate) fn register(broker: &Broker, watch: &mut Watch, is_replica: bool) -> bool {
    watch.register(&broker.waiters, |name| {
        let topic = match name.topic_id.is_zero() {
            false => broker.topics.by_id(name.topic_id.into())?,
            true => broker.topics.by_name(&name.topic)?,
        };
        let key = topic.replica(name.partition).ok()?.key();
        Some(match is_replica {
            // A follower hears of the high watermark with the next records.
            true => Listen { wakes: Key::LogEnd(key), quietly: Some(Key::Partition(key)) },
            false => Listen { wakes: Key::Partition(key), quietly: None },
        })
    })
}

/// Leaves noted what the next fetch must look at though nothing moves: first what was cut short, then what gave records (its
/// client will ask further on), then errors, which are told until they are over. A follower says by itself where it goes on.
fn note_again(watch: &Watch, readings: &BTreeMap<usize, Reading>, order: &[usize], is_replica: bool) {
    let kinds: [fn(&Reading) -> bool; 3] =
        [|one| one.bytes == 0 && one.more, |one| one.bytes > 0, |one| one.urgent];
    for kind in kinds.into_iter().take(if is_replica { 1 } else { 3 }) {
        order
            .iter()
            .filter(|place| readings.get(place).is_some_and(kind))
            .for_each(|place| watch.moved.note(*place));
    }
}
