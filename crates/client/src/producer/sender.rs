//! The task that carries batches to brokers: asks the accumulator what to send, sends it, tells it how that ended.
//!
//! Each broker has a task of its own, so that one that cannot be reached holds up nobody else, and requests to one broker leave
//! in the order in which they were made.

use std::collections::{BTreeMap, HashMap};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use base::Uuid;
use tokio::sync::mpsc;
use wire::messages::init_producer_id::{InitProducerIdRequest, InitProducerIdResponse};
use wire::messages::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse, TopicProduceData,
};
use wire::{ApiKey, ErrorCode};

use super::accumulator::{Attempt, Identity, Plan, Sending};
use super::batch::BatchId;
use super::completion::Appended;
use super::error::ProduceError;
use super::{Acks, Shared};
use crate::cluster::{Cluster, ClusterView, Lane, Target};
use crate::{CallError, TopicPartition};

/// A request on its way: who asked for what.
type Carried = Vec<(TopicPartition, BatchId)>;

/// What the sender waits for.
enum Event {
    Answered { broker: i32, carried: Carried, result: Result<Option<ProduceResponse>, CallError> },
    Identity(Result<Identity, CallError>),
    Refreshed,
}

struct Sender {
    shared: Arc<Shared>,
    events: mpsc::UnboundedSender<Event>,
    brokers: HashMap<i32, Broker>,
    asking_identity: bool,
    refreshing: bool,
    failures: u32,
}

struct Broker {
    requests: mpsc::UnboundedSender<Vec<Sending>>,
    in_flight: usize,
}

/// Runs until the producer is closed and everything has ended.
pub(super) async fn run(shared: Arc<Shared>) {
    let (events, mut arrived) = mpsc::unbounded_channel();
    let mut sender = Sender {
        shared,
        events,
        brokers: HashMap::new(),
        asking_identity: false,
        refreshing: false,
        failures: 0,
    };
    loop {
        let wake_at = sender.send_ready();
        if sender.shared.closing.load(Ordering::Acquire) && sender.is_idle() {
            sender.shared.cluster.release(sender.shared.share);
            return;
        }
        let sleep = tokio::time::sleep_until(
            wake_at.unwrap_or_else(|| Instant::now() + Duration::from_secs(60)).into(),
        );
        tokio::select! {
            () = sender.shared.news.notified() => {}
            Some(event) = arrived.recv() => sender.take_in(event),
            () = sleep => sender.with_core(|core| core.expire(Instant::now())),
        }
        while let Ok(event) = arrived.try_recv() {
            sender.take_in(event);
        }
    }
}

impl Sender {
    fn with_core<T>(&self, act: impl FnOnce(&mut super::Accumulator) -> T) -> T {
        act(&mut self.shared.core.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn is_idle(&self) -> bool {
        self.with_core(|core| core.is_empty())
    }

    /// Hands out everything that may leave now; returns when to look again.
    fn send_ready(&mut self) -> Option<Instant> {
        let view = self.shared.cluster.view();
        let most = self.shared.settings.in_flight_max;
        let plan = self.with_core(|core| {
            core.plan(
                Instant::now(),
                |partition| view.leader(partition),
                |broker| self.brokers.get(&broker).is_none_or(|broker| broker.in_flight < most),
            )
        });
        let Plan { requests, mut wake_at, leaderless, wants_identity } = plan;
        if wants_identity && !self.asking_identity && !self.is_idle() {
            self.ask_identity();
        }
        if !leaderless.is_empty() && !self.refreshing {
            self.refresh(leaderless);
        }
        for (broker, sendings) in requests {
            self.dispatch(broker, sendings);
            // More partitions of the same broker may be ready than one request took.
            wake_at = Some(wake_at.map_or_else(Instant::now, |at| at.min(Instant::now())));
        }
        wake_at
    }

    fn dispatch(&mut self, broker: i32, sendings: Vec<Sending>) {
        let shared = &self.shared;
        let events = &self.events;
        let entry = self.brokers.entry(broker).or_insert_with(|| {
            let (requests, queue) = mpsc::unbounded_channel();
            tokio::spawn(carry(Arc::clone(shared), broker, queue, events.clone()));
            Broker { requests, in_flight: 0 }
        });
        entry.in_flight += 1;
        let _ = entry.requests.send(sendings);
    }

    fn take_in(&mut self, event: Event) {
        match event {
            Event::Answered { broker, carried, result } => {
                if let Some(broker) = self.brokers.get_mut(&broker) {
                    broker.in_flight = broker.in_flight.saturating_sub(1);
                }
                self.take_in_answer(carried, result);
            }
            Event::Identity(result) => self.take_in_identity(result),
            Event::Refreshed => self.refreshing = false,
        }
    }

    fn take_in_answer(&mut self, carried: Carried, result: Result<Option<ProduceResponse>, CallError>) {
        let now = Instant::now();
        let mut ends: HashMap<TopicPartition, Attempt> = HashMap::new();
        let missing = match result {
            Ok(Some(response)) => {
                self.learn_leaders(&response);
                ends = self.ends_of(response);
                CallError::NoLeader("the broker's answer leaves the partition out".to_owned())
            }
            Ok(None) => {
                let sent = |(tp, _): &(TopicPartition, BatchId)| {
                    (tp.clone(), Attempt::Done(Appended { base_offset: None, append_time: None }))
                };
                ends = carried.iter().map(sent).collect();
                CallError::Closed
            }
            Err(error) => error,
        };
        let mut stale = Vec::new();
        let cluster = Arc::clone(&self.shared.cluster);
        for (partition, batch) in carried {
            let attempt = ends.remove(&partition).unwrap_or_else(|| Attempt::Failed(missing.clone()));
            if !matches!(attempt, Attempt::Done(_)) {
                tracing::debug!(%partition, ?attempt, "a batch was not appended");
            }
            let backoff = |attempts| cluster.options.backoff.after(attempts, &cluster.random);
            if self.with_core(|core| core.finish(&partition, batch, attempt, now, backoff)) {
                stale.push(partition);
            }
        }
        if !stale.is_empty() && !self.refreshing {
            self.refresh(stale);
        }
    }

    /// Sorts an answer by partition; names of topics told by id come from the metadata.
    fn ends_of(&self, response: ProduceResponse) -> HashMap<TopicPartition, Attempt> {
        let view = self.shared.cluster.view();
        let mut ends = HashMap::new();
        for topic in response.responses {
            let name = if topic.name.is_empty() {
                view.name_of(topic.topic_id).cloned()
            } else {
                Some(topic.name.detached())
            };
            let Some(name) = name else { continue };
            for partition in topic.partition_responses {
                ends.insert(TopicPartition::new(name.clone(), partition.index), attempt_of(partition));
            }
        }
        ends
    }

    /// KIP-951: the answer that says "not the leader" says who is.
    fn learn_leaders(&self, response: &ProduceResponse) {
        let hints = response
            .responses
            .iter()
            .flat_map(|topic| topic.partition_responses.iter().map(move |p| (topic, p)));
        let hints: Vec<_> = hints.filter(|(_, partition)| partition.current_leader.leader_id >= 0).collect();
        if hints.is_empty() {
            return;
        }
        self.shared.cluster.update(|view| {
            for node in &response.node_endpoints {
                view.learn_broker(node.node_id, &node.host, node.port, node.rack.as_ref());
            }
            for (topic, partition) in hints {
                let name = if topic.name.is_empty() {
                    view.name_of(topic.topic_id).cloned()
                } else {
                    Some(topic.name.clone())
                };
                let Some(name) = name else { continue };
                let leader = &partition.current_leader;
                view.learn_leader(
                    &TopicPartition::new(name, partition.index),
                    leader.leader_id,
                    leader.leader_epoch,
                );
            }
        });
    }

    fn refresh(&mut self, partitions: Vec<TopicPartition>) {
        self.refreshing = true;
        let mut topics: Vec<_> = partitions.into_iter().map(|partition| partition.topic).collect();
        topics.sort_unstable();
        topics.dedup();
        let cluster = Arc::clone(&self.shared.cluster);
        let events = self.events.clone();
        tokio::spawn(async move {
            if let Err(error) = cluster.refresh(Some(&topics), false).await {
                tracing::debug!(%error, "the metadata could not be refreshed");
            }
            tokio::time::sleep(cluster.options.backoff.first).await;
            let _ = events.send(Event::Refreshed);
        });
    }

    fn ask_identity(&mut self) {
        self.asking_identity = true;
        let cluster = Arc::clone(&self.shared.cluster);
        let events = self.events.clone();
        let wait = if self.failures == 0 {
            Duration::ZERO
        } else {
            cluster.options.backoff.after(self.failures, &cluster.random)
        };
        tokio::spawn(async move {
            tokio::time::sleep(wait).await;
            let _ = events.send(Event::Identity(new_identity(&cluster).await));
        });
    }

    fn take_in_identity(&mut self, result: Result<Identity, CallError>) {
        self.asking_identity = false;
        match result {
            Ok(identity) => {
                self.failures = 0;
                self.with_core(|core| core.set_identity(identity, Instant::now()));
            }
            Err(error) if error.is_retriable() => self.failures += 1,
            Err(error) => self.with_core(|core| core.fail_all(&ProduceError::NoProducerId(Box::new(error)))),
        }
    }
}

/// An identity that no producer had before.
pub(crate) async fn new_identity(cluster: &Cluster) -> Result<Identity, CallError> {
    let request = |_| InitProducerIdRequest {
        transactional_id: None,
        transaction_timeout_ms: i32::MAX,
        ..InitProducerIdRequest::default()
    };
    cluster.call_once(&Target::Any, Lane::Control, 0, &request, Duration::ZERO).await.and_then(identity_of)
}

fn identity_of(response: InitProducerIdResponse) -> Result<Identity, CallError> {
    CallError::check(ApiKey::InitProducerId, response.error_code, None)?;
    Ok(Identity { id: response.producer_id, epoch: response.producer_epoch })
}

fn attempt_of(partition: PartitionProduceResponse) -> Attempt {
    match partition.error_code {
        ErrorCode::NONE => Attempt::Done(Appended {
            base_offset: Some(partition.base_offset).filter(|offset| *offset >= 0),
            append_time: Some(partition.log_append_time_ms).filter(|time| *time >= 0),
        }),
        code => {
            let record =
                partition.record_errors.into_iter().find_map(|error| error.batch_index_error_message);
            Attempt::Refused(code, record.or(partition.error_message))
        }
    }
}

/// One broker's requests, in order.
async fn carry(
    shared: Arc<Shared>,
    broker: i32,
    mut queue: mpsc::UnboundedReceiver<Vec<Sending>>,
    events: mpsc::UnboundedSender<Event>,
) {
    while let Some(sendings) = queue.recv().await {
        let carried: Carried =
            sendings.iter().map(|sending| (sending.partition.clone(), sending.batch)).collect();
        let finish = {
            let (events, carried) = (events.clone(), carried);
            move |result| drop(events.send(Event::Answered { broker, carried, result }))
        };
        match submit(&shared, broker, sendings).await {
            Ok(answer) => drop(tokio::spawn(async move { finish(answer.await) })),
            Err(error) => finish(Err(error)),
        }
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<Option<ProduceResponse>, CallError>> + Send>>;

/// The answer to come; without acknowledgements it is none, once the request was written.
async fn submit(shared: &Shared, broker: i32, sendings: Vec<Sending>) -> Result<Answer, CallError> {
    let connection = shared.cluster.broker(broker, Lane::Produce, shared.share).await?;
    let version = connection.version_of::<ProduceRequest>()?;
    let request = request_of(shared, &shared.cluster.view(), sendings);
    let after = shared.cluster.options.request_timeout;
    if shared.acks == Acks::None {
        let written = connection.submit_unanswered(&request, version)?;
        return Ok(Box::pin(async move {
            connection.within(ApiKey::Produce, after, written).await.map(|()| None)
        }));
    }
    let reply = connection.submit(&request, version)?;
    Ok(Box::pin(async move {
        connection.within(ApiKey::Produce, after, reply.read::<ProduceRequest>()).await.map(Some)
    }))
}

fn request_of(shared: &Shared, view: &ClusterView, sendings: Vec<Sending>) -> ProduceRequest {
    let mut topics: BTreeMap<base::Str, TopicProduceData> = BTreeMap::new();
    for sending in sendings {
        let name = sending.partition.topic;
        let topic = topics.entry(name.clone()).or_insert_with(|| TopicProduceData {
            topic_id: view.id_of(&name).unwrap_or(Uuid::ZERO),
            name,
            partition_data: Vec::new(),
        });
        topic.partition_data.push(PartitionProduceData {
            index: sending.partition.partition,
            records: Some(sending.records),
        });
    }
    ProduceRequest {
        transactional_id: None,
        acks: shared.acks.code(),
        timeout_ms: i32::try_from(shared.cluster.options.request_timeout.as_millis()).unwrap_or(i32::MAX),
        topic_data: topics.into_values().collect(),
    }
}
