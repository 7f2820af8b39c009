//! Clients: each an async function over a port to the world, so that a workload reads as what it does.
//!
//! A client asks, waits, and writes down what it was told. It has no wisdom that real clients lack: it tries again what may be tried
//! again, under the same sequence number, and what it does not know it calls unknown.

mod consume;
mod member;
mod port;
mod produce;
mod workload;

pub use port::{Port, Shared};
pub use workload::{final_read, run};
