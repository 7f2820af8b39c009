//! The cluster's metadata as a state machine.
//!
//! [`Controller::handle`](controller::Controller::handle) decides: it takes a command and returns records and an answer,
//! and changes nothing. [`MetadataImage::replay`] changes: it takes a record that the metadata log holds. The shell around
//! them commits the records, then lets the answer go. Every node replays the same records into the same image.
//!
//! Pure: `no_std` with `alloc`; time and seeds are arguments.

#![no_std]

extern crate alloc;

mod codec;
pub mod config;
pub mod controller;
pub mod image;
pub mod map;
pub mod record;

pub use codec::DecodeError;
pub use image::{ConfigResource, Delta, MetadataImage, ReplayError, ResourceType};
pub use record::Record;
