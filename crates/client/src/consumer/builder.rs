//! A consumer's settings, under Kafka's names and with Kafka's defaults.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base::Str;
use tokio::sync::{Notify, mpsc};

use super::error::ConsumeError;
use super::group::Group;
use super::state::State;
use super::subscription::Subscription;
use super::{Consumer, Listener, Rebalance, Reset, Shared, StartAt, fetcher, membership};
use crate::TopicPartition;
use crate::assignor::Assignor;
use crate::cluster::Cluster;

/// The settings that the tasks read.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) reset: Option<Reset>,
    pub(super) auto_commit: Option<Duration>,
    pub(super) commits_acked: bool,
    pub(super) read_committed: bool,
    pub(super) assignors: Vec<Assignor>,
    pub(super) session_timeout: Duration,
    pub(super) heartbeat_interval: Duration,
    pub(super) poll_interval: Duration,
    pub(super) poll_records_max: usize,
    pub(super) fetch_wait: Duration,
    pub(super) fetch_bytes_min: usize,
    pub(super) fetch_bytes_max: usize,
    pub(super) partition_bytes_max: usize,
    pub(super) check_crcs: bool,
    pub(super) create_topics: bool,
    pub(super) rack: Option<Str>,
}

/// Makes a [`Consumer`].
#[must_use]
pub struct ConsumerBuilder {
    cluster: Arc<Cluster>,
    share: u32,
    group: Option<Str>,
    pub(super) instance_id: Option<Str>,
    pub(super) settings: Settings,
    subscription: Option<Subscription>,
    assigned: Vec<(TopicPartition, StartAt)>,
    listener: Option<Listener>,
    pub(super) metadata_max_age: Duration,
    /// `enable.auto.commit` and `auto.commit.interval.ms`, which come one by one.
    pub(super) commits_itself: bool,
    pub(super) commit_interval: Duration,
    /// What was wrong with an option.
    pub(super) refused: Option<String>,
}

impl ConsumerBuilder {
    pub(crate) fn new(cluster: Arc<Cluster>, share: u32, group: Option<Str>) -> Self {
        let settings = Settings {
            reset: Some(Reset::Latest),
            auto_commit: Some(Duration::from_secs(5)),
            commits_acked: false,
            read_committed: false,
            assignors: vec![Assignor::Range, Assignor::CooperativeSticky],
            session_timeout: Duration::from_secs(45),
            heartbeat_interval: Duration::from_secs(3),
            poll_interval: Duration::from_secs(300),
            poll_records_max: 500,
            fetch_wait: Duration::from_millis(500),
            fetch_bytes_min: 1,
            fetch_bytes_max: 50 * 1024 * 1024,
            partition_bytes_max: 1024 * 1024,
            check_crcs: true,
            create_topics: true,
            rack: None,
        };
        let metadata_max_age = cluster.options.metadata_max_age;
        Self {
            cluster,
            share,
            group,
            instance_id: None,
            settings,
            subscription: None,
            assigned: Vec::new(),
            listener: None,
            metadata_max_age,
            commits_itself: true,
            commit_interval: Duration::from_secs(5),
            refused: None,
        }
    }

    /// Topics to read as a member of the group.
    pub fn topics<T: Into<Str>>(mut self, topics: impl IntoIterator<Item = T>) -> Self {
        self.subscription = Some(Subscription::Topics(topics.into_iter().map(Into::into).collect()));
        self
    }

    /// Reads every topic whose name `matches` accepts, as a member of the group.
    pub fn topics_matching(mut self, matches: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.subscription = Some(Subscription::Matching(Arc::new(matches)));
        self
    }

    /// A partition to read without sharing it with a group.
    pub fn assign(mut self, partition: TopicPartition, start: StartAt) -> Self {
        self.assigned.push((partition, start));
        self
    }

    /// `group.instance.id`: a member that may restart within its session without a rebalance (KIP-345).
    pub fn instance_id(mut self, id: impl Into<Str>) -> Self {
        self.instance_id = Some(id.into());
        self
    }

    /// `auto.offset.reset`; latest. `None` fails where there is no offset.
    pub fn reset(mut self, reset: Option<Reset>) -> Self {
        self.settings.reset = reset;
        self
    }

    /// `auto.commit.interval.ms`; 5 s. `None` is `enable.auto.commit=false`.
    pub fn auto_commit(mut self, interval: Option<Duration>) -> Self {
        self.commits_itself = interval.is_some();
        self.commit_interval = interval.unwrap_or(self.commit_interval);
        self
    }

    /// Commits by processing; off. Offsets to commit, by hand or automatically, advance only over what [`Consumer::ack`] acknowledged, so
    /// that batches may be processed side by side and out of order. Without, asking for more says that what came before is processed.
    pub fn commit_acked(mut self, on: bool) -> Self {
        self.settings.commits_acked = on;
        self
    }

    /// `isolation.level=read_committed`; off.
    pub fn read_committed(mut self, on: bool) -> Self {
        self.settings.read_committed = on;
        self
    }

    /// `partition.assignment.strategy`; range, cooperative-sticky. With only cooperative ones, rebalances are incremental.
    pub fn assignors(mut self, assignors: impl Into<Vec<Assignor>>) -> Self {
        self.settings.assignors = assignors.into();
        self
    }

    /// `session.timeout.ms`; 45 s.
    pub fn session_timeout(mut self, timeout: Duration) -> Self {
        self.settings.session_timeout = timeout;
        self
    }

    /// `heartbeat.interval.ms`; 3 s.
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.settings.heartbeat_interval = interval;
        self
    }

    /// `max.poll.interval.ms`; 5 min. Who asks for nothing so long leaves the group.
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.settings.poll_interval = interval;
        self
    }

    /// `max.poll.records`; 500.
    pub fn max_poll_records(mut self, records: usize) -> Self {
        self.settings.poll_records_max = records.max(1);
        self
    }

    /// `fetch.max.wait.ms`; 500 ms.
    pub fn fetch_wait(mut self, wait: Duration) -> Self {
        self.settings.fetch_wait = wait;
        self
    }

    /// `fetch.min.bytes`; 1.
    pub fn fetch_min_bytes(mut self, bytes: usize) -> Self {
        self.settings.fetch_bytes_min = bytes;
        self
    }

    /// `fetch.max.bytes`; 50 MiB.
    pub fn fetch_max_bytes(mut self, bytes: usize) -> Self {
        self.settings.fetch_bytes_max = bytes;
        self
    }

    /// `max.partition.fetch.bytes`; 1 MiB.
    pub fn max_partition_fetch_bytes(mut self, bytes: usize) -> Self {
        self.settings.partition_bytes_max = bytes;
        self
    }

    /// `check.crcs`; on.
    pub fn check_crcs(mut self, on: bool) -> Self {
        self.settings.check_crcs = on;
        self
    }

    /// `allow.auto.create.topics`; on.
    pub fn create_topics(mut self, on: bool) -> Self {
        self.settings.create_topics = on;
        self
    }

    /// `metadata.max.age.ms` for this consumer: how soon new topics and partitions are noticed.
    pub fn metadata_max_age(mut self, age: Duration) -> Self {
        self.metadata_max_age = age;
        self
    }

    /// Is told of every change of the assignment, before it takes effect when partitions go and after it when they come. Called
    /// from the consumer's own task: it must not block.
    pub fn on_rebalance(mut self, listener: impl FnMut(&Rebalance) + Send + 'static) -> Self {
        self.listener = Some(Box::new(listener));
        self
    }

    pub(super) fn settled(mut self) -> Result<Self, ConsumeError> {
        if let Some(refused) = self.refused {
            return Err(ConsumeError::Setting(refused));
        }
        self.settings.auto_commit = self.commits_itself.then_some(self.commit_interval);
        Ok(self)
    }

    /// Starts it. Needs a running tokio runtime.
    pub async fn start(self) -> Result<Consumer, ConsumeError> {
        self.settled()?.begin()
    }

    fn begin(self) -> Result<Consumer, ConsumeError> {
        if self.subscription.is_some() && (self.group.is_none() || !self.assigned.is_empty()) {
            return Err(ConsumeError::NothingAssigned);
        }
        let group = self
            .group
            .map(|id| Arc::new(Group::new(Arc::clone(&self.cluster), self.share, id, self.instance_id)));
        let mut state = State::new(Instant::now());
        state.commits_acked = self.settings.commits_acked;
        for (partition, start) in self.assigned {
            self.cluster.want(&partition.topic);
            state.add(partition.clone(), start);
            state.seek(&partition, start);
        }
        let (commands, queue) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            cluster: self.cluster,
            share: self.share,
            settings: self.settings,
            metadata_max_age: self.metadata_max_age,
            group: group.clone(),
            state: Mutex::new(state),
            subscription: Mutex::new(self.subscription),
            listener: Mutex::new(self.listener),
            topics_changed: std::sync::atomic::AtomicBool::new(false),
            fetch_news: Notify::new(),
            group_news: Notify::new(),
            closing: tokio::sync::watch::Sender::new(false),
        });
        tokio::spawn(fetcher::run(Arc::clone(&shared)));
        if let Some(group) = group {
            tokio::spawn(membership::run(Arc::clone(&shared), group, queue));
        }
        Ok(Consumer::new(shared, commands))
    }
}
