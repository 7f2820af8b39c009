//! Identifiers as types of their own, so that an epoch is never passed for an offset.

use core::fmt;

use crate::Uuid;

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $inner);

        impl $name {
            /// The bare number, for the wire and the disk.
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl From<$inner> for $name {
            fn from(value: $inner) -> Self {
                Self(value)
            }
        }
    };
}

number!(
    /// A broker's `node.id`; -1 stands for "no broker".
    BrokerId(i32)
);
number!(
    /// The count of leaders a partition has had, minus one; -1 stands for "unknown" (KIP-101).
    LeaderEpoch(i32)
);
number!(
    /// A record's place in its partition, counted from 0.
    Offset(i64)
);
number!(
    /// The identity of an idempotent producer (KIP-98); -1 stands for "none".
    ProducerId(i64)
);

impl Offset {
    /// The offset `records` further on; saturates, since an offset never wraps.
    #[must_use]
    pub const fn plus(self, records: i64) -> Self {
        Self(self.0.saturating_add(records))
    }
}

/// A topic's identity for its whole life (KIP-516); a topic recreated under the same name gets another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct TopicId(pub Uuid);

impl TopicId {
    /// The all-zero id, which the wire uses for "not given".
    pub const ZERO: Self = Self(Uuid::ZERO);
}

impl fmt::Display for TopicId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<Uuid> for TopicId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

/// One partition of one topic: what all state inside a node is keyed by.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TopicIdPartition {
    /// The topic's identity.
    pub topic: TopicId,
    /// The partition's index, from 0.
    pub partition: i32,
}

impl fmt::Display for TopicIdPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}
