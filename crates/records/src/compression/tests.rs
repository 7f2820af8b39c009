//! Codecs: round trips, limits, cuts, glued streams, levels.

use super::*;

fn sample(size: usize) -> Vec<u8> {
    (0..size).map(|at| if at % 7 == 0 { ((at * 31) >> 3) as u8 } else { b'k' }).collect()
}

fn noise(size: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    (0..size)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect()
}

#[test]
fn every_codec_gives_back_what_it_took() {
    for codec in CompressionType::ALL {
        for input in [Vec::new(), sample(1), sample(1000), sample(300_000), noise(200_000)] {
            let mut out = b"before".to_vec();
            compress(Compression::of(codec), &input, &mut out);
            let packed = out.strip_prefix(b"before").unwrap();
            assert!(decompress(codec, packed, input.len()).unwrap() == input, "{codec} {}", input.len());
        }
    }
}

#[test]
fn the_limit_holds_to_the_byte() {
    for codec in CompressionType::ALL.into_iter().skip(1) {
        let mut packed = Vec::new();
        compress(Compression::of(codec), &sample(150_000), &mut packed);
        assert_eq!(
            decompress(codec, &packed, 149_999),
            Err(DecompressError::TooLarge { limit: 149_999 }),
            "{codec}"
        );
        assert!(decompress(codec, &packed, 150_000).is_ok(), "{codec}");
    }
}

#[test]
fn cut_streams_are_corrupt_and_never_panic() {
    for codec in CompressionType::ALL.into_iter().skip(1) {
        let mut packed = Vec::new();
        compress(Compression::of(codec), &sample(3000), &mut packed);
        for cut in 1..packed.len() {
            let result = decompress(codec, &packed[..cut], 10_000);
            let framed_snappy_between_blocks = codec == CompressionType::Snappy && cut == 16;
            assert!(
                result.is_err() || framed_snappy_between_blocks,
                "{codec} cut at {cut} of {}",
                packed.len()
            );
        }
    }
}

#[test]
fn glued_streams_are_read_to_the_end() {
    for codec in [CompressionType::Gzip, CompressionType::Snappy, CompressionType::Zstd] {
        let mut packed = Vec::new();
        compress(Compression::of(codec), b"first ", &mut packed);
        compress(Compression::of(codec), b"second", &mut packed);
        assert_eq!(decompress(codec, &packed, 100).unwrap(), b"first second", "{codec}");
    }
}

#[test]
fn bare_snappy_is_read() {
    let packed = snap::raw::Encoder::new().compress_vec(&sample(100_000)).unwrap();
    assert_eq!(decompress(CompressionType::Snappy, &packed, 100_000).unwrap(), sample(100_000));
}

#[test]
fn levels_are_those_of_kafka() {
    let accepted = [
        (CompressionType::Gzip, -1),
        (CompressionType::Gzip, 1),
        (CompressionType::Gzip, 9),
        (CompressionType::Lz4, 1),
        (CompressionType::Lz4, 17),
        (CompressionType::Zstd, -131_072),
        (CompressionType::Zstd, 22),
        (CompressionType::Snappy, 99),
    ];
    for (codec, level) in accepted {
        let compression = Compression::with_level(codec, level).unwrap();
        let mut packed = Vec::new();
        compress(compression, &sample(5000), &mut packed);
        assert_eq!(decompress(codec, &packed, 5000).unwrap(), sample(5000), "{codec} {level}");
    }
    for (codec, level) in [
        (CompressionType::Gzip, 0),
        (CompressionType::Gzip, 10),
        (CompressionType::Lz4, 0),
        (CompressionType::Lz4, 18),
        (CompressionType::Zstd, 23),
    ] {
        assert_eq!(Compression::with_level(codec, level), Err(LevelOutOfRange { codec, level }));
    }
}

#[test]
fn lz4_blocks_that_lean_on_each_other_are_refused() {
    let mut packed = Vec::new();
    compress(Compression::of(CompressionType::Lz4), b"hello", &mut packed);
    packed[4] = 0x40;
    packed[6] = (twox_hash::XxHash32::oneshot(0, &packed[4..6]) >> 8) as u8;
    let error = decompress(CompressionType::Lz4, &packed, 100).unwrap_err();
    assert!(error.to_string().contains("depend on each other"), "{error}");
}
