//! Identities for producers, from the block this broker holds (KIP-730).

use tokio::sync::Mutex;
use wire::ErrorCode;
use wire::messages::allocate_producer_ids::AllocateProducerIdsRequest;

use crate::Broker;

/// The identities of the current block that are not given yet.
#[derive(Debug, Default)]
pub(crate) struct ProducerIds(Mutex<std::ops::Range<i64>>);

impl Broker {
    /// An identity that nobody had before. A new block is asked for, and committed, when the last one is used up.
    pub(crate) async fn next_producer_id(&self) -> Result<i64, ErrorCode> {
        let mut left = self.producer_ids.0.lock().await;
        if let Some(id) = left.next() {
            return Ok(id);
        }
        let broker_id = self.config.node_id;
        let epoch = self.image().brokers().get(&broker_id).map(|broker| broker.epoch);
        let broker_epoch = epoch.ok_or(ErrorCode::COORDINATOR_NOT_AVAILABLE)?;
        let block = self.submit(AllocateProducerIdsRequest { broker_id, broker_epoch }).await;
        // Kafka's clients ask again after this code.
        let block = block.map_err(|_| ErrorCode::COORDINATOR_LOAD_IN_PROGRESS)?;
        if block.error_code.is_error() {
            return Err(ErrorCode::COORDINATOR_LOAD_IN_PROGRESS);
        }
        *left = block.producer_id_start..block.producer_id_start + i64::from(block.producer_id_len);
        left.next().ok_or(ErrorCode::UNKNOWN_SERVER_ERROR)
    }
}
