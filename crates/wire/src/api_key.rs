//! The table of APIs: key, name, versions, and which listeners serve them.

use core::fmt;

use crate::schema::Versions;

/// Which listeners of Kafka serve an API.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Listeners {
    /// Brokers'.
    Broker,
    /// Controllers'.
    Controller,
    /// Both.
    Both,
}

macro_rules! apis {
    ($($code:literal $name:ident $min:literal ..= $max:literal $(/ flexible $flexible:literal)? => $listeners:ident;)*) => {
        /// An API of Kafka. The four that only ZooKeeper's controllers used (4–7) are gone.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(i16)]
        #[allow(missing_docs, reason = "the modules of the messages describe the APIs")]
        pub enum ApiKey {
            $( $name = $code, )*
        }

        impl ApiKey {
            /// Every API, by key.
            pub const ALL: &[Self] = &[$( Self::$name, )*];

            /// The API with the key `code`.
            pub const fn from_code(code: i16) -> Option<Self> {
                match code {
                    $( $code => Some(Self::$name), )*
                    _ => None,
                }
            }

            /// Kafka's name.
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$name => stringify!($name), )*
                }
            }

            /// The versions that can be read and written. For what a broker advertises see
            /// [`ApiKey::advertised`].
            pub const fn versions(self) -> Versions {
                match self {
                    $( Self::$name => Versions::new($min, $max), )*
                }
            }

            /// The first version with compact lengths and tagged fields (KIP-482); `i16::MAX` if there is none.
            pub const fn flexible_from(self) -> i16 {
                match self {
                    $( Self::$name => apis!(@flexible $($flexible)?), )*
                }
            }

            /// Which of Kafka's listeners serve the API.
            pub const fn listeners(self) -> Listeners {
                match self {
                    $( Self::$name => Listeners::$listeners, )*
                }
            }
        }
    };
    (@flexible $flexible:literal) => { $flexible };
    (@flexible) => { i16::MAX };
}

impl ApiKey {
    /// The key on the wire.
    pub const fn code(self) -> i16 {
        self as i16
    }

    /// Whether `version` has compact lengths and tagged fields.
    pub const fn is_flexible(self, version: i16) -> bool {
        version >= self.flexible_from()
    }

    /// The versions that ApiVersions tells, where the API is served: Produce from 0 on, though 0–2 are refused
    /// (KAFKA-18659), and no version of InitProducerId that is not released.
    pub const fn advertised(self) -> Versions {
        match self {
            Self::Produce => Versions::new(0, self.versions().max),
            Self::InitProducerId => Versions::new(self.versions().min, 5),
            _ => self.versions(),
        }
    }
}

impl fmt::Display for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

apis! {
    0 Produce 3..=13 / flexible 9 => Broker;
    1 Fetch 4..=18 / flexible 12 => Both;
    2 ListOffsets 1..=11 / flexible 6 => Broker;
    3 Metadata 0..=13 / flexible 9 => Broker;
    8 OffsetCommit 2..=10 / flexible 8 => Broker;
    9 OffsetFetch 1..=10 / flexible 6 => Broker;
    10 FindCoordinator 0..=6 / flexible 3 => Broker;
    11 JoinGroup 0..=9 / flexible 6 => Broker;
    12 Heartbeat 0..=4 / flexible 4 => Broker;
    13 LeaveGroup 0..=5 / flexible 4 => Broker;
    14 SyncGroup 0..=5 / flexible 4 => Broker;
    15 DescribeGroups 0..=6 / flexible 5 => Broker;
    16 ListGroups 0..=5 / flexible 3 => Broker;
    17 SaslHandshake 0..=1 => Both;
    18 ApiVersions 0..=4 / flexible 3 => Both;
    19 CreateTopics 2..=7 / flexible 5 => Both;
    20 DeleteTopics 1..=6 / flexible 4 => Both;
    21 DeleteRecords 0..=2 / flexible 2 => Broker;
    22 InitProducerId 0..=6 / flexible 2 => Broker;
    23 OffsetForLeaderEpoch 2..=4 / flexible 4 => Broker;
    24 AddPartitionsToTxn 0..=5 / flexible 3 => Broker;
    25 AddOffsetsToTxn 0..=4 / flexible 3 => Broker;
    26 EndTxn 0..=5 / flexible 3 => Broker;
    27 WriteTxnMarkers 1..=2 / flexible 1 => Broker;
    28 TxnOffsetCommit 0..=5 / flexible 3 => Broker;
    29 DescribeAcls 1..=3 / flexible 2 => Both;
    30 CreateAcls 1..=3 / flexible 2 => Both;
    31 DeleteAcls 1..=3 / flexible 2 => Both;
    32 DescribeConfigs 1..=4 / flexible 4 => Both;
    33 AlterConfigs 0..=2 / flexible 2 => Both;
    34 AlterReplicaLogDirs 1..=2 / flexible 2 => Broker;
    35 DescribeLogDirs 1..=5 / flexible 2 => Broker;
    36 SaslAuthenticate 0..=2 / flexible 2 => Both;
    37 CreatePartitions 0..=3 / flexible 2 => Both;
    38 CreateDelegationToken 1..=3 / flexible 2 => Both;
    39 RenewDelegationToken 1..=2 / flexible 2 => Both;
    40 ExpireDelegationToken 1..=2 / flexible 2 => Both;
    41 DescribeDelegationToken 1..=3 / flexible 2 => Both;
    42 DeleteGroups 0..=2 / flexible 2 => Broker;
    43 ElectLeaders 0..=2 / flexible 2 => Both;
    44 IncrementalAlterConfigs 0..=1 / flexible 1 => Both;
    45 AlterPartitionReassignments 0..=1 / flexible 0 => Both;
    46 ListPartitionReassignments 0..=0 / flexible 0 => Both;
    47 OffsetDelete 0..=0 => Broker;
    48 DescribeClientQuotas 0..=1 / flexible 1 => Broker;
    49 AlterClientQuotas 0..=1 / flexible 1 => Both;
    50 DescribeUserScramCredentials 0..=0 / flexible 0 => Both;
    51 AlterUserScramCredentials 0..=0 / flexible 0 => Both;
    52 Vote 0..=2 / flexible 0 => Controller;
    53 BeginQuorumEpoch 0..=1 / flexible 1 => Controller;
    54 EndQuorumEpoch 0..=1 / flexible 1 => Controller;
    55 DescribeQuorum 0..=2 / flexible 0 => Both;
    56 AlterPartition 2..=3 / flexible 0 => Controller;
    57 UpdateFeatures 0..=2 / flexible 0 => Both;
    58 Envelope 0..=0 / flexible 0 => Controller;
    59 FetchSnapshot 0..=1 / flexible 0 => Controller;
    60 DescribeCluster 0..=2 / flexible 0 => Both;
    61 DescribeProducers 0..=0 / flexible 0 => Broker;
    62 BrokerRegistration 0..=4 / flexible 0 => Controller;
    63 BrokerHeartbeat 0..=2 / flexible 0 => Controller;
    64 UnregisterBroker 0..=0 / flexible 0 => Both;
    65 DescribeTransactions 0..=0 / flexible 0 => Broker;
    66 ListTransactions 0..=2 / flexible 0 => Broker;
    67 AllocateProducerIds 0..=0 / flexible 0 => Controller;
    68 ConsumerGroupHeartbeat 0..=1 / flexible 0 => Broker;
    69 ConsumerGroupDescribe 0..=1 / flexible 0 => Broker;
    70 ControllerRegistration 0..=0 / flexible 0 => Controller;
    71 GetTelemetrySubscriptions 0..=0 / flexible 0 => Broker;
    72 PushTelemetry 0..=0 / flexible 0 => Broker;
    73 AssignReplicasToDirs 0..=0 / flexible 0 => Controller;
    74 ListConfigResources 0..=1 / flexible 0 => Broker;
    75 DescribeTopicPartitions 0..=0 / flexible 0 => Broker;
    76 ShareGroupHeartbeat 1..=1 / flexible 0 => Broker;
    77 ShareGroupDescribe 1..=1 / flexible 0 => Broker;
    78 ShareFetch 1..=2 / flexible 0 => Broker;
    79 ShareAcknowledge 1..=2 / flexible 0 => Broker;
    80 AddRaftVoter 0..=1 / flexible 0 => Both;
    81 RemoveRaftVoter 0..=0 / flexible 0 => Both;
    82 UpdateRaftVoter 0..=0 / flexible 0 => Controller;
    83 InitializeShareGroupState 0..=0 / flexible 0 => Broker;
    84 ReadShareGroupState 0..=0 / flexible 0 => Broker;
    85 WriteShareGroupState 0..=1 / flexible 0 => Broker;
    86 DeleteShareGroupState 0..=0 / flexible 0 => Broker;
    87 ReadShareGroupStateSummary 0..=1 / flexible 0 => Broker;
    88 StreamsGroupHeartbeat 0..=0 / flexible 0 => Broker;
    89 StreamsGroupDescribe 0..=0 / flexible 0 => Broker;
    90 DescribeShareGroupOffsets 0..=1 / flexible 0 => Broker;
    91 AlterShareGroupOffsets 0..=0 / flexible 0 => Broker;
    92 DeleteShareGroupOffsets 0..=0 / flexible 0 => Broker;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_finds_its_api() {
        for key in ApiKey::ALL {
            assert_eq!(ApiKey::from_code(key.code()), Some(*key));
        }
        for code in [-1, 4, 5, 6, 7, 93, i16::MAX] {
            assert_eq!(ApiKey::from_code(code), None, "{code}");
        }
    }
}
