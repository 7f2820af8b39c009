//! Bytes of records as JSON and back: text where it is text, base64 where it is not.

use base::Str;
use bytes::Bytes;
use client::{ConsumerRecord, Header, ProducerRecord};
use serde_json::{Map, Value, json};

use crate::failure::{Failure, Outcome};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Standard base64 with padding.
pub fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| (word << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let sextet = (word >> (18 - 6 * place)) & 0x3f;
            let digit = ALPHABET.get(sextet as usize).map_or('A', |byte| char::from(*byte));
            text.push(if place <= chunk.len() { digit } else { '=' });
        }
    }
    text
}

/// The bytes, or `None` if it is not base64.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=');
    let (mut word, mut bits, mut bytes) = (0u32, 0, Vec::new());
    for digit in text.bytes() {
        let sextet = ALPHABET.iter().position(|known| *known == digit)? as u32;
        word = (word << 6) | sextet;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits) as u8);
            word &= (1 << bits) - 1;
        }
    }
    Some(bytes)
}

fn put(object: &mut Map<String, Value>, name: &str, bytes: Option<&[u8]>) {
    match bytes.map(std::str::from_utf8) {
        None => object.insert(name.to_owned(), Value::Null),
        Some(Ok(text)) => object.insert(name.to_owned(), json!(text)),
        Some(Err(_)) => object.insert(format!("{name}_base64"), json!(to_base64(bytes.unwrap_or_default()))),
    };
}

fn get(object: &Map<String, Value>, name: &str) -> Outcome<Option<Bytes>> {
    if let Some(value) = object.get(&format!("{name}_base64")) {
        let bytes = value.as_str().and_then(from_base64);
        let bytes = bytes.ok_or_else(|| Failure::new(format!("`{name}_base64` is no text in base64")))?;
        return Ok(Some(Bytes::from(bytes)));
    }
    Ok(match object.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(Bytes::copy_from_slice(text.as_bytes())),
        // Other JSON is sent as it stands.
        Some(other) => Some(Bytes::from(other.to_string().into_bytes())),
    })
}

/// A record as one JSON object.
pub fn record_to_json(record: &ConsumerRecord) -> Value {
    let mut object = Map::new();
    object.insert("topic".to_owned(), json!(record.topic()));
    object.insert("partition".to_owned(), json!(record.partition.partition));
    object.insert("offset".to_owned(), json!(record.offset));
    object.insert("timestamp".to_owned(), json!(record.timestamp));
    put(&mut object, "key", record.key.as_deref());
    put(&mut object, "value", record.value.as_deref());
    let headers = record.headers.iter().map(|header| {
        let mut object = Map::new();
        object.insert("key".to_owned(), json!(header.key.as_str()));
        put(&mut object, "value", header.value.as_deref());
        Value::Object(object)
    });
    object.insert("headers".to_owned(), headers.collect());
    Value::Object(object)
}

/// A whole number that an object may have; null is none.
fn whole<T: TryFrom<i64>>(object: &Map<String, Value>, name: &str) -> Outcome<Option<T>> {
    let Some(value) = object.get(name).filter(|value| !value.is_null()) else { return Ok(None) };
    let number = value.as_i64().and_then(|number| T::try_from(number).ok());
    number.map(Some).ok_or_else(|| Failure::new(format!("`{name}` is {value}, not a whole number in range")))
}

/// A record to send, from an object as [`record_to_json`] makes it; `topic` wins over the object's.
pub fn record_from_json(line: &str, topic: Option<&str>) -> Outcome<ProducerRecord> {
    let value: Value =
        serde_json::from_str(line).map_err(|error| Failure::new(format!("not JSON: {error}")))?;
    let object = value.as_object().ok_or_else(|| Failure::new("a record is a JSON object"))?;
    let named = topic.or_else(|| object.get("topic").and_then(Value::as_str));
    let topic = named.ok_or_else(|| Failure::new("the record names no topic, and the command line none"))?;
    // Left out by mistake it would be a deletion.
    if !object.contains_key("value") && !object.contains_key("value_base64") {
        return Err(Failure::new("the record has no `value`").advise("Write null for a tombstone."));
    }
    Ok(ProducerRecord {
        topic: Str::from(topic),
        partition: whole(object, "partition")?,
        key: get(object, "key")?,
        value: get(object, "value")?,
        headers: headers_from(object.get("headers"))?,
        timestamp: whole::<i64>(object, "timestamp")?.filter(|timestamp| *timestamp >= 0),
    })
}

/// A list of objects with key and value, or one object of keys and values.
fn headers_from(value: Option<&Value>) -> Outcome<Vec<Header>> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(headers)) => headers
            .iter()
            .map(|header| {
                let object = header
                    .as_object()
                    .ok_or_else(|| Failure::new("a header is an object with key and value"))?;
                let key = object
                    .get("key")
                    .and_then(Value::as_str)
                    .ok_or_else(|| Failure::new("a header has a key"))?;
                Ok(Header { key: Str::from(key), value: get(object, "value")? })
            })
            .collect(),
        Some(Value::Object(headers)) => headers
            .keys()
            .map(|key| Ok(Header { key: Str::from(key.as_str()), value: get(headers, key)? }))
            .collect(),
        Some(_) => Err(Failure::new("headers are a list or an object")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_comes_back() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(to_base64(bytes.as_bytes()), text);
            assert_eq!(from_base64(text).unwrap(), bytes.as_bytes());
        }
        assert_eq!(from_base64("!"), None);
    }

    #[test]
    fn a_record_comes_back_whatever_its_bytes() {
        let record = ConsumerRecord {
            partition: client::TopicPartition::new("t", 3),
            offset: 9,
            timestamp: 5,
            is_append_time: false,
            leader_epoch: 0,
            key: None,
            value: Some(Bytes::from_static(&[0xff, 0])),
            headers: vec![Header { key: "h".into(), value: Some(Bytes::from_static(b"x")) }],
        };
        let line = record_to_json(&record).to_string();
        let back = record_from_json(&line, None).unwrap();
        assert_eq!((back.key, back.value), (record.key, record.value));
        assert_eq!((back.partition, back.timestamp, back.headers), (Some(3), Some(5), record.headers));
        assert_eq!(record_from_json(r#"{"value":{"a":1}}"#, Some("t")).unwrap().value.unwrap(), r#"{"a":1}"#);
        assert_eq!(record_from_json(r#"{"key":"k","value":null}"#, Some("t")).unwrap().value, None);
    }

    /// Each was once sent as something else: to any partition, now, or as a tombstone.
    #[test]
    fn what_is_of_a_wrong_type_is_refused() {
        for (line, reason) in [
            (r#"{"value":"v","partition":"3"}"#, "`partition` is \"3\""),
            (r#"{"value":"v","partition":4294967296}"#, "`partition` is 4294967296"),
            (r#"{"value":"v","timestamp":1.5}"#, "`timestamp` is 1.5"),
            (r#"{"value_base64":7}"#, "`value_base64` is no text"),
            (r#"{"value":"v","key_base64":"!"}"#, "`key_base64` is no text"),
            (r#"{"vlaue":"v"}"#, "the record has no `value`"),
        ] {
            let failure = record_from_json(line, Some("t")).unwrap_err();
            assert!(failure.message().starts_with(reason), "{line}: {failure:?}");
        }
    }
}
