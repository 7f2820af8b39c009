//! Appends that wait to be committed.
//!
//! Two queues in the order of offsets: those that wait for the leader's own disk (`acks=1`) and those that wait for the high
//! watermark (`acks=all`). Moving a watermark costs by what it releases.

use std::collections::VecDeque;

use base::Offset;

/// What an append waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acks {
    /// Nothing: the answer leaves once the append has an offset, or there is none (`acks=0`).
    None,
    /// The leader's own disk (`acks=1`).
    Leader,
    /// All in-sync replicas' disks (`acks=all`).
    All,
}

/// The appends of one partition that wait.
pub(crate) struct AckQueue<C> {
    leader: VecDeque<(Offset, C)>,
    all: VecDeque<(Offset, C)>,
}

impl<C> Default for AckQueue<C> {
    fn default() -> Self {
        Self { leader: VecDeque::new(), all: VecDeque::new() }
    }
}

impl<C> AckQueue<C> {
    /// Adds an append whose last record is right below `end`; gives it back if it waits for nothing.
    #[must_use]
    pub fn push(&mut self, acks: Acks, end: Offset, waiting: C) -> Option<C> {
        let queue = match acks {
            Acks::None => return Some(waiting),
            Acks::Leader => &mut self.leader,
            Acks::All => &mut self.all,
        };
        // A duplicate's end lies below those that wait; it then waits a little longer than it must.
        let end = queue.back().map_or(end, |(last, _)| end.max(*last));
        queue.push_back((end, waiting));
        None
    }

    /// Takes those that the watermarks have passed: those that waited for the leader's disk, and those that waited for all.
    pub fn release(&mut self, durable_end: Offset, high_watermark: Offset) -> (Vec<C>, Vec<C>) {
        (take(&mut self.leader, durable_end), take(&mut self.all, high_watermark))
    }

    /// Takes all of them: they will not be committed here.
    pub fn clear(&mut self) -> Vec<C> {
        let all = std::mem::take(&mut self.all).into_iter();
        std::mem::take(&mut self.leader).into_iter().chain(all).map(|(_, waiting)| waiting).collect()
    }
}

fn take<C>(queue: &mut VecDeque<(Offset, C)>, watermark: Offset) -> Vec<C> {
    let mut released = Vec::new();
    while let Some((_, waiting)) = queue.pop_front_if(|(end, _)| *end <= watermark) {
        released.push(waiting);
    }
    if queue.is_empty() && queue.capacity() > 1024 {
        *queue = VecDeque::new();
    }
    released
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_watermark_releases_its_own() {
        let mut queue = AckQueue::default();
        assert_eq!(queue.push(Acks::None, Offset(100), "none"), Some("none"));
        for (acks, end, name) in [
            (Acks::Leader, 10, "leader"),
            (Acks::All, 10, "all"),
            (Acks::All, 20, "all later"),
            (Acks::All, 5, "duplicate"),
        ] {
            assert_eq!(queue.push(acks, Offset(end), name), None);
        }
        let mut released = |durable, high| queue.release(Offset(durable), Offset(high));
        assert_eq!(released(9, 9), (vec![], vec![]));
        assert_eq!(released(10, 9), (vec!["leader"], vec![]));
        assert_eq!(released(30, 10), (vec![], vec!["all"]));
        assert_eq!(released(30, 20), (vec![], vec!["all later", "duplicate"]));
    }
}
