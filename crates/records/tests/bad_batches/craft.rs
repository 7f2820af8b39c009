//! Batches made by hand, byte by byte where need be.

use base::{LeaderEpoch, Offset, ProducerId};
use records::{Attributes, BatchHeader, Compression, CompressionType, HEADER_SIZE, compress};

pub const NOW: i64 = 1_700_000_000_000;

/// One record; all numbers must lie within one byte of varint, lengths are worked out.
#[derive(Clone)]
pub struct Rec {
    pub timestamp_delta: i64,
    pub offset_delta: i8,
    pub key: Option<&'static [u8]>,
    pub value: Option<&'static [u8]>,
    pub tail: Vec<u8>,
    pub attributes: u8,
}

pub fn rec(offset_delta: i8) -> Rec {
    Rec { timestamp_delta: 0, offset_delta, key: Some(b"k"), value: Some(b"v"), tail: vec![0], attributes: 0 }
}

pub fn varint(out: &mut Vec<u8>, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)) as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

pub fn field(out: &mut Vec<u8>, field: Option<&[u8]>) {
    varint(out, field.map_or(-1, |bytes| bytes.len() as i64));
    out.extend_from_slice(field.unwrap_or_default());
}

impl Rec {
    fn body(&self) -> Vec<u8> {
        let mut body = vec![self.attributes];
        varint(&mut body, self.timestamp_delta);
        varint(&mut body, self.offset_delta.into());
        field(&mut body, self.key);
        field(&mut body, self.value);
        body.extend_from_slice(&self.tail);
        body
    }
}

pub fn records(list: &[Rec]) -> Vec<u8> {
    list.iter().fold(Vec::new(), |mut out, record| {
        let body = record.body();
        varint(&mut out, body.len() as i64);
        out.extend_from_slice(&body);
        out
    })
}

/// A right header for `count` records.
pub fn header(count: i32) -> BatchHeader {
    BatchHeader {
        base_offset: Offset(0),
        batch_length: 0,
        partition_leader_epoch: LeaderEpoch(-1),
        magic: 2,
        crc: 0,
        attributes: Attributes(0),
        last_offset_delta: count - 1,
        base_timestamp: NOW,
        max_timestamp: NOW,
        producer_id: ProducerId(-1),
        producer_epoch: -1,
        base_sequence: -1,
        records_count: count,
    }
}

pub fn sealed(mut header: BatchHeader, body: &[u8]) -> Vec<u8> {
    header.batch_length = (HEADER_SIZE - 12 + body.len()) as i32;
    header.crc = header.compute_crc(body);
    [&header.encode()[..], body].concat()
}

pub fn packed(codec: CompressionType, mut header: BatchHeader, body: &[u8]) -> Vec<u8> {
    header.attributes = header.attributes.with_compression(codec);
    let mut out = Vec::new();
    compress(Compression::of(codec), body, &mut out);
    sealed(header, &out)
}

pub fn three() -> Vec<u8> {
    records(&[rec(0), rec(1), rec(2)])
}

pub fn good() -> Vec<u8> {
    sealed(header(3), &three())
}

pub fn with(change: impl FnOnce(&mut BatchHeader)) -> Vec<u8> {
    let mut header = header(3);
    change(&mut header);
    sealed(header, &three())
}

pub fn patched(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut batch = good();
    batch[at..at + bytes.len()].copy_from_slice(bytes);
    batch
}

pub fn one(change: impl FnOnce(&mut Rec)) -> Vec<u8> {
    let mut record = rec(0);
    change(&mut record);
    sealed(header(1), &records(&[record]))
}

pub trait Pipe: Sized {
    fn pipe<T>(self, f: impl FnOnce(Self) -> T) -> T {
        f(self)
    }
}
impl Pipe for Vec<u8> {}
