//! A cluster in one thread: virtual time, one seed, and everything that can go wrong.
//!
//! The cores are the real ones: the replica machines, the controller, the group coordinator, the log with its committer on a simulated
//! disk, record batches. Shells, network, time and the metadata quorum are the simulator's. Clients write down what they are told, and
//! the checker reads it; invariants are asserted at every step.
//!
//! ```text
//! seed ─► Plan ─► World: events in the order of time ─► History ─► checker
//!                   │  safety phase: faults             Watch   ─► invariants, while it runs
//!                   └► heal ─► liveness phase: everything must get going again ─► everything is read
//! ```
//!
//! The same seed gives the same run, byte for byte; [`Outcome::trace`] is the proof. A run that fails prints the line that repeats it.

#![expect(missing_docs, reason = "a program's parts; each module says what it is")]

pub mod broker;
pub mod client;
pub mod coverage;
pub mod ctx;
pub mod draws;
mod hunt;
pub mod invariants;
pub mod message;
pub mod net;
pub mod plan;
pub mod quorum;
mod shrink;
#[cfg(test)]
mod tests;
pub mod world;

pub use base::planted::{Bug, Planted};
pub use hunt::{Hunt, hunt};
pub use plan::Plan;
pub use shrink::shrink;
pub use world::{Outcome, run};

/// Virtual time in microseconds.
pub type Time = u64;
