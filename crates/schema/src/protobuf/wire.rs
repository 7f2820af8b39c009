//! Protobuf's binary encoding as far as descriptors need it, and base64.
//!
//! ```text
//! field: varint(number << 3 | type) value     type 0 varint, 1 eight bytes, 2 varint(length) bytes, 5 four bytes
//! ```

use crate::SchemaError;

/// A field of a message.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    Varint(u64),
    Fixed64,
    Fixed32,
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// Bytes, or nothing of another type.
    pub fn bytes(self) -> &'a [u8] {
        if let Value::Bytes(bytes) = self { bytes } else { &[] }
    }

    pub fn text(self) -> Result<String, SchemaError> {
        core::str::from_utf8(self.bytes()).map(str::to_owned).map_err(|_| broken())
    }

    pub fn int(self) -> i32 {
        if let Value::Varint(value) = self { value as i32 } else { 0 }
    }

    pub fn bool(self) -> bool {
        matches!(self, Value::Varint(value) if value != 0)
    }
}

fn broken() -> SchemaError {
    SchemaError::new("malformed descriptor")
}

/// The fields of a message, in order.
pub(super) fn fields(mut bytes: &[u8]) -> Result<Vec<(u32, Value<'_>)>, SchemaError> {
    let mut out = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut bytes)?),
            1 => take(&mut bytes, 8).map(|_| Value::Fixed64)?,
            5 => take(&mut bytes, 4).map(|_| Value::Fixed32)?,
            2 => {
                let len = usize::try_from(varint(&mut bytes)?).map_err(|_| broken())?;
                Value::Bytes(take(&mut bytes, len)?)
            }
            _ => return Err(broken()),
        };
        out.push((u32::try_from(key >> 3).map_err(|_| broken())?, value));
    }
    Ok(out)
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> Result<&'a [u8], SchemaError> {
    let (head, tail) = bytes.split_at_checked(len).ok_or_else(broken)?;
    *bytes = tail;
    Ok(head)
}

fn varint(bytes: &mut &[u8]) -> Result<u64, SchemaError> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let b = take(bytes, 1)?.first().copied().unwrap_or(0);
        value |= u64::from(b & 0x7f).checked_shl(shift).unwrap_or(0);
        if b & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(broken())
}

/// Appends a varint.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a number; negative ones take ten bytes, as Protobuf's `int32` does.
pub(super) fn put_int(out: &mut Vec<u8>, field: u32, value: i64) {
    put_varint(out, u64::from(field) << 3);
    put_varint(out, value as u64);
}

/// Appends bytes, text or a message.
pub(super) fn put_bytes(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    put_varint(out, u64::from(field) << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Standard base64 with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().enumerate().fold(0u32, |word, (i, b)| word | u32::from(*b) << (16 - 8 * i));
        for i in 0..4 {
            let digit = (word >> (18 - 6 * i)) & 63;
            let symbol =
                if i <= chunk.len() { ALPHABET.get(digit as usize).copied().unwrap_or(b'=') } else { b'=' };
            out.push(char::from(symbol));
        }
    }
    out
}

/// The bytes of standard base64, padded or not.
pub(super) fn base64_decoded(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut word, mut bits) = (0u32, 0u32);
    for symbol in text.bytes() {
        let digit = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        word = word << 6 | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits) as u8);
            word &= (1 << bits) - 1;
        }
    }
    Some(out)
}
