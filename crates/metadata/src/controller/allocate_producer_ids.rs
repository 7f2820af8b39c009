//! AllocateProducerIds: blocks of 1000, none ever given twice (KIP-730).

use alloc::vec;

use wire::ErrorCode;
use wire::messages::allocate_producer_ids::{AllocateProducerIdsRequest, AllocateProducerIdsResponse};

use super::{Command, Controller, Moment, Outcome, PRODUCER_ID_BLOCK_SIZE};
use crate::record::ProducerIdsRecord;

impl Command for AllocateProducerIdsRequest {
    type Answer = AllocateProducerIdsResponse;

    fn decide(&self, controller: &Controller, _at: Moment) -> Outcome<AllocateProducerIdsResponse> {
        let refuse =
            |error_code| Outcome::only(AllocateProducerIdsResponse { error_code, ..Default::default() });
        if let Err(error) = controller.check_broker_epoch(self.broker_id, self.broker_epoch) {
            return refuse(error.code);
        }
        let start = controller.image.next_producer_id();
        let Some(next_producer_id) = start.checked_add(i64::from(PRODUCER_ID_BLOCK_SIZE)) else {
            return refuse(ErrorCode::UNKNOWN_SERVER_ERROR);
        };
        let (broker_id, broker_epoch) = (self.broker_id, self.broker_epoch);
        Outcome {
            records: vec![ProducerIdsRecord { broker_id, broker_epoch, next_producer_id }.into()],
            answer: AllocateProducerIdsResponse {
                producer_id_start: start,
                producer_id_len: PRODUCER_ID_BLOCK_SIZE,
                ..Default::default()
            },
        }
    }
}
