//! What leaders ask of the controller: all that wait go as one AlterPartition, one request at a time (KIP-497).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base::{BrokerId, LeaderEpoch, TopicId, TopicIdPartition};
use replica::{AlterPartition, AlteredPartition};
use tokio::sync::{Notify, watch};
use wire::ErrorCode;
use wire::messages::alter_partition::{
    AlterPartitionRequest, AlterPartitionResponse, BrokerState, PartitionData, TopicData,
};

use crate::Broker;

/// How long an answer is waited for; then the outcome counts as unknown, and the partition asks again.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// The questions that wait, by partition: each has at most one that is open.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    waiting: Mutex<BTreeMap<TopicIdPartition, AlterPartition>>,
    asked: Notify,
}

impl Questions {
    /// A leader asks for another ISR.
    pub fn ask(&self, partition: TopicIdPartition, question: AlterPartition) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(partition, question);
        self.asked.notify_one();
    }

    fn take(&self) -> BTreeMap<TopicIdPartition, AlterPartition> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Brings questions to the controller and answers back, until `stop` says so.
pub(super) async fn run(broker: Arc<Broker>, mut stop: watch::Receiver<bool>) {
    tokio::select! {
        () = ask_all(broker) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

async fn ask_all(broker: Arc<Broker>) {
    let questions = &broker.replication.questions;
    loop {
        let asked = questions.take();
        if asked.is_empty() {
            questions.asked.notified().await;
            continue;
        }
        let request = request(&broker, &asked);
        let answer = tokio::time::timeout(ANSWER_MAX, broker.submit(request)).await;
        let answer = answer.unwrap_or(Err(ErrorCode::REQUEST_TIMED_OUT));
        let telling = Arc::clone(&broker);
        // Partitions are told off the reactor: what follows from an answer may take their locks for a while.
        let _ = tokio::task::spawn_blocking(move || tell(&telling, asked, answer)).await;
    }
}

fn request(broker: &Broker, asked: &BTreeMap<TopicIdPartition, AlterPartition>) -> AlterPartitionRequest {
    let mut topics: Vec<TopicData> = Vec::new();
    for (partition, question) in asked {
        let member = |(id, epoch): &(BrokerId, i64)| BrokerState { broker_id: id.0, broker_epoch: *epoch };
        let data = PartitionData {
            partition_index: partition.partition,
            leader_epoch: question.leader_epoch.0,
            partition_epoch: question.partition_epoch,
            new_isr_with_epochs: question.new_isr.iter().map(member).collect(),
            ..Default::default()
        };
        let topic_id = partition.topic.0;
        match topics.last_mut().filter(|last| last.topic_id == topic_id) {
            Some(last) => last.partitions.push(data),
            None => topics.push(TopicData { topic_id, partitions: vec![data] }),
        }
    }
    AlterPartitionRequest {
        broker_id: broker.config.node_id,
        broker_epoch: broker.logs.dirs().first().map_or(-1, |dir| dir.broker_epoch()),
        topics,
    }
}

fn tell(
    broker: &Broker,
    asked: BTreeMap<TopicIdPartition, AlterPartition>,
    answer: Result<AlterPartitionResponse, ErrorCode>,
) {
    let refused = match &answer {
        Err(code) => *code,
        Ok(response) => response.error_code,
    };
    // A partition that the answer leaves out has an unknown outcome.
    let of_rest = if refused == ErrorCode::NONE { ErrorCode::UNKNOWN_SERVER_ERROR } else { refused };
    let mut told = by_partition(answer.unwrap_or_default());
    for (key, question) in asked {
        let Some(partition) = broker.topics.by_id(key.topic).and_then(|topic| topic.opened(key.partition))
        else {
            continue;
        };
        let outcome = told.remove(&key).unwrap_or(Err(of_rest));
        if let Err(error) = &outcome {
            tracing::info!(?partition, error = error.name(), "the controller did not change the ISR");
        }
        partition.on_alter_partition_answer(&question, outcome);
    }
}

fn by_partition(
    response: AlterPartitionResponse,
) -> BTreeMap<TopicIdPartition, Result<AlteredPartition, ErrorCode>> {
    let partitions = response.topics.into_iter().flat_map(|topic| {
        let id = TopicId(topic.topic_id);
        topic.partitions.into_iter().map(move |one| (id, one))
    });
    let told = partitions.map(|(topic, one)| {
        let key = TopicIdPartition { topic, partition: one.partition_index };
        let outcome = match one.error_code {
            ErrorCode::NONE => Ok(AlteredPartition {
                leader_epoch: LeaderEpoch(one.leader_epoch),
                partition_epoch: one.partition_epoch,
                isr: one.isr.into_iter().map(BrokerId).collect(),
            }),
            error => Err(error),
        };
        (key, outcome)
    });
    told.collect()
}
