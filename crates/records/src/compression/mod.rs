//! The codecs of Kafka: gzip, snappy, lz4, zstd. What they write, Kafka's own clients read, and the other way round.
//!
//! Whatever leaves a codec is capped: [`decompress`] and [`Stream`] stop at the caller's limit, trust no declared size, and hold
//! one window (64 KiB, or one lz4 or snappy block) unless the caller wants all of it. Buffers and contexts belong to the thread
//! and are used again.

mod gzip;
mod lz4;
mod snappy;
mod stream;
mod zstd;

use core::fmt;
use core::str::FromStr;

pub(crate) use stream::Stream;

/// A codec's number in the attributes of a batch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum CompressionType {
    /// No compression.
    #[default]
    None,
    /// RFC 1952, any number of members.
    Gzip,
    /// Snappy in the framing of snappy-java, or bare.
    Snappy,
    /// LZ4 frames of independent blocks.
    Lz4,
    /// Zstandard frames (KIP-110).
    Zstd,
}

impl CompressionType {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// The codec with this number, 0 to 4.
    pub const fn from_id(id: u8) -> Option<Self> {
        match id {
            0 => Some(Self::None),
            1 => Some(Self::Gzip),
            2 => Some(Self::Snappy),
            3 => Some(Self::Lz4),
            4 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The number.
    pub const fn id(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Gzip => 1,
            Self::Snappy => 2,
            Self::Lz4 => 3,
            Self::Zstd => 4,
        }
    }

    /// The name in `compression.type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

impl fmt::Display for CompressionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no codec's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnknownCompression;

impl fmt::Display for UnknownCompression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("compression is one of none, gzip, snappy, lz4, zstd")
    }
}

impl core::error::Error for UnknownCompression {}

impl FromStr for CompressionType {
    type Err = UnknownCompression;

    fn from_str(name: &str) -> Result<Self, UnknownCompression> {
        Self::ALL.into_iter().find(|codec| codec.name() == name).ok_or(UnknownCompression)
    }
}

/// A codec with its level (KIP-390): what to compress with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Compression {
    /// No compression.
    #[default]
    None,
    /// `level` 1 to 9.
    Gzip {
        /// Higher is smaller and slower.
        level: u8,
    },
    /// Has no levels.
    Snappy,
    /// `level` 1 to 17 is accepted; the fast compressor serves all of them.
    Lz4 {
        /// Kept for who asks.
        level: u8,
    },
    /// `level` -131072 to 22.
    Zstd {
        /// Higher is smaller and slower.
        level: i32,
    },
}

impl Compression {
    /// Kafka's default level for `compression.gzip.level`, -1, is zlib's 6.
    const GZIP_LEVEL: u8 = 6;
    const LZ4_LEVEL: u8 = 9;
    const ZSTD_LEVEL: i32 = 3;

    /// The codec at Kafka's default level.
    pub const fn of(codec: CompressionType) -> Self {
        match codec {
            CompressionType::None => Self::None,
            CompressionType::Gzip => Self::Gzip { level: Self::GZIP_LEVEL },
            CompressionType::Snappy => Self::Snappy,
            CompressionType::Lz4 => Self::Lz4 { level: Self::LZ4_LEVEL },
            CompressionType::Zstd => Self::Zstd { level: Self::ZSTD_LEVEL },
        }
    }

    /// The codec at `level`, as `compression.<codec>.level` gives it; codecs without levels ignore it.
    pub fn with_level(codec: CompressionType, level: i32) -> Result<Self, LevelOutOfRange> {
        let refused = |_| LevelOutOfRange { codec, level };
        match (codec, level) {
            (CompressionType::Gzip, -1) => Ok(Self::of(codec)),
            (CompressionType::Gzip, 1..=9) => Ok(Self::Gzip { level: level.try_into().map_err(refused)? }),
            (CompressionType::Lz4, 1..=17) => Ok(Self::Lz4 { level: level.try_into().map_err(refused)? }),
            (CompressionType::Zstd, -131_072..=22) => Ok(Self::Zstd { level }),
            (CompressionType::None | CompressionType::Snappy, _) => Ok(Self::of(codec)),
            _ => Err(LevelOutOfRange { codec, level }),
        }
    }

    /// The codec without its level.
    pub const fn codec(self) -> CompressionType {
        match self {
            Self::None => CompressionType::None,
            Self::Gzip { .. } => CompressionType::Gzip,
            Self::Snappy => CompressionType::Snappy,
            Self::Lz4 { .. } => CompressionType::Lz4,
            Self::Zstd { .. } => CompressionType::Zstd,
        }
    }
}

/// A level that the codec does not have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LevelOutOfRange {
    /// The codec.
    pub codec: CompressionType,
    /// The level asked for.
    pub level: i32,
}

impl fmt::Display for LevelOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let range = match self.codec {
            CompressionType::Gzip => "-1 or 1 to 9",
            CompressionType::Lz4 => "1 to 17",
            _ => "-131072 to 22",
        };
        write!(f, "{} has the levels {range}, not {}", self.codec, self.level)
    }
}

impl core::error::Error for LevelOutOfRange {}

/// Compressed bytes that do not come out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecompressError {
    /// The bytes are not what the codec writes, or end too early.
    Corrupt {
        /// The codec.
        codec: CompressionType,
        /// What is wrong.
        what: &'static str,
    },
    /// More bytes come out than the caller allows.
    TooLarge {
        /// What the caller allows, in bytes.
        limit: usize,
    },
    /// The attributes name a codec that does not exist.
    UnknownCodec(u8),
}

impl fmt::Display for DecompressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Corrupt { codec, what } => write!(f, "corrupt {codec} data: {what}"),
            Self::TooLarge { limit } => write!(f, "the records exceed {limit} bytes when decompressed"),
            Self::UnknownCodec(id) => write!(f, "unknown compression type id: {id}"),
        }
    }
}

impl core::error::Error for DecompressError {}

/// Appends `input`, compressed, to `out`.
pub fn compress(compression: Compression, input: &[u8], out: &mut Vec<u8>) {
    match compression {
        Compression::None => out.extend_from_slice(input),
        Compression::Gzip { level } => gzip::compress(level, input, out),
        Compression::Snappy => snappy::compress(input, out),
        Compression::Lz4 { .. } => lz4::compress(input, out),
        Compression::Zstd { level } => zstd::compress(level, input, out),
    }
}

/// All bytes that `input` decompresses to, at most `limit`.
pub fn decompress(codec: CompressionType, input: &[u8], limit: usize) -> Result<Vec<u8>, DecompressError> {
    stream::decompress(codec, input, limit)
}

#[cfg(test)]
mod tests;
