//! Where records without a key go: to one partition until a batch is full, then to another (KIP-480, KIP-794).
//!
//! Partitions with longer queues are chosen less often: a partition's weight is the longest queue plus one less its own, so that a
//! slow broker gets less of what may go anywhere.

use std::collections::HashMap;

use base::Str;

/// The present partition of each topic.
#[derive(Debug, Default)]
pub(super) struct Sticky {
    topics: HashMap<Str, Turn>,
}

#[derive(Debug, Clone, Copy)]
struct Turn {
    partition: i32,
    bytes: usize,
}

impl Sticky {
    /// The partition for the next record of `topic`. `loads` are the partitions that have a leader with the lengths of their queues;
    /// `draw` gives a number below its argument.
    pub(super) fn partition(
        &mut self,
        topic: &Str,
        batch_size: usize,
        loads: impl FnOnce() -> Vec<(i32, usize)>,
        draw: impl FnOnce(usize) -> usize,
    ) -> i32 {
        if let Some(turn) = self.topics.get(topic).filter(|turn| turn.bytes < batch_size) {
            return turn.partition;
        }
        let partition = choose(&loads(), draw);
        self.topics.insert(topic.clone(), Turn { partition, bytes: 0 });
        partition
    }

    /// Counts a record of `bytes` towards the end of the turn.
    pub(super) fn produced(&mut self, topic: &Str, bytes: usize) {
        if let Some(turn) = self.topics.get_mut(topic) {
            turn.bytes += bytes;
        }
    }
}

fn choose(loads: &[(i32, usize)], draw: impl FnOnce(usize) -> usize) -> i32 {
    let longest = loads.iter().map(|(_, queue)| *queue).max().unwrap_or(0);
    let weights = loads.iter().map(|(partition, queue)| (*partition, longest + 1 - queue));
    let mut left = draw(weights.clone().map(|(_, weight)| weight).sum());
    for (partition, weight) in weights {
        if left < weight {
            return partition;
        }
        left -= weight;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_lasts_a_batch() {
        let mut sticky = Sticky::default();
        let topic = Str::from("t");
        let loads = || vec![(0, 0), (1, 0), (2, 0)];
        assert_eq!(sticky.partition(&topic, 100, loads, |_| 2), 2);
        sticky.produced(&topic, 99);
        assert_eq!(sticky.partition(&topic, 100, loads, |_| 0), 2);
        sticky.produced(&topic, 1);
        assert_eq!(sticky.partition(&topic, 100, loads, |_| 0), 0);
    }

    #[test]
    fn longer_queues_are_chosen_less_often() {
        let loads = [(0, 3), (1, 0), (2, 2)];
        let mut counts = [0; 3];
        for draw in 0..(1 + 4 + 2) {
            counts[choose(&loads, |bound| {
                assert_eq!(bound, 7);
                draw
            }) as usize] += 1;
        }
        assert_eq!(counts, [1, 4, 2]);
    }
}
