//! Why a message could not be read or written: API, version, field and kind.

use core::fmt;

/// Received bytes are not the message they should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DecodeError {
    /// The message, by Kafka's name (`FetchRequest`).
    pub api: &'static str,
    /// The version it was read as.
    pub version: i16,
    /// The struct and field where reading stopped (`FetchTopic.partitions`).
    pub field: &'static str,
    /// What was wrong.
    pub kind: DecodeErrorKind,
}

/// What was wrong with received bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The message ends before the field does.
    Truncated {
        /// Bytes the field needs.
        needed: usize,
        /// Bytes that were left.
        left: usize,
    },
    /// A count of elements that the bytes left cannot hold.
    CountBeyondMessage {
        /// The count.
        count: usize,
        /// Bytes that were left.
        left: usize,
    },
    /// Null where this version allows none.
    Null,
    /// Text that is not UTF-8.
    NotUtf8,
    /// Text longer than 32767 bytes.
    TextTooLong(usize),
    /// A variable-length number of more than 32 bits.
    VarintTooLong,
    /// A tagged field whose content is not as long as it says.
    WrongTaggedSize,
    /// The structs would take more memory than the message may cost (`base::limits`).
    OverBudget {
        /// Bytes asked for.
        wanted: usize,
        /// Bytes the message had left.
        left: usize,
    },
    /// The version is not one of the message's.
    UnsupportedVersion,
    /// No API has this key.
    UnknownApi(i16),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}: {}: {}", self.api, self.version, self.field, self.kind)
    }
}

impl core::error::Error for DecodeError {}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { needed, left } => write!(f, "needs {needed} bytes, {left} are left"),
            Self::CountBeyondMessage { count, left } => {
                write!(f, "{count} elements do not fit in the {left} bytes left")
            }
            Self::Null => f.write_str("null, which this version does not allow"),
            Self::NotUtf8 => f.write_str("not UTF-8"),
            Self::TextTooLong(len) => write!(f, "text of {len} bytes; 32767 is the most"),
            Self::VarintTooLong => f.write_str("a variable-length number of more than 32 bits"),
            Self::WrongTaggedSize => f.write_str("a tagged field whose content is not as long as it says"),
            Self::OverBudget { wanted, left } => {
                write!(f, "would take {wanted} bytes of memory, the message may take {left} more")
            }
            Self::UnsupportedVersion => f.write_str("no such version"),
            Self::UnknownApi(key) => write!(f, "no API has key {key}"),
        }
    }
}

/// A message cannot be written in a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EncodeError {
    /// The message, by Kafka's name.
    pub api: &'static str,
    /// The version it should have been written as.
    pub version: i16,
    /// The struct and field that does not fit.
    pub field: &'static str,
    /// Why not.
    pub kind: EncodeErrorKind,
}

/// Why a value cannot be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// The field holds a value, the version lacks the field, and dropping it would change the meaning.
    NotInVersion,
    /// Null where this version allows none.
    Null,
    /// Text, bytes or a list longer than its length prefix can say.
    TooLong(usize),
    /// The version is not one of the message's.
    UnsupportedVersion,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}: {}: {}", self.api, self.version, self.field, self.kind)
    }
}

impl core::error::Error for EncodeError {}

impl fmt::Display for EncodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotInVersion => f.write_str("set, but this version has no such field"),
            Self::Null => f.write_str("null, which this version does not allow"),
            Self::TooLong(len) => write!(f, "{len} is too long"),
            Self::UnsupportedVersion => f.write_str("no such version"),
        }
    }
}
