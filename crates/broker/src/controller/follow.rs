//! Following the metadata: what is committed becomes true on this node, in order.
//!
//! Until the node serves only the image follows; then the data plane takes over all at once what came to be so far.

use std::sync::Arc;

use metadata::{Delta, MetadataImage};
use quorum::{Committed, MetadataLog, ProposeError};
use tokio::sync::watch;

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

/// The task that makes committed records true on this node.
pub(super) struct Follower {
    broker: Arc<Broker>,
    log: Arc<dyn MetadataLog>,
    offset: u64,
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
            offset: 0,
            delta: Delta::default(),
            applied: watch::Sender::new(0),
            serving: watch::Sender::new(Serving::Not),
        }
    }

    /// How far it has come.
    pub fn applied(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    /// Where it is told that the node serves.
    pub fn serving(&self) -> watch::Sender<Serving> {
        self.serving.clone()
    }

    /// Reads what is there already.
    pub async fn catch_up(&mut self) -> Result<(), super::MetadataError> {
        let mut image = MetadataImage::default();
        while self.offset < self.log.voters().high_watermark {
            let committed = self.log.next(self.offset).await?;
            self.offset = replay(&mut image, &mut self.delta, &committed)?;
        }
        self.broker.metadata.know(image);
        self.applied.send_replace(self.offset);
        Ok(())
    }

    pub async fn run(mut self) {
        let mut serving = self.serving.subscribe();
        loop {
            let step = tokio::select! {
                committed = self.log.next(self.offset) => self.follow(committed),
                _ = serving.wait_for(|serving| *serving == Serving::Shall) => Ok(MetadataImage::clone(&self.broker.image())),
            };
            let image = match step {
                Ok(image) => image,
                Err(None) => return,
                Err(Some(error)) => {
                    // It must not go on with metadata that stand still.
                    self.broker.fail(format!("the metadata cannot be followed any further: {error}"));
                    return;
                }
            };
            let now = *serving.borrow();
            match now {
                Serving::Not => {
                    self.broker.metadata.know(image);
                    self.forget_what_no_data_plane_needs();
                }
                Serving::Shall | Serving::Is => {
                    if let Err(error) = self.apply(image).await {
                        self.broker.fail(format!("a change of the metadata could not be applied: {error}"));
                        return;
                    }
                    if now == Serving::Shall {
                        self.set_strays_aside().await;
                    }
                    self.serving.send_replace(Serving::Is);
                }
            }
            self.applied.send_replace(self.offset);
            if self.log.wants_snapshot() {
                self.log.snapshot(self.offset, self.broker.image().to_records());
            }
        }
    }

    /// The image with what was committed; no reason where the log was closed in order.
    fn follow(
        &mut self,
        committed: Result<Committed, ProposeError>,
    ) -> Result<MetadataImage, Option<String>> {
        let committed = committed.map_err(|error| match error {
            ProposeError::Closed => None,
            error => Some(error.to_string()),
        })?;
        let before = self.broker.image();
        let mut image = MetadataImage::clone(&before);
        let end = replay(&mut image, &mut self.delta, &committed)
            .map_err(|error| Some(format!("what was committed contradicts what this node knows: {error}")))?;
        self.offset = end;
        // A snapshot does not tell what is gone.
        if let Committed::Snapshot { .. } = committed {
            let gone = before.topics().iter().filter(|(id, _)| image.topic(**id).is_none());
            self.delta.removed_topics.extend(gone.map(|(id, topic)| (*id, topic.name().clone())));
        }
        Ok(image)
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

    async fn apply(&mut self, image: MetadataImage) -> Result<(), tokio::task::JoinError> {
        let (broker, delta) = (Arc::clone(&self.broker), std::mem::take(&mut self.delta));
        // Logs are opened and deleted meanwhile, which may take the disk's time.
        tokio::task::spawn_blocking(move || broker.apply(image, &delta)).await
    }
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
