//! A broker's configs: connections and requests.

use super::{NO_SASL, PURGATORY, THREADS, configs};
use crate::config::Config;

pub(super) static ROWS: &[Config] = configs! {
    "advertised.listeners": List = null, Distinct, High, ReadOnly,
        Effective, "What clients are told to connect to, by listener; without it the host they reached";
    "background.threads": Int = "10", AtLeast(1), High, ClusterWide,
        NoUse(THREADS), "Threads for various work in the background";
    "connection.failed.authentication.delay.ms": Int = "100", AtLeast(0), Low, ReadOnly,
        NoUse(NO_SASL), "How long a failed authentication is kept waiting before it is told";
    "connections.max.idle.ms": Long = "600000", Any, Medium, ReadOnly,
        Effective, "A connection without traffic for this long is closed; negative keeps it";
    "connections.max.reauth.ms": Long = "0", Any, Medium, ReadOnly,
        NoUse(NO_SASL), "How long a SASL session lasts before it must be renewed; 0 for ever";
    "delete.records.purgatory.purge.interval.requests": Int = "1", Any, Medium, ReadOnly,
        NoUse(PURGATORY), "After how many waiting deletions of records the finished ones are swept";
    "early.start.listeners": List = null, Distinct, High, ReadOnly,
        NoUse("the controllers' listeners always open first"), "Listeners that open before the broker is ready; by default those of the controller";
    "fetch.max.bytes": Int = "57671680", AtLeast(1024), Medium, ReadOnly,
        Effective, "How many bytes one fetch returns at most; the first batch is always whole";
    "fetch.purgatory.purge.interval.requests": Int = "1000", Any, Medium, ReadOnly,
        NoUse(PURGATORY), "After how many waiting fetches the finished ones are swept";
    "listener.security.protocol.map": String =
        "SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT", Any, Low, PerBroker,
        Effective, "Which security protocol each listener's name stands for";
    "listeners": List = "PLAINTEXT://:9092", Distinct, High, PerBroker,
        Effective, "Where the broker listens, as NAME://host:port; port 0 takes a free one";
    "max.connection.creation.rate": Int = "2147483647", AtLeast(0), Medium, ClusterWide,
        Effective, "How many connections are taken per second";
    "max.connections": Int = "2147483647", AtLeast(0), Medium, ClusterWide,
        Effective, "How many connections the broker holds at most";
    "max.connections.per.ip": Int = "2147483647", AtLeast(0), Medium, ClusterWide,
        Effective, "How many connections one address may hold";
    "max.connections.per.ip.overrides": String = "", Any, Medium, ClusterWide,
        Effective, "Other limits for single addresses, as host:count, separated by commas";
    "max.incremental.fetch.session.cache.slots": Int = "1000", AtLeast(0), Medium, ReadOnly,
        Effective, "How many incremental fetch sessions are kept";
    "max.request.partition.size.limit": Int = "2000", AtLeast(1), Medium, ReadOnly,
        Effective, "How many partitions one DescribeTopicPartitions answer holds at most";
    "num.io.threads": Int = "8", AtLeast(1), High, ClusterWide,
        NoUse(THREADS), "Threads that serve requests";
    "num.network.threads": Int = "3", AtLeast(1), High, ClusterWide,
        NoUse(THREADS), "Threads that read requests and write answers";
    "producer.purgatory.purge.interval.requests": Int = "1000", Any, Medium, ReadOnly,
        NoUse(PURGATORY), "After how many waiting produce requests the finished ones are swept";
    "queued.max.request.bytes": Long = "-1", Any, Medium, ReadOnly,
        Effective, "How many bytes of requests may wait before reading stops; -1 for no limit of this kind";
    "queued.max.requests": Int = "500", AtLeast(1), High, ReadOnly,
        NoUse("requests are bounded in bytes, not by count"), "How many requests may wait before reading stops";
    "request.timeout.ms": Int = "30000", Any, High, ReadOnly,
        NoUse("requests between nodes have time limits of their own"), "How long the broker waits for an answer to its own requests";
    "server.max.startup.time.ms": Long = "9223372036854775807", AtLeast(0), Medium, Internal,
        NoUse("a start that hangs is left to whoever supervises the process"), "How long a start may take";
    "share.fetch.purgatory.purge.interval.requests": Int = "1000", Any, Medium, ReadOnly,
        NoUse(PURGATORY), "After how many waiting share fetches the finished ones are swept";
    "socket.connection.setup.timeout.max.ms": Long = "30000", Any, Medium, ReadOnly,
        NoUse("requests between nodes have time limits of their own"), "How long later attempts to reach another broker may take at most";
    "socket.connection.setup.timeout.ms": Long = "10000", Any, Medium, ReadOnly,
        NoUse("requests between nodes have time limits of their own"), "How long the first attempt to reach another broker may take";
    "socket.listen.backlog.size": Int = "50", AtLeast(1), Medium, ReadOnly,
        Effective, "How many connections may wait to be accepted";
    "socket.receive.buffer.bytes": Int = "102400", Any, High, ReadOnly,
        Effective, "The socket's receive buffer; -1 leaves it to the system";
    "socket.request.max.bytes": Int = "104857600", AtLeast(1), High, ReadOnly,
        Effective, "The longest request taken; a longer one closes its connection";
    "socket.send.buffer.bytes": Int = "102400", Any, High, ReadOnly,
        Effective, "The socket's send buffer; -1 leaves it to the system";
    "unstable.api.versions.enable": Boolean = "false", Any, High, Internal,
        NoUse("no unstable version is served"), "Whether unstable versions of APIs are served";
    "unstable.feature.versions.enable": Boolean = "false", Any, High, Internal,
        NoUse("no unstable level is served"), "Whether unstable levels of features may be finalized";
};
