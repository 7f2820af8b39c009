//! How long proving batches takes: `cargo run --release -p mekong-records --example timing`.
//!
//! Batches of 16 KiB and 1 MiB before compression, records of 100 bytes and of 1 KiB, whose values compress about threefold.
//! Figures are MiB of records before compression per second of processor time.
//! `TIMING_BATCHES=<folder>` writes the batches, for whoever wants to time another program on them.

use std::hint::black_box;

use base::Offset;
use bytes::Bytes;
use records::lookup::of_max_timestamp;
use records::{
    Batch, BatchBuilder, BatchOptions, Compression, CompressionType, Mode, NewRecord, ValidBatches,
    Validation,
};

const NOW: i64 = 1_700_000_000_000;
const WORDS: [&str; 16] = [
    "sensor",
    "temperature",
    "celsius",
    "humidity",
    "status",
    "ok",
    "device",
    "floor",
    "seven",
    "pressure",
    "battery",
    "low",
    "gateway",
    "north",
    "uptime",
    "restart",
];

fn value(size: usize, seed: &mut u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(size + 32);
    while out.len() < size {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let word = WORDS.iter().cycle().nth((*seed >> 60) as usize).unwrap_or(&"");
        out.extend_from_slice(word.as_bytes());
        out.extend_from_slice(((*seed >> 40) & 0xfff).to_string().as_bytes());
    }
    out.truncate(size);
    out
}

fn batch(codec: CompressionType, bytes: usize, record: usize) -> (Bytes, usize) {
    let mut seed = 42;
    let mut builder =
        BatchBuilder::new(BatchOptions { compression: Compression::of(codec), ..BatchOptions::default() });
    while builder.uncompressed_size() < bytes {
        let value = value(record, &mut seed);
        let record =
            NewRecord { timestamp: NOW + builder.len() as i64, key: None, value: Some(&value), headers: &[] };
        if builder.append(record).is_err() {
            break;
        }
    }
    let size = builder.uncompressed_size();
    (builder.build().to_bytes(), size)
}

fn rate(bytes: usize, mut work: impl FnMut()) -> f64 {
    let rounds = (256 << 20) / bytes + 1;
    (0..3).for_each(|_| work());
    let start = cpu_seconds();
    (0..rounds).for_each(|_| work());
    (bytes * rounds) as f64 / (cpu_seconds() - start) / f64::from(1 << 20)
}

/// What this process has used of its cores; Linux only.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    stat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or_default() / 1e9
}

fn main() {
    println!(
        "{:>7} {:>9} {:>7} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "codec", "batch", "record", "ratio", "header", "strict", "look-up", "decode", "build"
    );
    for codec in CompressionType::ALL {
        for (size, record) in [(16 << 10, 100), (16 << 10, 1024), (1 << 20, 100), (1 << 20, 1024)] {
            report(codec, size, record);
        }
    }
}

fn report(codec: CompressionType, size: usize, record: usize) {
    let (bytes, plain) = batch(codec, size, record);
    let strict = Validation { max_message_bytes: 8 << 20, ..Validation::default() };
    let light = Validation { mode: Mode::HeaderOnly, ..strict };
    let checked = |rules: Validation| {
        let payload = bytes.clone();
        rate(plain, move || {
            black_box(ValidBatches::check(&payload, &rules, NOW).is_ok());
        })
    };
    if let Ok(folder) = std::env::var("TIMING_BATCHES") {
        let written = std::fs::write(format!("{folder}/{codec}-{size}-{record}.batch"), &bytes);
        written.unwrap_or_else(|error| println!("{folder}: {error}"));
    }
    let Ok(view) = Batch::parse(&bytes) else { return };
    let looked = rate(plain, || {
        black_box(of_max_timestamp(&view, 64 << 20).is_ok());
    });
    let decoded = rate(plain, || {
        let Ok(body) = view.decompress(64 << 20) else { return };
        black_box(
            view.records(&body)
                .filter(|record| record.as_ref().is_ok_and(|record| record.offset >= Offset(0)))
                .count(),
        );
    });
    let built = rate(plain, || {
        black_box(batch_again(codec, &view));
    });
    let ratio = bytes.len() as f64 / plain as f64;
    println!(
        "{:>7} {plain:>9} {record:>7} {ratio:>7.2} {:>9.0} {:>9.0} {looked:>9.0} {decoded:>9.0} {built:>9.0}",
        codec.name(),
        checked(light),
        checked(strict)
    );
}

fn batch_again(codec: CompressionType, view: &Batch<'_>) -> usize {
    let Ok(body) = view.decompress(64 << 20) else { return 0 };
    let mut builder =
        BatchBuilder::new(BatchOptions { compression: Compression::of(codec), ..BatchOptions::default() });
    for record in view.records(&body).flatten() {
        if builder.append_record(record.offset, &record).is_err() {
            break;
        }
    }
    builder.build().size()
}
