//! A broker's configs: groups and transactions.

use super::{NO_CONSUMER_PROTOCOL, NO_SHARE_GROUPS, NO_STREAMS_PROTOCOL, NO_TRANSACTIONS, THREADS, configs};
use crate::config::Config;

pub(super) static ROWS: &[Config] = configs! {
    "add.partitions.to.txn.retry.backoff.max.ms": Int = "100", AtLeast(0), High, ReadOnly,
        NoUse(NO_TRANSACTIONS),
        "How long adding a partition to a transaction waits at most before it is tried again";
    "add.partitions.to.txn.retry.backoff.ms": Int = "20", AtLeast(1), High, ReadOnly,
        NoUse(NO_TRANSACTIONS), "How long adding a partition to a transaction first waits before it is tried again";
    "group.consumer.assignment.interval.ms": Int = "1000", AtLeast(0), Medium, ClusterWide,
        NoUse(NO_CONSUMER_PROTOCOL), "How long at least between two assignments of a group";
    "group.consumer.assignors": List = "uniform,range", Distinct, Medium, ReadOnly,
        NoUse(NO_CONSUMER_PROTOCOL), "Which assignors the broker offers, the first by default";
    "group.consumer.heartbeat.interval.ms": Int = "5000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_CONSUMER_PROTOCOL), "How often members send a heartbeat";
    "group.consumer.max.assignment.interval.ms": Int = "15000", AtLeast(0), Medium, ReadOnly,
        NoUse(NO_CONSUMER_PROTOCOL), "The most a group may set as consumer.assignment.interval.ms";
    "group.consumer.max.heartbeat.interval.ms": Int = "15000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_CONSUMER_PROTOCOL), "The most a group may set as consumer.heartbeat.interval.ms";
    "group.consumer.max.session.timeout.ms": Int = "60000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_CONSUMER_PROTOCOL), "The most a group may set as consumer.session.timeout.ms";
    "group.consumer.max.size": Int = "2147483647", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_CONSUMER_PROTOCOL), "How many members a group takes";
    "group.consumer.migration.policy": String =
        "bidirectional", OneOfAnyCase(&["DISABLED", "DOWNGRADE", "UPGRADE", "BIDIRECTIONAL"]), Medium, ReadOnly,
        NoUse(NO_CONSUMER_PROTOCOL), "Whether groups may change between the classic and the new protocol";
    "group.consumer.min.assignment.interval.ms": Int = "0", AtLeast(0), Medium, ReadOnly,
        NoUse(NO_CONSUMER_PROTOCOL), "The least a group may set as consumer.assignment.interval.ms";
    "group.consumer.min.heartbeat.interval.ms": Int = "5000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_CONSUMER_PROTOCOL), "The least a group may set as consumer.heartbeat.interval.ms";
    "group.consumer.min.session.timeout.ms": Int = "45000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_CONSUMER_PROTOCOL), "The least a group may set as consumer.session.timeout.ms";
    "group.consumer.regex.refresh.interval.ms": Int = "600000", AtLeast(10_000), Medium, Internal,
        NoUse(NO_CONSUMER_PROTOCOL), "How often subscriptions by pattern are looked at again";
    "group.consumer.session.timeout.ms": Int = "45000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_CONSUMER_PROTOCOL), "Without a heartbeat for this long a member is dead";
    "group.coordinator.append.linger.ms": Int = "-1", AtLeast(-1), Medium, ReadOnly,
        NoUse("appends that wait are written together without lingering"),
        "How long the group coordinator gathers records";
    "group.coordinator.background.threads": Int = "2", AtLeast(1), High, ReadOnly,
        NoUse(THREADS), "Threads for the group coordinator's long work";
    "group.coordinator.cached.buffer.max.bytes": Int = "1048588", AtLeast(524_288), Medium, ClusterWide,
        NoUse("buffers are drawn from the common pool"), "How large a buffer the group coordinator keeps for reuse";
    "group.coordinator.rebalance.protocols": List =
        "classic,consumer,streams", ListOf(&["consumer", "classic", "share", "streams"]), Medium, ReadOnly,
        NoUse("the classic protocol is served whatever is listed"), "Which group protocols are served";
    "group.coordinator.threads": Int = "4", AtLeast(1), High, ReadOnly,
        NoUse(THREADS), "Threads of the group coordinator";
    "group.initial.rebalance.delay.ms": Int = "3000", Any, Medium, ReadOnly,
        Effective, "How long an empty classic group waits for more members before its first rebalance";
    "group.max.session.timeout.ms": Int = "1800000", Any, Medium, ReadOnly,
        Effective, "The longest session timeout a classic member may ask for";
    "group.max.size": Int = "2147483647", AtLeast(1), Medium, ReadOnly,
        Effective, "How many members a classic group takes";
    "group.min.session.timeout.ms": Int = "6000", Any, Medium, ReadOnly,
        Effective, "The shortest session timeout a classic member may ask for";
    "group.share.assignment.interval.ms": Int = "1000", AtLeast(0), Medium, ClusterWide,
        NoUse(NO_SHARE_GROUPS), "How long at least between two assignments of a share group";
    "group.share.assignors": List = "simple", Distinct, Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "Which assignors share groups have";
    "group.share.delivery.count.limit": Int = "5", Between(2, 10), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "How often a record is delivered at most";
    "group.share.heartbeat.interval.ms": Int = "5000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "How often members send a heartbeat";
    "group.share.initialize.retry.interval.ms": Int = "30000", AtLeast(1), Low, Internal,
        NoUse(NO_SHARE_GROUPS), "How often starting a share partition is tried again";
    "group.share.max.assignment.interval.ms": Int = "15000", AtLeast(0), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "The most a group may set as share.assignment.interval.ms";
    "group.share.max.delivery.count.limit": Int = "10", Between(5, 25), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "The most a group may set as share.delivery.count.limit";
    "group.share.max.heartbeat.interval.ms": Int = "15000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "The most a group may set as share.heartbeat.interval.ms";
    "group.share.max.partition.max.record.locks": Int = "4000", Between(2000, 10_000), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "The most a group may set as share.partition.max.record.locks";
    "group.share.max.record.lock.duration.ms": Int = "60000", Between(30_000, 3_600_000), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "The most a group may set as share.record.lock.duration.ms";
    "group.share.max.session.timeout.ms": Int = "60000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "The most a group may set as share.session.timeout.ms";
    "group.share.max.share.sessions": Int = "2000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "How many share sessions a broker keeps";
    "group.share.max.size": Int = "200", Between(1, 1000), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "How many members a share group takes";
    "group.share.min.assignment.interval.ms": Int = "0", AtLeast(0), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "The least a group may set as share.assignment.interval.ms";
    "group.share.min.delivery.count.limit": Int = "2", Between(2, 5), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "The least a group may set as share.delivery.count.limit";
    "group.share.min.heartbeat.interval.ms": Int = "5000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "The least a group may set as share.heartbeat.interval.ms";
    "group.share.min.partition.max.record.locks": Int = "100", Between(100, 2000), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "The least a group may set as share.partition.max.record.locks";
    "group.share.min.record.lock.duration.ms": Int = "15000", Between(1000, 30_000), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "The least a group may set as share.record.lock.duration.ms";
    "group.share.min.session.timeout.ms": Int = "45000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "The least a group may set as share.session.timeout.ms";
    "group.share.partition.max.record.locks": Int = "2000", Between(100, 10_000), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "How many records of a partition may be in delivery";
    "group.share.persister.class.name": String =
        "org.apache.kafka.server.share.persister.DefaultStatePersister", Any, Medium, Internal,
        NoUse(NO_SHARE_GROUPS), "Which class stores the state of share groups";
    "group.share.record.lock.duration.ms": Int = "30000", Between(1000, 3_600_000), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "How long a delivered record is locked";
    "group.share.session.timeout.ms": Int = "45000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "Without a heartbeat for this long a member is dead";
    "group.streams.assignment.interval.ms": Int = "1000", AtLeast(0), Medium, ClusterWide,
        NoUse(NO_STREAMS_PROTOCOL), "How long at least between two assignments of a streams group";
    "group.streams.heartbeat.interval.ms": Int = "5000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_STREAMS_PROTOCOL), "How often members send a heartbeat";
    "group.streams.initial.rebalance.delay.ms": Int = "3000", AtLeast(0), Medium, ReadOnly,
        NoUse(NO_STREAMS_PROTOCOL),
        "How long an empty streams group waits for more members before its first assignment";
    "group.streams.max.assignment.interval.ms": Int = "15000", AtLeast(0), Medium, ReadOnly,
        NoUse(NO_STREAMS_PROTOCOL), "The most a group may set as streams.assignment.interval.ms";
    "group.streams.max.heartbeat.interval.ms": Int = "15000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_STREAMS_PROTOCOL), "The most a group may set as streams.heartbeat.interval.ms";
    "group.streams.max.session.timeout.ms": Int = "60000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_STREAMS_PROTOCOL), "The most a group may set as streams.session.timeout.ms";
    "group.streams.max.size": Int = "2147483647", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_STREAMS_PROTOCOL), "How many members a streams group takes";
    "group.streams.max.standby.replicas": Int = "2", AtLeast(0), Medium, ReadOnly,
        NoUse(NO_STREAMS_PROTOCOL), "The most a group may set as streams.num.standby.replicas";
    "group.streams.min.assignment.interval.ms": Int = "0", AtLeast(0), Medium, ReadOnly,
        NoUse(NO_STREAMS_PROTOCOL), "The least a group may set as streams.assignment.interval.ms";
    "group.streams.min.heartbeat.interval.ms": Int = "5000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_STREAMS_PROTOCOL), "The least a group may set as streams.heartbeat.interval.ms";
    "group.streams.min.session.timeout.ms": Int = "45000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_STREAMS_PROTOCOL), "The least a group may set as streams.session.timeout.ms";
    "group.streams.num.standby.replicas": Int = "0", AtLeast(0), Medium, ReadOnly,
        NoUse(NO_STREAMS_PROTOCOL), "How many standby copies of a task there are";
    "group.streams.session.timeout.ms": Int = "45000", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_STREAMS_PROTOCOL), "Without a heartbeat for this long a member is dead";
    "offset.metadata.max.bytes": Int = "4096", Any, High, ReadOnly,
        Effective, "How long the text beside a committed offset may be";
    "offsets.commit.timeout.ms": Int = "5000", AtLeast(1), High, ReadOnly,
        Effective, "How long a coordinator's answers wait for what it wrote to be committed";
    "offsets.load.buffer.size": Int = "5242880", AtLeast(1), High, ReadOnly,
        NoUse("a coordinator loads in pieces of a fixed size"), "How many bytes are read at once when a coordinator loads";
    "offsets.retention.check.interval.ms": Long = "600000", AtLeast(1), High, ReadOnly,
        Effective, "How often expired offsets are looked for";
    "offsets.retention.minutes": Int = "10080", AtLeast(1), High, ReadOnly,
        Effective, "How long the offsets of an empty group are kept";
    "offsets.topic.compression.codec": Int = "0", Any, High, ReadOnly,
        NoUse("commits are stored as they come"), "The codec of the offsets topic, by number";
    "offsets.topic.num.partitions": Int = "50", AtLeast(1), High, ReadOnly,
        Effective, "How many partitions the offsets topic gets";
    "offsets.topic.replication.factor": Short = "3", AtLeast(1), High, ReadOnly,
        Effective, "How many replicas the offsets topic gets; Mekong's default is at most one per broker";
    "offsets.topic.segment.bytes": Int = "104857600", AtLeast(1), High, ReadOnly,
        Effective, "How long a segment of the offsets topic grows";
    "share.coordinator.append.linger.ms": Int = "-1", AtLeast(-1), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "How long the share coordinator gathers records";
    "share.coordinator.cached.buffer.max.bytes": Int = "1048588", AtLeast(524_288), Medium, ClusterWide,
        NoUse(NO_SHARE_GROUPS), "How large a buffer the share coordinator keeps for reuse";
    "share.coordinator.cold.partition.snapshot.interval.ms": Int = "300000", AtLeast(1), Low, Internal,
        NoUse(NO_SHARE_GROUPS), "How often idle share partitions are written whole";
    "share.coordinator.load.buffer.size": Int = "5242880", AtLeast(1), High, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "How many bytes are read at once when a share coordinator loads";
    "share.coordinator.snapshot.update.records.per.snapshot": Int = "500", Between(0, 500), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "How many changes are written between two whole states";
    "share.coordinator.state.topic.compression.codec": Int = "0", Any, High, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "The codec of the share state topic, by number";
    "share.coordinator.state.topic.min.isr": Short = "2", AtLeast(1), High, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "How many replicas of the share state topic must be in sync";
    "share.coordinator.state.topic.num.partitions": Int = "50", AtLeast(1), High, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "How many partitions the share state topic gets";
    "share.coordinator.state.topic.prune.interval.ms": Int = "300000", AtLeast(1), Low, Internal,
        NoUse(NO_SHARE_GROUPS), "How often needless share state is removed";
    "share.coordinator.state.topic.replication.factor": Short = "3", AtLeast(1), High, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "How many replicas the share state topic gets";
    "share.coordinator.state.topic.segment.bytes": Int = "104857600", AtLeast(1), High, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "How long a segment of the share state topic grows";
    "share.coordinator.threads": Int = "1", AtLeast(1), Medium, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "Threads of the share coordinator";
    "share.coordinator.write.timeout.ms": Int = "5000", AtLeast(1), High, ReadOnly,
        NoUse(NO_SHARE_GROUPS), "How long a write of share state may take";
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": Int = "10000", AtLeast(1), Low, ReadOnly,
        NoUse(NO_TRANSACTIONS), "How often timed-out transactions are looked for";
    "transaction.max.timeout.ms": Int = "900000", AtLeast(1), High, ReadOnly,
        NoUse(NO_TRANSACTIONS), "The longest timeout a transaction may ask for";
    "transaction.partition.verification.enable": Boolean = "true", Any, Low, ClusterWide,
        NoUse(NO_TRANSACTIONS), "Whether a partition must be part of the transaction before it takes records";
    "transaction.remove.expired.transaction.cleanup.interval.ms": Int = "3600000", AtLeast(1), Low, ReadOnly,
        NoUse(NO_TRANSACTIONS), "How often expired transactional ids are looked for";
    "transaction.state.log.load.buffer.size": Int = "5242880", AtLeast(1), High, ReadOnly,
        NoUse(NO_TRANSACTIONS), "How many bytes are read at once when a transaction coordinator loads";
    "transaction.state.log.min.isr": Int = "2", AtLeast(1), High, ReadOnly,
        NoUse(NO_TRANSACTIONS), "How many replicas of the transaction topic must be in sync";
    "transaction.state.log.num.partitions": Int = "50", AtLeast(1), High, ReadOnly,
        NoUse(NO_TRANSACTIONS), "How many partitions the transaction topic gets";
    "transaction.state.log.replication.factor": Short = "3", AtLeast(1), High, ReadOnly,
        NoUse(NO_TRANSACTIONS), "How many replicas the transaction topic gets";
    "transaction.state.log.segment.bytes": Int = "104857600", AtLeast(1), High, ReadOnly,
        NoUse(NO_TRANSACTIONS), "How long a segment of the transaction topic grows";
    "transaction.two.phase.commit.enable": Boolean = "false", Any, Low, ReadOnly,
        NoUse(NO_TRANSACTIONS), "Whether two-phase commit is allowed";
    "transactional.id.expiration.ms": Int = "604800000", AtLeast(1), High, ReadOnly,
        NoUse(NO_TRANSACTIONS), "How long an idle transactional id is kept";
};
