//! The real log over a disk that loses, tears and reorders whatever was not synced: every acknowledged batch is there
//! afterwards, at its offset, with its bytes.
//!
//! `MEKONG_CRASH_SEEDS=100..200` runs other seeds than the default; a failure names its seed.

mod model;
#[cfg(feature = "planted-bugs")]
mod planted;
mod world;

#[cfg(not(feature = "planted-bugs"))]
use std::ops::Range;

#[cfg(not(feature = "planted-bugs"))]
use world::World;

#[cfg(not(feature = "planted-bugs"))]
fn seeds() -> Range<u64> {
    let text = std::env::var("MEKONG_CRASH_SEEDS").unwrap_or_else(|_| "0..150".into());
    let (from, upto) = text.split_once("..").expect("MEKONG_CRASH_SEEDS=<from>..<upto>");
    from.parse().expect("a number")..upto.parse().expect("a number")
}

#[cfg(not(feature = "planted-bugs"))]
#[test]
fn acknowledged_batches_survive_failing_calls_and_full_disks() {
    each_seed(|seed| {
        let mut world = World::new(seed);
        for _ in 0..4 {
            world.live_with_faults();
            world.restart_and_check();
        }
    });
}

#[cfg(not(feature = "planted-bugs"))]
#[test]
fn acknowledged_batches_survive_power_loss_and_kills() {
    each_seed(|seed| {
        let mut world = World::new(seed);
        for _ in 0..4 {
            world.live_until_it_ends();
            world.restart_and_check();
        }
    });
}

#[cfg(not(feature = "planted-bugs"))]
fn each_seed(run: impl Fn(u64) + std::panic::RefUnwindSafe) {
    for seed in seeds() {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("seed {seed} failed");
            std::panic::resume_unwind(panic);
        }
    }
}
