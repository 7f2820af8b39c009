//! The binary and the client library, end to end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod client;
mod commands;
mod demo;
mod limits;
mod refusals;
mod roles;
mod schemas;
mod server;
