//! The table of what the cluster is to do, in its order: both sides, the ratio, met or missed; what was not measured is said to be so.

use std::collections::BTreeMap;
use std::fmt;

use crate::measure::{median, percentile};
use crate::report::figure;
use crate::subject::Kind;

/// What a scenario found for one row on one side.
#[derive(Clone, PartialEq, Debug)]
pub struct Measured {
    /// The row.
    pub key: &'static str,
    /// One figure a run.
    pub values: Vec<f64>,
    /// Errors that reached the application.
    pub errors: usize,
    /// Whether it was less than the target speaks of: fewer partitions, a shorter time.
    pub is_reduced: bool,
}

impl Measured {
    /// Nothing yet.
    pub fn of(key: &'static str) -> Self {
        Self { key, values: Vec::new(), errors: 0, is_reduced: false }
    }

    /// One figure.
    pub fn one(key: &'static str, value: f64) -> Self {
        Self { values: vec![value], ..Self::of(key) }
    }

    /// Adds one run: the figure, and the errors.
    pub fn add(&mut self, (value, errors): (f64, usize)) {
        self.values.push(value);
        self.errors += errors;
    }
}

/// When a row is met.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Goal {
    /// It explains others.
    None,
    /// The worst run.
    Worst(f64),
    /// The median, and the worst run, without an error.
    Quiet(f64, f64),
    /// The median.
    Median(f64),
    /// The medians' ratio.
    Ratio(f64),
}

/// Key, what, unit, the target in words, and when it is met.
type Row = (&'static str, &'static str, &'static str, &'static str, Goal);

const ROWS: &[Row] = &[
    (
        "kill",
        "kill -9 of a leader that leads the quorum, no retries",
        "ms",
        "median ≤ 1000, worst of 30 ≤ 2000",
        Goal::Quiet(1000.0, 2000.0),
    ),
    (
        "pause",
        "SIGSTOP of such a leader, request.timeout.ms=1000",
        "ms",
        "worst of 20 ≤ 3000",
        Goal::Worst(3000.0),
    ),
    (
        "pause-fresh",
        "SIGSTOP of such a leader, a fresh client",
        "ms",
        "worst of 20 ≤ 3000",
        Goal::Worst(3000.0),
    ),
    ("pause-default", "SIGSTOP of such a leader, client as it comes", "ms", "printed", Goal::None),
    (
        "cut",
        "full partition of such a leader, request.timeout.ms=1000",
        "ms",
        "worst of 20 ≤ 3000",
        Goal::Worst(3000.0),
    ),
    (
        "cut-fresh",
        "full partition of such a leader, a fresh client",
        "ms",
        "worst of 20 ≤ 3000",
        Goal::Worst(3000.0),
    ),
    (
        "one-way",
        "one-way partition of such a leader, request.timeout.ms=1000",
        "ms",
        "worst of 20 ≤ 3000",
        Goal::Worst(3000.0),
    ),
    (
        "one-way-fresh",
        "one-way partition of such a leader, a fresh client",
        "ms",
        "worst of 20 ≤ 3000",
        Goal::Worst(3000.0),
    ),
    ("alone", "full partition, from clients as well, request.timeout.ms=1000", "ms", "printed", Goal::None),
    ("alone-fresh", "full partition, from clients as well, a fresh client", "ms", "printed", Goal::None),
    (
        "shutdown",
        "controlled shutdown of such a leader, retries as by default",
        "ms",
        "median ≤ 100, worst of 20 ≤ 500, no error",
        Goal::Quiet(100.0, 500.0),
    ),
    (
        "elect",
        "preferred election, retries as by default",
        "ms",
        "median ≤ 100, worst of 20 ≤ 500, no error",
        Goal::Quiet(100.0, 500.0),
    ),
    (
        "reassign",
        "reassignment of a leader, retries as by default",
        "ms",
        "median ≤ 100, worst of 20 ≤ 500, no error",
        Goal::Quiet(100.0, 500.0),
    ),
    ("rolling", "rolling restart of all three, idempotent: longest gap", "ms", "≤ 500", Goal::Worst(500.0)),
    ("rolling-lost", "rolling restart: acknowledged and not there", "records", "0", Goal::Worst(0.0)),
    ("rolling-doubled", "rolling restart: there more than once", "records", "0", Goal::Worst(0.0)),
    ("start", "three empty folders to the first acknowledged RF 3 record", "s", "≤ 2", Goal::Worst(2.0)),
    ("many-create", "10,000 partitions RF 3 (Kafka: 1,000), created", "s", "≤ 20", Goal::Worst(20.0)),
    ("many-elect", "10,000 partitions, all led elsewhere after a death", "s", "≤ 5", Goal::Worst(5.0)),
    (
        "many-restart",
        "10,000 partitions, restart of one until all is in sync",
        "s",
        "≤ 10",
        Goal::Worst(10.0),
    ),
    ("s12-cpu", "S12 RF 3 acks=all, cluster CPU, durable", "s/GiB", "≤ 0.5 of Kafka", Goal::Ratio(0.5)),
    (
        "s12-cpu-relaxed",
        "S12 RF 3 acks=all, cluster CPU, relaxed",
        "s/GiB",
        "≤ 0.4 of Kafka",
        Goal::Ratio(0.4),
    ),
    ("s12-rate", "S12, durable", "MiB/s", "", Goal::None),
    ("s12-rate-relaxed", "S12, relaxed", "MiB/s", "", Goal::None),
    (
        "change",
        "CPU of a change of one topic beside 10,000 (Kafka: 1,000), over that beside 10",
        "×",
        "≤ 1.2",
        Goal::Median(1.2),
    ),
    ("steady", "elections in 30 minutes of full load", "", "0", Goal::Worst(0.0)),
    ("idle-memory", "three idle nodes, resident memory", "MiB", "", Goal::None),
    ("idle-cpu", "three idle nodes, CPU", "ms/s", "", Goal::None),
];

/// The rows with what was found.
#[derive(Debug, Default)]
pub struct Table {
    /// Lines above the table.
    pub notes: Vec<String>,
    /// Why rows have no figures.
    pub failed: Vec<String>,
    ours: BTreeMap<&'static str, Measured>,
    theirs: BTreeMap<&'static str, Measured>,
}

impl Table {
    /// Puts in what one side's scenario found. The relaxed mode has rows of its own, beside the same figures of Kafka.
    pub fn add(&mut self, kind: Kind, found: Measured) {
        let relaxed =
            ROWS.iter().map(|row| row.0).find(|key| key.strip_suffix("-relaxed") == Some(found.key));
        match (kind, relaxed) {
            (Kind::Kafka, _) => {
                self.theirs.extend(relaxed.map(|key| (key, found.clone())));
                self.theirs.insert(found.key, found);
            }
            (Kind::Relaxed, Some(key)) => drop(self.ours.insert(key, found)),
            _ => drop(self.ours.insert(found.key, found)),
        }
    }

    /// Whether a row is met; nothing where there is no target or no figure.
    fn is_met(&self, (key, _, _, _, goal): &Row) -> Option<bool> {
        let ours = self.ours.get(key).filter(|found| !found.values.is_empty())?;
        let (middle, worst) = (median(&ours.values), percentile(&ours.values, 100.0));
        match *goal {
            Goal::None => None,
            Goal::Worst(most) => Some(worst <= most),
            Goal::Quiet(typical, most) => {
                let is_quiet = ours.errors == 0 || *key == "kill";
                Some(middle <= typical && worst <= most && is_quiet)
            }
            Goal::Median(most) => Some(middle <= most),
            Goal::Ratio(most) => Some(self.ratio(key)? <= most),
        }
    }

    /// Whether there were fewer runs than the target speaks of, or smaller ones.
    fn is_less(&self, (key, _, _, target, _): &Row) -> bool {
        let runs =
            ["worst of 20", "worst of 30"].iter().zip([20, 30]).find(|(words, _)| target.contains(**words));
        let runs = runs.map_or(1, |(_, runs)| runs);
        self.ours.get(key).is_some_and(|found| found.is_reduced || found.values.len() < runs)
    }

    fn ratio(&self, key: &str) -> Option<f64> {
        let (ours, theirs) = (self.ours.get(key)?, self.theirs.get(key)?);
        let is_paired = key.starts_with("s12") && ours.values.len() == theirs.values.len();
        let ratio = if is_paired {
            let ratios = ours.values.iter().zip(&theirs.values).map(|(ours, theirs)| ours / theirs);
            median(&ratios.collect::<Vec<_>>())
        } else {
            median(&ours.values) / median(&theirs.values)
        };
        ratio.is_finite().then_some(ratio)
    }

    fn write_row(&self, f: &mut fmt::Formatter<'_>, row: &Row) -> fmt::Result {
        let (key, what, unit, target, goal) = row;
        write!(f, "| {what} | {unit} {}{}", side(self.ours.get(key)), side(self.theirs.get(key)))?;
        let ratio = self.ratio(key).map(|ratio| format!("{ratio:.3}")).unwrap_or_default();
        let verdict = match self.is_met(row) {
            Some(true) if self.is_less(row) => "met in less than that",
            Some(true) => "met",
            Some(false) => "missed",
            None if *goal == Goal::None && self.ours.contains_key(key) => "",
            None => "not measured",
        };
        writeln!(f, "| {ratio} | {target} | {verdict} |")
    }
}

/// Median, worst and number of runs of one side.
fn side(found: Option<&Measured>) -> String {
    let Some(found) = found.filter(|found| !found.values.is_empty()) else { return "| | ".into() };
    let errors = if found.errors == 0 { String::new() } else { format!(", {} errors", found.errors) };
    let worst = figure(percentile(&found.values, 100.0));
    format!("| {} | {worst} of {}{errors} ", figure(median(&found.values)), found.values.len())
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.notes.iter().try_for_each(|note| writeln!(f, "- {note}"))?;
        writeln!(f, "\n| what | unit | Mekong median | worst | Kafka median | worst | ratio | target | |")?;
        writeln!(f, "|---|---|--:|--:|--:|--:|--:|---|---|")?;
        ROWS.iter().try_for_each(|row| self.write_row(f, row))?;
        let (met, less): (Vec<&Row>, Vec<&Row>) =
            ROWS.iter().filter(|row| self.is_met(row) == Some(true)).partition(|row| !self.is_less(row));
        let missed = ROWS.iter().filter(|row| self.is_met(row) == Some(false)).count();
        let all = ROWS.iter().filter(|row| row.4 != Goal::None).count();
        let (met, less) = (met.len(), less.len());
        let rest = all - met - less - missed;
        writeln!(
            f,
            "\nOf {all} targets {met} met, {less} met in less than they ask for, {missed} missed, {rest} not measured."
        )?;
        self.failed.iter().try_for_each(|failure| writeln!(f, "\nNot measured: {failure}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_is_not_met() {
        let mut table = Table::default();
        let found =
            |key, values: &[f64], errors| Measured { values: values.to_vec(), errors, ..Measured::of(key) };
        table.add(Kind::Durable, found("kill", &[300.0, 2100.0, 310.0], 4));
        table.add(Kind::Durable, found("shutdown", &[20.0, 90.0], 0));
        table.add(Kind::Durable, found("elect", &[20.0, 90.0], 1));
        table.add(Kind::Durable, found("s12-cpu", &[2.0], 0));
        table.add(Kind::Relaxed, found("s12-cpu", &[1.0], 0));
        for (key, met) in [
            ("kill", Some(false)),
            ("shutdown", Some(true)),
            ("elect", Some(false)),
            ("s12-cpu", None),
            ("reassign", None),
        ] {
            let row = ROWS.iter().find(|row| row.0 == key).unwrap();
            assert_eq!(table.is_met(row), met, "{key}");
        }
        table.add(Kind::Kafka, found("s12-cpu", &[4.0], 0));
        let ratios = ["s12-cpu", "s12-cpu-relaxed"].map(|key| table.ratio(key));
        assert_eq!(ratios, [Some(0.5), Some(0.25)]);
        let text = table.to_string();
        for row in [
            "| 90.0 of 2 | | |  | median ≤ 100, worst of 20 ≤ 500, no error | met in less than that |",
            "default | ms | | | | |  | median ≤ 100, worst of 20 ≤ 500, no error | not measured |",
        ] {
            assert!(text.contains(row), "{text}");
        }
        assert!(
            text.contains("Of 21 targets 2 met, 1 met in less than they ask for, 2 missed, 16 not measured."),
            "{text}"
        );
    }
}
