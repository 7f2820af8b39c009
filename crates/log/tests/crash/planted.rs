//! Each planted bug is found, and by which seed: `cargo test -p mekong-log --test crash --features planted-bugs -- --nocapture`;
//! one alone with `MEKONG_PLANTED=<its name>`.

use log::planted::{Bug, plant};

/// How many seeds a bug may survive.
const SEEDS_MAX: u64 = 2_000;

/// What may find a bug, by the seed.
const FINDERS: [(&str, fn(u64)); 3] = [
    ("power loss", crate::with_power_loss),
    ("failing calls", crate::with_failing_calls),
    ("crash images", |seed| crate::images::run(seed..seed + 1)),
];

#[test]
fn every_planted_bug_is_found() {
    // What a found bug says is expected, and would only hide the table.
    std::panic::set_hook(Box::new(|_| {}));
    println!("| bug | found by | after seeds |\n|---|---|---|");
    let one = std::env::var("MEKONG_PLANTED").ok();
    let wanted = |bug: &Bug| one.as_ref().is_none_or(|one| *one == format!("{bug:?}"));
    let missed: Vec<_> = Bug::ALL.into_iter().filter(wanted).filter(|bug| !is_found(*bug)).collect();
    let _ = std::panic::take_hook();
    assert!(missed.is_empty(), "not found: {missed:?}");
}

/// Prints the row of a bug.
fn is_found(bug: Bug) -> bool {
    plant(Some(bug));
    let found = (0..SEEDS_MAX).find_map(|seed| {
        let finder = FINDERS.iter().find(|(_, run)| std::panic::catch_unwind(|| run(seed)).is_err());
        finder.map(|(name, _)| (*name, seed + 1))
    });
    plant(None);
    match found {
        Some((name, seeds)) => println!("| {bug:?} | {name} | {seeds} |"),
        None => println!("| {bug:?} | nothing | {SEEDS_MAX} |"),
    }
    found.is_some()
}
