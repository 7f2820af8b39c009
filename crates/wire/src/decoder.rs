//! Reading a message from a received frame.
//!
//! Invariants: no read goes past the frame; text and bytes are slices of the frame's own allocation; the memory taken
//! for lists stays within a budget of `DECODE_EXPANSION_MAX` × received + `DECODE_SLACK_BYTES`.

use base::Str;
use base::limits::{DECODE_EXPANSION_MAX, DECODE_SLACK_BYTES};
use bytes::Bytes;

use crate::schema::MessageSchema;
use crate::{DecodeError, DecodeErrorKind};

/// A place in a received frame, and what is being read there.
#[derive(Debug)]
pub struct Decoder {
    frame: Bytes,
    at: usize,
    budget: usize,
    version: i16,
    flexible: bool,
    api: &'static str,
    field: &'static str,
}

impl Decoder {
    /// A decoder at the start of `frame`, with the budget that the frame's length allows.
    pub fn new(frame: Bytes) -> Self {
        let budget = frame.len().saturating_mul(DECODE_EXPANSION_MAX).saturating_add(DECODE_SLACK_BYTES);
        Self { frame, at: 0, budget, version: 0, flexible: false, api: "frame", field: "" }
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.frame.len().saturating_sub(self.at)
    }

    /// The bytes not read yet, shared.
    pub fn rest(&self) -> Bytes {
        self.frame.slice(self.at.min(self.frame.len())..)
    }

    /// Bytes of memory that the rest of the message may still take.
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// Turns to `schema` in `version`; fails if there is no such version.
    pub fn begin(&mut self, schema: &'static MessageSchema, version: i16) -> Result<(), DecodeError> {
        self.api = schema.name;
        self.version = version;
        self.field = "(version)";
        self.flexible = schema.flexible.has(version);
        match schema.versions.has(version) && version >= 0 {
            true => Ok(()),
            false => Err(self.error(DecodeErrorKind::UnsupportedVersion)),
        }
    }

    /// Names the field read next, for errors.
    #[inline]
    pub fn enter(&mut self, field: &'static str) {
        self.field = field;
    }

    /// The version being read.
    #[inline]
    pub fn version(&self) -> i16 {
        self.version
    }

    /// Whether lengths are compact and structs end with a tagged section (KIP-482).
    #[inline]
    pub fn is_flexible(&self) -> bool {
        self.flexible
    }

    /// An error at the field being read.
    #[cold]
    pub fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError { api: self.api, version: self.version, field: self.field, kind }
    }

    #[cold]
    fn truncated(&self, needed: usize) -> DecodeError {
        self.error(DecodeErrorKind::Truncated { needed, left: self.remaining() })
    }

    /// The next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.frame.get(self.at..).and_then(|rest| rest.first_chunk::<N>()) {
            Some(bytes) => {
                self.at += N;
                Ok(*bytes)
            }
            None => Err(self.truncated(N)),
        }
    }

    /// The next `len` bytes as a slice of the frame's allocation.
    pub fn bytes(&mut self, len: usize) -> Result<Bytes, DecodeError> {
        if len > self.remaining() {
            return Err(self.truncated(len));
        }
        let bytes = self.frame.slice(self.at..self.at + len);
        self.at += len;
        Ok(bytes)
    }

    /// The next `len` bytes as text.
    pub fn text(&mut self, len: usize) -> Result<Str, DecodeError> {
        if len > i16::MAX as usize {
            return Err(self.error(DecodeErrorKind::TextTooLong(len)));
        }
        let bytes = self.bytes(len)?;
        Str::from_utf8(bytes).map_err(|_| self.error(DecodeErrorKind::NotUtf8))
    }

    /// A signed number of two bytes.
    #[inline]
    pub fn i16(&mut self) -> Result<i16, DecodeError> {
        Ok(i16::from_be_bytes(self.array()?))
    }

    /// A signed number of four bytes.
    #[inline]
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    /// A base-128 number, least significant group first, of at most 32 bits in 5 bytes.
    #[inline]
    pub fn unsigned_varint(&mut self) -> Result<u32, DecodeError> {
        let [first] = self.array()?;
        if first < 0x80 { Ok(u32::from(first)) } else { self.long_varint(first) }
    }

    fn long_varint(&mut self, first: u8) -> Result<u32, DecodeError> {
        let mut value = u32::from(first & 0x7f);
        for shift in [7, 14, 21, 28] {
            let [byte] = self.array()?;
            if shift == 28 && byte > 0x0f {
                break;
            }
            value |= u32::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.error(DecodeErrorKind::VarintTooLong))
    }

    /// A length of text: `None` for null.
    #[inline]
    pub fn text_length(&mut self) -> Result<Option<usize>, DecodeError> {
        if self.flexible { self.compact_length() } else { Ok(usize::try_from(self.i16()?).ok()) }
    }

    /// A length of bytes or a count of elements: `None` for null.
    #[inline]
    pub fn length(&mut self) -> Result<Option<usize>, DecodeError> {
        if self.flexible { self.compact_length() } else { Ok(usize::try_from(self.i32()?).ok()) }
    }

    #[inline]
    fn compact_length(&mut self) -> Result<Option<usize>, DecodeError> {
        Ok(self.unsigned_varint()?.checked_sub(1).map(|len| len as usize))
    }

    /// Checks that `count` elements of at least `min_size` bytes each can follow, and takes their memory off the
    /// budget.
    pub fn reserve(&mut self, count: usize, min_size: usize, in_memory: usize) -> Result<(), DecodeError> {
        let left = self.remaining();
        if count > left / min_size.max(1) {
            return Err(self.error(DecodeErrorKind::CountBeyondMessage { count, left }));
        }
        let wanted = count.saturating_mul(in_memory);
        match self.budget.checked_sub(wanted) {
            Some(budget) => {
                self.budget = budget;
                Ok(())
            }
            None => Err(self.error(DecodeErrorKind::OverBudget { wanted, left: self.budget })),
        }
    }

    /// How many tagged fields follow.
    pub fn tagged_field_count(&mut self) -> Result<u32, DecodeError> {
        self.unsigned_varint()
    }

    /// A tagged field's tag, and where its content ends.
    pub fn tagged_field(&mut self) -> Result<(u32, usize), DecodeError> {
        let tag = self.unsigned_varint()?;
        let size = self.unsigned_varint()? as usize;
        if size > self.remaining() {
            return Err(self.truncated(size));
        }
        Ok((tag, self.at + size))
    }

    /// Goes on at `end`, which [`Decoder::tagged_field`] returned.
    pub fn skip_to(&mut self, end: usize) {
        self.at = end;
    }

    /// Checks that a tagged field took the bytes it said.
    pub fn end_tagged_field(&mut self, end: usize) -> Result<(), DecodeError> {
        if self.at == end { Ok(()) } else { Err(self.error(DecodeErrorKind::WrongTaggedSize)) }
    }

    /// Skips a whole tagged section.
    pub fn skip_tagged_fields(&mut self) -> Result<(), DecodeError> {
        for _ in 0..self.tagged_field_count()? {
            let (_, end) = self.tagged_field()?;
            self.skip_to(end);
        }
        Ok(())
    }
}
