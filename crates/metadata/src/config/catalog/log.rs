//! A broker's configs: storage.

use super::{NO_TIERING, configs};
use crate::config::Config;

pub(super) static ROWS: &[Config] = configs! {
    "auto.create.topics.enable": Boolean = "true", Any, High, ReadOnly,
        Effective, "Whether asking for a missing topic creates it";
    "compression.gzip.level": Int = "-1", GzipLevel, Medium, ClusterWide,
        Effective, "The level when the broker compresses with gzip";
    "compression.lz4.level": Int = "9", Between(1, 17), Medium, ClusterWide,
        Effective, "The level when the broker compresses with lz4";
    "compression.type": String =
        "producer", OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), High, ClusterWide,
        Effective, "The codec records are stored in; producer keeps what came";
    "compression.zstd.level": Int = "3", Between(-131_072, 22), Medium, ClusterWide,
        Effective, "The level when the broker compresses with zstd";
    "cordoned.log.dirs": List = "", Distinct, Medium, PerBroker,
        Effective, "Data folders that take no new partition; * for all";
    "default.replication.factor": Int = "1", Any, Medium, ReadOnly,
        Effective, "How many replicas a partition gets if nothing is said";
    "delete.topic.enable": Boolean = "true", Any, High, ReadOnly,
        Effective, "Whether topics can be deleted";
    "log.cleaner.backoff.ms": Long = "15000", AtLeast(0), Medium, ClusterWide,
        Effective, "How long an idle cleaner sleeps";
    "log.cleaner.dedupe.buffer.size": Long = "134217728", Any, Medium, ClusterWide,
        Effective, "Memory for the map of keys, over all cleaner threads";
    "log.cleaner.delete.retention.ms": Long = "86400000", AtLeast(0), Medium, ClusterWide,
        Effective, "How long tombstones stay visible";
    "log.cleaner.enable": Boolean = "true", Any, Medium, ReadOnly,
        Effective, "Whether compaction runs";
    "log.cleaner.io.buffer.load.factor": Double = "0.9", Any, Medium, ClusterWide,
        Effective, "How full the map of keys may get";
    "log.cleaner.io.buffer.size": Int = "524288", AtLeast(0), Medium, ClusterWide,
        NoUse("buffers are drawn from the common pool"),
        "Memory for the cleaner's reads and writes, over all threads";
    "log.cleaner.io.max.bytes.per.second": Double = "1.7976931348623157E308", Any, Medium, ClusterWide,
        Effective, "How many bytes per second compaction reads and writes at most";
    "log.cleaner.max.compaction.lag.ms": Long = "9223372036854775807", AtLeast(1), Medium, ClusterWide,
        Effective, "After how long a record must be considered by compaction";
    "log.cleaner.min.cleanable.ratio": Double = "0.5", Fraction(0.0, 1.0), Medium, ClusterWide,
        Effective, "From which share of uncleaned log on a partition is compacted";
    "log.cleaner.min.compaction.lag.ms": Long = "0", AtLeast(0), Medium, ClusterWide,
        Effective, "How long a record is left alone by compaction";
    "log.cleaner.threads": Int = "1", AtLeast(0), Medium, ClusterWide,
        Effective, "Threads that compact";
    "log.cleanup.policy": List = "delete", ListOf(&["compact", "delete"]), Medium, ClusterWide,
        Effective, "What happens to old records: delete, compact, both, or nothing";
    "log.dir": List = "/tmp/kafka-logs", Distinct, High, ReadOnly,
        Effective, "The data folder if log.dirs is not set; Mekong's default is ./mekong-data";
    "log.dir.failure.timeout.ms": Long = "30000", AtLeast(1), Low, ReadOnly,
        NoUse("a failed folder is told again until the controller knows"), "How long a failed folder may stay untold to the controller before the broker stops";
    "log.dirs": List = null, Distinct, High, ReadOnly,
        Effective, "The data folders, separated by commas";
    "log.flush.interval.messages": Long = "9223372036854775807", AtLeast(1), High, ClusterWide,
        Effective, "After how many records a partition is synced; Mekong syncs before it acknowledges anyway";
    "log.flush.interval.ms": Long = null, Any, High, ClusterWide,
        Effective, "After how long a partition is synced; Mekong syncs before it acknowledges anyway";
    "log.flush.offset.checkpoint.interval.ms": Int = "60000", AtLeast(0), High, ReadOnly,
        Effective, "How often recovery points are written down";
    "log.flush.scheduler.interval.ms": Long = "9223372036854775807", Any, High, ReadOnly,
        Effective, "After how long a partition is synced, if log.flush.interval.ms is not set";
    "log.flush.start.offset.checkpoint.interval.ms": Int = "60000", AtLeast(0), High, ReadOnly,
        NoUse("a log start is written down when it changes"), "How often log start offsets are written down";
    "log.index.interval.bytes": Int = "4096", AtLeast(0), Medium, ClusterWide,
        Effective, "How many bytes of log lie between two entries of the offset index";
    "log.index.size.max.bytes": Int = "10485760", AtLeast(4), Medium, ClusterWide,
        Effective, "How long an offset index grows before its segment is closed";
    "log.initial.task.delay.ms": Long = "30000", AtLeast(0), Low, Internal,
        Effective, "How long after the start the first look at retention and cleaning waits";
    "log.local.retention.bytes": Long = "-2", AtLeast(-2), Medium, ClusterWide,
        NoUse(NO_TIERING), "How many bytes of tiered records stay on the local disk; -2 takes retention.bytes";
    "log.local.retention.ms": Long = "-2", AtLeast(-2), Medium, ClusterWide,
        NoUse(NO_TIERING), "How long tiered records stay on the local disk; -2 takes retention.ms";
    "log.message.timestamp.after.max.ms": Long = "3600000", AtLeast(0), Medium, ClusterWide,
        Effective, "How much newer than the broker's time a record's timestamp may be";
    "log.message.timestamp.before.max.ms": Long = "9223372036854775807", AtLeast(0), Medium, ClusterWide,
        Effective, "How much older than the broker's time a record's timestamp may be";
    "log.message.timestamp.type": String =
        "CreateTime", OneOf(&["CreateTime", "LogAppendTime"]), Medium, ClusterWide,
        Effective, "Whether records carry the producer's time or that of the append";
    "log.preallocate": Boolean = "false", Any, Medium, ClusterWide,
        NoUse("a segment takes its blocks as it is written"), "Whether a new segment's blocks are reserved at once";
    "log.retention.bytes": Long = "-1", Any, High, ClusterWide,
        Effective, "How many bytes of a partition are kept; -1 for no limit";
    "log.retention.check.interval.ms": Long = "300000", AtLeast(1), Medium, ReadOnly,
        Effective, "How often retention is looked at";
    "log.retention.hours": Int = "168", Any, High, ReadOnly,
        Effective, "The same in hours, if neither milliseconds nor minutes are set";
    "log.retention.minutes": Int = null, Any, High, ReadOnly,
        Effective, "The same in minutes, if log.retention.ms is not set";
    "log.retention.ms": Long = null, Any, High, ClusterWide,
        Effective, "How long records are kept; -1 for ever";
    "log.roll.hours": Int = "168", AtLeast(1), High, ReadOnly,
        Effective, "The same in hours, if log.roll.ms is not set";
    "log.roll.jitter.hours": Int = "0", AtLeast(0), High, ReadOnly,
        Effective, "The same in hours, if log.roll.jitter.ms is not set";
    "log.roll.jitter.ms": Long = null, Any, High, ClusterWide,
        Effective, "A random part taken off log.roll.ms, so that not all roll at once";
    "log.roll.ms": Long = null, Any, High, ClusterWide,
        Effective, "After how long a segment is closed even if it is short";
    "log.segment.bytes": Int = "1073741824", AtLeast(1_048_576), High, ClusterWide,
        Effective, "How long a segment grows before the next begins";
    "log.segment.delete.delay.ms": Long = "60000", AtLeast(0), High, ClusterWide,
        Effective, "How long a deleted segment's file stays on the disk";
    "message.max.bytes": Int = "1048588", AtLeast(0), High, ClusterWide,
        Effective, "The largest batch taken, after compression";
    "metadata.log.dir": String = null, Any, High, ReadOnly,
        Effective, "The folder of the metadata log; by default the first data folder";
    "num.partitions": Int = "1", AtLeast(1), Medium, ReadOnly,
        Effective, "How many partitions a topic gets if nothing is said";
    "num.recovery.threads.per.data.dir": Int = "2", AtLeast(1), High, ClusterWide,
        NoUse("a log is opened when it is first used"), "Threads that recover one data folder at the start";
    "num.replica.alter.log.dirs.threads": Int = null, Any, High, ReadOnly,
        NoUse("moves between folders go one by one"), "Threads that move partitions between data folders; by default one per folder";
    "producer.id.expiration.check.interval.ms": Int = "600000", AtLeast(1), Low, Internal,
        NoUse("silent producers are forgotten along with retention"), "How often idle producers are looked for";
    "producer.id.expiration.ms": Int = "86400000", AtLeast(1), Low, ClusterWide,
        Effective, "How long an idle producer's sequence state is kept";
};
