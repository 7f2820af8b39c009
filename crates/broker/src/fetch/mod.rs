//! Reading for consumers and followers: incremental sessions, long polls, one partition's read.

mod memory;
mod poll;
mod read;
mod session;

pub(crate) use poll::{Limits, poll, register};
pub(crate) use read::{FromReplica, Isolation, Reading, failure};
pub(crate) use session::{Name, Opened, Session, Sessions, Wanted, Watch};
