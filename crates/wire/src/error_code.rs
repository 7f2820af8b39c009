//! Kafka's error codes.

use core::fmt;

/// An error code as answers carry it. Codes that this version does not know are kept as they are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ErrorCode(pub i16);

/// What the table says of one code.
struct Entry {
    code: i16,
    name: &'static str,
    is_retriable: bool,
    message: &'static str,
}

macro_rules! errors {
    ($($code:literal $name:ident $retriable:ident $message:literal;)*) => {
        impl ErrorCode {
            $(
                #[doc = $message]
                pub const $name: Self = Self($code);
            )*

            /// Every code of Kafka 4.3, ascending.
            pub const ALL: &[Self] = &[$( Self::$name ),*];
        }

        /// Ascending by code, without gaps from -1 on.
        const TABLE: &[Entry] = &[$(
            Entry { code: $code, name: stringify!($name), is_retriable: errors!(@ $retriable), message: $message },
        )*];
    };
    (@ retriable) => { true };
    (@ final) => { false };
}

impl ErrorCode {
    fn entry(self) -> Option<&'static Entry> {
        let place = usize::try_from(self.0.checked_add(1)?).ok()?;
        TABLE.get(place).filter(|entry| entry.code == self.0)
    }

    /// The number on the wire.
    pub const fn code(self) -> i16 {
        self.0
    }

    /// Whether this is anything but [`ErrorCode::NONE`].
    pub const fn is_error(self) -> bool {
        self.0 != 0
    }

    /// Kafka's name, or `UNKNOWN` for a code that this version does not know.
    pub fn name(self) -> &'static str {
        self.entry().map_or("UNKNOWN", |entry| entry.name)
    }

    /// Whether Kafka's clients try again after it.
    pub fn is_retriable(self) -> bool {
        self.entry().is_some_and(|entry| entry.is_retriable)
    }

    /// What it means, for people.
    pub fn message(self) -> &'static str {
        self.entry().map_or("An error that this version does not know", |entry| entry.message)
    }

    /// The code with Kafka's name `name`.
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|entry| entry.name == name).map(|entry| Self(entry.code))
    }
}

impl From<i16> for ErrorCode {
    fn from(code: i16) -> Self {
        Self(code)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name(), self.0)
    }
}

impl fmt::Debug for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

errors! {
    -1 UNKNOWN_SERVER_ERROR final "The server failed in a way it did not expect";
    0 NONE final "No error";
    1 OFFSET_OUT_OF_RANGE final "The offset lies outside the log";
    2 CORRUPT_MESSAGE retriable "The batch is corrupt, too large, or lacks a key that a compacted topic needs";
    3 UNKNOWN_TOPIC_OR_PARTITION retriable "This broker knows no such topic or partition";
    4 INVALID_FETCH_SIZE final "The fetch size is not valid";
    5 LEADER_NOT_AVAILABLE retriable "The partition has no leader right now";
    6 NOT_LEADER_OR_FOLLOWER retriable "This broker is not the leader, or not a replica, of the partition";
    7 REQUEST_TIMED_OUT retriable "The request took too long";
    8 BROKER_NOT_AVAILABLE final "The broker is not available";
    9 REPLICA_NOT_AVAILABLE retriable "The replica is not available";
    10 MESSAGE_TOO_LARGE final "The batch is larger than the topic allows";
    11 STALE_CONTROLLER_EPOCH final "Another controller has taken over";
    12 OFFSET_METADATA_TOO_LARGE final "The metadata beside the offset is too long";
    13 NETWORK_EXCEPTION retriable "The connection broke before the answer came";
    14 COORDINATOR_LOAD_IN_PROGRESS retriable "The coordinator is still loading";
    15 COORDINATOR_NOT_AVAILABLE retriable "The coordinator is not available";
    16 NOT_COORDINATOR retriable "This broker is not the coordinator";
    17 INVALID_TOPIC_EXCEPTION final "The topic's name is not valid, or the topic is not to be used this way";
    18 RECORD_LIST_TOO_LARGE final "The batch is larger than a segment";
    19 NOT_ENOUGH_REPLICAS retriable "Fewer replicas are in sync than the topic demands";
    20 NOT_ENOUGH_REPLICAS_AFTER_APPEND retriable "The records were written, but to fewer in-sync replicas than the topic demands";
    21 INVALID_REQUIRED_ACKS final "acks must be 0, 1 or -1";
    22 ILLEGAL_GENERATION final "The group is in another generation";
    23 INCONSISTENT_GROUP_PROTOCOL final "The member shares no protocol with the group, or named none";
    24 INVALID_GROUP_ID final "The group id is not valid";
    25 UNKNOWN_MEMBER_ID final "The group has no such member";
    26 INVALID_SESSION_TIMEOUT final "The session timeout lies outside the broker's bounds";
    27 REBALANCE_IN_PROGRESS final "The group is rebalancing; join again";
    28 INVALID_COMMIT_OFFSET_SIZE final "The size of the committed offset is not valid";
    29 TOPIC_AUTHORIZATION_FAILED final "Not allowed on this topic";
    30 GROUP_AUTHORIZATION_FAILED final "Not allowed on this group";
    31 CLUSTER_AUTHORIZATION_FAILED final "Not allowed on this cluster";
    32 INVALID_TIMESTAMP final "The timestamp is too far from the broker's time";
    33 UNSUPPORTED_SASL_MECHANISM final "The broker does not offer this SASL mechanism";
    34 ILLEGAL_SASL_STATE final "Not valid in this state of the SASL exchange";
    35 UNSUPPORTED_VERSION final "This version of the API is not supported";
    36 TOPIC_ALREADY_EXISTS final "A topic of this name exists";
    37 INVALID_PARTITIONS final "The count of partitions is not valid";
    38 INVALID_REPLICATION_FACTOR final "The replication factor is below 1 or above the count of brokers";
    39 INVALID_REPLICA_ASSIGNMENT final "The assignment of replicas is not valid";
    40 INVALID_CONFIG final "The configuration is not valid";
    41 NOT_CONTROLLER retriable "This node is not the active controller";
    42 INVALID_REQUEST final "The request makes no sense";
    43 UNSUPPORTED_FOR_MESSAGE_FORMAT final "The log's message format cannot serve this request";
    44 POLICY_VIOLATION final "A policy forbids it";
    45 OUT_OF_ORDER_SEQUENCE_NUMBER final "The sequence number is not the one expected";
    46 DUPLICATE_SEQUENCE_NUMBER final "The sequence number has been seen";
    47 INVALID_PRODUCER_EPOCH final "The producer's epoch is old";
    48 INVALID_TXN_STATE final "The transaction is in a state that forbids this";
    49 INVALID_PRODUCER_ID_MAPPING final "The producer id is not the one of this transactional id";
    50 INVALID_TRANSACTION_TIMEOUT final "The transaction timeout is larger than the broker allows";
    51 CONCURRENT_TRANSACTIONS retriable "Another change to this transaction is under way";
    52 TRANSACTION_COORDINATOR_FENCED final "The sender no longer coordinates this producer's transactions";
    53 TRANSACTIONAL_ID_AUTHORIZATION_FAILED final "Not allowed on this transactional id";
    54 SECURITY_DISABLED final "Security is switched off";
    55 OPERATION_NOT_ATTEMPTED final "Not tried, because something else in the request failed";
    56 KAFKA_STORAGE_ERROR retriable "A disk failed";
    57 LOG_DIR_NOT_FOUND final "The broker has no such log directory";
    58 SASL_AUTHENTICATION_FAILED final "SASL authentication failed";
    59 UNKNOWN_PRODUCER_ID final "The broker does not know this producer id";
    60 REASSIGNMENT_IN_PROGRESS final "The partition is being reassigned";
    61 DELEGATION_TOKEN_AUTH_DISABLED final "Delegation tokens are switched off";
    62 DELEGATION_TOKEN_NOT_FOUND final "No such delegation token";
    63 DELEGATION_TOKEN_OWNER_MISMATCH final "Not an owner or renewer of this delegation token";
    64 DELEGATION_TOKEN_REQUEST_NOT_ALLOWED final "Delegation tokens cannot be asked for over this connection";
    65 DELEGATION_TOKEN_AUTHORIZATION_FAILED final "Not allowed on this delegation token";
    66 DELEGATION_TOKEN_EXPIRED final "The delegation token has expired";
    67 INVALID_PRINCIPAL_TYPE final "This type of principal is not supported";
    68 NON_EMPTY_GROUP final "The group still has members";
    69 GROUP_ID_NOT_FOUND final "No such group";
    70 FETCH_SESSION_ID_NOT_FOUND retriable "No such fetch session";
    71 INVALID_FETCH_SESSION_EPOCH retriable "The fetch session is in another epoch";
    72 LISTENER_NOT_FOUND retriable "The leader does not have the listener that was asked";
    73 TOPIC_DELETION_DISABLED final "Topics cannot be deleted here";
    74 FENCED_LEADER_EPOCH retriable "The leader epoch of the request is old";
    75 UNKNOWN_LEADER_EPOCH retriable "The leader epoch of the request is newer than the broker's";
    76 UNSUPPORTED_COMPRESSION_TYPE final "The client does not know the partition's compression";
    77 STALE_BROKER_EPOCH final "The broker's epoch has changed";
    78 OFFSET_NOT_AVAILABLE retriable "The new leader does not know its high watermark yet";
    79 MEMBER_ID_REQUIRED final "Join again with the member id of this answer";
    80 PREFERRED_LEADER_NOT_AVAILABLE retriable "The preferred leader is not available";
    81 GROUP_MAX_SIZE_REACHED final "The group is full";
    82 FENCED_INSTANCE_ID final "Another member has taken this group instance id";
    83 ELIGIBLE_LEADERS_NOT_AVAILABLE retriable "No replica may lead the partition";
    84 ELECTION_NOT_NEEDED retriable "The partition has the leader it should have";
    85 NO_REASSIGNMENT_IN_PROGRESS final "The partition is not being reassigned";
    86 GROUP_SUBSCRIBED_TO_TOPIC final "The group is subscribed to the topic";
    87 INVALID_RECORD final "A record is not valid";
    88 UNSTABLE_OFFSET_COMMIT retriable "Some offsets are part of an unfinished transaction";
    89 THROTTLING_QUOTA_EXCEEDED retriable "A quota is exhausted";
    90 PRODUCER_FENCED final "A newer producer has taken this transactional id";
    91 RESOURCE_NOT_FOUND final "No such resource";
    92 DUPLICATE_RESOURCE final "The same resource is named twice";
    93 UNACCEPTABLE_CREDENTIAL final "The credential is not acceptable";
    94 INCONSISTENT_VOTER_SET final "Sender or receiver is not one of the voters expected";
    95 INVALID_UPDATE_VERSION final "The version of the update is not valid";
    96 FEATURE_UPDATE_FAILED final "The features could not be updated";
    97 PRINCIPAL_DESERIALIZATION_FAILURE final "The forwarded principal could not be read";
    98 SNAPSHOT_NOT_FOUND final "No such snapshot";
    99 POSITION_OUT_OF_RANGE final "The position lies outside the snapshot";
    100 UNKNOWN_TOPIC_ID retriable "This broker knows no topic of this id";
    101 DUPLICATE_BROKER_REGISTRATION final "Another broker uses this id";
    102 BROKER_ID_NOT_REGISTERED final "No broker of this id is registered";
    103 INCONSISTENT_TOPIC_ID retriable "The topic's id is another one";
    104 INCONSISTENT_CLUSTER_ID final "The cluster's id is another one";
    105 TRANSACTIONAL_ID_NOT_FOUND final "No such transactional id";
    106 FETCH_SESSION_TOPIC_ID_ERROR retriable "The fetch session mixes topic names and ids";
    107 INELIGIBLE_REPLICA final "A replica may not be in sync";
    108 NEW_LEADER_ELECTED final "The partition was changed, and another replica leads now";
    109 OFFSET_MOVED_TO_TIERED_STORAGE final "The offset has moved to tiered storage";
    110 FENCED_MEMBER_EPOCH final "The member's epoch is fenced; give up all partitions and join again";
    111 UNRELEASED_INSTANCE_ID final "Another member holds this instance id; it must leave first";
    112 UNSUPPORTED_ASSIGNOR final "The group does not know this assignor";
    113 STALE_MEMBER_EPOCH final "The member's epoch is old; try again with the one of the next heartbeat";
    114 MISMATCHED_ENDPOINT_TYPE final "This endpoint is of the wrong type";
    115 UNSUPPORTED_ENDPOINT_TYPE final "Endpoints of this type are not supported";
    116 UNKNOWN_CONTROLLER_ID final "No such controller";
    117 UNKNOWN_SUBSCRIPTION_ID final "The telemetry subscription is old";
    118 TELEMETRY_TOO_LARGE final "The metrics pushed are too large";
    119 INVALID_REGISTRATION final "The broker's registration is not valid";
    120 TRANSACTION_ABORTABLE final "The transaction failed; abort it to go on";
    121 INVALID_RECORD_STATE final "The record is in a state that forbids this acknowledgement";
    122 SHARE_SESSION_NOT_FOUND retriable "No such share session";
    123 INVALID_SHARE_SESSION_EPOCH retriable "The share session is in another epoch";
    124 FENCED_STATE_EPOCH final "The share state's epoch is another one";
    125 INVALID_VOTER_KEY final "The voter's key is another one";
    126 DUPLICATE_VOTER final "The voter is one already";
    127 VOTER_NOT_FOUND final "No such voter";
    128 INVALID_REGULAR_EXPRESSION final "The regular expression is not valid";
    129 REBOOTSTRAP_REQUIRED final "The client's metadata is too old; start from the bootstrap servers again";
    130 STREAMS_INVALID_TOPOLOGY final "The topology is not valid";
    131 STREAMS_INVALID_TOPOLOGY_EPOCH final "The topology's epoch is not valid";
    132 STREAMS_TOPOLOGY_FENCED final "The topology's epoch is old";
    133 SHARE_SESSION_LIMIT_REACHED retriable "No further share session is allowed";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_finds_its_entry() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from_name(code.name()), Some(*code));
        }
        assert_eq!(ErrorCode::ALL.len(), 135);
    }

    #[test]
    fn unknown_codes_are_kept() {
        for code in [-2, 134, i16::MIN, i16::MAX] {
            assert_eq!((ErrorCode(code).name(), ErrorCode(code).code()), ("UNKNOWN", code));
        }
    }
}
