//! A broker's configs: quotas, metrics, plug-ins and tiered storage.

use super::{NO_JAVA, NO_JMX, NO_QUOTAS, NO_TELEMETRY, NO_TIERING, configs};
use crate::config::Config;

pub(super) static ROWS: &[Config] = configs! {
    "alter.config.policy.class.name": Class = null, Any, Low, ReadOnly,
        Refused(NO_JAVA), "Which Java class may forbid changes of configs";
    "client.quota.callback.class": Class = null, Any, Low, ReadOnly,
        Refused(NO_JAVA), "Which Java class computes quotas";
    "config.providers": List = "", Distinct, Low, ClusterWide,
        Refused(NO_JAVA), "Names of Java classes that look values up elsewhere";
    "controller.quota.window.num": Int = "11", AtLeast(1), Low, ReadOnly,
        NoUse(NO_QUOTAS), "How many windows the quota for metadata changes is measured over";
    "controller.quota.window.size.seconds": Int = "1", AtLeast(1), Low, ReadOnly,
        NoUse(NO_QUOTAS), "How long one window of the quota for metadata changes is";
    "create.topic.policy.class.name": Class = null, Any, Low, ReadOnly,
        Refused(NO_JAVA), "Which Java class may forbid topics";
    "kafka.metrics.polling.interval.secs": Int = "10", AtLeast(1), Low, ReadOnly,
        NoUse(NO_JMX), "How often old metrics are polled";
    "kafka.metrics.reporters": List = "", Distinct, Low, ReadOnly,
        NoUse(NO_JMX), "Java classes that take old metrics";
    "metric.reporters": List = "org.apache.kafka.common.metrics.JmxReporter", Distinct, Low, ClusterWide,
        NoUse(NO_JMX), "Java classes that take metrics";
    "metrics.num.samples": Int = "2", AtLeast(1), Low, ReadOnly,
        NoUse(NO_JMX), "How many windows a rate is measured over";
    "metrics.recording.level": String = "INFO", Any, Low, ReadOnly,
        NoUse(NO_JMX), "How detailed metrics are";
    "metrics.sample.window.ms": Long = "30000", AtLeast(1), Low, ReadOnly,
        NoUse(NO_JMX), "How long one window of a rate is";
    "quota.window.num": Int = "11", AtLeast(1), Low, ReadOnly,
        NoUse(NO_QUOTAS), "How many windows client quotas are measured over";
    "quota.window.size.seconds": Int = "1", AtLeast(1), Low, ReadOnly,
        NoUse(NO_QUOTAS), "How long one window of client quotas is";
    "remote.fetch.max.wait.ms": Int = "500", AtLeast(1), Medium, ClusterWide,
        NoUse(NO_TIERING), "How long a fetch waits for tiered records";
    "remote.list.offsets.request.timeout.ms": Long = "30000", AtLeast(1), Medium, ClusterWide,
        NoUse(NO_TIERING), "How long a look-up of tiered offsets may take";
    "remote.log.index.file.cache.total.size.bytes": Long = "1073741824", AtLeast(1), Low, ClusterWide,
        NoUse(NO_TIERING), "Room for cached indexes of tiered segments";
    "remote.log.index.file.cache.ttl.ms": Long = "900000", AtLeast(-1), Low, Internal,
        NoUse(NO_TIERING), "How long an unused cached index is kept";
    "remote.log.manager.copier.thread.pool.size": Int = "10", AtLeast(1), Medium, ClusterWide,
        NoUse(NO_TIERING), "Threads that copy segments away";
    "remote.log.manager.copy.max.bytes.per.second": Long =
        "9223372036854775807", AtLeast(1), Medium, ClusterWide,
        NoUse(NO_TIERING), "How many bytes per second are copied away at most";
    "remote.log.manager.copy.quota.window.num": Int = "11", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_TIERING), "How many windows that limit is measured over";
    "remote.log.manager.copy.quota.window.size.seconds": Int = "1", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_TIERING), "How long one such window is";
    "remote.log.manager.expiration.thread.pool.size": Int = "10", AtLeast(1), Medium, ClusterWide,
        NoUse(NO_TIERING), "Threads that delete tiered segments";
    "remote.log.manager.fetch.max.bytes.per.second": Long =
        "9223372036854775807", AtLeast(1), Medium, ClusterWide,
        NoUse(NO_TIERING), "How many bytes per second are fetched back at most";
    "remote.log.manager.fetch.quota.window.num": Int = "11", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_TIERING), "How many windows that limit is measured over";
    "remote.log.manager.fetch.quota.window.size.seconds": Int = "1", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_TIERING), "How long one such window is";
    "remote.log.manager.follower.thread.pool.size": Int = "2", AtLeast(1), Medium, ClusterWide,
        NoUse(NO_TIERING), "Threads that follow tiered leaders";
    "remote.log.manager.task.interval.ms": Long = "30000", AtLeast(1), Low, ReadOnly,
        NoUse(NO_TIERING), "How often tiering looks for work";
    "remote.log.manager.task.retry.backoff.max.ms": Long = "30000", AtLeast(1), Low, Internal,
        NoUse(NO_TIERING), "How long a failed task of tiering waits at most";
    "remote.log.manager.task.retry.backoff.ms": Long = "500", AtLeast(1), Low, Internal,
        NoUse(NO_TIERING), "How long a failed task of tiering first waits";
    "remote.log.manager.task.retry.jitter": Double = "0.2", Fraction(0.0, 0.5), Low, Internal,
        NoUse(NO_TIERING), "Which random share is added to that";
    "remote.log.manager.thread.pool.size": Int = "2", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_TIERING), "Threads that schedule tiering";
    "remote.log.metadata.custom.metadata.max.bytes": Int = "128", AtLeast(0), Low, ReadOnly,
        NoUse(NO_TIERING), "How many bytes of its own a store may keep per segment";
    "remote.log.metadata.manager.class.name": String =
        "org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager",
        NonEmpty, Medium, ReadOnly,
        NoUse(NO_TIERING), "Which Java class keeps track of tiered segments";
    "remote.log.metadata.manager.class.path": String = null, Any, Medium, ReadOnly,
        NoUse(NO_TIERING), "Where that class lies";
    "remote.log.metadata.manager.impl.prefix": String = "rlmm.config.", NonEmpty, Medium, ReadOnly,
        NoUse(NO_TIERING), "The prefix of that class's configs";
    "remote.log.metadata.manager.listener.name": String = null, NonEmpty, Medium, ReadOnly,
        NoUse(NO_TIERING), "The listener that class uses";
    "remote.log.reader.max.pending.tasks": Int = "100", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_TIERING), "How many reads of tiered records may wait";
    "remote.log.reader.threads": Int = "10", AtLeast(1), Medium, ClusterWide,
        NoUse(NO_TIERING), "Threads that read tiered records";
    "remote.log.storage.manager.class.name": String = null, NonEmpty, Medium, ReadOnly,
        NoUse(NO_TIERING), "Which Java class stores tiered segments";
    "remote.log.storage.manager.class.path": String = null, Any, Medium, ReadOnly,
        NoUse(NO_TIERING), "Where that class lies";
    "remote.log.storage.manager.impl.prefix": String = "rsm.config.", NonEmpty, Medium, ReadOnly,
        NoUse(NO_TIERING), "The prefix of that class's configs";
    "remote.log.storage.system.enable": Boolean = "false", Any, Medium, ReadOnly,
        Refused(NO_TIERING), "Whether segments may be kept in remote storage";
    "telemetry.max.bytes": Int = "1048576", AtLeast(1), Low, ReadOnly,
        NoUse(NO_TELEMETRY), "How many bytes of metrics a client may push at once";
};
