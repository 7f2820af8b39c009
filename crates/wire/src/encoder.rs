//! Writing a message.
//!
//! Small things are written one after the other into one buffer. Record batches and long bytes stay where they are: the
//! encoder notes at which place of the buffer they belong, and [`Encoder::finish`] threads both into a [`Rope`].

use alloc::vec::Vec;

use bytes::Bytes;

use crate::rope::{Rope, Segment};
use crate::schema::MessageSchema;
use crate::{EncodeError, EncodeErrorKind};

/// Bytes up to this length are copied into the buffer; longer ones are shared, which costs a segment of the rope.
const COPY_MAX: usize = 512;

/// A message being written.
#[derive(Debug)]
pub struct Encoder {
    inline: Vec<u8>,
    /// Segments with the places in `inline` before which they belong, ascending.
    shared: Vec<(usize, Segment)>,
    shared_len: usize,
    version: i16,
    flexible: bool,
    api: &'static str,
    field: &'static str,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::with_capacity(0)
    }
}

impl Encoder {
    /// An empty encoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty encoder whose buffer takes `capacity` bytes before it grows.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            inline: Vec::with_capacity(capacity),
            shared: Vec::new(),
            shared_len: 0,
            version: 0,
            flexible: false,
            api: "",
            field: "",
        }
    }

    /// Bytes written so far, shared ones included.
    pub fn len(&self) -> usize {
        self.inline.len() + self.shared_len
    }

    /// Whether nothing has been written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Turns to `schema` in `version`; fails if there is no such version.
    pub fn begin(&mut self, schema: &'static MessageSchema, version: i16) -> Result<(), EncodeError> {
        self.api = schema.name;
        self.version = version;
        self.field = "(version)";
        self.flexible = schema.flexible.has(version);
        match schema.versions.has(version) && version >= 0 {
            true => Ok(()),
            false => Err(self.error(EncodeErrorKind::UnsupportedVersion)),
        }
    }

    /// Names the field written next, for errors.
    #[inline]
    pub fn enter(&mut self, field: &'static str) {
        self.field = field;
    }

    /// The version being written.
    #[inline]
    pub fn version(&self) -> i16 {
        self.version
    }

    /// Whether lengths are compact and structs end with a tagged section (KIP-482).
    #[inline]
    pub fn is_flexible(&self) -> bool {
        self.flexible
    }

    /// An error at the field being written.
    #[cold]
    pub fn error(&self, kind: EncodeErrorKind) -> EncodeError {
        EncodeError { api: self.api, version: self.version, field: self.field, kind }
    }

    /// The field is set, and the version lacks it.
    #[cold]
    pub fn not_in_version(&self) -> EncodeError {
        self.error(EncodeErrorKind::NotInVersion)
    }

    /// Bytes as they are, copied.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) {
        self.inline.extend_from_slice(bytes);
    }

    /// Bytes as they are; long ones are shared.
    pub fn put_shared(&mut self, bytes: &Bytes) {
        if bytes.len() <= COPY_MAX {
            self.put(bytes);
        } else {
            self.put_segment(Segment::Bytes(bytes.clone()));
        }
    }

    /// A segment of another rope.
    pub fn put_segment(&mut self, segment: Segment) {
        match segment {
            Segment::Bytes(bytes) if bytes.len() <= COPY_MAX => self.put(&bytes),
            segment => {
                self.shared_len += segment.len();
                self.shared.push((self.inline.len(), segment));
            }
        }
    }

    /// A base-128 number, least significant group first.
    #[inline]
    pub fn put_unsigned_varint(&mut self, value: u32) {
        let (bytes, len) = varint(value);
        self.put(bytes.get(..len).unwrap_or_default());
    }

    /// A length of text, `None` for null.
    pub fn put_text_length(&mut self, len: Option<usize>) -> Result<(), EncodeError> {
        let short = len.map_or(Ok(-1), i16::try_from);
        match (short, len) {
            (Ok(_), _) if self.flexible => self.put_unsigned_varint(len.map_or(0, |len| len as u32 + 1)),
            (Ok(short), _) => self.put(&short.to_be_bytes()),
            (Err(_), len) => return Err(self.error(EncodeErrorKind::TooLong(len.unwrap_or(0)))),
        }
        Ok(())
    }

    /// A length of bytes or a count of elements, `None` for null.
    pub fn put_length(&mut self, len: Option<usize>) -> Result<(), EncodeError> {
        let number = len.map_or(Ok(-1), i32::try_from);
        match (number, len) {
            (Ok(_), _) if self.flexible => self.put_unsigned_varint(len.map_or(0, |len| len as u32 + 1)),
            (Ok(number), _) => self.put(&number.to_be_bytes()),
            (Err(_), len) => return Err(self.error(EncodeErrorKind::TooLong(len.unwrap_or(0)))),
        }
        Ok(())
    }

    /// Starts a tagged field; its content follows, then [`Encoder::end_tagged_field`].
    pub fn begin_tagged_field(&mut self, tag: u32) -> TaggedField {
        self.put_unsigned_varint(tag);
        TaggedField { inline: self.inline.len(), shared: self.shared.len(), shared_len: self.shared_len }
    }

    /// Puts the length of a tagged field's content before the content.
    pub fn end_tagged_field(&mut self, start: TaggedField) {
        let len = self.inline.len() - start.inline + self.shared_len - start.shared_len;
        let (bytes, width) = varint(u32::try_from(len).unwrap_or(u32::MAX));
        let prefix = bytes.get(..width).unwrap_or_default();
        self.inline.splice(start.inline..start.inline, prefix.iter().copied());
        for (place, _) in self.shared.iter_mut().skip(start.shared) {
            *place += width;
        }
    }

    /// Overwrites four bytes at `place` with `value`: a size that was not known when its place came.
    pub fn patch_i32(&mut self, place: usize, value: i32) {
        let target = self.inline.get_mut(place..).and_then(|rest| rest.first_chunk_mut::<4>());
        assert!(target.is_some(), "a size is patched where its place was kept");
        if let Some(target) = target {
            *target = value.to_be_bytes();
        }
    }

    /// What was written.
    pub fn finish(self) -> Rope {
        let inline = Bytes::from(self.inline);
        let mut rope = Rope::with_capacity(2 * self.shared.len() + 1);
        let mut done = 0;
        for (place, segment) in self.shared {
            rope.push(Segment::Bytes(inline.slice(done..place)));
            rope.push(segment);
            done = place;
        }
        rope.push(Segment::Bytes(inline.slice(done..)));
        rope
    }
}

/// Where a tagged field's content began.
#[derive(Debug)]
#[must_use]
pub struct TaggedField {
    inline: usize,
    shared: usize,
    shared_len: usize,
}

/// `value` in base 128, and the count of bytes that are part of it.
#[inline]
fn varint(mut value: u32) -> ([u8; 5], usize) {
    let mut bytes = [0; 5];
    let mut len = 0;
    for byte in &mut bytes {
        len += 1;
        *byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            break;
        }
        *byte |= 0x80;
    }
    (bytes, len)
}
