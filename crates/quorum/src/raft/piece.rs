//! A snapshot travels in pieces.
//!
//! ```text
//! piece := vote at (u64) total (u64) bytes
//! ```

use bytes::Bytes;

use super::codec::{Coded, Malformed, get_bytes, put_bytes};
use super::types::Vote;

/// A piece of a snapshot on its way.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Piece {
    pub vote: Vote,
    pub at: u64,
    pub total: u64,
    pub bytes: Bytes,
}

impl Coded for Piece {
    fn put(&self, out: &mut Vec<u8>) {
        self.vote.put(out);
        self.at.put(out);
        self.total.put(out);
        put_bytes(&self.bytes, out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok(Self {
            vote: Vote::get(from)?,
            at: u64::get(from)?,
            total: u64::get(from)?,
            bytes: Bytes::copy_from_slice(get_bytes(from)?),
        })
    }
}
