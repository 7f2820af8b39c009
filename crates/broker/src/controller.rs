//! The seam to the controller: the image of the metadata, and what the data plane does when it changes.

mod auto_create;
mod carry;
mod chores;
mod follow;
mod no_use;
mod shell;
mod start;
mod submit;
mod unasked;

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use base::{Str, TopicId, TopicIdPartition};
use metadata::config::{BrokerConfigs, Value};
use metadata::{ConfigResource, Delta, MetadataImage};
use quorum::{Raft, Voters};
use wire::ErrorCode;
use wire::messages::broker_heartbeat::BrokerHeartbeatRequest;
use wire::messages::broker_registration::Listener as Registered;

use crate::Broker;
use crate::config::ConnectionLimits;
use crate::partition::{Partition, Topic};
use crate::replication::KnownBrokers;
use crate::settings::TopicConfigs;

use follow::Serving;
use no_use::Said;
use shell::Mailbox;
pub use start::MetadataError;
pub(crate) use start::features;

/// The metadata as this node knows it.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    image: ArcSwap<MetadataImage>,
    /// What the data plane is being brought to; ahead of `image` while that lasts. Logs are opened with its configurations, as
    /// whoever opens one may have been sent here by a node that is further.
    coming: ArcSwap<MetadataImage>,
    mailbox: OnceLock<Mailbox>,
    raft: OnceLock<Arc<Raft>>,
    /// What this node knew when it was alone; a quorum that it founds begins with that.
    carried: OnceLock<Vec<metadata::Record>>,
    /// Configs without effect that were spoken of.
    said: Said,
    /// Where this broker's clients are served, as the cluster is told.
    endpoints: OnceLock<Vec<Registered>>,
}

impl Metadata {
    pub fn image(&self) -> Arc<MetadataImage> {
        self.image.load_full()
    }

    /// Takes an image over as it is, without a data plane that follows it.
    pub fn know(&self, image: MetadataImage) {
        let image = Arc::new(image);
        self.coming.store(Arc::clone(&image));
        self.image.store(image);
    }

    /// The image whose configurations a log is opened with.
    pub fn coming(&self) -> Arc<MetadataImage> {
        self.coming.load_full()
    }

    /// Waits until the data plane has taken over what was there when the node began to serve.
    async fn wait_until_applied(&self, broker: &Broker) {
        let Ok(mailbox) = broker.mailbox() else { return };
        // An error says that nothing is followed any more.
        let _ = mailbox.serving().wait_for(|serving| *serving == Serving::Is).await;
    }

    /// This node's part in the quorum, if it has one.
    pub fn raft(&self) -> Option<&Arc<Raft>> {
        self.raft.get()
    }
}

impl Broker {
    /// The metadata as of now.
    pub fn image(&self) -> Arc<MetadataImage> {
        self.metadata.image()
    }

    /// This broker's configs with what was set while running.
    pub(crate) fn broker_configs<'a>(&'a self, image: &'a MetadataImage) -> BrokerConfigs<'a> {
        BrokerConfigs { node_id: self.config.node_id, statics: &self.config.statics, image }
    }

    /// The way to the controller.
    fn mailbox(&self) -> Result<&Mailbox, ErrorCode> {
        self.metadata.mailbox.get().ok_or(ErrorCode::NOT_CONTROLLER)
    }

    /// Who makes up the metadata quorum.
    pub(crate) fn quorum(&self) -> Result<Voters, ErrorCode> {
        Ok(self.mailbox()?.log().voters())
    }

    /// Brings the data plane to what a new image says; then requests see it. Not to be called twice at once.
    pub fn apply(self: &Arc<Self>, image: MetadataImage, delta: &Delta) {
        let image = Arc::new(image);
        self.metadata.coming.store(Arc::clone(&image));
        if !delta.brokers.is_empty() {
            self.replication.brokers.store(Arc::new(KnownBrokers::of(&image)));
        }
        self.metadata.said.say(self.config.node_id, &image, delta);
        // Before their names are used again: a topic may be deleted and another one made under its name in one batch.
        for id in delta.removed_topics.keys() {
            self.take_down(*id);
        }
        // Settings first: a smaller ISR was judged by the min.insync.replicas that may have come with it.
        self.reconfigure(&image, delta);
        let roles: Vec<_> = delta.partitions.iter().map(|key| (*key, self.bring_up(&image, *key))).collect();
        self.metadata.image.store(Arc::clone(&image));
        for (key, leader) in roles {
            match leader {
                Some(leader) => self.replication.fetchers.follow(self, key, leader),
                None => self.replication.fetchers.leave(key),
            }
        }
        if !delta.brokers.is_empty() {
            self.tell_of_brokers();
        }
        self.coordinators.follow(self, &image);
        if !delta.removed_topics.is_empty() {
            let topics: Vec<_> = delta.removed_topics.iter().map(|(id, name)| (name.clone(), *id)).collect();
            self.coordinators.topics_deleted(&topics);
        }
    }

    /// Makes true what the metadata say of a partition; gives whom this node follows there, if anyone.
    fn bring_up(&self, image: &MetadataImage, key: TopicIdPartition) -> Option<i32> {
        let topic = image.topic(key.topic)?;
        let state = image.partition(key.topic, key.partition)?;
        let known = self.topics.get_or_add(key.topic, topic.name());
        let me = self.config.node_id;
        if !state.replicas.contains(&me) {
            self.drop_replica(&known, key.partition);
            return None;
        }
        known.hold(key.partition, state);
        (state.leader >= 0 && state.leader != me).then_some(state.leader)
    }

    /// A replica was taken from this node: its folder goes.
    fn drop_replica(&self, topic: &Topic, index: i32) {
        let has_folder = self.logs.has_folder(topic.name(), index);
        let held = if has_folder { topic.replica(index).ok() } else { topic.opened(index) };
        topic.leave(index);
        if let Some(partition) = held {
            self.delete_log(partition);
        }
    }

    /// Brokers came, changed or died: partitions led here ask for whoever may be in sync by now, and do not wait for the dead.
    fn tell_of_brokers(&self) {
        let opened = self.topics.all().into_iter().flat_map(|topic| topic.all_opened());
        opened.filter(|one| one.leads() && one.has_followers()).for_each(|one| one.on_brokers());
    }

    /// Gives changed configurations to the partitions they are for.
    fn reconfigure(self: &Arc<Self>, image: &MetadataImage, delta: &Delta) {
        let of_broker = delta.configs.iter().any(|resource| resource.kind == metadata::ResourceType::BROKER);
        if of_broker {
            self.reconfigure_broker(image);
        }
        let topics = match of_broker {
            true => self.topics.all(),
            false => {
                delta.configs.iter().filter_map(|resource| self.topics.by_name(&resource.name)).collect()
            }
        };
        self.compaction.reconfigured();
        for topic in topics {
            let configs = self.topic_configs(image, topic.name());
            let (settings, log_config) = (configs.topic(), configs.log());
            for partition in topic.all_opened_or_opening() {
                partition.set_settings(Arc::clone(&settings));
                if let Err(error) = partition.with_log(|log| log.set_config(Arc::clone(&log_config))) {
                    tracing::error!(topic = %topic.name(), %error, "a partition does not take its new settings");
                }
            }
        }
    }

    /// Tells the controller which directories take nothing new.
    async fn tell_directories(&self) {
        let broker_id = self.config.node_id;
        let Some(broker_epoch) = self.image().brokers().get(&broker_id).map(|own| own.epoch) else { return };
        let cordoned_log_dirs = Some(self.logs.cordoned());
        let heartbeat =
            BrokerHeartbeatRequest { broker_id, broker_epoch, cordoned_log_dirs, ..Default::default() };
        if let Err(code) = self.submit(heartbeat).await {
            tracing::warn!(%code, "the controller was not told of cordoned directories");
        }
    }

    /// Makes true what may change of the broker itself while it runs.
    fn reconfigure_broker(self: &Arc<Self>, image: &MetadataImage) {
        let cordoned = self.broker_configs(image).value("cordoned.log.dirs");
        if self.logs.set_cordoned(cordoned.as_ref().map(Value::as_list).unwrap_or_default()) {
            let broker = Arc::clone(self);
            tokio::runtime::Handle::current().spawn(async move { broker.tell_directories().await });
        }
        self.limit_connections(image);
        self.limit_replication(image);
    }

    fn limit_connections(&self, image: &MetadataImage) {
        match ConnectionLimits::of(&self.broker_configs(image)) {
            Ok(limits) => self.connections.set_limits(limits),
            Err(problem) => tracing::warn!("max.connections.per.ip.overrides: {problem}"),
        }
    }

    /// Replication throttles are set on this broker, or on all.
    fn limit_replication(&self, image: &MetadataImage) {
        let resources = [ConfigResource::broker(self.config.node_id), ConfigResource::all_brokers()];
        let rate =
            |name| resources.iter().find_map(|resource| image.config(resource, name)?.trim().parse().ok());
        self.replication.leader_throttle.set(rate("leader.replication.throttled.rate"));
        self.replication.follower_throttle.set(rate("follower.replication.throttled.rate"));
    }

    fn take_down(&self, id: TopicId) {
        let Some(topic) = self.topics.remove(id) else { return };
        // Also those whose logs were never opened: their folders go as well.
        for partition in topic.partitions() {
            partition.close();
            self.replication.fetchers.leave(partition.key());
            self.delete_log(partition);
        }
    }

    /// Takes a closed partition's folder away, after `file.delete.delay.ms`.
    fn delete_log(&self, partition: Arc<Partition>) {
        let marked = partition.with_log(|log| {
            // By its owner, as when it moves: it goes off the list of the directory that it belongs to.
            partition.dir().delete(log).map(|()| log.config().file_delete_delay_ms)
        });
        match marked {
            Ok(delay_ms) => {
                self.compaction.forget(&partition);
                self.housekeeping.remove_folder(partition, self.uptime_ms(), delay_ms);
            }
            Err(error) => tracing::warn!(?partition, %error, "cannot delete a partition"),
        }
    }

    pub(crate) fn topic_configs<'a>(&'a self, image: &'a MetadataImage, topic: &'a Str) -> TopicConfigs<'a> {
        TopicConfigs {
            image,
            properties: &self.config.properties,
            node_id: self.config.node_id,
            topic,
            checks: self.config.checks.as_deref(),
        }
    }
}
