//! Every message in every version: what is drawn from the schema reads, and writes the same bytes again.
//!
//! `MEKONG_WIRE_SEEDS` sets how many messages of each (message, version) are drawn.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod sample;

use bytes::Bytes;
use sample::Draw;
use wire::messages::{ALL, AnyMessage};

fn seeds() -> u64 {
    std::env::var("MEKONG_WIRE_SEEDS").map_or(60, |count| count.parse().unwrap())
}

fn reencode(message: &AnyMessage, version: i16, bytes: &[u8], place: &str) -> (Bytes, usize) {
    let reencoded = (message.reencode)(Bytes::copy_from_slice(bytes), version)
        .unwrap_or_else(|error| panic!("{place}: {error}"));
    let written = reencoded.written.unwrap_or_else(|error| panic!("{place}: {error}"));
    (written.read().unwrap(), reencoded.trailing)
}

fn for_each_sample(check: impl Fn(&AnyMessage, i16, &sample::Value, u64, &str)) {
    for message in ALL {
        for version in message.schema.versions.min..=message.schema.versions.max {
            for seed in 0..seeds() {
                let value = sample::draw(message.schema, version, &mut Draw::new(seed, false));
                check(
                    message,
                    version,
                    &value,
                    seed,
                    &format!("{} v{version}, seed {seed}", message.schema.name),
                );
            }
        }
    }
}

#[test]
fn what_is_read_is_written_again() {
    for_each_sample(|message, version, value, _, place| {
        let bytes = sample::write(message.schema, version, value, None);
        let (written, trailing) = reencode(message, version, &bytes, place);
        assert_eq!((written.as_ref(), trailing), (bytes.as_slice(), 0), "{place}");
    });
}

#[test]
fn unknown_tagged_fields_and_trailing_bytes_are_passed_over() {
    for_each_sample(|message, version, value, seed, place| {
        let plain = sample::write(message.schema, version, value, None);
        let mut bytes = sample::write(message.schema, version, value, Some(&mut Draw::new(seed + 1, false)));
        bytes.extend([1, 2, 3]);
        let (written, trailing) = reencode(message, version, &bytes, place);
        assert_eq!((written.as_ref(), trailing), (plain.as_slice(), 3), "{place}");
    });
}

#[test]
fn every_prefix_is_refused_with_a_place() {
    for_each_sample(|message, version, value, seed, place| {
        if seed > 2 {
            return;
        }
        let bytes = sample::write(message.schema, version, value, None);
        for len in 0..bytes.len().min(400) {
            let error = (message.reencode)(Bytes::copy_from_slice(&bytes[..len]), version).unwrap_err();
            assert_eq!((error.api, error.version), (message.schema.name, version), "{place}");
            assert!(!error.field.is_empty(), "{place}");
        }
    });
}

#[test]
fn versions_outside_the_range_are_refused() {
    for message in ALL {
        let versions = message.schema.versions;
        for version in [versions.min - 1, versions.max + 1, -1, i16::MIN, i16::MAX] {
            assert!((message.reencode)(Bytes::new(), version).is_err(), "{} v{version}", message.schema.name);
        }
    }
}
