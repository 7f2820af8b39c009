//! Clean histories raise no alarm; an anomaly planted in one is found.
//!
//! Histories come from a little model of a log with transactions ([`model`]), anomalies from edits of what was recorded ([`plant`]);
//! neither shares code with the checker beyond the history's types. `MEKONG_CHECKER_HISTORIES` sets how many histories are drawn per
//! kind of anomaly (default 12, so that the quick tests stay quick).

#![expect(clippy::indexing_slicing, reason = "a test may panic")]

mod model;
mod plant;

use checker::{History, Settings, check};
use model::{Draws, Shape};

fn volume() -> u64 {
    std::env::var("MEKONG_CHECKER_HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

fn draw(seed: u64, shape: Shape) -> (History, Settings) {
    model::history(&mut Draws::new(seed), shape)
}

#[test]
fn clean_histories_raise_no_alarm() {
    let mut checked = 0;
    for seed in 0..volume() * plant::KINDS.len() as u64 {
        let shape = Shape::ALL[(seed % Shape::ALL.len() as u64) as usize];
        let (history, settings) = draw(seed, shape);
        let report = check(&history, &settings);
        assert!(report.is_clean(), "seed {seed} {shape:?}: {:#?}", report.illegal().collect::<Vec<_>>());
        checked += 1;
    }
    println!("{checked} clean histories, no alarm");
}

#[test]
fn planted_anomalies_are_found() {
    let (mut planted, mut missed) = (0_u64, Vec::new());
    for (place, kind) in plant::KINDS.iter().enumerate() {
        let mut of_kind = 0;
        // Not every history has a place for every anomaly.
        for seed in 0..volume() * 20 {
            if of_kind == volume() {
                break;
            }
            let seed = seed * 1000 + place as u64;
            let (mut history, settings) = draw(seed, kind.shape);
            if !(kind.plant)(&mut history, &mut Draws::new(seed ^ 0xface)) {
                continue;
            }
            of_kind += 1;
            let report = check(&history, &settings);
            if report.count(kind.rule) == 0 {
                missed.push(format!("{} seed {seed}: {:#?}", kind.name, report.all()));
            }
        }
        assert!(of_kind > 0, "{} found no place in any history", kind.name);
        planted += of_kind;
    }
    println!("{planted} anomalies of {} kinds planted, {} missed", plant::KINDS.len(), missed.len());
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
