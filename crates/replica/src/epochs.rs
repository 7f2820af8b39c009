//! Leader epochs: where two logs part, and how far a follower goes back (KIP-101, KIP-279, KIP-320).
//!
//! A log knows the epochs that have a record in it. A leader also knows its own epoch, which began at the log's end when it was
//! elected and may have no record yet; leaving that out would let a follower keep the records of an epoch in between.

use base::{LeaderEpoch, Offset};

/// An epoch and the offset behind its last record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EpochEnd {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// The offset behind its last record.
    pub end: Offset,
}

/// The leader epochs of a log's records.
pub trait EpochHistory {
    /// The epoch of the last record.
    fn latest_epoch(&self) -> Option<LeaderEpoch>;

    /// The largest epoch at or below `epoch` and the offset behind its last record; where the first one is later, `epoch` itself
    /// and the log's first offset. `None` where `epoch` is later than all, or there is none.
    fn end_of_epoch(&self, epoch: LeaderEpoch) -> Option<EpochEnd>;
}

/// What a leader in `own` epoch, which began at `start`, answers about `requested`.
pub(crate) fn leaders_end(
    log: &impl EpochHistory,
    own: EpochEnd,
    start: Offset,
    requested: LeaderEpoch,
) -> Option<EpochEnd> {
    if requested.0 < 0 || requested > own.epoch {
        return None;
    }
    if requested == own.epoch {
        return Some(own);
    }
    match log.latest_epoch() {
        None => Some(EpochEnd { epoch: requested, end: start }),
        Some(latest) if latest < requested => Some(EpochEnd { epoch: latest, end: start }),
        Some(_) => log.end_of_epoch(requested),
    }
}

/// Where a follower's log goes back to, when the leader's history of `leader.epoch` ends at `leader.end`.
///
/// Where the follower has no record of that epoch it goes back to the end of the one before, and asks again from there.
pub(crate) fn truncation_point(log: &impl EpochHistory, leader: EpochEnd, log_end: Offset) -> Offset {
    let point = match log.end_of_epoch(leader.epoch) {
        Some(local) if local.epoch == leader.epoch => leader.end.min(local.end),
        Some(local) => local.end,
        None => leader.end,
    };
    point.min(log_end)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// Epochs with their starts, and the log's end.
    #[derive(Clone, Debug, Default)]
    pub(crate) struct History {
        pub starts: Vec<(i32, i64)>,
        pub end: i64,
    }

    impl EpochHistory for History {
        fn latest_epoch(&self) -> Option<LeaderEpoch> {
            self.starts.last().map(|(epoch, _)| LeaderEpoch(*epoch))
        }

        fn end_of_epoch(&self, epoch: LeaderEpoch) -> Option<EpochEnd> {
            if self.latest_epoch()? == epoch {
                return Some(EpochEnd { epoch, end: Offset(self.end) });
            }
            let higher = self.starts.iter().position(|(known, _)| *known > epoch.0)?;
            let floor = higher.checked_sub(1).map_or(epoch, |place| LeaderEpoch(self.starts[place].0));
            Some(EpochEnd { epoch: floor, end: Offset(self.starts[higher].1) })
        }
    }

    pub(crate) fn history(starts: &[(i32, i64)], end: i64) -> History {
        History { starts: starts.into(), end }
    }

    fn end(epoch: i32, end: i64) -> EpochEnd {
        EpochEnd { epoch: LeaderEpoch(epoch), end: Offset(end) }
    }

    #[test]
    fn a_leader_answers_for_its_own_epoch_though_it_has_no_record() {
        let log = history(&[(1, 0), (3, 10)], 20);
        for (requested, expected) in [
            (-1, None),
            (0, Some(end(0, 0))),
            (1, Some(end(1, 10))),
            (2, Some(end(1, 10))),
            (3, Some(end(3, 20))),
            (4, Some(end(3, 20))),
            (5, Some(end(5, 20))),
            (6, None),
        ] {
            let answer = leaders_end(&log, end(5, 20), Offset(20), LeaderEpoch(requested));
            assert_eq!(answer, expected, "{requested}");
        }
        let empty = History::default();
        assert_eq!(leaders_end(&empty, end(5, 0), Offset(0), LeaderEpoch(3)), Some(end(3, 0)));
    }

    #[test]
    fn a_follower_goes_back_to_where_the_histories_part() {
        for (local, log_end, leader, expected) in [
            // Same epoch, the leader's part of it is shorter.
            (&[(1, 0)][..], 10, end(1, 6), 6),
            // Same epoch, the follower's part of it is shorter.
            (&[(1, 0), (2, 4)][..], 10, end(1, 6), 4),
            // The leader's epoch is unknown here: back to the end of the one before it.
            (&[(1, 0), (4, 7)][..], 10, end(3, 9), 7),
            // Nothing is as old as the leader's epoch.
            (&[(4, 2)][..], 10, end(3, 9), 2),
            (&[][..], 5, end(3, 3), 3),
        ] {
            let log = history(local, log_end);
            assert_eq!(
                truncation_point(&log, leader, Offset(log_end)),
                Offset(expected),
                "{local:?} {leader:?}"
            );
        }
    }
}
