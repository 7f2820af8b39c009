//! A log directory failed while others work: who waits hears so, and in a cluster the controller, which gives what lay there to other
//! brokers (KIP-112, KIP-858).

use std::sync::Arc;
use std::time::Duration;

use base::{TopicId, Uuid};
use log::LogError;
use wire::ErrorCode;
use wire::messages::assign_replicas_to_dirs::{
    AssignReplicasToDirsRequest, DirectoryData, PartitionData, TopicData,
};
use wire::messages::broker_heartbeat::BrokerHeartbeatRequest;

use super::Dir;
use crate::Broker;

/// How long until the controller is told again that did not take it in.
const RETRY: Duration = Duration::from_secs(1);

impl Broker {
    /// A directory has failed: who waits for it hears so, and who reads from it looks again.
    pub(super) fn dir_failed(self: &Arc<Self>, dir: &Arc<Dir>, error: &LogError) {
        for partition in self.topics.all().into_iter().flat_map(|topic| topic.all_opened()) {
            if Arc::ptr_eq(&partition.dir(), dir) {
                partition.fail_acks(ErrorCode::KAFKA_STORAGE_ERROR);
                partition.tell_readers();
            }
        }
        if self.logs.dirs().iter().all(|dir| dir.has_failed()) {
            self.fail(format!("all log directories have failed, the last one with: {error}"));
        } else if let Some(thread) = &self.thread {
            let (broker, dir) = (Arc::clone(self), Arc::clone(dir));
            thread.handle().spawn(async move { broker.tell_of_failure(&dir).await });
        }
    }

    /// Tells the controller until it knows.
    async fn tell_of_failure(&self, dir: &Dir) {
        loop {
            let own = self.image().brokers().get(&self.config.node_id).map(|own| own.epoch);
            if let Some(epoch) = own
                && self.give_up(dir, epoch).await
            {
                tracing::warn!(dir = %dir.path.display(), "what lay in the failed directory was left to other brokers");
                return;
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    /// Has the controller take note of the failure first, then of what lay there.
    async fn give_up(&self, dir: &Dir, broker_epoch: i64) -> bool {
        let heartbeat = BrokerHeartbeatRequest {
            broker_id: self.config.node_id,
            broker_epoch,
            offline_log_dirs: self.logs.failed(),
            cordoned_log_dirs: Some(self.logs.cordoned()),
            ..Default::default()
        };
        let noted = self.submit(heartbeat).await;
        if !noted.is_ok_and(|answer| answer.error_code == ErrorCode::NONE) {
            return false;
        }
        let directory = DirectoryData { id: dir.id, topics: self.replicas_in(dir) };
        let request = AssignReplicasToDirsRequest {
            broker_id: self.config.node_id,
            broker_epoch,
            directories: vec![directory],
        };
        let told = self.submit(request).await;
        told.is_ok_and(|answer| answer.error_code == ErrorCode::NONE) && !self.is_registered(dir.id)
    }

    fn is_registered(&self, directory: Uuid) -> bool {
        let image = self.image();
        image.brokers().get(&self.config.node_id).is_some_and(|own| own.log_dirs.contains(&directory))
    }

    fn replicas_in(&self, dir: &Dir) -> Vec<TopicData> {
        let (image, own) = (self.image(), self.config.node_id);
        let folders = dir.folders().clone();
        let topics = image.topics().values().map(|topic| {
            let held = topic.partitions().iter().filter(|(index, state)| {
                let folder = log::names::partition_dir(topic.name(), **index);
                state.replicas.contains(&own) && folders.contains(&folder)
            });
            let partitions = held.map(|(index, _)| PartitionData { partition_index: *index }).collect();
            let TopicId(topic_id) = topic.id();
            TopicData { topic_id, partitions }
        });
        topics.filter(|topic| !topic.partitions.is_empty()).collect()
    }
}
