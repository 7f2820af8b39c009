//! Reading for consumers and followers: incremental sessions, long polls, one partition's read.

mod memory;
mod poll;
mod read;
mod session;
mod watch;

pub(crate) use poll::{Limits, poll, register};
pub(crate) use read::{FromReplica, Isolation, Reading, failure};
pub(crate) use session::{Opened, Session, Sessions};
pub(crate) use watch::{Name, Wanted, Watch};
