//! What decompresses to far more than its size costs no more than the limit.

use records::{Compression, CompressionType, decompress};

const LIMIT: usize = 256 * 1024;
const GROWTH_MAX: usize = 8 * 1024 * 1024;

#[test]
fn bombs_stop_at_the_limit() {
    let zeros = vec![0_u8; 50_000_000];
    for codec in CompressionType::ALL.into_iter().skip(1) {
        let mut packed = Vec::new();
        records::compress(Compression::of(codec), &zeros, &mut packed);
        let before = memory_peak();
        assert!(decompress(codec, &packed, LIMIT).is_err(), "{codec}");
        assert!(memory_peak() < before + GROWTH_MAX, "{codec}");
    }
}

/// The most memory that this process ever held, in bytes; 0 where the system does not say.
fn memory_peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or_default() * 1024
}
