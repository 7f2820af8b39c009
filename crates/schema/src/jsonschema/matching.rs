//! Maximum matching in a bipartite graph: which subschema of one combination stands for which of the other.

use std::collections::BTreeMap;

/// Pairs of a largest set of edges no two of which share an end, by left end. `edges[l]` lists the right ends that `l`
/// reaches, most wanted first.
pub(super) fn maximum(edges: &[Vec<usize>]) -> Vec<(usize, usize)> {
    let mut partner: BTreeMap<usize, usize> = BTreeMap::new();
    for left in 0..edges.len() {
        augment(edges, left, &mut partner);
    }
    let mut pairs: Vec<(usize, usize)> = partner.into_iter().map(|(right, left)| (left, right)).collect();
    pairs.sort_unstable();
    pairs
}

/// Looks for an alternating path from `start` to a free right end, breadth first, and flips it.
fn augment(edges: &[Vec<usize>], start: usize, partner: &mut BTreeMap<usize, usize>) {
    let mut reached_from: BTreeMap<usize, usize> = BTreeMap::new();
    let mut frontier = std::collections::VecDeque::from([start]);
    while let Some(left) = frontier.pop_front() {
        for right in edges.get(left).map(Vec::as_slice).unwrap_or_default() {
            if reached_from.contains_key(right) {
                continue;
            }
            reached_from.insert(*right, left);
            match partner.get(right) {
                Some(next) => frontier.push_back(*next),
                None => return flip(*right, start, &reached_from, partner),
            }
        }
    }
}

fn flip(
    free: usize,
    start: usize,
    reached_from: &BTreeMap<usize, usize>,
    partner: &mut BTreeMap<usize, usize>,
) {
    let mut right = free;
    while let Some(left) = reached_from.get(&right).copied() {
        let previous = partner.iter().find(|(_, l)| **l == left).map(|(r, _)| *r);
        partner.insert(right, left);
        if left == start {
            return;
        }
        let Some(previous) = previous.filter(|r| *r != right) else { return };
        right = previous;
    }
}
