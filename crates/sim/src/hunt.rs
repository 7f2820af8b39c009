//! Many seeds, on as many threads as wanted: each run is a thread's own, and what comes of it depends on its seed alone.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use base::planted::Planted;

use crate::coverage::Coverage;
use crate::plan::Plan;
use crate::world::{Outcome, run};

/// What came of many runs.
#[derive(Debug, Default)]
pub struct Hunt {
    /// How many there were.
    pub histories: u64,
    /// How many of them were long and rough enough.
    pub counted: u64,
    /// How many broke something.
    pub failed: u64,
    /// How often things happened in all of them.
    pub coverage: Coverage,
}

impl Hunt {
    fn add(&mut self, outcome: &Outcome) {
        self.histories += 1;
        self.counted += u64::from(outcome.counts);
        self.failed += u64::from(!outcome.violations.is_empty());
        self.coverage.add(&outcome.coverage);
    }
}

/// Runs every seed; tells of each that broke something as soon as it did.
#[must_use]
pub fn hunt(seeds: &Range<u64>, jobs: usize, report: &(impl Fn(u64, &[String]) + Sync)) -> Hunt {
    let (next, all) = (AtomicU64::new(seeds.start), Mutex::new(Hunt::default()));
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= seeds.end {
            return;
        }
        let outcome = run(&Plan::new(seed), Planted::NONE);
        let Ok(mut all) = all.lock() else { return };
        all.add(&outcome);
        if !outcome.violations.is_empty() {
            report(seed, &outcome.violations);
        }
    };
    std::thread::scope(|scope| {
        (1..jobs).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    all.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
}
