//! The world outside, seen through three traits: [`Clock`], [`Random`] and [`Disk`].
//!
//! The log and the shells reach time, chance and files only through these, so that a simulator can put its own in their
//! place: [`SimDisk`] loses and tears what was not synced, [`ManualClock`] moves when told, [`SeededRandom`] repeats itself.
//! All traits are object-safe and are handed around as `Arc<dyn …>`; nothing here spawns a thread.

mod clock;
mod disk;
mod host;
mod random;
mod real;
mod sim;

pub use clock::{Clock, ManualClock, SystemClock};
pub use disk::{Disk, Entry, File, Guard, Open, Space};
pub use host::machine_name;
pub use random::{OsRandom, Random, SeededRandom};
pub use real::RealDisk;
pub use sim::{Fault, FileClass, Images, Operation, SimDisk, Trace};
