//! A leader's answer: each partition's records are appended, or what else is to be done with it.

use std::sync::Arc;

use base::{LeaderEpoch, Offset, TopicId, TopicIdPartition};
use env::Clock;
use records::ValidBatches;
use replica::{EpochEnd, FetchAnswer, FetchPosition, Step};
use tokio::time::Instant;
use wire::messages::fetch::{FetchResponse, PartitionData};

use super::{Fetcher, LONG_PAUSE, PAUSE, SYNC_WAIT, bounds};
use crate::Broker;
use crate::blocking;
use crate::partition::{Partition, end_of};
use crate::replication::Throttle;

impl Fetcher {
    /// Takes the answer to the request of this number.
    pub(super) fn take(&mut self, broker: &Broker, number: u64, response: FetchResponse) {
        let (mut bytes, mut is_cut) = (0, false);
        let bounds = bounds(broker);
        let now_ms = broker.clock.wall_ms();
        for topic in response.responses {
            let topic_id = TopicId(topic.topic_id);
            for data in topic.partitions {
                let key = TopicIdPartition { topic: topic_id, partition: data.partition_index };
                let size = data.records.as_ref().map_or(0, |records| records.len());
                bytes += size;
                is_cut |= size * 2 > usize::try_from(bounds.partition_max_bytes).unwrap_or(usize::MAX);
                let throttle = &broker.replication.follower_throttle;
                self.take_one(key, number, data, (now_ms, throttle));
            }
        }
        let is_full = is_cut || bytes * 2 > usize::try_from(bounds.response_max_bytes).unwrap_or(usize::MAX);
        // More is to be had at once: the disk is not waited for.
        self.sync_until = if is_full { Instant::now() } else { Instant::now() + SYNC_WAIT };
    }

    fn take_one(
        &mut self,
        key: TopicIdPartition,
        number: u64,
        data: PartitionData,
        (now_ms, throttle): (i64, &Throttle),
    ) {
        let Some(followed) = self.followed.get_mut(&key) else { return };
        while followed.asked.get(1).is_some_and(|(next, _)| *next <= number) {
            followed.asked.pop_front();
        }
        let Some((_, position)) = followed.asked.front().copied().filter(|(asked, _)| *asked <= number)
        else {
            return;
        };
        let (partition, is_throttled) = (Arc::clone(&followed.partition), followed.is_throttled(&key));
        let records = data.records.as_ref().map(|records| records.to_bytes()).unwrap_or_default();
        let batches = match ValidBatches::check_replicated(&records, position.log_end) {
            Ok(batches) => batches,
            Err(error) => {
                tracing::error!(?partition, ?error, "the leader sent batches that are broken");
                return self.pause(key, LONG_PAUSE);
            }
        };
        let answer = answer_of(&data, position, batches.as_ref().and_then(end_of));
        let has_records = batches.is_some();
        followed.lags = answer.high_watermark > answer.next_offset;
        if is_throttled {
            throttle.record(records.len());
        }
        // Cutting a log off, or beginning it anew, syncs.
        let cuts = answer.diverging.is_some() || answer.error.is_error();
        let take = || partition.take_fetched(&position, &answer, batches, now_ms);
        let taken = if cuts { blocking::in_place(take) } else { take() };
        match taken {
            Ok(Step::Append { .. }) => {
                self.dirty.insert(key);
                if has_records {
                    self.unsynced.insert(key);
                    self.check_synced(key, &partition);
                }
            }
            Ok(Step::Truncate { .. } | Step::Restart { .. }) => {
                self.dirty.insert(key);
            }
            Ok(Step::Drop) => {
                self.dirty.insert(key);
            }
            Ok(Step::AskLeadersEnd | Step::Pause | Step::AwaitMetadata) => {
                tracing::debug!(?partition, error = data.error_code.name(), "is not copied for a while");
                self.pause(key, PAUSE);
            }
            Err(error) => {
                tracing::error!(?partition, %error, "cannot append what the leader sent");
                self.pause(key, LONG_PAUSE);
            }
        }
    }

    fn check_synced(&mut self, key: TopicIdPartition, partition: &Partition) {
        let view = partition.reader().view();
        if view.durable_end >= view.log_end {
            self.unsynced.remove(&key);
        }
    }
}

fn answer_of(data: &PartitionData, asked: FetchPosition, end: Option<Offset>) -> FetchAnswer {
    let parted = &data.diverging_epoch;
    let diverging = (parted.epoch >= 0 || parted.end_offset >= 0)
        .then_some(EpochEnd { epoch: LeaderEpoch(parted.epoch), end: Offset(parted.end_offset) });
    FetchAnswer {
        error: data.error_code,
        high_watermark: Offset(data.high_watermark),
        log_start: Offset(data.log_start_offset),
        log_end: Offset(data.log_end),
        diverging,
        next_offset: end.unwrap_or(asked.log_end),
    }
}
