//! Where to begin: committed offsets, resets, look-ups by time.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use wire::{ApiKey, ErrorCode};

use super::Shared;
use super::error::ConsumeError;
use super::state::StartAt;
use crate::admin::{OffsetSpec, list_offsets};
use crate::{CallError, TopicPartition};

type Unresolved = (TopicPartition, u64, StartAt);

/// What `auto.offset.reset` says (KIP-1106 for durations).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// The first record there is.
    Earliest,
    /// Behind the last record there is.
    Latest,
    /// The first record not older than this.
    ByDuration(Duration),
}

/// Finds positions; what cannot be found now is tried again later.
pub(super) async fn resolve(shared: &Arc<Shared>, unresolved: Vec<Unresolved>) {
    let (committed, mut others): (Vec<Unresolved>, Vec<Unresolved>) =
        unresolved.into_iter().partition(|(_, _, start)| *start == StartAt::Committed);
    match (&shared.group, committed.is_empty()) {
        (_, true) => {}
        (None, false) => {
            others.extend(committed.into_iter().map(|(partition, era, _)| (partition, era, StartAt::Reset)))
        }
        (Some(group), false) => {
            let partitions: Vec<TopicPartition> =
                committed.iter().map(|(partition, _, _)| partition.clone()).collect();
            match group.committed(&partitions, shared.settings.read_committed).await {
                Ok(mut offsets) => {
                    for (partition, era, _) in committed {
                        match offsets.remove(&partition) {
                            Some(committed) => settle(shared, &partition, era, committed.offset, true),
                            None => others.push((partition, era, StartAt::Reset)),
                        }
                    }
                }
                Err(error) => postpone(shared, &committed, error),
            }
        }
    }
    look_up(shared, others).await;
}

async fn look_up(shared: &Shared, unresolved: Vec<Unresolved>) {
    let mut specs = Vec::new();
    for (partition, era, start) in &unresolved {
        match spec_of(shared, *start) {
            Some(spec) => specs.push((partition.clone(), spec)),
            None => refuse(shared, partition, *era),
        }
    }
    if specs.is_empty() {
        return;
    }
    let mut found = match list_offsets(&shared.cluster, specs, shared.settings.read_committed).await {
        Ok(found) => found,
        Err(error) => return postpone(shared, &unresolved, error),
    };
    for (partition, era, start) in unresolved {
        match (found.remove(&partition), start) {
            (Some(Ok(at)), StartAt::Tail(count)) => {
                settle(shared, &partition, era, (at.offset - count).max(0), false)
            }
            (Some(Ok(at)), StartAt::Timestamp(_)) | (Some(Ok(at)), StartAt::Reset) if at.offset < 0 => {
                // Nothing that young: the end.
                if let Some(known) = shared.lock().get_mut(&partition).filter(|known| known.era == era) {
                    known.start = StartAt::Latest;
                }
            }
            (Some(Ok(at)), _) => settle(shared, &partition, era, at.offset, false),
            (Some(Err(error)), _) => postpone(shared, &[(partition, era, start)], error),
            // Left out of the answer, it is asked for again, after a rest.
            (None, _) => {
                let unknown = ErrorCode::UNKNOWN_TOPIC_OR_PARTITION;
                if let Err(error) = CallError::check(ApiKey::ListOffsets, unknown, None) {
                    postpone(shared, &[(partition, era, start)], error);
                }
            }
        }
    }
}

fn spec_of(shared: &Shared, start: StartAt) -> Option<OffsetSpec> {
    Some(match start {
        StartAt::Earliest => OffsetSpec::Earliest,
        StartAt::Latest | StartAt::Tail(_) => OffsetSpec::Latest,
        StartAt::Timestamp(millis) => OffsetSpec::Timestamp(millis),
        StartAt::Offset(_) | StartAt::Committed | StartAt::Reset => match shared.settings.reset? {
            Reset::Earliest => OffsetSpec::Earliest,
            Reset::Latest => OffsetSpec::Latest,
            Reset::ByDuration(age) => OffsetSpec::Timestamp(millis_before_now(age)),
        },
    })
}

fn millis_before_now(age: Duration) -> i64 {
    let since =
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().saturating_sub(age);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn settle(shared: &Shared, partition: &TopicPartition, era: u64, offset: i64, is_committed: bool) {
    let mut state = shared.lock();
    state.resolve(partition, era, offset);
    if is_committed && let Some(known) = state.get_mut(partition).filter(|known| known.era == era) {
        known.committed = Some(offset);
    }
}

/// No committed offset and no policy: the application must say.
fn refuse(shared: &Shared, partition: &TopicPartition, era: u64) {
    let mut state = shared.lock();
    if let Some(known) = state.get_mut(partition).filter(|known| known.era == era) {
        known.not_before = Some(Instant::now() + Duration::from_secs(1));
        state.fail(ConsumeError::NoOffset { partition: partition.clone() });
    }
}

fn postpone(shared: &Shared, unresolved: &[Unresolved], error: CallError) {
    tracing::debug!(%error, "positions are not known yet");
    let mut state = shared.lock();
    for (partition, era, _) in unresolved {
        if let Some(known) = state.get_mut(partition).filter(|known| known.era == *era) {
            known.not_before = Some(Instant::now() + shared.cluster.options.backoff.first);
        }
    }
    if !error.is_retriable() {
        state.fail(ConsumeError::Call(error));
    }
}
