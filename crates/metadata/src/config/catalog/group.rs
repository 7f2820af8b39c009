//! The configs of groups.

use super::{NO_CONSUMER_PROTOCOL, NO_SHARE_GROUPS, NO_STREAMS_PROTOCOL, configs};
use crate::config::Config;

pub(super) static ROWS: &[Config] = configs! {
    "consumer.assignment.interval.ms" <- "group.consumer.assignment.interval.ms": Int =
        "1000", AtLeast(0), Medium, ClusterWide,
        NoUse(NO_CONSUMER_PROTOCOL), "How long at least between two assignments";
    "consumer.heartbeat.interval.ms" <- "group.consumer.heartbeat.interval.ms": Int =
        "5000", AtLeast(1), Medium, ClusterWide,
        NoUse(NO_CONSUMER_PROTOCOL), "How often members send a heartbeat";
    "consumer.session.timeout.ms" <- "group.consumer.session.timeout.ms": Int =
        "45000", AtLeast(1), Medium, ClusterWide,
        NoUse(NO_CONSUMER_PROTOCOL), "Without a heartbeat for this long a member is dead";
    "share.assignment.interval.ms" <- "group.share.assignment.interval.ms": Int =
        "1000", AtLeast(0), Medium, ClusterWide,
        NoUse(NO_SHARE_GROUPS), "How long at least between two assignments";
    "share.auto.offset.reset": String = "latest", OffsetReset, Medium, ClusterWide,
        NoUse(NO_SHARE_GROUPS),
        "Where a share group begins: latest, earliest, or by_duration: and an ISO 8601 duration";
    "share.delivery.count.limit" <- "group.share.delivery.count.limit": Int =
        "5", AtLeast(2), Medium, ClusterWide,
        NoUse(NO_SHARE_GROUPS), "How often a record is delivered at most";
    "share.heartbeat.interval.ms" <- "group.share.heartbeat.interval.ms": Int =
        "5000", AtLeast(1), Medium, ClusterWide,
        NoUse(NO_SHARE_GROUPS), "How often members send a heartbeat";
    "share.isolation.level": String =
        "read_uncommitted", OneOf(&["read_committed", "read_uncommitted"]), Medium, ClusterWide,
        NoUse(NO_SHARE_GROUPS), "Whether records of unfinished transactions are delivered";
    "share.partition.max.record.locks" <- "group.share.partition.max.record.locks": Int =
        "2000", AtLeast(100), Medium, ClusterWide,
        NoUse(NO_SHARE_GROUPS), "How many records of a partition may be in delivery";
    "share.record.lock.duration.ms" <- "group.share.record.lock.duration.ms": Int =
        "30000", AtLeast(1000), Medium, ClusterWide,
        NoUse(NO_SHARE_GROUPS), "How long a delivered record is locked";
    "share.renew.acknowledge.enable": Boolean = "true", Any, Medium, ClusterWide,
        NoUse(NO_SHARE_GROUPS), "Whether a member may renew the lock of a record";
    "share.session.timeout.ms" <- "group.share.session.timeout.ms": Int =
        "45000", AtLeast(1), Medium, ClusterWide,
        NoUse(NO_SHARE_GROUPS), "Without a heartbeat for this long a member is dead";
    "streams.assignment.interval.ms" <- "group.streams.assignment.interval.ms": Int =
        "1000", AtLeast(0), Medium, ClusterWide,
        NoUse(NO_STREAMS_PROTOCOL), "How long at least between two assignments";
    "streams.heartbeat.interval.ms" <- "group.streams.heartbeat.interval.ms": Int =
        "5000", AtLeast(1), Medium, ClusterWide,
        NoUse(NO_STREAMS_PROTOCOL), "How often members send a heartbeat";
    "streams.initial.rebalance.delay.ms" <- "group.streams.initial.rebalance.delay.ms": Int =
        "3000", AtLeast(0), Medium, ClusterWide,
        NoUse(NO_STREAMS_PROTOCOL), "How long an empty group waits for more members before its first assignment";
    "streams.num.standby.replicas" <- "group.streams.num.standby.replicas": Int =
        "0", AtLeast(0), Medium, ClusterWide,
        NoUse(NO_STREAMS_PROTOCOL), "How many standby copies of a task there are";
    "streams.session.timeout.ms" <- "group.streams.session.timeout.ms": Int =
        "45000", AtLeast(1), Medium, ClusterWide,
        NoUse(NO_STREAMS_PROTOCOL), "Without a heartbeat for this long a member is dead";
};
