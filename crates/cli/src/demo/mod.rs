//! `mekong demo iot`: devices whose logs outgrow one partition and one consumer, played in the terminal and proved at the end.
//!
//! # The story
//! 1. Devices send readings to a topic of one partition. One consumer works on them; each reading costs it time, so that it falls
//!    behind: the lag grows.
//! 2. Three consumers join the group. Nothing gets better: one partition has one reader, the others have nothing to do.
//! 3. The topic gets four partitions while readings flow. The group shares them out, four consumers work, the lag melts.
//! 4. The devices stop, the consumers finish, and what happened is checked.
//!
//! # Order per device when partitions are added
//! A device's readings share a key, and a key has one partition: so readings of one device stay in order. But the partition of a
//! key is its hash modulo the number of partitions. When that number changes, most devices move, and a device's new readings, in
//! a new partition with no backlog, would overtake its old ones, which still wait in partition 0. Kafka does not prevent that; the
//! application must. This is how the demo does, in a way that a real application can:
//!
//! * *Drain.* The devices' gateway stops sending (readings queue up in it), and awaits the acknowledgement of everything sent.
//! * *Widen.* It adds the partitions, waits until it sees them itself (with the old picture it would still use the old rule), and
//!   notes the *fence*: the end of each old partition. Nothing with the old rule lies behind it.
//! * *Say it in the data.* It goes on; each record sent by the new rule carries the fence in a header, `after: 0@12345`.
//! * *Wait at the fence.* A consumer that meets such a record in another partition first looks how far the *group* has committed
//!   the old partition. Before the fence it puts the record back (seek), pauses that partition, goes on with its others, and tries
//!   again shortly. A commit says "processed", so that behind the fence all old readings of all devices are done.
//!
//! Consumers give up a partition only after committing what they processed (see `client::consumer`), so that no reading is worked
//! on twice when members come.
//!
//! # The proof
//! Every reading has a number of its device, counting from 1. Two independent accounts are checked, and any fault makes the exit
//! code 1:
//! * *the log*: all partitions are read again from the start by a reader outside the group. Each number that was acknowledged is
//!   there once, numbers grow within each partition, and those before the fence are smaller than those after it;
//! * *the work*: the ledger in which the consumers noted each reading when they had worked on it, in the order in which they did,
//!   shows for each device 1, 2, 3, … up to the last number acknowledged: nothing lost, nothing doubled, nothing out of order.

mod devices;
mod fence;
mod iot;
mod ledger;
mod proof;
mod screen;
mod workers;

use crate::connect::Connect;
use crate::failure::Outcome;
use crate::output::Output;

/// `mekong demo …`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Devices outgrow one partition and one consumer; four of each keep up, and nothing is lost, doubled or reordered.
    Iot(iot::Arguments),
}

/// Runs it.
pub async fn run(command: Command, connect: &Connect, output: &Output) -> Outcome {
    let Command::Iot(arguments) = command;
    iot::run(arguments, connect, output).await
}
