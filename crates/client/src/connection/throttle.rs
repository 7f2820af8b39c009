//! A broker that answers "wait" is left alone: nothing more is sent on the connection until the time is over (KIP-219).
//!
//! Brokers that speak older versions have waited themselves before they answered; there the figure is for information only.

use std::any::Any;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use wire::Message;
use wire::messages::*;

/// Until when nothing is sent.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<Option<Instant>>);

impl Throttle {
    /// Takes in what an answer says.
    pub(super) fn heed<M: Message>(&self, answer: &M, version: i16) {
        let Some(wait) = asked_of(answer, version).filter(|wait| !wait.is_zero()) else { return };
        let until = Instant::now() + wait;
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *known = (*known).max(Some(until));
    }

    /// When the connection may be used again, if that is not now.
    pub(super) fn until(&self) -> Option<Instant> {
        let known = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.filter(|until| *until > Instant::now())
    }

    /// Waits until the connection may be used.
    pub(super) async fn over(&self) {
        while let Some(until) = self.until() {
            tokio::time::sleep_until(until).await;
        }
    }
}

macro_rules! throttled {
    ($($answer:ty: $since:literal),* $(,)?) => {
        /// How long the broker asks to be left alone; only from the version on in which it leaves the waiting to the client.
        fn asked_of<M: Message>(answer: &M, version: i16) -> Option<Duration> {
            let answer: &dyn Any = answer;
            $(if let Some(answer) = answer.downcast_ref::<$answer>() {
                let millis = u64::try_from(answer.throttle_time_ms).ok().filter(|_| version >= $since)?;
                return Some(Duration::from_millis(millis));
            })*
            None
        }
    };
}

throttled! {
    produce::ProduceResponse: 6,
    fetch::FetchResponse: 8,
    metadata::MetadataResponse: 6,
    list_offsets::ListOffsetsResponse: 3,
    offset_commit::OffsetCommitResponse: 4,
    offset_fetch::OffsetFetchResponse: 4,
    find_coordinator::FindCoordinatorResponse: 2,
    join_group::JoinGroupResponse: 3,
    sync_group::SyncGroupResponse: 2,
    heartbeat::HeartbeatResponse: 2,
    leave_group::LeaveGroupResponse: 2,
    describe_groups::DescribeGroupsResponse: 2,
    list_groups::ListGroupsResponse: 2,
    delete_groups::DeleteGroupsResponse: 1,
    create_topics::CreateTopicsResponse: 3,
    delete_topics::DeleteTopicsResponse: 2,
    create_partitions::CreatePartitionsResponse: 1,
    delete_records::DeleteRecordsResponse: 1,
    init_producer_id::InitProducerIdResponse: 1,
    describe_configs::DescribeConfigsResponse: 2,
    alter_configs::AlterConfigsResponse: 1,
    incremental_alter_configs::IncrementalAlterConfigsResponse: 0,
    describe_log_dirs::DescribeLogDirsResponse: 1,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_broker_that_asks_for_it_is_left_alone() {
        let fetch = |throttle_time_ms| fetch::FetchResponse { throttle_time_ms, ..Default::default() };
        let throttle = Throttle::default();
        for (version, asked, expected) in
            [(18, 0, 0), (7, 400, 0), (8, 400, 400), (18, 100, 400), (18, 900, 900)]
        {
            throttle.heed(&fetch(asked), version);
            let rest = throttle.until().map_or(0, |until| (until - Instant::now()).as_millis());
            assert!(rest <= expected && rest + 90 > expected, "version {version}, {asked} ms: {rest}");
        }
        throttle.heed(&fetch(-5), 18);
        let begin = Instant::now();
        throttle.over().await;
        assert!(begin.elapsed() >= Duration::from_millis(800));
        assert_eq!(throttle.until(), None);
    }
}
