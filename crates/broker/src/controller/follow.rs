//! Following the metadata: what is committed becomes true on this node, in order.
//!
//! Until the node serves only the image follows; then the data plane takes over all at once what came to be so far. Reading does not
//! wait for the data plane: a controller on this node begins with what was read, whatever a disk here does.

use std::sync::Arc;

use metadata::{Delta, MetadataImage};
use quorum::{Committed, MetadataLog, ProposeError};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Broker;

/// Whether the data plane follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Serving {
    /// Only the image does.
    Not,
    /// It shall from now on.
    Shall,
    /// It does.
    Is,
}

/// The metadata as far as they were read, and the offset behind that.
#[derive(Clone, Debug, Default)]
pub(super) struct Read {
    /// How far.
    pub offset: u64,
    /// What they are.
    pub image: MetadataImage,
}

/// The data plane's way to an offset, under way.
type Applying = JoinHandle<()>;

/// The task that makes committed records true on this node.
pub(super) struct Follower {
    broker: Arc<Broker>,
    log: Arc<dyn MetadataLog>,
    read: watch::Sender<Read>,
    /// What changed and the data plane has not been told yet.
    delta: Delta,
    applied: watch::Sender<u64>,
    serving: watch::Sender<Serving>,
}

impl Follower {
    /// Follows from the beginning.
    pub fn new(broker: &Arc<Broker>, log: &Arc<dyn MetadataLog>) -> Self {
        Self {
            broker: Arc::clone(broker),
            log: Arc::clone(log),
            read: watch::Sender::default(),
            delta: Delta::default(),
            applied: watch::Sender::new(0),
            serving: watch::Sender::new(Serving::Not),
        }
    }

    /// How far the data plane has come.
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    /// What was read, whether the data plane has come so far or not.
    pub fn read(&self) -> watch::Receiver<Read> {
        self.read.subscribe()
    }

    /// Where it is told that the node serves.
    pub fn serving(&self) -> watch::Sender<Serving> {
        self.serving.clone()
    }

    fn offset(&self) -> u64 {
        self.read.borrow().offset
    }

    /// Reads what is there already.
    pub async fn catch_up(&mut self) -> Result<(), super::MetadataError> {
        let mut read = Read::default();
        while read.offset < self.log.voters().high_watermark {
            let committed = self.log.next(read.offset).await?;
            read.offset = replay(&mut read.image, &mut self.delta, &committed)?;
        }
        self.broker.metadata.know(read.image.clone());
        self.applied.send_replace(read.offset);
        self.read.send_replace(read);
        Ok(())
    }

    /// Reads on while the data plane works: what is decided meanwhile reaches it together.
    pub async fn run(mut self) {
        let mut serving = self.serving.subscribe();
        let mut applying: Option<(Applying, u64)> = None;
        loop {
            if applying.is_none() {
                applying = self.begin_to_apply();
            }
            let (offset, is_applying) = (self.offset(), applying.is_some());
            let step = tokio::select! {
                committed = self.log.next(offset) => self.follow(committed),
                done = finished(&mut applying) => self.applied_to(done).await,
                () = asked_to_serve(&mut serving), if !is_applying => Ok(()),
            };
            match step {
                Ok(()) => {}
                Err(None) => return,
                Err(Some(error)) => {
                    // It must not go on with metadata that stand still.
                    self.broker.fail(format!("the metadata cannot be followed any further: {error}"));
                    return;
                }
            }
        }
    }

    /// Has the data plane come to what was read, if it is to follow and is not there yet.
    fn begin_to_apply(&mut self) -> Option<(Applying, u64)> {
        let Read { offset, image } = self.read.borrow().clone();
        let is_new = offset > *self.applied.borrow();
        let serving = *self.serving.borrow();
        match serving {
            Serving::Not => {
                if is_new {
                    self.broker.metadata.know(image);
                    self.forget_what_no_data_plane_needs();
                    self.applied.send_replace(offset);
                }
                return None;
            }
            Serving::Is if !is_new => return None,
            Serving::Shall | Serving::Is => {}
        }
        let (broker, delta) = (Arc::clone(&self.broker), std::mem::take(&mut self.delta));
        // Logs are opened and deleted meanwhile, which may take the disk's time.
        Some((tokio::task::spawn_blocking(move || broker.apply(image, &delta)), offset))
    }

    /// The data plane has come so far.
    async fn applied_to(&self, done: Result<u64, tokio::task::JoinError>) -> Result<(), Option<String>> {
        let offset = done.map_err(|error| Some(format!("a change could not be applied: {error}")))?;
        let is_first = *self.serving.borrow() == Serving::Shall;
        if is_first {
            self.set_strays_aside().await;
        }
        self.serving.send_replace(Serving::Is);
        self.applied.send_replace(offset);
        Ok(())
    }

    /// Takes up what was committed; no reason where the log was closed in order.
    fn follow(&mut self, committed: Result<Committed, ProposeError>) -> Result<(), Option<String>> {
        let committed = committed.map_err(|error| match error {
            ProposeError::Closed => None,
            error => Some(error.to_string()),
        })?;
        let before = self.read.borrow().image.clone();
        let mut image = before.clone();
        let offset = replay(&mut image, &mut self.delta, &committed)
            .map_err(|error| Some(format!("what was committed contradicts what this node knows: {error}")))?;
        if let Committed::Snapshot { .. } = committed {
            note_gone(&before, &image, &mut self.delta);
        }
        self.read.send_replace(Read { offset, image });
        if self.log.wants_snapshot() {
            self.log.snapshot(offset, self.read.borrow().image.to_records());
        }
        Ok(())
    }

    /// A node that is no broker has no data plane that would have to be told of changes.
    fn forget_what_no_data_plane_needs(&mut self) {
        if self.broker.config.quorum.roles.broker {
            return;
        }
        let delta = std::mem::take(&mut self.delta);
        if delta.configs.iter().any(|resource| resource.kind == metadata::ResourceType::BROKER) {
            self.broker.limit_connections(&self.broker.image());
        }
    }

    async fn set_strays_aside(&self) {
        let broker = Arc::clone(&self.broker);
        if tokio::task::spawn_blocking(move || broker.set_strays_aside()).await.is_err() {
            tracing::warn!("folders that are not this node's any more were not looked for");
        }
    }
}

/// Ends when the data plane is to follow.
async fn asked_to_serve(serving: &mut watch::Receiver<Serving>) {
    // The sender lives as long as the follower, which asks.
    let _ = serving.wait_for(|serving| *serving == Serving::Shall).await;
}

/// The offset to which the data plane has come, once it has.
async fn finished(applying: &mut Option<(Applying, u64)>) -> Result<u64, tokio::task::JoinError> {
    let Some((task, offset)) = applying else { return std::future::pending().await };
    let done = task.await.map(|()| *offset);
    *applying = None;
    done
}

/// A snapshot does not tell what is gone.
fn note_gone(before: &MetadataImage, now: &MetadataImage, delta: &mut Delta) {
    let topics = before.topics().iter().filter(|(id, _)| now.topic(**id).is_none());
    delta.removed_topics.extend(topics.map(|(id, topic)| (*id, topic.name().clone())));
    let configs = before.configured().keys().filter(|resource| now.configs(resource).is_none());
    delta.configs.extend(configs.cloned());
    delta.brokers.extend(before.brokers().keys().filter(|id| now.brokers().get(id).is_none()));
    let features = before.features().keys().filter(|name| now.features().get(*name).is_none());
    delta.features.extend(features.cloned());
}

/// Replays what was committed and returns the offset behind it.
fn replay(
    image: &mut MetadataImage,
    delta: &mut Delta,
    committed: &Committed,
) -> Result<u64, metadata::ReplayError> {
    let (records, end) = match committed {
        Committed::Snapshot { end_offset, records } => {
            *image = MetadataImage::default();
            (&**records, *end_offset)
        }
        Committed::Batch { end_offset, batch } => (&batch.records, *end_offset),
    };
    for record in records {
        image.replay(record, delta)?;
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use metadata::record::{ConfigRecord, RegisterBrokerRecord, TopicRecord};
    use metadata::{ConfigResource, Record, ResourceType};

    use super::*;

    #[test]
    fn what_a_snapshot_lacks_is_gone() {
        let id = base::TopicId(base::Uuid::from_random([1; 16]));
        let topic = TopicRecord { name: "t".into(), topic_id: id };
        let config = ConfigRecord {
            resource_type: 2,
            resource_name: "t".into(),
            name: "retention.ms".into(),
            value: Some("1000".into()),
        };
        let broker = RegisterBrokerRecord { broker_id: 3, broker_epoch: 1, ..Default::default() };
        let records: [Record; 3] = [topic.clone().into(), config.into(), broker.into()];
        let (mut before, mut now, mut delta) = <(MetadataImage, MetadataImage, Delta)>::default();
        records.iter().for_each(|record| before.replay(record, &mut delta).unwrap());
        now.replay(&topic.into(), &mut delta).unwrap();
        let mut delta = Delta::default();
        note_gone(&before, &now, &mut delta);
        let resource = ConfigResource { kind: ResourceType::TOPIC, name: "t".into() };
        assert!(delta.configs.contains(&resource) && delta.brokers.contains(&3), "{delta:?}");
        assert!(delta.removed_topics.is_empty());
        note_gone(&now, &MetadataImage::default(), &mut delta);
        assert!(delta.removed_topics.contains_key(&id));
    }
}
