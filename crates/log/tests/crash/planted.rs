//! Each planted bug is found, and by which seed: `cargo test -p mekong-log --test crash --features planted-bugs -- --nocapture`.

use log::planted::{Bug, plant};

use crate::world::World;

/// How many seeds a bug may survive.
const SEEDS_MAX: u64 = 3_000;

#[test]
fn every_planted_bug_is_found() {
    // What a found bug says is expected, and would only hide the table.
    std::panic::set_hook(Box::new(|_| {}));
    let mut found = Vec::new();
    for bug in Bug::ALL {
        let seed = seed_that_finds(bug);
        println!("{bug:?}: {seed:?}");
        found.push((bug, seed));
    }
    let _ = std::panic::take_hook();
    let missed: Vec<_> = found.iter().filter(|(_, seed)| seed.is_none()).collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}

fn seed_that_finds(bug: Bug) -> Option<(u64, &'static str)> {
    plant(Some(bug));
    let found = (0..SEEDS_MAX).find_map(|seed| {
        if std::panic::catch_unwind(|| with_power_loss(seed)).is_err() {
            return Some((seed, "power loss"));
        }
        std::panic::catch_unwind(|| with_faults(seed)).is_err().then_some((seed, "failing calls"))
    });
    plant(None);
    found
}

fn with_power_loss(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..4 {
        world.live_until_it_ends();
        world.restart_and_check();
    }
}

fn with_faults(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..4 {
        world.live_with_faults();
        world.restart_and_check();
    }
}
