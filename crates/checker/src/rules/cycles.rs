//! Cycles among operations: each happened before the next by what was written and read.
//!
//! `ww`: a value stands right before another; `wr`: a value was read; realtime: one was done before the other began. The order of
//! writes is inferred and Kafka does not isolate them, so that cycles with `ww` are legal; cycles of `wr` alone, or of `wr` and real
//! time, are not. Real time takes one more node per completion: they stand in a chain, and each operation follows the last completion
//! before it began.

use super::Case;
use crate::graph::Graph;
use crate::history::Outcome;
use crate::index::NONE;
use crate::report::{Report, Rule};

pub(super) fn check(case: &Case<'_>, report: &mut Report) {
    let (ww, wr) = (write_edges(case), read_edges(case));
    let ops = case.history.ops.len();
    tell(report, Rule::WriteCycle, ops, &Graph::new(ops, ww.clone()));
    if !case.settings.atomic {
        return;
    }
    tell(report, Rule::ReadCycle, ops, &Graph::new(ops, wr.clone()));
    let (nodes, realtime) = realtime_edges(case);
    tell(report, Rule::RealtimeReadCycle, ops, &Graph::new(nodes, [wr.clone(), realtime].concat()));
    tell(report, Rule::InferredCycle, ops, &Graph::new(ops, [ww, wr].concat()));
}

fn tell(report: &mut Report, rule: Rule, ops: usize, graph: &Graph) {
    for cycle in graph.cycles() {
        let cycle: Vec<usize> =
            cycle.into_iter().map(|node| node as usize).filter(|node| *node < ops).collect();
        report.add(rule, None, &cycle, || "operations happened before each other in a circle".into());
    }
}

fn write_edges(case: &Case<'_>) -> Vec<(u32, u32)> {
    let mut edges = Vec::new();
    for log in case.versions.logs.values() {
        let writer = |place: usize| log.at(place).first().map_or(NONE, |id| case.index.writer[*id as usize]);
        for place in 1..log.len() {
            edges.push((writer(place - 1), writer(place)));
        }
    }
    edges.retain(|(from, to)| from != to && *from != NONE && *to != NONE);
    edges
}

fn read_edges(case: &Case<'_>) -> Vec<(u32, u32)> {
    let mut edges = Vec::new();
    for id in 0..case.index.len() {
        let writer = case.index.writer[id];
        if writer != NONE && case.index.committed[writer as usize] {
            edges.extend(case.index.readers(id).iter().map(|reader| (writer, *reader)));
        }
    }
    edges.retain(|(from, to)| from != to);
    edges
}

fn realtime_edges(case: &Case<'_>) -> (usize, Vec<(u32, u32)>) {
    let ops = case.history.ops.len() as u32;
    let mut done: Vec<(u64, u32)> = case
        .ops()
        .filter(|(_, op)| op.outcome == Outcome::Ok)
        .map(|(place, op)| (op.completed, place as u32))
        .collect();
    done.sort_unstable();
    let mut edges = Vec::with_capacity(3 * done.len());
    for (rank, (_, place)) in done.iter().enumerate() {
        let moment = ops + rank as u32;
        edges.push((*place, moment));
        if rank > 0 {
            edges.push((moment - 1, moment));
        }
    }
    for (place, op) in case.ops().filter(|(place, _)| case.index.committed[*place]) {
        let before = done.partition_point(|(completed, _)| *completed < op.invoked) as u32;
        if before > 0 {
            edges.push((ops + before - 1, place as u32));
        }
    }
    (ops as usize + done.len(), edges)
}
