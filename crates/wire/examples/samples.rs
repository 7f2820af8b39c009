//! Prints seeded messages as we write them, for codecs that others wrote: `kind name version seed hex`, a line each.
//!
//! `samples [SEEDS]` prints that many of every message in every version.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a tool of the tests may panic")]

#[path = "../tests/sample/mod.rs"]
mod sample;

use std::fmt::Write as _;
use std::io::{BufWriter, Write as _};

use bytes::Bytes;
use sample::Draw;
use wire::messages::ALL;

fn main() -> std::io::Result<()> {
    let seeds = std::env::args().nth(1).map_or(10, |count| count.parse().unwrap());
    let mut out = BufWriter::new(std::io::stdout().lock());
    for message in ALL {
        let schema = message.schema;
        for version in schema.versions.min..=schema.versions.max {
            for seed in 0..seeds {
                let value = sample::draw(schema, version, &mut Draw::new(seed, true));
                let drawn = Bytes::from(sample::write(schema, version, &value, None));
                let written = (message.reencode)(drawn, version).unwrap().written.unwrap().read().unwrap();
                let hex = written.iter().fold(String::new(), |mut hex, byte| {
                    write!(hex, "{byte:02x}").unwrap();
                    hex
                });
                writeln!(out, "{:?} {} {version} {seed} {hex}", schema.kind, schema.name)?;
            }
        }
    }
    out.flush()
}
