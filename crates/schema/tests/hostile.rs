//! Random input, by seed: no parser and no comparison may panic, hang or accept what it cannot print again.
//!
//! `MEKONG_FUZZ_RUNS` sets how many inputs each language gets (default: few, so that the suite stays quick) and
//! `MEKONG_FUZZ_SEED` where the sequence starts.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may stop")]

use std::time::{Duration, Instant};

use schema::{Language, Level, Parsed, Policy, Previous, Strictness, check};

/// xorshift*: all that is asked of it is that a seed repeats.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn seeds(cases: &str) -> Vec<String> {
    let texts =
        cases.lines().filter_map(|line| line.strip_prefix("old: ").or_else(|| line.strip_prefix("new: ")));
    texts.map(str::to_owned).collect()
}

/// A seed text with parts cut, doubled, exchanged, nested or spliced with another.
fn mutated(random: &mut Random, seeds: &[String]) -> String {
    let mut bytes = seeds[random.below(seeds.len())].clone().into_bytes();
    let signs = b"{}[]\":,0123456789-.eE\\u/*<>=;()'# \n\t\x00\xff";
    for _ in 0..=random.below(6) {
        let at = random.below(bytes.len() + 1);
        let to = (at + random.below(24)).min(bytes.len());
        match random.below(8) {
            0 => drop(bytes.drain(at..to)),
            1 => {
                let part = bytes[at..to].to_vec();
                for _ in 0..random.below(40) {
                    bytes.splice(at..at, part.iter().copied());
                }
            }
            2 => bytes.insert(at, signs[random.below(signs.len())]),
            3 if at < bytes.len() => bytes[at] = signs[random.below(signs.len())],
            4 => {
                let other = seeds[random.below(seeds.len())].as_bytes();
                let from = random.below(other.len());
                let end = (from + random.below(60)).min(other.len());
                bytes.splice(at..to, other[from..end].iter().copied());
            }
            5 => {
                let word = [
                    "null",
                    "true",
                    "1e999",
                    "-0",
                    "\"\"",
                    "$ref",
                    "\"#\"",
                    "{}",
                    "[]",
                    "9223372036854775808",
                ];
                bytes.splice(at..to, word[random.below(word.len())].bytes());
            }
            6 => bytes.truncate(at),
            _ => {}
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// No input may take longer, unoptimized and on a busy machine.
const SLOWEST: Duration = Duration::from_secs(10);

fn hammer(language: Language, cases: &str, runs: u64) {
    let seeds = seeds(cases);
    let mut random = Random(setting("MEKONG_FUZZ_SEED", 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut kept: Option<(String, Parsed)> = None;
    let mut accepted = 0u64;
    for run in 0..runs {
        let text = mutated(&mut random, &seeds);
        let started = Instant::now();
        let Ok(parsed) = Parsed::parse(language, &text, &[], Strictness::Stored) else { continue };
        accepted += 1;
        let canonical = parsed.canonical().unwrap();
        let again = Parsed::parse(language, &canonical, &[], Strictness::Stored).unwrap_or_else(|e| {
            panic!("run {run}: the canonical form of {text:?} is refused: {e}\n{canonical}")
        });
        assert_eq!(
            again.canonical().unwrap(),
            canonical,
            "run {run}: the canonical form of {text:?} is not stable"
        );
        let _ = parsed.normalized();
        if let Some((old_text, old)) = &kept {
            let previous = [Previous { version: 1, text: old_text, schema: old }];
            let _ = check(Level::Full, Policy::Strict, &parsed, &previous);
        }
        assert!(started.elapsed() < SLOWEST, "run {run}: {text:?} took {:?}", started.elapsed());
        if random.below(4) == 0 {
            kept = Some((canonical, parsed));
        }
    }
    assert!(
        runs < 500 || accepted * 50 > runs,
        "{accepted} of {runs} inputs were schemas: the mutations are too wild"
    );
}

#[test]
fn avro_input() {
    hammer(Language::Avro, include_str!("cases/avro.txt"), setting("MEKONG_FUZZ_RUNS", 10_000));
}

#[test]
fn json_schema_input() {
    hammer(Language::Json, include_str!("cases/json.txt"), setting("MEKONG_FUZZ_RUNS", 10_000));
}

#[test]
fn protobuf_input() {
    hammer(Language::Protobuf, include_str!("cases/protobuf.txt"), setting("MEKONG_FUZZ_RUNS", 10_000));
}
