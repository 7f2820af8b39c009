//! Bytes that are no message, or almost one: no panic, and no more memory than the budget.
//!
//! `MEKONG_FUZZ_INPUTS` sets how many inputs are tried, `MEKONG_FUZZ_SEED` where they begin. The inputs go round all
//! (message, version) pairs: a message drawn from the schema and broken, or plain noise. `corpus.txt` holds the inputs
//! that are tried for ever: `message version hex`, a line each.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod sample;

use allocation_counter::measure;
use base::limits::{DECODE_EXPANSION_MAX, DECODE_SLACK_BYTES};
use bytes::Bytes;
use sample::Draw;
use wire::frame;
use wire::messages::{ALL, AnyMessage};
use wire::schema::MessageSchema;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

/// Tries one input: memory within the budget, and what is accepted can be written and read again.
fn try_input(message: &AnyMessage, version: i16, input: &[u8]) -> bool {
    let bytes = Bytes::copy_from_slice(input);
    let mut accepted = false;
    let memory = measure(|| accepted = (message.decode)(bytes.clone(), version).is_ok());
    let budget = (DECODE_EXPANSION_MAX * input.len() + DECODE_SLACK_BYTES) as u64;
    // The frame's own share count is no part of the message.
    let shares = 64;
    assert!(
        memory.bytes_total <= budget + shares,
        "{} v{version} took {} bytes for {}: {}",
        message.schema.name,
        memory.bytes_total,
        input.len(),
        hex(input)
    );
    if accepted {
        check_rewritten(message, version, bytes, input);
    }
    accepted
}

fn check_rewritten(message: &AnyMessage, version: i16, bytes: Bytes, input: &[u8]) {
    let written = |bytes| {
        let reencoded = (message.reencode)(bytes, version).map_err(|error| error.to_string())?;
        let written = reencoded.written.map_err(|error| error.to_string())?;
        Ok::<_, String>(written.read().unwrap())
    };
    let once = written(bytes);
    let twice = once.clone().and_then(written);
    assert!(once.is_ok() && once == twice, "{} v{version}: {once:?} {}", message.schema.name, hex(input));
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|place| u8::from_str_radix(&text[2 * place..2 * place + 2], 16).unwrap())
        .collect()
}

/// Breaks `bytes` in one to four places.
fn break_up(bytes: &mut Vec<u8>, draw: &mut Draw) {
    for _ in 0..=draw.below(4) {
        let place = draw.below(bytes.len() as u64 + 1) as usize;
        match draw.below(7) {
            0 => bytes.truncate(place),
            1 => bytes.extend(draw.bytes(9)),
            2 => drop(bytes.splice(place..place, [0xff, 0xff, 0xff, 0xff, 0x0f])),
            3 => {
                let end = bytes.len().min(place + 4);
                let wild = [[0x7f, 0xff, 0xff, 0xff], [0xff; 4], [0x80, 0, 0, 0], [0, 0, 0x40, 0]];
                let wild = wild[draw.below(4) as usize];
                bytes[place..end].copy_from_slice(&wild[..end - place]);
            }
            4 => {
                let end = bytes.len().min(place + draw.below(30) as usize);
                let piece = bytes[place..end].to_vec();
                bytes.splice(place..place, piece);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = draw.next() as u8;
                }
            }
        }
    }
}

fn input(schema: &MessageSchema, version: i16, draw: &mut Draw) -> Vec<u8> {
    if draw.one_in(16) {
        let len = draw.below(300) as usize;
        return draw.bytes(len);
    }
    let value = sample::draw(schema, version, draw);
    let mut bytes = sample::write(schema, version, &value, None);
    break_up(&mut bytes, draw);
    bytes
}

#[test]
fn broken_messages_are_refused_within_the_budget() {
    let inputs = setting("MEKONG_FUZZ_INPUTS", 60_000);
    let seed = setting("MEKONG_FUZZ_SEED", 1);
    let versions = |message: &'static AnyMessage| message.schema.versions.min..=message.schema.versions.max;
    let pairs: Vec<_> =
        ALL.iter().flat_map(|message| versions(message).map(move |version| (message, version))).collect();
    let mut accepted = 0;
    for number in 0..inputs {
        let (message, version) = pairs[(number % pairs.len() as u64) as usize];
        let bytes =
            input(message.schema, version, &mut Draw::new(seed.wrapping_mul(1 << 40) + number, false));
        accepted += u64::from(try_input(message, version, &bytes));
        // Frames are cut before anything is known of them.
        drop(frame::decode_request_header(Bytes::from(bytes)));
    }
    println!(
        "{inputs} inputs from seed {seed} over {} (message, version) pairs, at least {} of each, {accepted} accepted",
        pairs.len(),
        inputs / pairs.len() as u64
    );
}

#[test]
fn the_corpus_is_refused_within_the_budget() {
    for line in include_str!("corpus.txt").lines().filter(|line| !line.starts_with('#')) {
        let (name, rest) = line.split_once(' ').unwrap();
        let (version, hex) = rest.split_once(' ').unwrap();
        let message = ALL.iter().find(|message| message.schema.name == name).unwrap();
        assert!(!try_input(message, version.parse().unwrap(), &unhex(hex)), "{line}");
    }
}

/// A list of empty lists takes the most memory for its bytes: large ones are refused, small ones pass.
#[test]
fn lists_of_nothing_stay_within_the_budget() {
    let message = ALL.iter().find(|message| message.schema.name == "MetadataRequest").unwrap();
    for (topics, passes) in [(1_000_usize, true), (1_000_000, false)] {
        let mut bytes = (topics as i32).to_be_bytes().to_vec();
        bytes.resize(4 + 2 * topics, 0);
        assert_eq!(try_input(message, 0, &bytes), passes, "{topics} topics");
    }
}
