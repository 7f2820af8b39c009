//! The table: both sides, the ratio, the spread.

use std::fmt;

use crate::measure::{median, percentile};

/// One figure of one scenario for one mode of Mekong beside Kafka.
#[derive(Clone, Debug)]
pub struct Row {
    /// Scenario and figure.
    pub what: String,
    /// The unit of both sides.
    pub unit: &'static str,
    /// Mekong's mode.
    pub mode: &'static str,
    /// Mekong's values, window by window.
    pub ours: Vec<f64>,
    /// Kafka's values, in the same order.
    pub theirs: Vec<f64>,
    /// The most (or least, when `at_least`) that the ratio may be.
    pub target: Option<f64>,
    /// Whether more is better.
    pub at_least: bool,
}

impl Row {
    fn ratios(&self) -> Vec<f64> {
        self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| ours / theirs).collect()
    }

    fn verdict(&self) -> &'static str {
        let (ratio, Some(target)) = (median(&self.ratios()), self.target) else { return "" };
        let met = if self.at_least { ratio >= target } else { ratio <= target };
        if met { "met" } else { "missed" }
    }
}

/// All rows, with what the reader must know to judge them.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Lines above the table.
    pub notes: Vec<String>,
    /// The table.
    pub rows: Vec<Row>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.notes.iter().try_for_each(|note| writeln!(f, "{note}  "))?;
        writeln!(f, "\n| scenario | unit | mode | Mekong | Kafka | ratio | spread | target | |")?;
        writeln!(f, "|---|---|---|--:|--:|--:|---|--:|---|")?;
        self.rows.iter().try_for_each(|row| write_row(f, row))
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &Row) -> fmt::Result {
    let ratios = row.ratios();
    let sign = if row.at_least { "≥" } else { "≤" };
    let target = row.target.map(|target| format!("{sign} {target}")).unwrap_or_default();
    write!(f, "| {} | {} | {} | {} ", row.what, row.unit, row.mode, figure(median(&row.ours)))?;
    write!(f, "| {} | {:.3} ", figure(median(&row.theirs)), median(&ratios))?;
    writeln!(
        f,
        "| {:.3}–{:.3} | {target} | {} |",
        percentile(&ratios, 0.0),
        percentile(&ratios, 100.0),
        row.verdict()
    )
}

/// Three significant digits.
fn figure(value: f64) -> String {
    let digits = if value.abs() >= 100.0 {
        0
    } else if value.abs() >= 10.0 {
        1
    } else if value.abs() >= 1.0 {
        2
    } else {
        4
    };
    format!("{value:.digits$}")
}
