//! Raft's things as bytes, on disk and between nodes.
//!
//! Numbers are big-endian; text and lists have their length in front (u32). These layouts are ours: they do not change with the
//! library.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::Uuid;
use metadata::Record;
use openraft::impls::leader_id_std::LeaderId;
use openraft::vote::RaftLeaderId;

use super::types::{
    Address, Entry, Key, LogId, Membership, Payload, Proposal, SnapshotMeta, StoredMembership, Vote,
};

/// Bytes that are not what they should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("malformed bytes of the quorum")]
pub struct Malformed;

/// Something with a layout.
pub trait Coded: Sized {
    /// Appends it to `out`.
    fn put(&self, out: &mut Vec<u8>);
    /// Takes it from the front.
    fn get(from: &mut &[u8]) -> Result<Self, Malformed>;

    /// All of it as bytes.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.put(&mut out);
        out
    }

    /// It, from exactly these bytes.
    fn from_bytes(mut bytes: &[u8]) -> Result<Self, Malformed> {
        let value = Self::get(&mut bytes)?;
        if bytes.is_empty() { Ok(value) } else { Err(Malformed) }
    }
}

/// Takes `N` bytes from the front.
pub fn take<const N: usize>(from: &mut &[u8]) -> Result<[u8; N], Malformed> {
    let (taken, rest) = from.split_first_chunk().ok_or(Malformed)?;
    *from = rest;
    Ok(*taken)
}

macro_rules! number {
    ($($ty:ty),*) => {$(
        impl Coded for $ty {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }
            fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
                take(from).map(<$ty>::from_be_bytes)
            }
        }
    )*};
}
number!(u8, u16, u32, u64, i32);

impl Coded for bool {
    fn put(&self, out: &mut Vec<u8>) {
        u8::from(*self).put(out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok(u8::get(from)? != 0)
    }
}

impl<T: Coded> Coded for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        if bool::get(from)? { T::get(from).map(Some) } else { Ok(None) }
    }
}

/// Bytes with their length.
pub fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    (bytes.len() as u32).put(out);
    out.extend_from_slice(bytes);
}

/// Takes bytes with their length.
pub fn get_bytes<'a>(from: &mut &'a [u8]) -> Result<&'a [u8], Malformed> {
    let length = u32::get(from)? as usize;
    let (bytes, rest) = from.split_at_checked(length).ok_or(Malformed)?;
    *from = rest;
    Ok(bytes)
}

/// A list: its count, then each.
pub fn put_list<'a, T: Coded + 'a>(items: impl ExactSizeIterator<Item = &'a T>, out: &mut Vec<u8>) {
    (items.len() as u32).put(out);
    items.for_each(|item| item.put(out));
}

/// Takes a list.
pub fn get_list<T: Coded, L: FromIterator<T>>(from: &mut &[u8]) -> Result<L, Malformed> {
    let count = u32::get(from)?;
    (0..count).map(|_| T::get(from)).collect()
}

impl Coded for Key {
    fn put(&self, out: &mut Vec<u8>) {
        self.id.put(out);
        out.extend_from_slice(&self.directory.0);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok(Self { id: i32::get(from)?, directory: Uuid(take(from)?) })
    }
}

impl Coded for Address {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.host.as_bytes(), out);
        self.port.put(out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        let host = std::str::from_utf8(get_bytes(from)?).map_err(|_| Malformed)?;
        Ok(Self { host: host.to_owned(), port: u16::get(from)? })
    }
}

impl Coded for Vote {
    fn put(&self, out: &mut Vec<u8>) {
        self.leader_id.term.put(out);
        self.leader_id.voted_for.put(out);
        self.committed.put(out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        let leader_id = LeaderId { term: u64::get(from)?, voted_for: Key::get(from)? };
        Ok(Self { leader_id, committed: bool::get(from)? })
    }
}

/// The place with this term and index.
pub fn log_id(term: u64, index: u64) -> LogId {
    let nobody = Key { id: 0, directory: Uuid::ZERO };
    LogId { leader_id: LeaderId { term, voted_for: nobody }.to_committed(), index }
}

impl Coded for LogId {
    fn put(&self, out: &mut Vec<u8>) {
        self.leader_id.term.put(out);
        self.index.put(out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok(log_id(u64::get(from)?, u64::get(from)?))
    }
}

impl Coded for Membership {
    fn put(&self, out: &mut Vec<u8>) {
        let configs = self.get_joint_config();
        (configs.len() as u32).put(out);
        configs.iter().for_each(|config| put_list(config.iter(), out));
        let nodes: Vec<_> = self.nodes().collect();
        (nodes.len() as u32).put(out);
        for (key, address) in nodes {
            key.put(out);
            address.put(out);
        }
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        let count = u32::get(from)?;
        let configs: Vec<BTreeSet<Key>> = (0..count).map(|_| get_list(from)).collect::<Result<_, _>>()?;
        let count = u32::get(from)?;
        let nodes: BTreeMap<Key, Address> =
            (0..count).map(|_| Ok((Key::get(from)?, Address::get(from)?))).collect::<Result<_, _>>()?;
        if configs.is_empty() && nodes.is_empty() {
            return Ok(Self::default());
        }
        Self::new(configs, nodes).map_err(|_| Malformed)
    }
}

impl Coded for StoredMembership {
    fn put(&self, out: &mut Vec<u8>) {
        self.log_id().put(out);
        self.membership().put(out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok(Self::new(Option::get(from)?, Membership::get(from)?))
    }
}

impl Coded for SnapshotMeta {
    fn put(&self, out: &mut Vec<u8>) {
        self.last_log_id.put(out);
        self.last_membership.put(out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok(Self { last_log_id: Option::get(from)?, last_membership: StoredMembership::get(from)? })
    }
}

impl Proposal {
    /// Appends records as those of a proposal.
    pub fn put_records(records: &[Record], out: &mut Vec<u8>) {
        (records.len() as u32).put(out);
        for record in records {
            let at = out.len();
            out.extend_from_slice(&[0; 4]);
            record.encode(out);
            let length = ((out.len() - at - 4) as u32).to_be_bytes();
            if let Some(place) = out.get_mut(at..at + 4) {
                place.copy_from_slice(&length);
            }
        }
    }
}

impl Coded for Proposal {
    fn put(&self, out: &mut Vec<u8>) {
        Self::put_records(&self.0, out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        let count = u32::get(from)?;
        let record = |from: &mut &[u8]| Record::decode(get_bytes(from)?).map_err(|_| Malformed);
        Ok(Self(Arc::new((0..count).map(|_| record(from)).collect::<Result<_, _>>()?)))
    }
}

const BLANK: u8 = 0;
const NORMAL: u8 = 1;
const MEMBERSHIP: u8 = 2;

impl Coded for Entry {
    fn put(&self, out: &mut Vec<u8>) {
        self.log_id.put(out);
        match &self.payload {
            Payload::Blank => BLANK.put(out),
            Payload::Normal(proposal) => {
                NORMAL.put(out);
                proposal.put(out);
            }
            Payload::Membership(membership) => {
                MEMBERSHIP.put(out);
                membership.put(out);
            }
        }
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        let log_id = LogId::get(from)?;
        let payload = match u8::get(from)? {
            BLANK => Payload::Blank,
            NORMAL => Payload::Normal(Proposal::get(from)?),
            MEMBERSHIP => Payload::Membership(Membership::get(from)?),
            _ => return Err(Malformed),
        };
        Ok(Self { log_id, payload })
    }
}
