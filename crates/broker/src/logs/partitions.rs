//! The logs of a broker's partitions: opened in their directories, their high watermarks written down, closed in order.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::{TopicId, TopicIdPartition};
use env::Clock;
use log::{LogDir, LogError, PartitionFolder};
use metadata::MetadataImage;
use wire::ErrorCode;

use crate::Broker;
use crate::errors;
use crate::partition::{Partition, Surroundings, Topic};

fn is_placed_here(image: &MetadataImage, id: TopicId, folder: &PartitionFolder, node_id: i32) -> bool {
    let names_it = image.topic(id).is_some_and(|topic| topic.name() == folder.topic.as_str());
    let state = image.partition(id, folder.partition);
    names_it && state.is_some_and(|state| state.replicas.contains(&node_id))
}

impl Broker {
    /// Opens the log of a replica that this node holds.
    pub(crate) fn open_partition(
        &self,
        topic: &Topic,
        index: i32,
        state: &metadata::image::Partition,
    ) -> Result<Arc<Partition>, ErrorCode> {
        let key = TopicIdPartition { topic: topic.id(), partition: index };
        let folder = log::names::partition_dir(topic.name(), index);
        let dir = self.logs.dir_of(&folder).ok_or(ErrorCode::KAFKA_STORAGE_ERROR)?;
        let image = self.metadata.coming();
        let configs = self.topic_configs(&image, topic.name());
        let now_ms = self.clock.wall_ms();
        let open = |one: &LogDir| one.open_partition(topic.name(), key, configs.log(), now_ms);
        let opened = dir.with(|one| match open(one) {
            // What a topic of this name left that was deleted before a crash.
            Err(LogError::OtherTopic { found, .. }) => {
                tracing::warn!(topic = %topic.name(), partition = index, %found, "removing what a deleted topic left");
                let folder = PartitionFolder { topic: topic.name().to_string(), partition: index };
                one.discard(&folder).and_then(|()| open(one))
            }
            other => other,
        });
        let loaded = opened.ok_or(ErrorCode::BROKER_NOT_AVAILABLE)?.map_err(|error| {
            tracing::error!(topic = %topic.name(), partition = index, %error, "cannot open a log");
            errors::of_log(&error)
        })?;
        if !loaded.report.is_quiet() {
            tracing::warn!(topic = %topic.name(), partition = index, report = ?loaded.report, "recovered a log");
        }
        dir.folders().insert(folder);
        if state.replicas.len() > 1
            && let Some(Some(committed)) = dir.with(|one| one.high_watermark(key))
        {
            // An only replica has committed all that it has.
            loaded.log.advance_high_watermark(committed);
        }
        let surroundings = Surroundings {
            housekeeping: Arc::clone(&self.housekeeping),
            waiters: Arc::clone(&self.waiters),
            dirty: Arc::clone(self.compaction.dirty()),
            shared: Arc::clone(&self.replication),
            dir: Arc::clone(dir),
        };
        Ok(Arc::new(Partition::new(topic.name().clone(), loaded.log, configs.topic(), surroundings)))
    }

    /// Renames, as Kafka does at its start, the folders of partitions that have no place here any more: their topics were deleted,
    /// or their replicas moved away, while this node was down. To be called once, with metadata as new as the own registration.
    pub(crate) fn set_strays_aside(&self) {
        let image = self.image();
        for dir in self.logs.dirs() {
            let listed = dir.with(LogDir::partitions).and_then(Result::ok).unwrap_or_default();
            for folder in listed {
                let Some(Ok(Some(id))) = dir.with(|one| one.topic_id(&folder)) else { continue };
                if !is_placed_here(&image, id, &folder, self.config.node_id) {
                    dir.set_aside(&folder);
                }
            }
        }
    }

    /// Writes down how far partitions are committed, as Kafka does every five seconds.
    pub(crate) fn checkpoint_high_watermarks(&self) {
        for dir in self.logs.dirs().iter().filter(|dir| dir.moved.swap(false, Ordering::Relaxed)) {
            let partitions = self.topics.all().into_iter().flat_map(|topic| topic.all_opened());
            let of_dir = partitions
                .filter(|partition| Arc::ptr_eq(&partition.dir(), dir) && partition.holds_records());
            let marks = of_dir.map(|partition| {
                let folder = PartitionFolder {
                    topic: partition.topic().to_string(),
                    partition: partition.key().partition,
                };
                let reader = partition.reader();
                (reader.key(), folder, reader.view().high_watermark)
            });
            if let Some(Err(error)) = dir.with(|one| one.write_high_watermarks(marks)) {
                tracing::warn!(dir = %dir.path.display(), %error, "cannot write the high watermarks");
                // The next time, although nothing may have moved until then; a directory that failed has no next time.
                dir.moved.fetch_or(!dir.has_failed(), Ordering::Relaxed);
            }
        }
    }

    /// Closes all logs in order.
    pub(crate) fn close_logs(&self) {
        self.moves.stop();
        self.compaction.stop();
        for partition in self.topics.all().into_iter().flat_map(|topic| topic.all_opened()) {
            if let Err(error) = partition.close_log() {
                tracing::warn!(?partition, %error, "a log was not closed in order; the next start recovers it");
            }
        }
        self.logs.close(self.clock.wall_ms());
    }
}
