//! Who may do what: Kafka's resource types and ACL operations (KIP-11), and the decision.
//!
//! Pure: `no_std` with `alloc`; no clock, no disk, no randomness. Nothing here knows the wire: codes are those of Kafka's `AclOperation`.
//!
//! There are no ACLs yet: the one [`Authorizer`] allows everything, as Kafka does without `authorizer.class.name`.

#![no_std]

#[cfg(test)]
mod tests;

use base::Str;

/// What an operation is done to (Kafka's resource types).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResourceType {
    /// A topic, by name.
    Topic,
    /// A group, by id.
    Group,
    /// The cluster.
    Cluster,
    /// A transactional id.
    TransactionalId,
}

/// What is done (Kafka's ACL operations), with the code that stands for it in messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i8)]
pub enum Operation {
    /// Read records or state.
    Read = 3,
    /// Write records or state.
    Write = 4,
    /// Create.
    Create = 5,
    /// Delete.
    Delete = 6,
    /// Change.
    Alter = 7,
    /// See that it is there.
    Describe = 8,
    /// Act as a broker.
    ClusterAction = 9,
    /// See its configuration.
    DescribeConfigs = 10,
    /// Change its configuration.
    AlterConfigs = 11,
    /// Produce idempotently.
    IdempotentWrite = 12,
}

/// An operation on a kind of resource that an API may ask for.
pub type Need = (ResourceType, Operation);

impl ResourceType {
    /// The operations that there are on resources of this type (Kafka's `AclEntry.supportedOperations`).
    pub const fn operations(self) -> &'static [Operation] {
        use Operation::*;
        match self {
            Self::Topic => &[Read, Write, Create, Describe, Delete, Alter, DescribeConfigs, AlterConfigs],
            Self::Group => &[Read, Describe, Delete, DescribeConfigs, AlterConfigs],
            Self::Cluster => {
                &[Create, ClusterAction, DescribeConfigs, AlterConfigs, IdempotentWrite, Alter, Describe]
            }
            Self::TransactionalId => &[Describe, Write],
        }
    }
}

/// Decides. Later ones look at ACLs; nobody but this knows how.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Authorizer {
    /// Everybody may do everything.
    #[default]
    AllowAll,
}

impl Authorizer {
    /// Whether a principal (`Type:name`) may do this to the resource of this name.
    pub const fn allows(
        self,
        _principal: &Str,
        _operation: Operation,
        _on: ResourceType,
        _name: &str,
    ) -> bool {
        match self {
            Self::AllowAll => true,
        }
    }

    /// All that a principal may do to a resource, as the bits of the operations' codes (KIP-430).
    pub fn operations(self, principal: &Str, on: ResourceType, name: &str) -> i32 {
        let allowed =
            on.operations().iter().filter(|operation| self.allows(principal, **operation, on, name));
        allowed.fold(0, |bits, operation| bits | 1 << (*operation as i8))
    }
}
