//! The long poll: read what moved, wait for more, until there is enough or the time is over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use net::Reservation;
use tokio::time::Instant;
use wire::ErrorCode;

use super::memory::Held;
use super::read::{Ask, Isolation, Reading, read};
use super::session::Watch;
use crate::Broker;
use crate::waiters::Key;

/// What a fetch asks for in all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub isolation: Isolation,
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
    limits: Limits,
) -> (BTreeMap<usize, Reading>, Reservation) {
    let mut held = Held::nothing(broker);
    let mut readings = BTreeMap::new();
    let mut bytes = 0;
    let deadline = Instant::now() + limits.max_wait;
    let mut order = Vec::new();
    loop {
        for place in watch.moved.take() {
            let Some(known) = watch.get_mut(place) else { continue };
            let left = limits.max_bytes.saturating_sub(bytes);
            let ask = Ask {
                isolation: limits.isolation,
                max_bytes: left,
                whole_first_batch: bytes == 0,
                version: limits.version,
            };
            let reading = read(broker, &known.wanted, ask, &mut held).await;
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
        if urgent || bytes >= limits.min_bytes || limits.max_wait.is_zero() || watch.len() == 0 {
            break;
        }
        if register(broker, watch) {
            continue;
        }
        let moved = Arc::clone(&watch.moved);
        let waited = tokio::time::timeout_at(deadline, std::future::poll_fn(|cx| moved.poll(cx))).await;
        if waited.is_err() {
            break;
        }
    }
    note_again(watch, &readings, &order);
    (readings, held.into_reservation())
}

/// Has all places told of what moves, also those of a session that was answered without waiting.
pub(crate) fn register(broker: &Broker, watch: &mut Watch) -> bool {
    watch.register(&broker.waiters, |name| {
        let topic = match name.topic_id.is_zero() {
            false => broker.topics.by_id(name.topic_id.into())?,
            true => broker.topics.by_name(&name.topic)?,
        };
        Some(Key::Partition(topic.partition(name.partition)?.key()))
    })
}

/// Leaves noted what the next fetch must look at though nothing moves: first what was cut short, then what gave records (its
/// client will ask further on), then errors, which are told until they are over.
fn note_again(watch: &Watch, readings: &BTreeMap<usize, Reading>, order: &[usize]) {
    let kinds: [fn(&Reading) -> bool; 3] =
        [|one| one.bytes == 0 && one.more, |one| one.bytes > 0, |one| one.urgent];
    for kind in kinds {
        order
            .iter()
            .filter(|place| readings.get(place).is_some_and(kind))
            .for_each(|place| watch.moved.note(*place));
    }
}
