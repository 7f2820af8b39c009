//! What the broker's configuration says to groups.

use coordinator::group::Settings;
use metadata::config::BrokerConfigs;

/// The settings of a shard that is loaded now.
pub(super) fn of(configs: &BrokerConfigs<'_>) -> Settings {
    let int = |name| i32::try_from(configs.number(name)).unwrap_or(i32::MAX);
    let size = |name| usize::try_from(configs.number(name)).unwrap_or(usize::MAX);
    Settings {
        session_timeout_min_ms: int("group.min.session.timeout.ms"),
        session_timeout_max_ms: int("group.max.session.timeout.ms"),
        group_max_size: size("group.max.size"),
        initial_rebalance_delay_ms: int("group.initial.rebalance.delay.ms"),
        offset_metadata_max: size("offset.metadata.max.bytes"),
        offsets_retention_ms: configs.number("offsets.retention.minutes").saturating_mul(60_000),
        offsets_retention_check_interval_ms: configs.number("offsets.retention.check.interval.ms"),
        ..Settings::default()
    }
}
