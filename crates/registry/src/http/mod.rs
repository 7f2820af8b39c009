//! The registry over HTTP: one handler for every path, so that answers and errors are Confluent's to the byte.

mod answer;
mod negotiate;
mod query;
mod reads;
mod route;
mod search;
mod server;
mod writes;

pub(crate) use server::serve_later;
pub use server::{Handle, router, serve};
