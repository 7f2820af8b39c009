//! The real log over a disk that loses, tears and reorders whatever was not synced: every acknowledged batch is there
//! afterwards, at its offset, with its bytes.
//!
//! `MEKONG_CRASH_SEEDS=100..200` runs other seeds than the default; a failure names its seed. Each seed appends at least 200
//! times, rolls a segment, and crashes at least four times.

mod images;
mod model;
#[cfg(feature = "planted-bugs")]
mod planted;
#[cfg(not(feature = "planted-bugs"))]
mod table;
mod world;

use std::ops::Range;

use world::World;

/// The range that a variable of the environment names.
fn range(variable: &str, default: &str) -> Range<u64> {
    let text = std::env::var(variable).unwrap_or_else(|_| default.into());
    let (from, upto) = text.split_once("..").expect("<from>..<upto>");
    from.parse().expect("a number")..upto.parse().expect("a number")
}

fn lives(seed: u64, live: impl Fn(&mut World)) {
    let mut world = World::new(seed);
    for life in 0.. {
        live(&mut world);
        world.restart_and_check();
        if life >= 3 && world.done().is_enough() {
            break;
        }
    }
}

fn with_power_loss(seed: u64) {
    lives(seed, World::live_until_it_ends);
}

fn with_failing_calls(seed: u64) {
    lives(seed, World::live_with_faults);
}

#[cfg(not(feature = "planted-bugs"))]
#[test]
fn acknowledged_batches_survive_failing_calls_and_full_disks() {
    each_seed(with_failing_calls);
}

#[cfg(not(feature = "planted-bugs"))]
#[test]
fn acknowledged_batches_survive_power_loss_and_kills() {
    each_seed(with_power_loss);
}

#[cfg(not(feature = "planted-bugs"))]
#[test]
fn images_of_recorded_traces_hold_what_was_acknowledged() {
    images::run(range("MEKONG_CRASH_TRACES", "0..12"));
}

#[cfg(not(feature = "planted-bugs"))]
fn each_seed(run: impl Fn(u64) + std::panic::RefUnwindSafe) {
    let seeds = range("MEKONG_CRASH_SEEDS", "0..100");
    for seed in seeds.clone() {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("seed {seed} failed");
            std::panic::resume_unwind(panic);
        }
        if (seed + 1 - seeds.start).is_multiple_of(500) {
            println!("{} seeds", seed + 1 - seeds.start);
        }
    }
}
