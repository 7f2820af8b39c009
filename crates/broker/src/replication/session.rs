//! A follower's side of an incremental fetch session (KIP-227): after the first request only what changed is said.

use std::time::Duration;

use base::{Str, TopicId, TopicIdPartition};
use replica::FetchPosition;
use wire::ErrorCode;
use wire::messages::fetch::{FetchPartition, FetchRequest, FetchTopic, ForgottenTopic, ReplicaState};

/// What bounds the answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// `replica.socket.timeout.ms`.
    pub socket_timeout: Duration,
    /// `replica.fetch.wait.max.ms`.
    pub wait_max_ms: i32,
    /// `replica.fetch.min.bytes`.
    pub min_bytes: i32,
    /// `replica.fetch.response.max.bytes`.
    pub response_max_bytes: i32,
    /// `replica.fetch.max.bytes`.
    pub partition_max_bytes: i32,
}

/// Where the session stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Session {
    id: i32,
    /// The epoch of the next request.
    epoch: i32,
}

impl Session {
    /// Whether the next request must name every partition.
    pub fn is_new(self) -> bool {
        self.id == 0
    }

    /// The next request: positions that changed, and partitions that are no longer wanted.
    pub fn request(
        &mut self,
        replica: ReplicaState,
        bounds: Bounds,
        positions: &[(TopicIdPartition, FetchPosition)],
        forgotten: &[TopicIdPartition],
    ) -> FetchRequest {
        let request = FetchRequest {
            max_wait_ms: bounds.wait_max_ms,
            min_bytes: bounds.min_bytes,
            max_bytes: bounds.response_max_bytes,
            session_id: self.id,
            session_epoch: self.epoch,
            topics: by_topic(positions, bounds),
            forgotten_topics_data: if self.is_new() { Vec::new() } else { forgotten_by_topic(forgotten) },
            replica_state: replica,
            ..Default::default()
        };
        if !self.is_new() {
            self.epoch = if self.epoch == i32::MAX { 1 } else { self.epoch + 1 };
        }
        request
    }

    /// The leader's answer names its session; an error ends it.
    pub fn answered(&mut self, error: ErrorCode, id: i32) {
        if error != ErrorCode::NONE {
            *self = Self::default();
        } else if id == 0 {
            // None was made, or its last partition left it.
            *self = Self::default();
        } else if self.is_new() {
            *self = Self { id, epoch: 1 };
        }
    }
}

fn by_topic(positions: &[(TopicIdPartition, FetchPosition)], bounds: Bounds) -> Vec<FetchTopic> {
    let mut topics: Vec<FetchTopic> = Vec::new();
    for (key, position) in positions {
        let partition = FetchPartition {
            partition: key.partition,
            current_leader_epoch: position.leader_epoch.0,
            fetch_offset: position.log_end.0,
            last_fetched_epoch: position.last_fetched_epoch.0,
            log_start_offset: position.log_start.0,
            partition_max_bytes: bounds.partition_max_bytes,
            durable_end: position.durable_end.0,
            ..Default::default()
        };
        match topics.last_mut().filter(|topic| TopicId(topic.topic_id) == key.topic) {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(FetchTopic {
                topic: Str::default(),
                topic_id: key.topic.0,
                partitions: vec![partition],
            }),
        }
    }
    topics
}

fn forgotten_by_topic(partitions: &[TopicIdPartition]) -> Vec<ForgottenTopic> {
    let one = |key: &TopicIdPartition| ForgottenTopic {
        topic: Str::default(),
        topic_id: key.topic.0,
        partitions: vec![key.partition],
    };
    partitions.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        socket_timeout: Duration::ZERO,
        wait_max_ms: 500,
        min_bytes: 1,
        response_max_bytes: 10,
        partition_max_bytes: 5,
    };

    #[test]
    fn a_session_begins_with_everything_and_goes_on_with_changes() {
        let mut session = Session::default();
        let gone = [TopicIdPartition { topic: TopicId::ZERO, partition: 1 }];
        let ask = |session: &mut Session| {
            let request = session.request(ReplicaState::default(), BOUNDS, &[], &gone);
            (request.session_id, request.session_epoch, request.forgotten_topics_data.len())
        };
        assert_eq!(ask(&mut session), (0, 0, 0));
        session.answered(ErrorCode::NONE, 7);
        assert_eq!(ask(&mut session), (7, 1, 1));
        assert_eq!(ask(&mut session), (7, 2, 1));
        session.answered(ErrorCode::NONE, 7);
        assert_eq!(ask(&mut session), (7, 3, 1));
        session.answered(ErrorCode::NONE, 0);
        assert!(session.is_new(), "the last partition left it");
        session.answered(ErrorCode::NONE, 8);
        session.answered(ErrorCode::FETCH_SESSION_ID_NOT_FOUND, 0);
        assert!(session.is_new());
    }
}
