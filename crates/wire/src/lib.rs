//! Kafka's wire protocol as plain Rust structs.
//!
//! * [`messages`] holds one definition per API message of Kafka 4.3, every version of it.
//! * [`Decoder`] cuts messages out of a received frame without copying text or bytes, within an allocation budget.
//! * [`Encoder`] writes messages into a [`Rope`], which takes record batches as they are, from memory or from files.
//! * [`frame`] joins sizes, headers and bodies.
//!
//! Pure: `no_std` with `alloc`. Nothing here panics on any bytes received.

#![no_std]

extern crate alloc;

mod macros;

mod api_key;
mod decoder;
mod encoder;
mod error;
mod error_code;
pub mod frame;
mod header;
mod message;
pub mod messages;
mod records;
mod rope;
pub mod schema;
pub mod types;

pub use api_key::{ApiKey, Listeners};
pub use decoder::Decoder;
pub use encoder::Encoder;
pub use error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
pub use error_code::ErrorCode;
pub use header::{RequestHeader, ResponseHeader};
pub use message::{Message, Request};
pub use records::Records;
pub use rope::{FileSlice, FileSource, ReadFailed, Rope, Segment};
