//! How a record names the schema it is written with.
//!
//! ```text
//! prefix:  00 │ be32 id            │ [message indexes] │ payload
//! header:  __key_schema_id or __value_schema_id = 01 │ GUID, 16 bytes │ [message indexes]; the payload stands alone
//! message indexes (Protobuf only): zigzag count, then each index as zigzag; the first message alone is one byte 00
//! ```

use bytes::Bytes;
use client::{Header, ProducerRecord};
use schema::Guid;

use crate::SerdeError;

/// The header that names the schema of a key.
pub const KEY_HEADER: &str = "__key_schema_id";
/// The header that names the schema of a value.
pub const VALUE_HEADER: &str = "__value_schema_id";

/// Messages nest no deeper than this, whatever the indexes say.
const INDEXES_MAX: usize = 256;

/// The part of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Field {
    /// The key.
    Key,
    /// The value.
    #[default]
    Value,
}

impl Field {
    /// The header that names its schema.
    pub fn header(self) -> &'static str {
        match self {
            Self::Key => KEY_HEADER,
            Self::Value => VALUE_HEADER,
        }
    }
}

/// Where the schema is named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Frame {
    /// By its id, in front of the payload; every client reads it.
    #[default]
    Prefix,
    /// By its GUID, in a header (Confluent Platform 8 and later).
    Header,
}

/// The name of a schema in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaId {
    /// Its id.
    Id(i32),
    /// Its GUID.
    Guid(Guid),
}

/// Bytes for a record, and the header that belongs with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// Which part of the record it is.
    pub field: Field,
    /// The bytes.
    pub bytes: Bytes,
    /// The header, if the schema is named there.
    pub header: Option<Header>,
}

impl Encoded {
    pub(crate) fn new(
        frame: Frame,
        field: Field,
        (id, guid): (i32, Option<Guid>),
        indexes: Option<&[i32]>,
        payload: &[u8],
    ) -> Result<Self, SerdeError> {
        let mut head = Vec::with_capacity(32);
        match frame {
            Frame::Prefix => {
                head.push(0);
                head.extend_from_slice(&id.to_be_bytes());
            }
            Frame::Header => {
                let guid = guid.ok_or(SerdeError::Frame("the registry tells no GUIDs"))?;
                head.push(1);
                head.extend_from_slice(&guid.0);
            }
        }
        if let Some(indexes) = indexes {
            put_indexes(&mut head, indexes);
        }
        if frame == Frame::Header {
            let header = Header { key: field.header().into(), value: Some(Bytes::from(head)) };
            return Ok(Self { field, bytes: Bytes::copy_from_slice(payload), header: Some(header) });
        }
        head.extend_from_slice(payload);
        Ok(Self { field, bytes: Bytes::from(head), header: None })
    }

    /// The record with this key or value.
    #[must_use]
    pub fn put(self, mut record: ProducerRecord) -> ProducerRecord {
        match self.field {
            Field::Key => record.key = Some(self.bytes),
            Field::Value => record.value = Some(self.bytes),
        }
        record.headers.retain(|header| header.key.as_str() != self.field.header());
        record.headers.extend(self.header);
        record
    }
}

/// A key or value taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Framed<'a> {
    /// The schema.
    pub id: SchemaId,
    /// What follows its name; of Protobuf without header this begins with the message indexes.
    pub rest: &'a [u8],
    /// What follows the GUID in the header: Protobuf's message indexes.
    in_header: Option<&'a [u8]>,
}

impl<'a> Framed<'a> {
    /// Takes a record's key or value apart: the header decides if there is one, else the prefix.
    pub fn read(field: Field, bytes: &'a [u8], headers: &'a [Header]) -> Result<Self, SerdeError> {
        let header = headers.iter().rev().find(|header| header.key.as_str() == field.header());
        if let Some([1, guid @ ..]) = header.and_then(|header| header.value.as_deref()) {
            let (guid, rest) =
                guid.split_first_chunk().ok_or(SerdeError::Frame("its header is cut short"))?;
            return Ok(Self { id: SchemaId::Guid(Guid(*guid)), rest: bytes, in_header: Some(rest) });
        }
        match bytes {
            [0, rest @ ..] => {
                let (id, rest) = rest.split_first_chunk().ok_or(SerdeError::Frame("it is cut short"))?;
                Ok(Self { id: SchemaId::Id(i32::from_be_bytes(*id)), rest, in_header: None })
            }
            [] => Err(SerdeError::Frame("it is empty")),
            _ => Err(SerdeError::Frame("it begins with no zero byte and has no header for it")),
        }
    }

    /// Protobuf's message indexes, and the payload.
    pub(crate) fn indexes(&self) -> Result<(Vec<i32>, &'a [u8]), SerdeError> {
        indexes_and_payload(self.in_header, self.rest)
    }
}

/// The message indexes, from behind the GUID in the header or else from in front of the payload, and the payload.
pub(crate) fn indexes_and_payload<'a>(
    header: Option<&[u8]>,
    mut bytes: &'a [u8],
) -> Result<(Vec<i32>, &'a [u8]), SerdeError> {
    let indexes = match header {
        Some(mut header) => take_indexes(&mut header)?,
        None => take_indexes(&mut bytes)?,
    };
    Ok((indexes, bytes))
}

fn put_indexes(out: &mut Vec<u8>, indexes: &[i32]) {
    if indexes == [0] {
        out.push(0);
        return;
    }
    put_varint(out, i64::try_from(indexes.len()).unwrap_or(i64::MAX));
    indexes.iter().for_each(|index| put_varint(out, i64::from(*index)));
}

/// A zigzag varint, as Avro's long and Protobuf's sint64 have it.
pub(crate) fn put_varint(out: &mut Vec<u8>, value: i64) {
    let mut bits = ((value << 1) ^ (value >> 63)) as u64;
    while bits >= 0x80 {
        out.push(bits as u8 | 0x80);
        bits >>= 7;
    }
    out.push(bits as u8);
}

/// Takes a zigzag varint off the front.
pub(crate) fn take_varint(bytes: &mut &[u8]) -> Option<i64> {
    let mut bits = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        bits |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            // The tenth byte has room for one bit.
            let fits = shift < 63 || *byte <= 1;
            return fits.then_some((bits >> 1) as i64 ^ -((bits & 1) as i64));
        }
    }
    None
}

fn take_indexes(bytes: &mut &[u8]) -> Result<Vec<i32>, SerdeError> {
    let wrong = SerdeError::Frame("its message indexes are cut short or too many");
    let mut next = || take_varint(bytes).and_then(|value| i32::try_from(value).ok());
    let count = next().and_then(|count| usize::try_from(count).ok());
    let count = count.filter(|count| *count <= INDEXES_MAX).ok_or(wrong.clone())?;
    if count == 0 {
        return Ok(vec![0]);
    }
    (0..count).map(|_| next().ok_or(wrong.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUID: Guid = Guid([0xab; 16]);

    #[test]
    fn documented_bytes() {
        let table: [(Option<&[i32]>, &[u8]); 5] = [
            (None, &[0, 0, 0, 1, 2, b'x']),
            (Some(&[0]), &[0, 0, 0, 1, 2, 0, b'x']),
            (Some(&[1]), &[0, 0, 0, 1, 2, 2, 2, b'x']),
            (Some(&[1, 0]), &[0, 0, 0, 1, 2, 4, 2, 0, b'x']),
            (Some(&[70]), &[0, 0, 0, 1, 2, 2, 0x8c, 1, b'x']),
        ];
        for (indexes, expected) in table {
            let encoded = Encoded::new(Frame::Prefix, Field::Value, (0x102, None), indexes, b"x").unwrap();
            assert_eq!(encoded.bytes, expected);
            let framed = Framed::read(Field::Value, &encoded.bytes, &[]).unwrap();
            assert_eq!(framed.id, SchemaId::Id(0x102));
            match indexes {
                None => assert_eq!(framed.rest, b"x"),
                Some(indexes) => assert_eq!(framed.indexes().unwrap(), (indexes.to_vec(), &b"x"[..])),
            }
        }
    }

    #[test]
    fn the_guid_stands_in_a_header_of_its_field() {
        for (field, name) in [(Field::Key, "__key_schema_id"), (Field::Value, "__value_schema_id")] {
            let encoded = Encoded::new(Frame::Header, field, (1, Some(GUID)), Some(&[2]), b"x").unwrap();
            assert_eq!(encoded.bytes, "x");
            let header = encoded.header.clone().unwrap();
            let mut expected = vec![1];
            expected.extend([0xab; 16]);
            expected.extend([2, 4]);
            assert_eq!((header.key.as_str(), header.value.as_deref()), (name, Some(&expected[..])));
            let record = encoded.clone().put(encoded.put(ProducerRecord::default()));
            assert_eq!(record.headers.len(), 1);
            let framed = Framed::read(field, b"x", &record.headers).unwrap();
            assert_eq!(framed.id, SchemaId::Guid(GUID));
            assert_eq!(framed.indexes().unwrap(), (vec![2], &b"x"[..]));
        }
        assert!(Encoded::new(Frame::Header, Field::Value, (1, None), None, b"x").is_err());
    }

    #[test]
    fn what_names_no_schema_is_refused() {
        for bytes in [&b""[..], b"text", &[0], &[0, 0, 0, 1]] {
            assert!(Framed::read(Field::Value, bytes, &[]).is_err(), "{bytes:?}");
        }
        let short = [Header { key: VALUE_HEADER.into(), value: Some(Bytes::from_static(&[1, 2])) }];
        assert!(Framed::read(Field::Value, b"x", &short).is_err());
        for indexes in [&[4u8, 2][..], &[0xff; 11], &[0xfe, 0xff, 0xff, 0x0f], &[3]] {
            let bytes = [&[0, 0, 0, 0, 1][..], indexes].concat();
            let framed = Framed::read(Field::Value, &bytes, &[]).unwrap();
            assert!(framed.indexes().is_err(), "{indexes:?}");
        }
    }

    #[test]
    fn varints_come_back() {
        for value in [0, -1, 1, 63, 64, -64, -65, i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            put_varint(&mut bytes, value);
            assert_eq!(take_varint(&mut &bytes[..]), Some(value));
        }
    }
}
