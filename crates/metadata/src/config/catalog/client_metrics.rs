//! The configs of subscriptions to clients' metrics.

use super::{NO_TELEMETRY, configs};
use crate::config::Config;

pub(super) static ROWS: &[Config] = configs! {
    "interval.ms": Int = "300000", Any, Medium, ClusterWide,
        NoUse(NO_TELEMETRY), "How often clients push";
    "match": List = "", Distinct, Medium, ClusterWide,
        NoUse(NO_TELEMETRY), "Which clients are meant, as name=pattern pairs";
    "metrics": List = "", Distinct, Medium, ClusterWide,
        NoUse(NO_TELEMETRY), "Which metrics are meant, by prefix of their names";
};
