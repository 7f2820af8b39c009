//! The primitives of Kafka's record formats: big-endian numbers, texts and bytes, plain and compact (KIP-482).

use alloc::vec::Vec;

use base::Str;
use bytes::{Buf, BufMut, Bytes};

/// The bytes end early, or a length or text in them is not one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Malformed;

/// Reads from the front; every method fails rather than panics.
pub(crate) struct Reader {
    bytes: Bytes,
    /// Lengths are compact and tagged fields follow each structure.
    pub(crate) flexible: bool,
}

impl Reader {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self { bytes, flexible: false }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn i16(&mut self) -> Result<i16, Malformed> {
        self.bytes.try_get_i16().map_err(|_| Malformed)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, Malformed> {
        self.bytes.try_get_i32().map_err(|_| Malformed)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, Malformed> {
        self.bytes.try_get_i64().map_err(|_| Malformed)
    }

    pub(crate) fn unsigned_varint(&mut self) -> Result<u32, Malformed> {
        let mut value = 0_u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.bytes.try_get_u8().map_err(|_| Malformed)?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<Bytes, Malformed> {
        if len > self.bytes.len() {
            return Err(Malformed);
        }
        Ok(self.bytes.split_to(len))
    }

    /// The count before a text, bytes or an array; none is null.
    fn count(
        &mut self,
        plain: impl FnOnce(&mut Self) -> Result<i32, Malformed>,
    ) -> Result<Option<usize>, Malformed> {
        if self.flexible {
            return Ok(usize::try_from(self.unsigned_varint()?).map_err(|_| Malformed)?.checked_sub(1));
        }
        let count = plain(self)?;
        Ok(usize::try_from(count).ok())
    }

    pub(crate) fn nullable_text(&mut self) -> Result<Option<Str>, Malformed> {
        let Some(len) = self.count(|reader| reader.i16().map(i32::from))? else { return Ok(None) };
        let text = Str::from_utf8(self.take(len)?).map_err(|_| Malformed)?;
        Ok(Some(text.detached()))
    }

    pub(crate) fn text(&mut self) -> Result<Str, Malformed> {
        self.nullable_text()?.ok_or(Malformed)
    }

    pub(crate) fn bytes(&mut self) -> Result<Bytes, Malformed> {
        let len = self.count(Self::i32)?.ok_or(Malformed)?;
        Ok(Bytes::copy_from_slice(&self.take(len)?))
    }

    /// The length of an array whose items take `item_bytes_min` each, which bounds what a length can make us allocate.
    pub(crate) fn array(&mut self, item_bytes_min: usize) -> Result<usize, Malformed> {
        let len = self.count(Self::i32)?.ok_or(Malformed)?;
        let fits = len.checked_mul(item_bytes_min).is_some_and(|bytes| bytes <= self.remaining());
        if fits { Ok(len) } else { Err(Malformed) }
    }

    /// Tagged fields, each to `known(tag, its bytes)`; nothing when the format has none.
    pub(crate) fn tagged(
        &mut self,
        mut known: impl FnMut(u32, Bytes) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        if !self.flexible {
            return Ok(());
        }
        for _ in 0..self.unsigned_varint()? {
            let tag = self.unsigned_varint()?;
            let len = usize::try_from(self.unsigned_varint()?).map_err(|_| Malformed)?;
            known(tag, self.take(len)?)?;
        }
        Ok(())
    }
}

/// Writes at the end.
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn new(version: i16) -> Self {
        Self(version.to_be_bytes().to_vec())
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.0.put_i32(value);
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.0.put_i64(value);
    }

    pub(crate) fn unsigned_varint(&mut self, mut value: usize) {
        while value > 0x7f {
            self.0.put_u8((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.put_u8(value as u8);
    }

    /// A text of at most 32767 bytes, which is as long as one can arrive.
    pub(crate) fn text(&mut self, text: &str) {
        let len = i16::try_from(text.len()).unwrap_or(i16::MAX);
        assert!(
            usize::from(len.unsigned_abs()) == text.len(),
            "a text of the protocol has at most 32767 bytes"
        );
        self.0.put_i16(len);
        self.0.put_slice(text.as_bytes());
    }

    pub(crate) fn nullable_text(&mut self, text: Option<&Str>) {
        match text {
            Some(text) => self.text(text),
            None => self.0.put_i16(-1),
        }
    }

    pub(crate) fn compact_text(&mut self, text: &str) {
        self.unsigned_varint(text.len() + 1);
        self.0.put_slice(text.as_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.put_slice(bytes);
    }

    pub(crate) fn count(&mut self, count: usize) {
        self.i32(i32::try_from(count).unwrap_or(i32::MAX));
    }

    pub(crate) fn finish(self) -> Bytes {
        Bytes::from(self.0)
    }
}
