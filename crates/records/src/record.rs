//! The records of a batch, borrowed from its uncompressed bytes.
//!
//! ```text
//! length varint · attributes i8 · timestamp delta varlong · offset delta varint
//! key length varint (-1: null) · key · value length varint (-1: null) · value
//! header count varint · { key length varint · key · value length varint (-1: null) · value }*
//! ```

use core::fmt;

use base::Offset;

use crate::BatchHeader;
use crate::varint::{SliceInput, read_i32, read_i64};

/// The bytes are no records: a length beyond the end, a negative count, an overlong number, bytes left over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Malformed {
    /// Which record, from 0.
    pub index: i32,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record {} of the batch is malformed: {}", self.index, self.what)
    }
}

impl core::error::Error for Malformed {}

/// One record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Record<'a> {
    /// Its place in the partition.
    pub offset: Offset,
    /// Milliseconds since 1970; -1 for none. The append time where that is the batch's timestamp type.
    pub timestamp: i64,
    /// Unused by Kafka so far.
    pub attributes: i8,
    /// The key; `None` is null, which is not the empty key.
    pub key: Option<&'a [u8]>,
    /// The value; `None` is a tombstone.
    pub value: Option<&'a [u8]>,
    /// The headers, in order, duplicates included.
    pub headers: Headers<'a>,
}

/// One header of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Header<'a> {
    /// The key, UTF-8 by convention.
    pub key: &'a [u8],
    /// The value; `None` is null.
    pub value: Option<&'a [u8]>,
}

/// The headers of a record: checked once, walked as often as wished.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Headers<'a> {
    left: usize,
    bytes: &'a [u8],
}

impl<'a> Headers<'a> {
    /// How many are left.
    pub fn len(&self) -> usize {
        self.left
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// The value of the last header with this key, which is the one that counts.
    pub fn last(&self, key: &[u8]) -> Option<Header<'a>> {
        (*self).filter(|header| header.key == key).last()
    }

    /// The headers as they stand in the record, without their count.
    pub(crate) fn raw(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.left = self.left.checked_sub(1)?;
        let mut input = SliceInput(self.bytes);
        let header = header(&mut input);
        self.bytes = input.0;
        header
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

/// The records of one batch in order. The last item is an error when the bytes are not as many records as the header says.
#[derive(Clone, Debug)]
pub struct Records<'a> {
    header: BatchHeader,
    rest: &'a [u8],
    index: i32,
    failed: bool,
}

impl<'a> Records<'a> {
    /// The records in `uncompressed`, the body of the batch under `header` without compression.
    pub fn new(header: BatchHeader, uncompressed: &'a [u8]) -> Self {
        Self { header, rest: uncompressed, index: 0, failed: false }
    }

    fn read(&mut self) -> Result<Record<'a>, &'static str> {
        let mut input = SliceInput(self.rest);
        let size = number(&mut input).and_then(|size| usize::try_from(size).ok()).ok_or("bad length")?;
        let body = input.take(size).ok_or("it ends beyond the batch")?;
        self.rest = input.0;
        self.index += 1;
        if self.index == self.header.records_count && !self.rest.is_empty() {
            return Err("bytes are left behind the last record");
        }
        parse(&self.header, body)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed || self.index >= self.header.records_count {
            return None;
        }
        let index = self.index;
        let record = self.read().map_err(|what| Malformed { index, what });
        self.failed = record.is_err();
        Some(record)
    }
}

/// One record without its length.
fn parse<'a>(batch: &BatchHeader, body: &'a [u8]) -> Result<Record<'a>, &'static str> {
    let mut input = SliceInput(body);
    let attributes = input.take(1).and_then(|byte| byte.first().copied()).ok_or("no attributes")? as i8;
    let Ok(timestamp_delta) = read_i64(&mut input);
    let timestamp = batch.timestamp_of(timestamp_delta.ok_or("bad timestamp delta")?);
    let offset_delta = number(&mut input).ok_or("bad offset delta")?;
    let key = nullable(&mut input).ok_or("bad key")?;
    let value = nullable(&mut input).ok_or("bad value")?;
    let count =
        number(&mut input).and_then(|count| usize::try_from(count).ok()).ok_or("bad count of headers")?;
    let bytes = input.0;
    for _ in 0..count {
        header(&mut input).ok_or("bad header")?;
    }
    if !input.0.is_empty() {
        return Err("bytes are left inside it");
    }
    let offset = Offset(batch.base_offset.0.wrapping_add(i64::from(offset_delta)));
    Ok(Record { offset, timestamp, attributes, key, value, headers: Headers { left: count, bytes } })
}

fn header<'a>(input: &mut SliceInput<'a>) -> Option<Header<'a>> {
    let size = usize::try_from(number(input)?).ok()?;
    let key = input.take(size)?;
    Some(Header { key, value: nullable(input)? })
}

/// The outer `None` is a malformed field, the inner one null. Any negative length is null, as Kafka reads it.
fn nullable<'a>(input: &mut SliceInput<'a>) -> Option<Option<&'a [u8]>> {
    match usize::try_from(number(input)?) {
        Ok(size) => Some(Some(input.take(size)?)),
        Err(_) => Some(None),
    }
}

fn number(input: &mut SliceInput<'_>) -> Option<i32> {
    let Ok(value) = read_i32(input);
    value
}
