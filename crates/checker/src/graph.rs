//! Cycles: a graph in flat arrays, its strongly connected components, and a shortest cycle in each as the witness.

use crate::index::starts;

/// A directed graph; nodes are numbers from 0.
#[derive(Debug)]
pub(crate) struct Graph {
    starts: Vec<u32>,
    targets: Vec<u32>,
}

impl Graph {
    pub fn new(nodes: usize, mut edges: Vec<(u32, u32)>) -> Self {
        edges.sort_unstable();
        edges.dedup();
        let starts = starts(nodes, edges.iter().map(|(from, _)| *from));
        Self { starts, targets: edges.into_iter().map(|(_, to)| to).collect() }
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn next(&self, node: u32) -> &[u32] {
        &self.targets[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }

    /// A shortest cycle through some node of each component that has one.
    pub fn cycles(&self) -> Vec<Vec<u32>> {
        let component = self.components();
        let mut size = vec![0_u32; self.len()];
        component.iter().for_each(|of| size[*of as usize] += 1);
        let mut seen = vec![false; self.len()];
        let mut cycles = Vec::new();
        for node in 0..self.len() as u32 {
            let of = component[node as usize] as usize;
            if size[of] > 1 && !seen[of] {
                seen[of] = true;
                cycles.extend(self.shortest_cycle(node, &component));
            }
        }
        cycles
    }

    /// Tarjan's algorithm with a stack of its own: the component of each node.
    fn components(&self) -> Vec<u32> {
        const UNSEEN: u32 = u32::MAX;
        let nodes = self.len();
        let (mut order, mut low) = (vec![UNSEEN; nodes], vec![0_u32; nodes]);
        let (mut component, mut on_stack) = (vec![UNSEEN; nodes], vec![false; nodes]);
        let (mut stack, mut calls) = (Vec::new(), Vec::new());
        let (mut counter, mut components) = (0_u32, 0_u32);
        for root in 0..nodes as u32 {
            if order[root as usize] != UNSEEN {
                continue;
            }
            calls.push((root, 0_usize));
            while let Some((node, at)) = calls.pop() {
                let place = node as usize;
                if at == 0 {
                    (order[place], low[place]) = (counter, counter);
                    counter += 1;
                    stack.push(node);
                    on_stack[place] = true;
                }
                match self.next(node).get(at) {
                    Some(next) => {
                        calls.push((node, at + 1));
                        if order[*next as usize] == UNSEEN {
                            calls.push((*next, 0));
                        } else if on_stack[*next as usize] {
                            low[place] = low[place].min(order[*next as usize]);
                        }
                    }
                    None => {
                        if low[place] == order[place] {
                            while let Some(member) = stack.pop() {
                                on_stack[member as usize] = false;
                                component[member as usize] = components;
                                if member == node {
                                    break;
                                }
                            }
                            components += 1;
                        }
                        if let Some((parent, _)) = calls.last() {
                            let parent = *parent as usize;
                            low[parent] = low[parent].min(low[place]);
                        }
                    }
                }
            }
        }
        component
    }

    /// Breadth first from `node` back to itself, within its component.
    fn shortest_cycle(&self, node: u32, component: &[u32]) -> Option<Vec<u32>> {
        let inside = component[node as usize];
        let mut from = std::collections::BTreeMap::new();
        let mut queue = std::collections::VecDeque::from([node]);
        while let Some(at) = queue.pop_front() {
            for next in self.next(at).iter().copied().filter(|next| component[*next as usize] == inside) {
                if next == node {
                    let mut cycle = vec![at];
                    let mut back = at;
                    while back != node {
                        back = *from.get(&back)?;
                        cycle.push(back);
                    }
                    cycle.reverse();
                    return Some(cycle);
                }
                from.entry(next).or_insert_with(|| {
                    queue.push_back(next);
                    at
                });
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_one_shortest_cycle_per_component() {
        for (nodes, edges, expected) in [
            (3, vec![(0, 1), (1, 2)], vec![]),
            (3, vec![(0, 1), (1, 2), (2, 0)], vec![vec![0, 1, 2]]),
            (4, vec![(0, 1), (1, 2), (2, 0), (1, 0), (3, 0)], vec![vec![0, 1]]),
            (6, vec![(0, 1), (1, 0), (3, 4), (4, 5), (5, 3), (1, 3)], vec![vec![0, 1], vec![3, 4, 5]]),
        ] {
            assert_eq!(Graph::new(nodes, edges.clone()).cycles(), expected, "{edges:?}");
        }
    }

    #[test]
    fn a_long_chain_needs_no_deep_stack() {
        let count = 200_000_u32;
        let mut edges: Vec<_> = (0..count - 1).map(|node| (node, node + 1)).collect();
        edges.push((count - 1, 0));
        assert_eq!(Graph::new(count as usize, edges).cycles()[0].len(), count as usize);
    }
}
