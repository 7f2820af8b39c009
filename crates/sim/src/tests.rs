//! What once failed, as plans of its own; and what the simulator promises of itself.

use crate::plan::{Fault, MS, SECOND};
use crate::{Plan, Planted, run};

/// A leader whose disk was replaced led on, with an empty log, in the epoch of its predecessor.
#[test]
fn a_replaced_disk_never_leads_in_an_epoch_of_its_predecessor() {
    for node in 0..3 {
        let wipe = Fault::Wipe { node, down: 200 * MS };
        let plan = Plan { faults: vec![(20 * SECOND, wipe)], brokers: 3, ..Plan::new(0) };
        assert_eq!(run(&plan, Planted::NONE).violations, Vec::<String>::new(), "{node}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for seed in [0, 7, 31] {
        let (one, other) = (run(&Plan::new(seed), Planted::NONE), run(&Plan::new(seed), Planted::NONE));
        assert_eq!((one.trace, one.events, one.took), (other.trace, other.events, other.took), "{seed}");
        assert_eq!(one.history.ops, other.history.ops, "{seed}");
        assert_ne!(one.trace, run(&Plan::new(seed + 1), Planted::NONE).trace, "{seed}");
    }
}
