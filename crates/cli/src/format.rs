//! Format strings as kcat has them.
//!
//! | | |
//! |---|---|
//! | `%t` `%p` `%o` | topic, partition, offset |
//! | `%k` `%K` | key, its length (-1 for null) |
//! | `%s` `%S` `%R` | value, its length, its length as 4 bytes big-endian |
//! | `%h` | headers as `key=value,…` |
//! | `%T` `%D` | timestamp in milliseconds, as a date |
//! | `%%` `\n` `\r` `\t` `\\` `\xNN` | characters |

use client::ConsumerRecord;

use crate::failure::{Failure, Outcome};
use crate::time;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Bytes(Vec<u8>),
    Field(char),
}

/// A format, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format(Vec<Piece>);

impl Format {
    /// The format of `text`.
    pub fn parse(text: &str) -> Outcome<Self> {
        let mut pieces = vec![Piece::Bytes(Vec::new())];
        let mut put = |piece: Piece| match (piece, pieces.last_mut()) {
            (Piece::Bytes(more), Some(Piece::Bytes(last))) => last.extend(more),
            (piece, _) => pieces.push(piece),
        };
        let mut chars = text.chars();
        while let Some(character) = chars.next() {
            match character {
                '%' => match chars.next() {
                    Some('%') => put(Piece::Bytes(b"%".to_vec())),
                    Some(field) if "tpokKsSRhTD".contains(field) => put(Piece::Field(field)),
                    Some(other) => return Err(wrong(format!("%{other} is no field"))),
                    None => return Err(wrong("a single % at the end; write %%".to_owned())),
                },
                '\\' => put(Piece::Bytes(vec![escape(&mut chars)?])),
                other => put(Piece::Bytes(other.to_string().into_bytes())),
            }
        }
        Ok(Self(pieces))
    }

    /// Writes a record.
    pub fn write(&self, record: &ConsumerRecord, out: &mut Vec<u8>) {
        for piece in &self.0 {
            match piece {
                Piece::Bytes(bytes) => out.extend_from_slice(bytes),
                Piece::Field(field) => write_field(*field, record, out),
            }
        }
    }
}

fn wrong(what: String) -> Failure {
    Failure::new(format!("the format: {what}"))
        .advise("Fields are %t %p %o %k %K %s %S %R %h %T %D, escapes \\n \\r \\t \\\\ \\xNN.")
}

fn escape(chars: &mut std::str::Chars<'_>) -> Outcome<u8> {
    match chars.next() {
        Some('n') => Ok(b'\n'),
        Some('r') => Ok(b'\r'),
        Some('t') => Ok(b'\t'),
        Some('\\') => Ok(b'\\'),
        Some('0') => Ok(0),
        Some('x') => {
            let digits: String = chars.take(2).collect();
            u8::from_str_radix(&digits, 16).map_err(|_| wrong(format!("\\x{digits} is no byte")))
        }
        other => Err(wrong(format!("\\{} is no escape", other.map_or_else(String::new, String::from)))),
    }
}

fn write_field(field: char, record: &ConsumerRecord, out: &mut Vec<u8>) {
    let length =
        |bytes: Option<&[u8]>| bytes.map_or(-1, |bytes| i32::try_from(bytes.len()).unwrap_or(i32::MAX));
    let mut put = |text: String| out.extend_from_slice(text.as_bytes());
    match field {
        't' => put(record.topic().to_owned()),
        'p' => put(record.partition.partition.to_string()),
        'o' => put(record.offset.to_string()),
        'K' => put(length(record.key.as_deref()).to_string()),
        'S' => put(length(record.value.as_deref()).to_string()),
        'T' => put(record.timestamp.to_string()),
        'D' => put(time::show(record.timestamp)),
        'k' => out.extend_from_slice(record.key.as_deref().unwrap_or_default()),
        's' => out.extend_from_slice(record.value.as_deref().unwrap_or_default()),
        'R' => out.extend_from_slice(&length(record.value.as_deref()).to_be_bytes()),
        _ => {
            for (place, header) in record.headers.iter().enumerate() {
                out.extend_from_slice(if place > 0 { b"," } else { b"" });
                out.extend_from_slice(header.key.as_bytes());
                out.push(b'=');
                out.extend_from_slice(header.value.as_deref().unwrap_or(b"NULL"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: &str) -> String {
        let record = ConsumerRecord {
            partition: client::TopicPartition::new("t", 3),
            offset: 9,
            timestamp: 5,
            is_append_time: false,
            leader_epoch: 0,
            key: None,
            value: Some(bytes::Bytes::from_static(b"val")),
            headers: vec![client::Header { key: "h".into(), value: None }],
        };
        let mut out = Vec::new();
        Format::parse(format).unwrap().write(&record, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_and_escapes() {
        assert_eq!(written("%t[%p]@%o %k|%K|%s|%S %h %T%%\\n\\x41"), "t[3]@9 |-1|val|3 h=NULL 5%\nA");
        assert_eq!(written("%D"), "1970-01-01T00:00:00.005Z");
        assert_eq!(written("%R"), "\0\0\0\u{3}");
        for wrong in ["%", "%x", "\\q", "\\xzz"] {
            assert!(Format::parse(wrong).is_err(), "{wrong}");
        }
    }
}
