//! The table: both sides, the ratio, the spread, what it was to be.

use std::fmt;

use crate::measure::{median, percentile};

/// What a figure is held against; a row with several is met when one of them is.
#[derive(Clone, PartialEq, Debug)]
pub enum Goal {
    /// Mekong's figure is at most so many times Kafka's.
    AtMost(f64),
    /// Mekong's figure is at least so many times Kafka's.
    AtLeast(f64),
    /// Mekong's own figure is at most this, whatever Kafka's is; with the words for where that comes from.
    Own(f64, &'static str),
}

/// One figure of one scenario for one mode of Mekong beside Kafka.
#[derive(Clone, Debug, Default)]
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
    /// What it is to be; none for figures that only explain others.
    pub goals: Vec<Goal>,
    /// What the machine itself takes for the same bytes, in the same unit.
    pub floor: Option<f64>,
}

impl Row {
    fn ratios(&self) -> Vec<f64> {
        self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| ours / theirs).collect()
    }

    /// Whether one of the goals is met; nothing without a goal.
    pub fn is_met(&self) -> Option<bool> {
        let (ratio, own) = (median(&self.ratios()), median(&self.ours));
        let met = |goal: &Goal| match goal {
            Goal::AtMost(most) => ratio <= *most,
            Goal::AtLeast(least) => ratio >= *least,
            Goal::Own(most, _) => own <= *most,
        };
        (!self.goals.is_empty()).then(|| self.goals.iter().any(met))
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "≤ {most}"),
            Self::AtLeast(least) => write!(f, "≥ {least}"),
            Self::Own(most, "") => write!(f, "Mekong ≤ {}", figure(*most)),
            Self::Own(most, from) => write!(f, "Mekong ≤ {} ({from})", figure(*most)),
        }
    }
}

/// All rows, with what the reader must know to judge them.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Lines above the table.
    pub notes: Vec<String>,
    /// The table.
    pub rows: Vec<Row>,
    /// Scenarios that broke off, and why.
    pub failed: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.notes.iter().try_for_each(|note| writeln!(f, "- {note}"))?;
        writeln!(f, "\n| scenario | unit | mode | Mekong | Kafka | ratio | spread | × floor | target | |")?;
        writeln!(f, "|---|---|---|--:|--:|--:|---|--:|---|---|")?;
        self.rows.iter().try_for_each(|row| write_row(f, row))?;
        let judged = self.rows.iter().filter_map(Row::is_met);
        let (met, all) = judged.fold((0, 0), |(met, all), one| (met + u32::from(one), all + 1));
        writeln!(f, "\n{met} of {all} targets met.")?;
        self.failed.iter().try_for_each(|failure| writeln!(f, "\nNot measured: {failure}"))
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &Row) -> fmt::Result {
    let ratios = row.ratios();
    write!(f, "| {} | {} | {} | {} ", row.what, row.unit, row.mode, figure(median(&row.ours)))?;
    if ratios.is_empty() {
        let (least, most) = (percentile(&row.ours, 0.0), percentile(&row.ours, 100.0));
        write!(f, "| | | {}–{} ", figure(least), figure(most))?;
    } else {
        write!(f, "| {} | **{:.3}** ", figure(median(&row.theirs)), median(&ratios))?;
        write!(f, "| {:.3}–{:.3} ", percentile(&ratios, 0.0), percentile(&ratios, 100.0))?;
    }
    let floor = row.floor.map(|floor| format!("{:.2}", median(&row.ours) / floor)).unwrap_or_default();
    let goals: Vec<String> = row.goals.iter().map(ToString::to_string).collect();
    let verdict = row.is_met().map_or("", |met| if met { "met" } else { "missed" });
    writeln!(f, "| {floor} | {} | {verdict} |", goals.join(" or "))
}

/// Three significant digits.
pub fn figure(value: f64) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_met_by_any_of_its_goals() {
        let row = |goals| Row {
            ours: vec![2.0, 3.0, 4.0],
            theirs: vec![10.0, 10.0, 10.0],
            goals,
            ..Row::default()
        };
        for (goals, met) in [
            (vec![], None),
            (vec![Goal::AtMost(0.3)], Some(true)),
            (vec![Goal::AtMost(0.29)], Some(false)),
            (vec![Goal::AtLeast(0.31)], Some(false)),
            (vec![Goal::AtMost(0.1), Goal::Own(3.0, "the disk's sync")], Some(true)),
        ] {
            assert_eq!(row(goals).is_met(), met);
        }
    }
}
