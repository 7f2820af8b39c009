//! Bytes that nobody meant as batches: no panic, no hang, bounded memory. Seeded, so that a failure comes back.
//!
//! `data/corpus.txt` holds the inputs that are tried for ever. `FUZZ_RECORDS=<count>` sets how many inputs are tried (default 4,000), `FUZZ_SEED` which ones.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use base::Offset;
use bytes::Bytes;
use records::compact::{Horizon, WhenEmpty, rebuild};
use records::lookup::{first_at_or_after, of_max_timestamp};
use records::{
    Attributes, Batch, BatchBuilder, BatchHeader, BatchOptions, Batches, Compression, CompressionType,
    HEADER_SIZE, Mode, NewRecord, TimestampType, ValidBatches, Validation, decompress,
};

const NOW: i64 = 1_700_000_000_000;
const LIMIT: usize = 256 * 1024;
/// Buffers of the codecs, all that they decompress at once, and the allocator's waste.
const GROWTH_MAX: usize = 48 * 1024 * 1024;

/// xorshift64*: enough to draw inputs.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

fn seeds() -> Vec<Vec<u8>> {
    CompressionType::ALL
        .into_iter()
        .flat_map(|codec| [1, 5, 300].map(|count| (codec, count)))
        .map(|(codec, count)| {
            let mut builder = BatchBuilder::new(BatchOptions {
                compression: Compression::of(codec),
                ..BatchOptions::default()
            });
            for index in 0..count {
                let value = vec![index as u8; index * 7 % 500];
                let record = NewRecord {
                    timestamp: NOW + index as i64,
                    key: Some(b"key"),
                    value: Some(&value),
                    headers: &[],
                };
                builder.append(record).unwrap();
            }
            builder.build().to_bytes().to_vec()
        })
        .collect()
}

const EDGES: [u8; 8] = [0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x40, 2];

fn mutate(draw: &mut Draw, bytes: &mut Vec<u8>) {
    for _ in 0..1 + draw.below(6) {
        let at = draw.below(bytes.len());
        match draw.below(6) {
            0 => bytes.truncate(at),
            1 if !bytes.is_empty() => bytes[at] ^= 1 << draw.below(8),
            2 if !bytes.is_empty() => bytes[at] = EDGES[draw.below(8)],
            3 => bytes.insert(at, draw.next() as u8),
            4 if !bytes.is_empty() => {
                bytes.remove(at);
            }
            _ => {
                let end = (at + draw.below(40)).min(bytes.len());
                let piece = bytes[at.min(end)..end].to_vec();
                bytes.splice(at.min(end)..at.min(end), piece);
            }
        }
    }
}

/// Makes length and CRC right again, so that what lies behind them is reached.
fn reseal(bytes: &mut Vec<u8>) {
    let Some(mut header) = BatchHeader::parse(bytes) else { return };
    header.base_offset = Offset(0);
    header.magic = 2;
    header.batch_length = (bytes.len() - 12) as i32;
    header.crc = header.compute_crc(&bytes[HEADER_SIZE..]);
    bytes.splice(..HEADER_SIZE, header.encode());
}

fn rules(draw: &mut Draw) -> Validation {
    let target = CompressionType::ALL[draw.below(5)];
    Validation {
        mode: if draw.one_in(8) { Mode::HeaderOnly } else { Mode::Strict },
        compacted: draw.one_in(3),
        timestamp_type: if draw.one_in(3) { TimestampType::LogAppendTime } else { TimestampType::CreateTime },
        compression: draw.one_in(3).then_some(Compression::of(target)),
        decompressed_bytes_max: LIMIT,
        ..Validation::default()
    }
}

/// Everything that reads bytes of others.
fn read_all(draw: &mut Draw, bytes: &[u8]) {
    let payload = Bytes::copy_from_slice(bytes);
    let rules = rules(draw);
    if let Ok(valid) = ValidBatches::check(&payload, &rules, NOW) {
        let stored = valid.to_bytes();
        Batch::parse(&stored).unwrap().check_crc().unwrap();
        assert!(ValidBatches::check_replicated(&stored, Offset(0)).unwrap().is_some());
    }
    let _ = ValidBatches::check_replicated(&payload, Offset(draw.below(3) as i64));
    for batch in Batches::new(bytes).flatten() {
        let _ = first_at_or_after(&batch, NOW + 3, Offset(0), LIMIT);
        let _ = of_max_timestamp(&batch, LIMIT);
        let horizon = Horizon { delete_horizon_ms: NOW, for_marker: draw.one_in(2) };
        let keep = draw.next();
        let _ = rebuild(&batch, horizon, WhenEmpty::Keep, LIMIT, |record| {
            keep >> (record.offset.0 & 63) & 1 == 1
        });
        let Ok(plain) = batch.decompress(LIMIT) else { continue };
        for record in batch.records(&plain).flatten() {
            assert!(record.headers.count() <= plain.len());
        }
    }
    for codec in CompressionType::ALL {
        if let Ok(plain) = decompress(codec, bytes, LIMIT) {
            assert!(codec == CompressionType::None || plain.len() <= LIMIT);
        }
    }
}

fn env(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn no_bytes_break_the_reader() {
    let (count, seed) = (env("FUZZ_RECORDS", 4_000), env("FUZZ_SEED", 7));
    let seeds = seeds();
    let before = memory_peak();
    for round in 0..count {
        let mut draw = Draw(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (round + 1));
        let mut bytes = seeds[draw.below(seeds.len())].clone();
        mutate(&mut draw, &mut bytes);
        if !draw.one_in(3) {
            reseal(&mut bytes);
        }
        if draw.one_in(10) && bytes.len() > 23 {
            bytes[22] = Attributes(draw.below(128) as i16).0 as u8;
            reseal(&mut bytes);
        }
        read_all(&mut draw, &bytes);
        assert!(
            memory_peak_every(round) < before + GROWTH_MAX,
            "memory grew by round {round} of seed {seed}"
        );
    }
    println!("{count} inputs of seed {seed}; memory grew by {} KiB", (memory_peak() - before) / 1024);
}

/// Whatever else is drawn, each of these is read under rules of many kinds, as it is and with one more thing wrong.
#[test]
fn the_corpus_breaks_nothing() {
    let corpus = include_str!("data/corpus.txt").lines().filter(|line| !line.starts_with('#'));
    let mut tried = 0;
    for line in corpus {
        let (name, hex) = line.split_once(' ').unwrap();
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        assert!(!bytes.is_empty(), "{name}");
        for seed in 1..=16 {
            let mut draw = Draw(seed);
            read_all(&mut draw, &bytes);
            let mut broken = bytes.clone();
            mutate(&mut draw, &mut broken);
            reseal(&mut broken);
            read_all(&mut draw, &broken);
            tried += 2;
        }
    }
    assert!(tried >= 5_000, "only {tried} inputs");
}

/// The file is not read each time.
fn memory_peak_every(round: u64) -> usize {
    if round.is_multiple_of(256) { memory_peak() } else { 0 }
}

/// The most memory that this process ever held, in bytes; 0 where the system does not say.
fn memory_peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or_default() * 1024
}
