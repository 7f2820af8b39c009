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
        commit_timeout_ms: configs.number("offsets.commit.timeout.ms"),
        offsets_retention_ms: configs.number("offsets.retention.minutes").saturating_mul(60_000),
        offsets_retention_check_interval_ms: configs.number("offsets.retention.check.interval.ms"),
        ..Settings::default()
    }
}

#[cfg(test)]
mod tests {
    use metadata::MetadataImage;
    use metadata::config::StaticConfigs;

    use super::*;

    #[test]
    fn every_config_of_groups_reaches_its_setting() {
        type Told = fn(&Settings) -> i64;
        let table: &[(&str, i64, Told)] = &[
            ("group.min.session.timeout.ms", 1234, |told| told.session_timeout_min_ms.into()),
            ("group.max.session.timeout.ms", 1234, |told| told.session_timeout_max_ms.into()),
            ("group.max.size", 1234, |told| told.group_max_size as i64),
            ("group.initial.rebalance.delay.ms", 1234, |told| told.initial_rebalance_delay_ms.into()),
            ("offset.metadata.max.bytes", 1234, |told| told.offset_metadata_max as i64),
            ("offsets.commit.timeout.ms", 1234, |told| told.commit_timeout_ms),
            ("offsets.retention.minutes", 1234 * 60_000, |told| told.offsets_retention_ms),
            ("offsets.retention.check.interval.ms", 1234, |told| told.offsets_retention_check_interval_ms),
        ];
        let image = MetadataImage::default();
        for (name, wanted, told) in table {
            let mut statics = StaticConfigs::default();
            assert_ne!(told(&of(&BrokerConfigs { node_id: 1, statics: &statics, image: &image })), *wanted);
            statics.insert((*name).to_owned(), "1234".to_owned());
            assert_eq!(
                told(&of(&BrokerConfigs { node_id: 1, statics: &statics, image: &image })),
                *wanted,
                "{name}"
            );
        }
    }
}
