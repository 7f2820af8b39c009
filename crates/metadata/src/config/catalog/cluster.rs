//! A broker's configs: roles, the metadata quorum and replication.

use super::{NO_QUOTAS, NO_TIERING, NO_WINDOWS, configs};
use crate::config::Config;

pub(super) static ROWS: &[Config] = configs! {
    "alter.log.dirs.replication.quota.window.num": Int = "11", AtLeast(1), Low, ReadOnly,
        NoUse(NO_QUOTAS), "How many windows the quota for moves between folders is measured over";
    "alter.log.dirs.replication.quota.window.size.seconds": Int = "1", AtLeast(1), Low, ReadOnly,
        NoUse(NO_QUOTAS), "How long one window of the quota for moves between folders is";
    "auto.leader.rebalance.enable": Boolean = "true", Any, High, ReadOnly,
        Effective, "Whether leaderships go back to the preferred replicas by themselves";
    "broker.heartbeat.interval.ms": Int = "2000", Any, Medium, ReadOnly,
        Effective, "How often the broker tells the controller that it lives";
    "broker.id": Int = "-1", Any, High, ReadOnly,
        Effective, "The old name of node.id";
    "broker.rack": String = null, Any, Medium, ReadOnly,
        Effective, "This broker's rack, over which replicas are spread";
    "broker.session.timeout.ms": Int = "9000", Any, Medium, ReadOnly,
        Effective, "Without a heartbeat for this long a broker is fenced";
    "controlled.shutdown.enable": Boolean = "true", Any, Medium, ReadOnly,
        NoUse("a broker always hands its leaderships on before it stops"), "Whether a broker hands its leaderships on before it stops";
    "controller.listener.names": List = required, Distinct, High, ReadOnly,
        Effective, "The listeners of the controller's role";
    "controller.performance.always.log.threshold.ms": Long = "2000", AtLeast(0), Medium, Internal,
        NoUse("slow commands are logged one by one"), "From which time on a slow event of the controller is logged";
    "controller.performance.sample.period.ms": Long = "60000", AtLeast(100), Medium, Internal,
        NoUse("slow commands are logged one by one"), "How often the controller's performance is summed up";
    "controller.quorum.append.linger.ms": Int = "25", AtLeast(0), Medium, ReadOnly,
        NoUse("proposals that wait are committed together without lingering"),
        "How long the quorum's leader gathers records";
    "controller.quorum.auto.join.enable": Boolean = "false", Any, Low, ReadOnly,
        NoUse("who becomes a voter does not depend on it"), "Whether a controller adds itself to the voters";
    "controller.quorum.bootstrap.servers": List = "", Distinct, High, ReadOnly,
        Effective, "Where a node finds the metadata quorum";
    "controller.quorum.election.backoff.max.ms": Int = "1000", AtLeast(0), High, ReadOnly,
        NoUse("the library that keeps the quorum has its own"), "How long a losing candidate waits at most";
    "controller.quorum.election.timeout.ms": Int = "1000", AtLeast(0), High, ReadOnly,
        Effective, "How long a voter waits before it stands for election again";
    "controller.quorum.fetch.max.bytes": Int = "1048576", AtLeast(1), Low, ReadOnly,
        NoUse("the library that keeps the quorum has its own"), "How many bytes of the metadata log one fetch takes";
    "controller.quorum.fetch.snapshot.max.bytes": Int = "1048576", AtLeast(1), Low, ReadOnly,
        NoUse("the library that keeps the quorum has its own"), "How many bytes of a metadata snapshot one fetch takes";
    "controller.quorum.fetch.timeout.ms": Int = "2000", AtLeast(0), High, ReadOnly,
        NoUse("a voter stands for election after controller.quorum.election.timeout.ms"), "How long a voter goes without its leader before it stands for election";
    "controller.quorum.request.timeout.ms": Int = "2000", AtLeast(0), Medium, ReadOnly,
        NoUse("the library that keeps the quorum has its own"), "How long a request of the quorum may take";
    "controller.quorum.retry.backoff.ms": Int = "20", AtLeast(0), Low, ReadOnly,
        NoUse("the library that keeps the quorum has its own"), "How long the quorum waits before it asks again";
    "controller.quorum.voters": List = "", Distinct, High, ReadOnly,
        Effective, "The fixed voters of the metadata quorum, as id@host:port";
    "controller.socket.timeout.ms": Int = "30000", Any, Medium, ReadOnly,
        NoUse("requests between nodes have time limits of their own"), "How long the broker waits for the controller's answer";
    "follower.fetch.last.tiered.offset.enable": Boolean = "false", Any, Medium, ClusterWide,
        NoUse(NO_TIERING), "Whether an empty follower begins at the last tiered offset";
    "initial.broker.registration.timeout.ms": Int = "60000", Any, Medium, ReadOnly,
        Effective, "How long the first registration may take";
    "inter.broker.listener.name": String = null, Any, Medium, ReadOnly,
        Effective, "The listener that brokers use among themselves";
    "internal.metadata.delete.delay.millis": Long = "60000", Any, Low, Internal,
        NoUse("the metadata log has a format of its own"), "How long a deleted file of the metadata log stays";
    "internal.metadata.log.segment.bytes": Int = null, Any, Low, Internal,
        NoUse("the metadata log has a format of its own"),
        "How long a segment of the metadata log grows, for tests";
    "internal.metadata.max.batch.size.in.bytes": Int = "8388608", Any, Low, Internal,
        NoUse("the metadata log has a format of its own"), "How long a batch of the metadata log may be";
    "leader.imbalance.check.interval.seconds": Long = "300", AtLeast(1), High, ReadOnly,
        Effective, "How often leaderships are looked at";
    "metadata.log.max.record.bytes.between.snapshots": Long = "20971520", AtLeast(1), High, ReadOnly,
        NoUse("a snapshot is made after as much log as the last one is long, 4 MiB at least"), "How much metadata is logged between two snapshots";
    "metadata.log.max.snapshot.interval.ms": Long = "3600000", AtLeast(0), High, ReadOnly,
        NoUse("a snapshot is made by size alone"), "After how long a metadata snapshot is made";
    "metadata.log.segment.bytes": Int = "1073741824", AtLeast(8_388_608), High, ReadOnly,
        NoUse("the metadata log has a format of its own"), "How long a segment of the metadata log grows";
    "metadata.log.segment.ms": Long = "604800000", Any, High, ReadOnly,
        NoUse("the metadata log has a format of its own"), "After how long a segment of the metadata log is closed";
    "metadata.max.idle.interval.ms": Int = "500", AtLeast(0), Low, ReadOnly,
        NoUse("an idle metadata log stays silent"), "How often an idle quorum writes a record";
    "metadata.max.retention.bytes": Long = "104857600", Any, High, ReadOnly,
        NoUse("one snapshot and the log behind it are kept"), "How many bytes of metadata are kept";
    "metadata.max.retention.ms": Long = "604800000", Any, High, ReadOnly,
        NoUse("one snapshot and the log behind it are kept"), "How long metadata is kept";
    "min.insync.replicas": Int = "1", AtLeast(1), High, ClusterWide,
        Effective, "How many replicas must be in sync for acks=all";
    "node.id": Int = required, AtLeast(0), High, ReadOnly,
        Effective, "This node's number; Mekong's default is 1";
    "num.replica.fetchers": Int = "1", AtLeast(1), High, ClusterWide,
        Effective, "How many fetchers copy from one other broker";
    "process.roles": List = required, ListOf(&["broker", "controller"]), High, ReadOnly,
        Effective, "What this node does: broker, controller, or both; Mekong's default is both";
    "replica.fetch.backoff.ms": Int = "1000", AtLeast(0), Medium, ReadOnly,
        Effective, "How long a fetcher rests after a failure";
    "replica.fetch.max.bytes": Int = "1048576", AtLeast(0), Medium, ReadOnly,
        Effective, "How many bytes a follower asks for per partition";
    "replica.fetch.min.bytes": Int = "1", Any, High, ReadOnly,
        Effective, "How many bytes a follower waits for";
    "replica.fetch.response.max.bytes": Int = "10485760", AtLeast(0), Medium, ReadOnly,
        Effective, "How many bytes a follower asks for in all";
    "replica.fetch.wait.max.ms": Int = "500", Any, High, ReadOnly,
        Effective, "How long a follower's fetch may wait";
    "replica.high.watermark.checkpoint.interval.ms": Long = "5000", Any, High, ReadOnly,
        Effective, "How often high watermarks are written down";
    "replica.lag.time.max.ms": Long = "30000", Any, High, ReadOnly,
        Effective, "How long a follower may lag and count as in sync";
    "replica.selector.class": String = null, Any, Medium, ReadOnly,
        Effective, "Who chooses the replica that a consumer reads from: nobody, or by rack RackAwareReplicaSelector";
    "replica.socket.receive.buffer.bytes": Int = "65536", Any, High, ReadOnly,
        NoUse("the system sizes the buffers between nodes"), "The receive buffer of a follower's socket";
    "replica.socket.timeout.ms": Int = "30000", Any, High, ReadOnly,
        Effective, "How long a follower waits on its socket";
    "replication.quota.window.num": Int = "11", AtLeast(1), Low, ReadOnly,
        NoUse(NO_WINDOWS), "How many windows the replication quota is measured over";
    "replication.quota.window.size.seconds": Int = "1", AtLeast(1), Low, ReadOnly,
        NoUse(NO_WINDOWS), "How long one window of the replication quota is";
    "security.inter.broker.protocol": String =
        "PLAINTEXT", OneOf(&["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]), Medium, ReadOnly,
        Effective, "The security protocol that brokers use among themselves";
    "unclean.leader.election.enable": Boolean = "false", Any, High, ClusterWide,
        Effective, "Whether a replica that lags may lead when no other can, at the price of records";
    "unclean.leader.election.interval.ms": Long = "300000", AtLeast(1), Medium, Internal,
        NoUse("an unclean election is held as soon as it is allowed and needed"), "How often unclean elections are tried";
};
