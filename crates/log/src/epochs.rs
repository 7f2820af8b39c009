//! Which leader epoch began at which offset (KIP-101): the answer to `OffsetsForLeaderEpoch`.
//!
//! On disk as Kafka's `leader-epoch-checkpoint`: version 0, the number of lines, then `epoch start-offset` per line.

use std::path::Path;

use base::{LeaderEpoch, Offset};
use env::Disk;

use crate::checkpoint;
use crate::error::{LogError, Result};
use crate::names;

/// The start of an epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EpochStart {
    /// The epoch.
    pub epoch: LeaderEpoch,
    /// Its first offset.
    pub start: Offset,
}

/// All epochs of one log, epochs and offsets rising.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Epochs(Vec<EpochStart>);

impl Epochs {
    pub fn latest(&self) -> Option<EpochStart> {
        self.0.last().copied()
    }

    pub fn entries(&self) -> &[EpochStart] {
        &self.0
    }

    /// Notes that `epoch` has a batch at `start`; returns whether that was new.
    pub fn assign(&mut self, epoch: i32, start: i64) -> bool {
        if epoch < 0 || self.latest().is_some_and(|latest| epoch <= latest.epoch.0) {
            return false;
        }
        self.truncate_end(start);
        self.0.push(EpochStart { epoch: LeaderEpoch(epoch), start: Offset(start) });
        true
    }

    /// The largest epoch at or below `requested` and the offset behind its last record (KIP-279).
    ///
    /// `None` where the epoch is later than any here, or where there is none: "undefined" on the wire.
    pub fn end_offset(&self, requested: LeaderEpoch, log_end: Offset) -> Option<(LeaderEpoch, Offset)> {
        if requested.0 < 0 {
            return None;
        }
        if self.latest()?.epoch == requested {
            return Some((requested, log_end));
        }
        let higher = self.0.partition_point(|entry| entry.epoch <= requested);
        let next = self.0.get(higher)?;
        let floor = higher.checked_sub(1).and_then(|place| self.0.get(place));
        Some((floor.map_or(requested, |entry| entry.epoch), next.start))
    }

    /// The epoch of the record at `offset`.
    pub fn epoch_at(&self, offset: Offset) -> Option<LeaderEpoch> {
        let place = self.0.partition_point(|entry| entry.start <= offset).checked_sub(1)?;
        self.0.get(place).map(|entry| entry.epoch)
    }

    /// Forgets epochs that begin at or behind `end`; returns whether there were any.
    pub fn truncate_end(&mut self, end: i64) -> bool {
        let before = self.0.len();
        self.0.retain(|entry| entry.start.0 < end);
        self.0.len() != before
    }

    /// Forgets what lies before `start`; the epoch that is in force there begins there.
    pub fn truncate_start(&mut self, start: i64) -> bool {
        let keep = self.0.partition_point(|entry| entry.start.0 <= start).saturating_sub(1);
        self.0.drain(..keep);
        match self.0.first_mut() {
            Some(first) if first.start.0 < start => first.start = Offset(start),
            _ => return keep > 0,
        }
        true
    }

    pub fn load(disk: &dyn Disk, dir: &Path) -> Result<Self> {
        let path = dir.join(names::LEADER_EPOCHS);
        let lines = checkpoint::read(disk, &path)?;
        let mut epochs = Self::default();
        for line in lines {
            let entry = line.split_once(' ').and_then(|(epoch, start)| {
                Some(EpochStart {
                    epoch: LeaderEpoch(epoch.parse().ok()?),
                    start: Offset(start.parse().ok()?),
                })
            });
            let entry = entry.ok_or_else(|| LogError::Corrupt {
                path: path.clone(),
                position: 0,
                offset: Offset(-1),
                reason: "a line is not an epoch and an offset",
            })?;
            epochs.0.push(entry);
        }
        Ok(epochs)
    }

    /// Replaces the file; it becomes durable with the next checkpoint, and recovery can do without it.
    pub fn store(&self, disk: &dyn Disk, dir: &Path) -> Result<()> {
        let path = dir.join(names::LEADER_EPOCHS);
        let lines = self.0.iter().map(|entry| format!("{} {}", entry.epoch, entry.start));
        checkpoint::replace_lazily(disk, &path, checkpoint::text(lines).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(entries: &[(i32, i64)]) -> Epochs {
        let mut epochs = Epochs::default();
        entries.iter().for_each(|(epoch, start)| assert!(epochs.assign(*epoch, *start)));
        epochs
    }

    #[test]
    fn ends_are_kafkas() {
        let epochs = epochs(&[(2, 10), (3, 20), (6, 30)]);
        let end =
            |epoch| epochs.end_offset(LeaderEpoch(epoch), Offset(40)).map(|(epoch, end)| (epoch.0, end.0));
        for (requested, expected) in [
            (-1, None),
            (0, Some((0, 10))),
            (2, Some((2, 20))),
            (3, Some((3, 30))),
            (5, Some((3, 30))),
            (6, Some((6, 40))),
            (7, None),
        ] {
            assert_eq!(end(requested), expected, "{requested}");
        }
        assert_eq!(Epochs::default().end_offset(LeaderEpoch(0), Offset(0)), None);
    }

    #[test]
    fn truncation_keeps_the_epoch_in_force() {
        let mut both = epochs(&[(2, 10), (3, 20), (6, 30)]);
        assert!(both.truncate_start(25));
        assert!(both.truncate_end(30));
        assert_eq!(both, epochs(&[(3, 25)]));
        assert!(!both.truncate_start(25));
        assert!(!both.assign(3, 28));
        assert_eq!(both.epoch_at(Offset(24)), None);
        assert_eq!(both.epoch_at(Offset(26)), Some(LeaderEpoch(3)));
    }
}
