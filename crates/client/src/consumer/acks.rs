//! What was handed out of a partition and is not done with. Pure.
//!
//! ```text
//! handed out   │ 0..5 │ 5..9 │ 9..12 │        in the order of offsets
//! done up to   │  5   │  9   │   9   │        so that 9 may be committed; had 0..5 been done to 3 only, 3
//! ```

use std::collections::VecDeque;

/// One batch that was handed out: the position moves from `from` to `next`.
#[derive(Debug)]
struct Lent {
    next: i64,
    from: i64,
    done: i64,
}

/// The batches of a partition that are not done with, in the order of offsets.
#[derive(Debug)]
pub(super) struct Acks {
    course: u64,
    lent: VecDeque<Lent>,
}

impl Acks {
    /// `course` tells these batches from those handed out before the last seek.
    pub(super) fn new(course: u64) -> Self {
        Self { course, lent: VecDeque::new() }
    }

    pub(super) fn course(&self) -> u64 {
        self.course
    }

    /// Whether everything is done with.
    pub(super) fn is_empty(&self) -> bool {
        self.lent.is_empty()
    }

    /// A batch leaves.
    pub(super) fn lend(&mut self, from: i64, next: i64) {
        assert!(
            self.lent.back().is_none_or(|last| last.next <= from),
            "batches leave in the order of offsets"
        );
        self.lent.push_back(Lent { next, from, done: from });
    }

    /// The batch that `upto` lies in is done up to there. Returns up to where everything is now, if that moved.
    pub(super) fn acknowledge(&mut self, upto: i64) -> Option<i64> {
        let place = self.lent.partition_point(|lent| lent.next < upto);
        let lent = self.lent.get_mut(place).filter(|lent| lent.from < upto)?;
        lent.done = lent.done.max(upto);
        let mut moved = None;
        while let Some(first) = self.lent.front() {
            moved = Some(first.done).filter(|done| *done > first.from).or(moved);
            if first.done < first.next {
                break;
            }
            self.lent.pop_front();
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_committed_moves_only_over_what_is_done_without_a_gap() {
        let mut acks = Acks::new(1);
        // With a gap, as compaction leaves them.
        [(0, 5), (5, 9), (20, 22)].into_iter().for_each(|(from, next)| acks.lend(from, next));
        let script = [
            (9, None),
            (3, Some(3)),
            (2, Some(3)),
            (5, Some(9)),
            (5, None),
            (15, None),
            (21, Some(21)),
            (22, Some(22)),
            (22, None),
            (99, None),
        ];
        for (upto, expected) in script {
            assert_eq!(acks.acknowledge(upto), expected, "{upto}");
        }
    }
}
