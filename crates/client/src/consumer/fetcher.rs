//! The task that keeps a consumer's buffers filled: one fetch under way per broker, positions resolved as partitions need them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::{Str, Uuid};
use tokio::sync::mpsc;
use wire::messages::fetch::{
    FetchPartition, FetchRequest, FetchResponse, FetchTopic, ForgottenTopic, PartitionData,
};
use wire::{ApiKey, ErrorCode};

use super::Shared;
use super::chunk;
use super::error::ConsumeError;
use super::positions;
use super::session::{Delta, Session, Want};
use super::state::{Fetchable, StartAt};
use crate::cluster::{ClusterView, Lane, retriable_with_refresh};
use crate::{CallError, TopicPartition};

enum Event {
    Fetched { broker: i32, asked: Vec<Fetchable>, result: Result<FetchResponse, CallError> },
    Resolved,
    Refreshed,
}

struct Fetcher {
    shared: Arc<Shared>,
    events: mpsc::UnboundedSender<Event>,
    sessions: HashMap<i32, Session>,
    busy: HashSet<i32>,
    /// A broker that failed is left alone until then.
    resting: HashMap<i32, Instant>,
    resolving: bool,
    refreshing: bool,
}

/// Runs until the consumer is closed.
pub(super) async fn run(shared: Arc<Shared>) {
    let (events, mut arrived) = mpsc::unbounded_channel();
    let mut fetcher = Fetcher {
        shared,
        events,
        sessions: HashMap::new(),
        busy: HashSet::new(),
        resting: HashMap::new(),
        resolving: false,
        refreshing: false,
    };
    while !fetcher.shared.lock().is_closed {
        let wake_at = fetcher.start_work();
        tokio::select! {
            () = fetcher.shared.fetch_news.notified() => {}
            Some(event) = arrived.recv() => fetcher.take_in(event),
            () = tokio::time::sleep_until(wake_at.into()) => {}
        }
        while let Ok(event) = arrived.try_recv() {
            fetcher.take_in(event);
        }
    }
}

impl Fetcher {
    /// Starts whatever can start; returns when to look again at the latest.
    fn start_work(&mut self) -> Instant {
        let now = Instant::now();
        self.resolve(now);
        let view = self.shared.cluster.view();
        let settings = &self.shared.settings;
        let (fetchable, due) = {
            let state = self.shared.lock();
            let total = settings.fetch_bytes_max.saturating_mul(2);
            (state.fetchable(settings.partition_bytes_max, total, now), state.next_due())
        };
        let mut by_broker: BTreeMap<i32, Vec<Fetchable>> = BTreeMap::new();
        let mut leaderless = Vec::new();
        let mut old = false;
        for wanted in fetchable {
            let topic = view.topics.get(&wanted.partition.topic);
            old |= topic.is_some_and(|topic| topic.fetched_at.elapsed() > self.shared.metadata_max_age);
            match view.leader(&wanted.partition) {
                Some(leader) => by_broker.entry(leader).or_default().push(wanted),
                None => leaderless.push(wanted.partition.topic),
            }
        }
        if !self.refreshing && (!leaderless.is_empty() || old) {
            self.refresh(leaderless);
        }
        for (broker, wanted) in by_broker {
            let rests = self.resting.get(&broker).is_some_and(|until| *until > now);
            if !rests && !self.busy.contains(&broker) {
                self.fetch(broker, wanted, &view);
            }
        }
        let rest = self.resting.values().copied().filter(|until| *until > now).min();
        [due.filter(|due| *due > now), rest, Some(now + Duration::from_secs(1))]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(now)
    }

    fn resolve(&mut self, now: Instant) {
        let unresolved = self.shared.lock().unresolved(now);
        if self.resolving || unresolved.is_empty() {
            return;
        }
        self.resolving = true;
        let (shared, events) = (Arc::clone(&self.shared), self.events.clone());
        tokio::spawn(async move {
            positions::resolve(&shared, unresolved).await;
            let _ = events.send(Event::Resolved);
        });
    }

    fn refresh(&mut self, topics: Vec<Str>) {
        self.refreshing = true;
        let (shared, events) = (Arc::clone(&self.shared), self.events.clone());
        tokio::spawn(async move {
            let mut topics = topics;
            topics.extend(shared.topics());
            if let Err(error) = shared.cluster.refresh(Some(&topics), false).await {
                tracing::debug!(%error, "the metadata could not be refreshed");
            }
            tokio::time::sleep(shared.cluster.options.backoff.first).await;
            let _ = events.send(Event::Refreshed);
        });
    }

    fn fetch(&mut self, broker: i32, wanted: Vec<Fetchable>, view: &ClusterView) {
        let bytes_max = i32::try_from(self.shared.settings.partition_bytes_max).unwrap_or(i32::MAX);
        let wants = wanted.iter().map(|wanted| {
            let want = Want {
                topic_id: view.id_of(&wanted.partition.topic).unwrap_or(Uuid::ZERO),
                offset: wanted.offset,
                leader_epoch: view
                    .partition(&wanted.partition)
                    .map_or(-1, |partition| partition.leader_epoch),
                bytes_max,
            };
            (wanted.partition.clone(), want)
        });
        let delta = self.sessions.entry(broker).or_default().request(wants.collect());
        self.busy.insert(broker);
        let (shared, events) = (Arc::clone(&self.shared), self.events.clone());
        tokio::spawn(async move {
            let result = exchange(&shared, broker, delta).await;
            let _ = events.send(Event::Fetched { broker, asked: wanted, result });
        });
    }

    fn take_in(&mut self, event: Event) {
        match event {
            Event::Resolved => self.resolving = false,
            Event::Refreshed => self.refreshing = false,
            Event::Fetched { broker, asked, result } => {
                self.busy.remove(&broker);
                match result {
                    Ok(response) => self.take_in_answer(broker, asked, response),
                    Err(error) => self.take_in_failure(broker, error),
                }
            }
        }
    }

    fn take_in_failure(&mut self, broker: i32, error: CallError) {
        tracing::debug!(broker, %error, "a fetch failed");
        self.sessions.entry(broker).or_default().failed();
        self.resting.insert(broker, Instant::now() + self.shared.cluster.options.backoff.first);
        if !error.is_retriable() {
            self.shared.lock().fail(ConsumeError::Call(error));
            self.resting.insert(broker, Instant::now() + Duration::from_secs(1));
        } else if !self.refreshing {
            self.refresh(Vec::new());
        }
    }

    fn take_in_answer(&mut self, broker: i32, asked: Vec<Fetchable>, response: FetchResponse) {
        let session = self.sessions.entry(broker).or_default();
        if !session.answered(response.error_code, response.session_id) {
            tracing::debug!(broker, error = response.error_code.name(), "the fetch session begins anew");
            if !response.error_code.is_retriable()
                && response.error_code != ErrorCode::FETCH_SESSION_TOPIC_ID_ERROR
            {
                self.resting.insert(broker, Instant::now() + Duration::from_secs(1));
                self.shared.lock().fail(ConsumeError::Call(CallError::refused(
                    ApiKey::Fetch,
                    response.error_code,
                    None,
                )));
            }
            if !self.refreshing {
                self.refresh(Vec::new());
            }
            return;
        }
        self.learn_leaders(&response);
        let view = self.shared.cluster.view();
        let asked: HashMap<TopicPartition, Fetchable> =
            asked.into_iter().map(|fetchable| (fetchable.partition.clone(), fetchable)).collect();
        let mut is_stale = false;
        for topic in response.responses {
            let name = if topic.topic.is_empty() {
                view.name_of(topic.topic_id).cloned()
            } else {
                Some(topic.topic.detached())
            };
            let Some(name) = name else { continue };
            for data in topic.partitions {
                let partition = TopicPartition::new(name.clone(), data.partition_index);
                if let Some(asked) = asked.get(&partition) {
                    is_stale |= self.take_in_partition(asked, data);
                }
            }
        }
        if is_stale && !self.refreshing {
            self.refresh(Vec::new());
        }
    }

    /// Returns whether the metadata should be refreshed.
    fn take_in_partition(&self, asked: &Fetchable, data: PartitionData) -> bool {
        let code = data.error_code;
        if code.is_error() {
            return self.take_in_error(asked, code);
        }
        let bytes = data.records.map(|records| records.to_bytes()).unwrap_or_default();
        let aborted = data.aborted_transactions.as_deref().filter(|_| self.shared.settings.read_committed);
        let (chunks, broken) = chunk::split(&bytes, aborted, asked.offset);
        let mut state = self.shared.lock();
        if let Some(known) = state.get_mut(&asked.partition) {
            known.high_watermark = Some(data.high_watermark);
            known.log_start = Some(data.log_start_offset).filter(|offset| *offset >= 0);
        }
        if let Some(reason) = broken.filter(|_| chunks.is_empty()) {
            let error =
                ConsumeError::Corrupt { partition: asked.partition.clone(), offset: asked.offset, reason };
            return rest(&mut state, asked, Some(error));
        }
        state.buffer(asked, chunks);
        false
    }

    fn take_in_error(&self, asked: &Fetchable, code: ErrorCode) -> bool {
        let mut state = self.shared.lock();
        if !state.is_current(&asked.partition, asked.era) {
            return false;
        }
        tracing::debug!(partition = %asked.partition, error = code.name(), "a partition was not fetched");
        match code {
            ErrorCode::OFFSET_OUT_OF_RANGE => {
                let partition = asked.partition.clone();
                if self.shared.settings.reset.is_some() {
                    state.seek(&partition, StartAt::Reset);
                } else {
                    let error = ConsumeError::OffsetOutOfRange { partition, offset: asked.offset };
                    return rest(&mut state, asked, Some(error));
                }
                false
            }
            // Retriable for who produces; what is rotten stays so.
            ErrorCode::CORRUPT_MESSAGE => {
                let reason = "the broker finds it so".to_owned();
                let (partition, offset) = (asked.partition.clone(), asked.offset);
                rest(&mut state, asked, Some(ConsumeError::Corrupt { partition, offset, reason }))
            }
            code if code.is_retriable() || retriable_with_refresh(code) => {
                rest(&mut state, asked, None);
                retriable_with_refresh(code)
            }
            code => rest(
                &mut state,
                asked,
                Some(ConsumeError::Partition { partition: asked.partition.clone(), code }),
            ),
        }
    }

    /// KIP-951: the answer that says "not the leader" says who is.
    fn learn_leaders(&self, response: &FetchResponse) {
        let partitions =
            response.responses.iter().flat_map(|topic| topic.partitions.iter().map(move |p| (topic, p)));
        let hints: Vec<_> =
            partitions.filter(|(_, partition)| partition.current_leader.leader_id >= 0).collect();
        if hints.is_empty() {
            return;
        }
        self.shared.cluster.update(|view| {
            for node in &response.node_endpoints {
                view.learn_broker(node.node_id, &node.host, node.port, node.rack.as_ref());
            }
            for (topic, partition) in hints {
                let name = if topic.topic.is_empty() {
                    view.name_of(topic.topic_id).cloned()
                } else {
                    Some(topic.topic.clone())
                };
                let Some(name) = name else { continue };
                let leader = &partition.current_leader;
                view.learn_leader(
                    &TopicPartition::new(name, partition.partition_index),
                    leader.leader_id,
                    leader.leader_epoch,
                );
            }
        });
    }
}

/// Leaves a partition alone for a moment; an error for the application means a longer one.
fn rest(state: &mut super::state::State, asked: &Fetchable, error: Option<ConsumeError>) -> bool {
    let wait = if error.is_some() { Duration::from_secs(1) } else { Duration::from_millis(100) };
    if let Some(known) = state.get_mut(&asked.partition).filter(|known| known.era == asked.era) {
        known.not_before = Some(Instant::now() + wait);
    }
    if let Some(error) = error {
        state.fail(error);
    }
    false
}

async fn exchange(shared: &Shared, broker: i32, delta: Delta) -> Result<FetchResponse, CallError> {
    let connection = shared.cluster.broker(broker, Lane::Fetch, shared.share).await?;
    let version = connection.version_of::<FetchRequest>()?;
    let settings = &shared.settings;
    let request = FetchRequest {
        max_wait_ms: i32::try_from(settings.fetch_wait.as_millis()).unwrap_or(i32::MAX),
        min_bytes: i32::try_from(settings.fetch_bytes_min).unwrap_or(i32::MAX),
        max_bytes: i32::try_from(settings.fetch_bytes_max).unwrap_or(i32::MAX),
        isolation_level: i8::from(settings.read_committed),
        session_id: delta.session_id,
        session_epoch: delta.session_epoch,
        topics: topics_of(delta.send),
        forgotten_topics_data: forgotten_of(delta.forget),
        ..FetchRequest::default()
    };
    connection.call(&request, version, settings.fetch_wait).await
}

fn topics_of(send: Vec<(TopicPartition, Want)>) -> Vec<FetchTopic> {
    let mut topics: BTreeMap<Str, FetchTopic> = BTreeMap::new();
    for (partition, want) in send {
        let name = partition.topic;
        let topic = topics.entry(name.clone()).or_insert_with(|| FetchTopic {
            topic: name,
            topic_id: want.topic_id,
            partitions: Vec::new(),
        });
        topic.partitions.push(FetchPartition {
            partition: partition.partition,
            current_leader_epoch: want.leader_epoch,
            fetch_offset: want.offset,
            partition_max_bytes: want.bytes_max,
            ..FetchPartition::default()
        });
    }
    topics.into_values().collect()
}

fn forgotten_of(forget: Vec<(TopicPartition, Uuid)>) -> Vec<ForgottenTopic> {
    let mut topics: BTreeMap<(Str, Uuid), ForgottenTopic> = BTreeMap::new();
    for (partition, topic_id) in forget {
        let key = (partition.topic.clone(), topic_id);
        let topic = topics.entry(key).or_insert_with(|| ForgottenTopic {
            topic: partition.topic,
            topic_id,
            partitions: Vec::new(),
        });
        topic.partitions.push(partition.partition);
    }
    topics.into_values().collect()
}
