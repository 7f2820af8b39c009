//! Sockets: listeners, frames cut from a byte stream, answers written without gathering them first, and the limits of the process.
//!
//! Knows the frame (a big-endian `int32` length, then that many bytes) and the rope an answer leaves in. Knows no API, no broker.
//!
//! ```text
//! TcpListener ─ accept ─► FrameBuffer (exists only while bytes wait) ─► frames
//! Rope ─► Outgoing ─ writev ─► socket
//! ```

mod accept;
mod budget;
mod frame;
mod listen;
mod process;
mod write;

pub use accept::{AcceptPause, accept_error_pause, tune_accepted};
pub use budget::{MemoryBudget, Reservation};
pub use frame::{FrameBuffer, FrameError};
pub use listen::{BindError, Bound, PortRule, bind};
pub use process::{memory_limit_bytes, raise_descriptor_limit};
pub use write::{Outgoing, WriteProgress};
