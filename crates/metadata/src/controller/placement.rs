//! Where new replicas go: striped over racks, starting anywhere.
//!
//! Brokers are shuffled within their rack, racks take turns, and each partition begins one broker further, so that leaders and
//! replicas spread evenly; a rack gets a second replica only when every other has one. Fenced brokers take part as followers,
//! never as the first replica. Cordoned ones take nothing new.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;

use base::Str;
use wire::ErrorCode;

use super::{ApiError, Controller, Draws};

/// The brokers of one rack, in the order they are to be taken.
struct Rack {
    active: Vec<i32>,
    fenced: Vec<i32>,
}

impl Controller {
    /// The replicas of `partitions` new partitions, `replication_factor` each.
    pub(super) fn place(
        &self,
        partitions: usize,
        replication_factor: i16,
        draws: &mut Draws,
    ) -> Result<Vec<Vec<i32>>, ApiError> {
        let racks = self.racks(draws);
        let brokers: usize = racks.iter().map(|rack| rack.active.len() + rack.fenced.len()).sum();
        let wanted = usize::try_from(replication_factor).unwrap_or(0);
        let refuse = |why: &str| {
            let message = format!("Unable to replicate the partition {replication_factor} time(s): {why}");
            ApiError::new(ErrorCode::INVALID_REPLICATION_FACTOR, message)
        };
        if racks.iter().all(|rack| rack.active.is_empty()) {
            return Err(refuse(
                "All brokers are currently fenced, or have all their log directories cordoned.",
            ));
        }
        if wanted > brokers {
            return Err(refuse(&format!(
                "The target replication factor of {wanted} cannot be reached because only {brokers} broker(s) are registered or some brokers have all their log directories cordoned."
            )));
        }
        let start = draws.below(brokers);
        Ok((0..partitions).map(|index| place_one(&racks, wanted, start + index)).collect())
    }

    fn racks(&self, draws: &mut Draws) -> Vec<Rack> {
        let mut racks: BTreeMap<Option<&Str>, Rack> = BTreeMap::new();
        for (id, broker) in self.image.brokers() {
            if broker.all_cordoned() {
                continue;
            }
            let rack = racks
                .entry(broker.rack.as_ref())
                .or_insert_with(|| Rack { active: Vec::new(), fenced: Vec::new() });
            let side = if broker.is_active() { &mut rack.active } else { &mut rack.fenced };
            side.push(*id);
        }
        let mut racks: Vec<_> = racks.into_values().collect();
        for rack in &mut racks {
            shuffle(&mut rack.active, draws);
            shuffle(&mut rack.fenced, draws);
        }
        racks
    }
}

/// The replicas of one partition: the first from a rack that has a live broker, then one from each rack in turn.
fn place_one(racks: &[Rack], wanted: usize, turn: usize) -> Vec<i32> {
    let mut chosen = Vec::with_capacity(wanted);
    let live = (0..racks.len()).map(|step| (turn + step) % racks.len());
    let first = live.into_iter().find(|place| racks.get(*place).is_some_and(|rack| !rack.active.is_empty()));
    let Some(first) = first else { return chosen };
    let round = turn / racks.len();
    for step in 0.. {
        if chosen.len() == wanted || step > racks.len() * (wanted + 1) {
            break;
        }
        let Some(rack) = racks.get((first + step) % racks.len()) else { break };
        chosen.extend(next_of(rack, round, &chosen));
    }
    chosen
}

/// The broker of a rack whose turn it is and that is not chosen yet, live ones before fenced ones.
fn next_of(rack: &Rack, round: usize, chosen: &[i32]) -> Option<i32> {
    let rotated = |side: &[i32]| {
        let (before, from) = side.split_at(round.checked_rem(side.len()).unwrap_or(0));
        from.iter().chain(before).copied().find(|broker| !chosen.contains(broker))
    };
    rotated(&rack.active).or_else(|| rotated(&rack.fenced))
}

fn shuffle(brokers: &mut [i32], draws: &mut Draws) {
    for place in (1..brokers.len()).rev() {
        brokers.swap(place, draws.below(place + 1));
    }
}
