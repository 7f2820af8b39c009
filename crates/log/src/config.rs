//! The settings of one log, parsed elsewhere and passed in as values.

/// Kafka's topic settings that concern the log, with Kafka's defaults.
#[derive(Clone, PartialEq, Debug)]
pub struct LogConfig {
    /// `segment.bytes`: a segment grows no larger.
    pub segment_bytes: u64,
    /// `segment.ms`: a segment older than this is closed at the next append.
    pub segment_ms: i64,
    /// `segment.jitter.ms`: up to this much is taken off `segment_ms`, another amount for each segment.
    pub segment_jitter_ms: i64,
    /// `segment.index.bytes`: an index grows no larger.
    pub segment_index_bytes: u64,
    /// `index.interval.bytes`: an index entry for about every so many bytes.
    pub index_interval_bytes: u64,
    /// `retention.ms`; -1 for ever.
    pub retention_ms: i64,
    /// `retention.bytes`; -1 without limit.
    pub retention_bytes: i64,
    /// `file.delete.delay.ms`.
    pub file_delete_delay_ms: i64,
    /// `cleanup.policy` contains `delete`.
    pub delete: bool,
    /// `cleanup.policy` contains `compact`.
    pub compact: bool,
    /// `flush.messages` and `flush.ms`: when acknowledged means durable, and when it does not.
    pub durability: Durability,
    /// `producer.id.expiration.ms`: a producer that was silent for longer is forgotten.
    pub producer_id_expiration_ms: i64,
}

/// What an acknowledgement means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Durability {
    /// It survives the power cord: `flush.messages` and `flush.ms` unset, or `flush.messages=1`.
    Durable,
    /// It is in the page cache, as in Kafka: the settings say when it is synced.
    Relaxed {
        /// `flush.messages`: sync after so many records.
        flush_messages: i64,
        /// `flush.ms`: sync so long after the first unsynced record.
        flush_ms: i64,
    },
}

impl Durability {
    /// From Kafka's two settings, where unset means durable.
    #[must_use]
    pub fn from_settings(flush_messages: Option<i64>, flush_ms: Option<i64>) -> Self {
        match (flush_messages, flush_ms) {
            (None | Some(1), None) | (Some(1), Some(_)) => Self::Durable,
            (messages, ms) => Self::Relaxed {
                flush_messages: messages.unwrap_or(i64::MAX),
                flush_ms: ms.unwrap_or(i64::MAX),
            },
        }
    }
}

impl Default for LogConfig {
    fn default() -> Self {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        Self {
            segment_bytes: 1 << 30,
            segment_ms: 7 * DAY_MS,
            segment_jitter_ms: 0,
            segment_index_bytes: 10 << 20,
            index_interval_bytes: 4096,
            retention_ms: 7 * DAY_MS,
            retention_bytes: -1,
            file_delete_delay_ms: 60_000,
            delete: true,
            compact: false,
            durability: Durability::Durable,
            producer_id_expiration_ms: DAY_MS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_and_one_mean_durable() {
        let relaxed = |flush_messages, flush_ms| Durability::Relaxed { flush_messages, flush_ms };
        for (messages, ms, expected) in [
            (None, None, Durability::Durable),
            (Some(1), None, Durability::Durable),
            (Some(1), Some(1000), Durability::Durable),
            (Some(1000), None, relaxed(1000, i64::MAX)),
            (None, Some(1000), relaxed(i64::MAX, 1000)),
            (Some(i64::MAX), Some(5), relaxed(i64::MAX, 5)),
        ] {
            assert_eq!(Durability::from_settings(messages, ms), expected, "{messages:?} {ms:?}");
        }
    }
}
