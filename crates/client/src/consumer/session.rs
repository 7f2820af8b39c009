//! Incremental fetch sessions (KIP-227): the broker remembers what is fetched, requests name only what changed. Pure.

use std::collections::BTreeMap;

use base::Uuid;
use wire::ErrorCode;

use crate::TopicPartition;

/// What is wanted of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Want {
    pub(super) topic_id: Uuid,
    pub(super) offset: i64,
    pub(super) leader_epoch: i32,
    pub(super) bytes_max: i32,
}

/// What one request says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Delta {
    pub(super) session_id: i32,
    pub(super) session_epoch: i32,
    /// New or changed.
    pub(super) send: Vec<(TopicPartition, Want)>,
    /// Not wanted any more.
    pub(super) forget: Vec<(TopicPartition, Uuid)>,
}

/// The session with one broker. Epoch 0 asks for a new one, naming everything.
#[derive(Debug, Default)]
pub(super) struct Session {
    id: i32,
    epoch: i32,
    known: BTreeMap<TopicPartition, Want>,
}

impl Session {
    /// The next request, for exactly `wanted`.
    pub(super) fn request(&mut self, wanted: BTreeMap<TopicPartition, Want>) -> Delta {
        let mut delta = Delta { session_id: self.id, session_epoch: self.epoch, ..Delta::default() };
        if self.epoch == 0 {
            delta.send = wanted.iter().map(|(partition, want)| (partition.clone(), *want)).collect();
        } else {
            let changed = wanted.iter().filter(|(partition, want)| self.known.get(partition) != Some(want));
            delta.send = changed.map(|(partition, want)| (partition.clone(), *want)).collect();
            let gone = |(partition, known): (&TopicPartition, &Want)| match wanted.get(partition) {
                Some(want) if want.topic_id == known.topic_id => None,
                _ => Some((partition.clone(), known.topic_id)),
            };
            delta.forget = self.known.iter().filter_map(gone).collect();
        }
        self.known = wanted;
        delta
    }

    /// Takes in the answer's head. Returns whether its body can be used.
    pub(super) fn answered(&mut self, code: ErrorCode, session_id: i32) -> bool {
        if code.is_error() {
            self.failed();
            if code == ErrorCode::FETCH_SESSION_ID_NOT_FOUND {
                self.id = 0;
            }
            return false;
        }
        if self.epoch == 0 {
            // Id 0 is a broker that makes no session now.
            self.id = session_id;
            self.epoch = i32::from(session_id != 0);
        } else {
            self.epoch = self.epoch.checked_add(1).unwrap_or(1);
        }
        true
    }

    /// The next request begins anew, and names the old session so that the broker drops it.
    pub(super) fn failed(&mut self) {
        self.epoch = 0;
        self.known.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(partitions: &[(i32, i64)]) -> BTreeMap<TopicPartition, Want> {
        let want = |offset| Want { topic_id: Uuid::ZERO, offset, leader_epoch: 0, bytes_max: 1 };
        partitions
            .iter()
            .map(|(partition, offset)| (TopicPartition::new("t", *partition), want(*offset)))
            .collect()
    }

    fn sent(delta: &Delta) -> (i32, i32, Vec<i32>, Vec<i32>) {
        let send = delta.send.iter().map(|(tp, _)| tp.partition).collect();
        let forget = delta.forget.iter().map(|(tp, _)| tp.partition).collect();
        (delta.session_id, delta.session_epoch, send, forget)
    }

    #[test]
    fn only_changes_are_named() {
        let mut session = Session::default();
        assert_eq!(sent(&session.request(wanted(&[(0, 0), (1, 0)]))), (0, 0, vec![0, 1], vec![]));
        assert!(session.answered(ErrorCode::NONE, 7));
        assert_eq!(sent(&session.request(wanted(&[(0, 5), (1, 0), (2, 0)]))), (7, 1, vec![0, 2], vec![]));
        assert!(session.answered(ErrorCode::NONE, 7));
        assert_eq!(sent(&session.request(wanted(&[(2, 0)]))), (7, 2, vec![], vec![0, 1]));
        assert!(!session.answered(ErrorCode::INVALID_FETCH_SESSION_EPOCH, 0));
        assert_eq!(sent(&session.request(wanted(&[(2, 0)]))), (7, 0, vec![2], vec![]));
        assert!(!session.answered(ErrorCode::FETCH_SESSION_ID_NOT_FOUND, 0));
        assert_eq!(sent(&session.request(wanted(&[(2, 0)]))), (0, 0, vec![2], vec![]));
        assert!(session.answered(ErrorCode::NONE, 0));
        assert_eq!(sent(&session.request(wanted(&[(2, 9)]))), (0, 0, vec![2], vec![]));
    }
}
