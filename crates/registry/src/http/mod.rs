//! The registry over HTTP: one handler for every path, so that answers and errors are Confluent's to the byte.

mod answer;
mod body;
mod dispatch;
mod forward;
mod held;
mod listen;
mod negotiate;
mod patience;
mod query;
mod reads;
mod route;
mod search;
mod server;
#[cfg(test)]
mod tests;
mod writes;

pub(crate) use body::Room;
pub(crate) use forward::Forwarder;
pub(crate) use listen::Bound;
pub use server::{Handle, router, serve};
pub(crate) use server::{Opened, serve_bound, serve_later};
