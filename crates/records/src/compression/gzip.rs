//! gzip (RFC 1952); a batch may hold several members.

use std::io::{Read, Write};

use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::stream::{PIECE, space};
use super::{CompressionType, DecompressError};

pub(super) fn compress(level: u8, input: &[u8], out: &mut Vec<u8>) {
    let mut encoder = GzEncoder::new(out, flate2::Compression::new(u32::from(level)));
    let written = encoder.write_all(input).and_then(|()| encoder.finish().map(|_| ()));
    assert!(written.is_ok(), "writing to memory does not fail");
}

pub(super) struct Decoder<'a>(MultiGzDecoder<&'a [u8]>);

impl<'a> Decoder<'a> {
    pub fn new(input: &'a [u8]) -> Self {
        Self(MultiGzDecoder::new(input))
    }

    pub fn next(&mut self, out: &mut Vec<u8>, at: usize) -> Result<usize, DecompressError> {
        let corrupt =
            |_| DecompressError::Corrupt { codec: CompressionType::Gzip, what: "not a whole gzip stream" };
        self.0.read(space(out, at, PIECE)).map_err(corrupt)
    }
}
