//! Reads a history, what clients asked and were told, and names every promise that it breaks.
//!
//! The rules are those of Jepsen's checker for Kafka, written anew from their definitions, and more beyond them. The checker knows
//! nothing of Mekong: it sees operations with their times and outcomes, and observations such as watermarks and assignments. Whatever
//! runs the clients (the simulator, the chaos runner) writes the [`History`].
//!
//! ```text
//! History ─► Index (values as numbers, writers, readers) ─► Versions (the order of each key's values) ─► rules ─► Report
//! ```
//!
//! A rule is one file in `rules`, or shares one with its kin; each appends [`Violation`]s to the [`Report`] and changes nothing else.
//! Everything is numbers in flat arrays: a history of a million operations is checked in seconds.

#![expect(
    clippy::indexing_slicing,
    reason = "ids and places index the arrays that were made of the same history"
)]

mod edn;
mod graph;
mod history;
mod index;
mod register;
mod report;
mod rules;
mod versions;

pub use edn::to_edn;
pub use history::{Call, Fact, History, Key, Mark, Mop, Observation, Op, Outcome, Process, Settings, Value};
pub use report::{Report, Rule, Violation};

/// Checks a history by every rule.
#[must_use]
pub fn check(history: &History, settings: &Settings) -> Report {
    let index = index::Index::new(history);
    let versions = versions::Versions::new(history, &index);
    let mut report = Report::default();
    let case = rules::Case { history, settings, index: &index, versions: &versions };
    for rule in rules::ALL {
        rule(&case, &mut report);
    }
    report
}
