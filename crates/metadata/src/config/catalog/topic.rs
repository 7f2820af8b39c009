//! The configs of topics.

use super::{NO_TIERING, configs};
use crate::config::Config;

pub(super) static ROWS: &[Config] = configs! {
    "cleanup.policy" <- "log.cleanup.policy": List =
        "delete", ListOf(&["compact", "delete"]), Medium, ClusterWide,
        Effective, "What happens to old records: delete, compact, both, or nothing";
    "compression.gzip.level" <- "compression.gzip.level": Int = "-1", GzipLevel, Medium, ClusterWide,
        Effective, "The level when the broker compresses with gzip";
    "compression.lz4.level" <- "compression.lz4.level": Int = "9", Between(1, 17), Medium, ClusterWide,
        Effective, "The level when the broker compresses with lz4";
    "compression.type" <- "compression.type": String =
        "producer", OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), Medium, ClusterWide,
        Effective, "The codec records are stored in; producer keeps what came";
    "compression.zstd.level" <- "compression.zstd.level": Int = "3", Between(-131_072, 22), Medium, ClusterWide,
        Effective, "The level when the broker compresses with zstd";
    "confluent.key.schema.validation": Boolean = "false", Any, Low, Internal,
        Effective, "Whether keys must name a schema of their subject";
    "confluent.key.subject.name.strategy": String = null, Any, Low, Internal,
        Effective, "Which subject has the schemas of keys: TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy";
    "confluent.value.schema.validation": Boolean = "false", Any, Low, Internal,
        Effective, "Whether values must name a schema of their subject";
    "confluent.value.subject.name.strategy": String = null, Any, Low, Internal,
        Effective, "Which subject has the schemas of values: TopicNameStrategy, RecordNameStrategy or TopicRecordNameStrategy";
    "delete.retention.ms" <- "log.cleaner.delete.retention.ms": Long =
        "86400000", AtLeast(0), Medium, ClusterWide,
        Effective, "How long tombstones stay visible";
    "file.delete.delay.ms" <- "log.segment.delete.delay.ms": Long = "60000", AtLeast(0), Medium, ClusterWide,
        Effective, "How long a deleted segment's file stays on the disk";
    "flush.messages" <- "log.flush.interval.messages": Long =
        "9223372036854775807", AtLeast(1), Medium, ClusterWide,
        Effective, "After how many records the partition is synced; Mekong syncs before it acknowledges anyway";
    "flush.ms" <- "log.flush.interval.ms": Long = "9223372036854775807", AtLeast(0), Medium, ClusterWide,
        Effective, "After how long the partition is synced; Mekong syncs before it acknowledges anyway";
    "follower.replication.throttled.replicas": List = "", ThrottledReplicas, Medium, ClusterWide,
        Effective, "Which replicas are throttled as followers, as partition:broker pairs or *";
    "index.interval.bytes" <- "log.index.interval.bytes": Int = "4096", AtLeast(0), Medium, ClusterWide,
        Effective, "How many bytes of log lie between two entries of the offset index";
    "internal.segment.bytes": Int = null, Any, Medium, Internal,
        Effective, "How long a segment grows, for tests, without the lower bound";
    "leader.replication.throttled.replicas": List = "", ThrottledReplicas, Medium, ClusterWide,
        Effective, "Which replicas are throttled as leaders, as partition:broker pairs or *";
    "local.retention.bytes" <- "log.local.retention.bytes": Long = "-2", AtLeast(-2), Medium, ClusterWide,
        NoUse(NO_TIERING), "How many bytes of tiered records stay on the local disk; -2 takes retention.bytes";
    "local.retention.ms" <- "log.local.retention.ms": Long = "-2", AtLeast(-2), Medium, ClusterWide,
        NoUse(NO_TIERING), "How long tiered records stay on the local disk; -2 takes retention.ms";
    "max.compaction.lag.ms" <- "log.cleaner.max.compaction.lag.ms": Long =
        "9223372036854775807", AtLeast(1), Medium, ClusterWide,
        Effective, "After how long a record must be considered by compaction";
    "max.message.bytes" <- "message.max.bytes": Int = "1048588", AtLeast(0), Medium, ClusterWide,
        Effective, "The largest batch taken, after compression";
    "mekong.key.schema.validation.payload": Boolean = "false", Any, Low, Internal,
        Effective, "Whether keys must be readable by the schema they name";
    "mekong.produce.validation": String = null, OneOf(&["strict", "header-only"]), Low, Internal,
        Effective, "How closely batches are looked at; without it the listener decides, then the broker";
    "mekong.value.schema.validation.payload": Boolean = "false", Any, Low, Internal,
        Effective, "Whether values must be readable by the schema they name";
    "message.timestamp.after.max.ms" <- "log.message.timestamp.after.max.ms": Long =
        "3600000", AtLeast(0), Medium, ClusterWide,
        Effective, "How much newer than the broker's time a record's timestamp may be";
    "message.timestamp.before.max.ms" <- "log.message.timestamp.before.max.ms": Long =
        "9223372036854775807", AtLeast(0), Medium, ClusterWide,
        Effective, "How much older than the broker's time a record's timestamp may be";
    "message.timestamp.type" <- "log.message.timestamp.type": String =
        "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]), Medium, ClusterWide,
        Effective, "Whether records carry the producer's time or that of the append";
    "min.cleanable.dirty.ratio" <- "log.cleaner.min.cleanable.ratio": Double =
        "0.5", Fraction(0.0, 1.0), Medium, ClusterWide,
        Effective, "From which share of uncleaned log on a partition is compacted";
    "min.compaction.lag.ms" <- "log.cleaner.min.compaction.lag.ms": Long = "0", AtLeast(0), Medium, ClusterWide,
        Effective, "How long a record is left alone by compaction";
    "min.insync.replicas" <- "min.insync.replicas": Int = "1", AtLeast(1), Medium, ClusterWide,
        Effective, "How many replicas must be in sync for acks=all";
    "preallocate" <- "log.preallocate": Boolean = "false", Any, Medium, ClusterWide,
        NoUse("a segment takes its blocks as it is written"), "Whether a new segment's blocks are reserved at once";
    "remote.log.copy.disable": Boolean = "false", Any, Medium, ClusterWide,
        NoUse(NO_TIERING), "Whether no more segments are copied to remote storage";
    "remote.log.delete.on.disable": Boolean = "false", Any, Medium, ClusterWide,
        NoUse(NO_TIERING), "Whether tiered segments are deleted when tiering is switched off";
    "remote.storage.enable": Boolean = "false", Any, Medium, ClusterWide,
        NoUse(NO_TIERING), "Whether segments are kept in remote storage";
    "retention.bytes" <- "log.retention.bytes": Long = "-1", Any, Medium, ClusterWide,
        Effective, "How many bytes of a partition are kept; -1 for no limit";
    "retention.ms" <- "log.retention.ms": Long = "604800000", AtLeast(-1), Medium, ClusterWide,
        Effective, "How long records are kept; -1 for ever";
    "segment.bytes" <- "log.segment.bytes": Int = "1073741824", AtLeast(1_048_576), Medium, ClusterWide,
        Effective, "How long a segment grows before the next begins";
    "segment.index.bytes" <- "log.index.size.max.bytes": Int = "10485760", AtLeast(4), Medium, ClusterWide,
        Effective, "How long an offset index grows before its segment is closed";
    "segment.jitter.ms" <- "log.roll.jitter.ms": Long = "0", AtLeast(0), Medium, ClusterWide,
        Effective, "A random part taken off segment.ms, so that not all roll at once";
    "segment.ms" <- "log.roll.ms": Long = "604800000", AtLeast(1), Medium, ClusterWide,
        Effective, "After how long a segment is closed even if it is short";
    "unclean.leader.election.enable" <- "unclean.leader.election.enable": Boolean =
        "false", Any, Medium, ClusterWide,
        Effective, "Whether a replica that lags may lead when no other can, at the price of records";
};
