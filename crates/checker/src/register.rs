//! A register that many set and get: each get must return what some set put there and no later set had replaced.
//!
//! A set that failed never counts; one of unknown outcome may take effect at any time after it was invoked, or never.

/// A set or a get, with the times between which it took effect.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    pub op: usize,
    pub invoked: u64,
    /// `u64::MAX` for an outcome that is not known.
    pub completed: u64,
    pub value: i64,
}

/// Gets that no order of the sets explains, each with the set that was wrongly forgotten, if there is one.
pub(crate) fn check(sets: &[Access], gets: &[Access], initial: i64) -> Vec<(Access, Option<Access>)> {
    let mut broken = Vec::new();
    let mut by_completion: Vec<&Access> = sets.iter().filter(|set| set.completed != u64::MAX).collect();
    by_completion.sort_unstable_by_key(|set| set.completed);
    // The latest moment of invocation among the sets completed so far: what it replaces was certainly replaced.
    let mut newest: Vec<&Access> = Vec::with_capacity(by_completion.len());
    for set in &by_completion {
        let before = newest.last().copied();
        newest.push(before.filter(|before| before.invoked > set.invoked).unwrap_or(set));
    }
    let mut seen: Vec<(u64, u64, Access)> = Vec::new();
    let mut ordered: Vec<&Access> = gets.iter().collect();
    ordered.sort_unstable_by_key(|get| get.invoked);
    for get in ordered {
        let done = by_completion.partition_point(|set| set.completed < get.invoked);
        let replacing = done.checked_sub(1).map(|last| newest[last]);
        let explains = |set: &&Access| {
            set.value == get.value
                && set.invoked <= get.completed
                && replacing.is_none_or(|replacing| set.completed >= replacing.invoked)
        };
        let initially = get.value == initial && replacing.is_none();
        let sources: Vec<&Access> = sets.iter().filter(explains).collect();
        if sources.is_empty() && !initially {
            broken.push((*get, replacing.copied()));
            continue;
        }
        if initially {
            // The initial value lies before every set: a get that saw a set must not come before this one.
            if let Some((.., earlier)) = seen
                .iter()
                .find(|(_, completed, earlier)| *completed < get.invoked && earlier.value != get.value)
                && sources.is_empty()
            {
                broken.push((*get, Some(*earlier)));
            }
            continue;
        }
        // A get before this one that saw something certainly later.
        let latest_source = sources.iter().map(|set| set.completed).max().unwrap_or(u64::MAX);
        let went_back = seen.iter().find(|(earliest_source, completed, _)| {
            *completed < get.invoked && *earliest_source > latest_source
        });
        if let Some((.., earlier)) = went_back {
            broken.push((*get, Some(*earlier)));
        }
        let earliest = sources.iter().map(|set| set.invoked).min().unwrap_or(0);
        seen.push((earliest, get.completed, *get));
        prune(&mut seen);
    }
    broken
}

/// Of what was seen only the entries that can still convict are kept.
fn prune(seen: &mut Vec<(u64, u64, Access)>) {
    if seen.len() > 64 {
        seen.sort_unstable_by_key(|(source, ..)| std::cmp::Reverse(*source));
        seen.truncate(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(invoked: u64, completed: u64, value: i64) -> Access {
        Access { op: 0, invoked, completed, value }
    }

    #[test]
    fn a_get_returns_a_set_that_was_not_replaced() {
        const EVER: u64 = u64::MAX;
        let sets = [access(0, 10, 1), access(20, 30, 2), access(25, EVER, 3)];
        for (gets, broken) in [
            (vec![access(11, 12, 1)], 0),
            (vec![access(0, 5, -1)], 0),
            (vec![access(11, 12, -1)], 1),
            (vec![access(21, 22, 1)], 0),
            (vec![access(31, 32, 1)], 1),
            (vec![access(31, 32, 2)], 0),
            (vec![access(31, 32, 3), access(40, 41, 2)], 0),
            (vec![access(15, 16, 2)], 1),
            (vec![access(21, 22, 2), access(23, 24, 1)], 1),
            (vec![access(31, 32, 9)], 1),
        ] {
            assert_eq!(check(&sets, &gets, -1).len(), broken, "{gets:?}");
        }
    }
}
