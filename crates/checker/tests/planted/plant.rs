//! Anomalies: each edits a clean history as a broken system would have left it, or says that it found no place for it.

use checker::{Call, History, Mop, Observation, Op, Outcome, Rule};

use crate::model::{Draws, Shape};

/// One kind of anomaly.
pub struct Kind {
    pub name: &'static str,
    /// The workload it belongs to.
    pub shape: Shape,
    /// The rule that must find it.
    pub rule: Rule,
    /// Whether it found a place.
    pub plant: fn(&mut History, &mut Draws) -> bool,
}

const fn kind(
    name: &'static str,
    shape: Shape,
    rule: Rule,
    plant: fn(&mut History, &mut Draws) -> bool,
) -> Kind {
    Kind { name, shape, rule, plant }
}

use Shape::{Compacted, Plain, Transactions};

pub const KINDS: &[Kind] = &[
    kind("one offset, two values", Plain, Rule::InconsistentOffsets, two_values),
    kind("a record appended twice", Plain, Rule::Duplicate, twice),
    kind("a failed write is read", Plain, Rule::AbortedRead, failed_is_read),
    kind("an aborted write is read", Transactions, Rule::AbortedRead, failed_is_read),
    kind("a failed write flashes up", Plain, Rule::FailedWriteVisible, failed_flashes),
    kind("a transaction reads itself", Transactions, Rule::PrecommittedRead, reads_itself),
    kind("a write vanishes amid others", Plain, Rule::LostWrite, |history, draws| {
        vanish(history, draws, false)
    }),
    kind("the last write vanishes", Plain, Rule::Unseen, |history, draws| vanish(history, draws, true)),
    kind("a poll leaves one out", Plain, Rule::IntPollSkip, poll_leaves_out),
    kind("a poll turns two around", Plain, Rule::IntNonmonotonicPoll, poll_turns),
    kind("a poll repeats one", Plain, Rule::IntNonmonotonicPoll, poll_repeats),
    kind("a poll begins too late", Plain, Rule::PollSkip, poll_begins_late),
    kind("a poll begins too early", Plain, Rule::NonmonotonicPoll, poll_begins_early),
    kind("sends of one operation turn around", Plain, Rule::IntNonmonotonicSend, sends_turn),
    kind("sends of one process turn around", Plain, Rule::NonmonotonicSend, process_sends_turn),
    kind("two transactions read each other", Transactions, Rule::ReadCycle, read_each_other),
    kind("two transactions read each other early", Transactions, Rule::EarlyRead, read_each_other),
    kind("a read from the future", Transactions, Rule::RealtimeReadCycle, from_the_future),
    kind("a value from nowhere", Plain, Rule::PhantomRead, phantom),
    kind("a transaction is torn", Transactions, Rule::TornTransaction, torn),
    kind("a verdict is taken back", Transactions, Rule::DecidedThenFlipped, verdict_back),
    kind("a committed transaction is called aborted", Transactions, Rule::DecidedThenFlipped, verdict_wrong),
    kind("a watermark goes back", Plain, Rule::MarkRegressed, mark_back),
    kind("an answer names another offset", Plain, Rule::AckOffset, wrong_offset),
    kind("a committed offset goes back", Plain, Rule::RegisterRegressed, register_back),
    kind("a committed offset from nowhere", Plain, Rule::RegisterRegressed, register_nowhere),
    kind("two owners", Plain, Rule::DoubleAssignment, two_owners),
    kind("a generation goes back", Plain, Rule::GenerationRegressed, generation_back),
    kind("a source record twice", Plain, Rule::TransformedTwice, transformed_twice),
    kind("source records out of order", Plain, Rule::TransformedTwice, transformed_turned),
    kind("money appears", Plain, Rule::BankTotal, money),
    kind("compaction loses a value", Compacted, Rule::Compaction, compaction_loses),
    kind("compaction keeps two", Compacted, Rule::Compaction, compaction_keeps),
    kind("a look-up by time misses", Plain, Rule::TimestampOffset, look_up_misses),
    kind("replicas differ", Plain, Rule::ReplicasDiffer, replicas_differ),
    kind("a fresh consumer sees old", Plain, Rule::StaleRead, stale),
    kind("nothing goes on after the fault", Plain, Rule::Stalled, stall),
    kind("a poll after an abort goes on", Transactions, Rule::AbortRewind, no_rewind),
    kind("a commit runs ahead", Plain, Rule::CommittedTooFar, commit_ahead),
    kind("a broker panics", Plain, Rule::BrokerPanicked, panics),
];

/// The records of a poll or a full read.
fn reads_mut(op: &mut Op) -> Vec<&mut Vec<(u32, i64, u64)>> {
    match &mut op.call {
        Call::Records(mops) => mops
            .iter_mut()
            .filter_map(|mop| match mop {
                Mop::Poll { records } => Some(records),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Places of operations that a test takes to, in drawn order.
fn pick(history: &History, draws: &mut Draws, wanted: impl Fn(&Op) -> bool) -> Option<usize> {
    let places: Vec<usize> = (0..history.ops.len()).filter(|place| wanted(&history.ops[*place])).collect();
    places.get(draws.below(places.len())).copied()
}

fn polled(op: &Op) -> Vec<(u32, i64, u64)> {
    op.polled().collect()
}

fn is_ok_poll(op: &Op, least: usize) -> bool {
    op.outcome == Outcome::Ok && op.polled().count() >= least
}

/// The full read of a key, to edit.
fn full_mut(history: &mut History, wanted: u32) -> Option<&mut Vec<(i64, u64)>> {
    history.ops.iter_mut().find_map(|op| match &mut op.call {
        Call::FullRead { key, records, .. } if *key == wanted => Some(records),
        _ => None,
    })
}

fn full(history: &History, wanted: u32) -> Vec<(i64, u64)> {
    let found = history.ops.iter().find_map(|op| match &op.call {
        Call::FullRead { key, records, .. } if *key == wanted => Some(records.clone()),
        _ => None,
    });
    found.unwrap_or_default()
}

/// Takes a value out of everything that was read.
fn remove_reads(history: &mut History, key: u32, value: u64) {
    for op in &mut history.ops {
        reads_mut(op).into_iter().for_each(|records| records.retain(|read| (read.0, read.2) != (key, value)));
        if let Call::FullRead { key: of, records, .. } = &mut op.call
            && *of == key
        {
            records.retain(|read| read.1 != value);
        }
    }
}

/// Values in all reads and answers, one for the other.
fn swap_values(history: &mut History, key: u32, one: u64, other: u64) {
    let swapped = |value: u64| match value {
        _ if value == one => other,
        _ if value == other => one,
        _ => value,
    };
    for op in &mut history.ops {
        match &mut op.call {
            Call::FullRead { key: of, records, .. } if *of == key => {
                records.iter_mut().for_each(|read| read.1 = swapped(read.1));
            }
            Call::Records(mops) => {
                for mop in mops {
                    if let Mop::Poll { records } = mop {
                        let of_key = records.iter_mut().filter(|read| read.0 == key);
                        of_key.for_each(|read| read.2 = swapped(read.2));
                    }
                }
            }
            _ => {}
        }
    }
    exchange_offsets(history, key, one, other);
}

fn exchange_offsets(history: &mut History, key: u32, one: u64, other: u64) {
    let mut told = [None, None];
    for op in &history.ops {
        for (sent_key, value, offset) in op.sends() {
            if sent_key == key && (value == one || value == other) {
                told[usize::from(value == other)] = offset;
            }
        }
    }
    for op in &mut history.ops {
        let Call::Records(mops) = &mut op.call else { continue };
        for mop in mops {
            if let Mop::Send { key: sent_key, value, offset } = mop
                && *sent_key == key
                && (*value == one || *value == other)
            {
                *offset = told[usize::from(*value == one)];
            }
        }
    }
}

fn two_values(history: &mut History, draws: &mut Draws) -> bool {
    let Some(place) = pick(history, draws, |op| is_ok_poll(op, 1)) else { return false };
    let records = polled(&history.ops[place]);
    let (key, _, value) = records[draws.below(records.len())];
    let other = full(history, key).into_iter().map(|(_, other)| other).find(|other| *other != value);
    let Some(other) = other else { return false };
    for read in reads_mut(&mut history.ops[place]).into_iter().flatten() {
        if (read.0, read.2) == (key, value) {
            read.2 = other;
        }
    }
    true
}

fn twice(history: &mut History, draws: &mut Draws) -> bool {
    let records = full(history, 1);
    let Some((last, _)) = records.last().copied() else { return false };
    let (_, value) = records[draws.below(records.len())];
    full_mut(history, 1).expect("it was there").push((last + 1, value));
    true
}

fn failed_value(history: &History, draws: &mut Draws) -> Option<(u32, u64)> {
    let place = pick(history, draws, |op| op.outcome == Outcome::Fail && op.sends().next().is_some())?;
    history.ops[place].sends().next().map(|(key, value, _)| (key, value))
}

fn failed_is_read(history: &mut History, draws: &mut Draws) -> bool {
    let Some((key, value)) = failed_value(history, draws) else { return false };
    let end = full(history, key).last().map_or(0, |last| last.0 + 1);
    full_mut(history, key).expect("every key has one").push((end, value));
    true
}

fn failed_flashes(history: &mut History, draws: &mut Draws) -> bool {
    let Some((key, value)) = failed_value(history, draws) else { return false };
    let end = full(history, key).last().map_or(0, |last| last.0 + 1);
    let records = vec![(key, end, value)];
    let now = history.ops.last().expect("a history has operations").completed;
    let call = Call::Records(vec![Mop::Poll { records }]);
    history.ops.push(Op::new(70, now + 1, now + 2, Outcome::Info, call));
    true
}

fn reads_itself(history: &mut History, draws: &mut Draws) -> bool {
    let Some(place) = pick(history, draws, |op| op.outcome == Outcome::Ok && op.sends().next().is_some())
    else {
        return false;
    };
    let op = &mut history.ops[place];
    let (key, value, offset) = op.sends().next().expect("it sends");
    let Call::Records(mops) = &mut op.call else { return false };
    mops.push(Mop::Poll { records: vec![(key, offset.unwrap_or(0), value)] });
    true
}

fn vanish(history: &mut History, draws: &mut Draws, last: bool) -> bool {
    let key = draws.below(3) as u32;
    let records = full(history, key);
    let acknowledged = |value: u64| {
        history
            .ops
            .iter()
            .any(|op| op.outcome == Outcome::Ok && op.sends().any(|sent| (sent.0, sent.1) == (key, value)))
    };
    let range = if last {
        records.len().saturating_sub(1)..records.len()
    } else {
        0..records.len().saturating_sub(1)
    };
    let wanted: Vec<u64> =
        records[range].iter().map(|read| read.1).filter(|value| acknowledged(*value)).collect();
    let Some(value) = wanted.get(draws.below(wanted.len())).copied() else { return false };
    remove_reads(history, key, value);
    true
}

fn poll_leaves_out(history: &mut History, draws: &mut Draws) -> bool {
    let Some(place) = pick(history, draws, |op| is_ok_poll(op, 3)) else { return false };
    let mut lists = reads_mut(&mut history.ops[place]);
    let Some(records) = lists.iter_mut().find(|records| records.len() >= 3) else { return false };
    let middle = 1 + draws.below(records.len() - 2);
    records.remove(middle);
    true
}

fn poll_turns(history: &mut History, draws: &mut Draws) -> bool {
    let Some(place) = pick(history, draws, |op| is_ok_poll(op, 2)) else { return false };
    let mut lists = reads_mut(&mut history.ops[place]);
    let Some(records) = lists.iter_mut().find(|records| records.len() >= 2) else { return false };
    let at = draws.below(records.len() - 1);
    records.swap(at, at + 1);
    true
}

fn poll_repeats(history: &mut History, draws: &mut Draws) -> bool {
    let Some(place) = pick(history, draws, |op| is_ok_poll(op, 1)) else { return false };
    let mut lists = reads_mut(&mut history.ops[place]);
    let Some(records) = lists.iter_mut().find(|records| !records.is_empty()) else { return false };
    let at = draws.below(records.len());
    let record = records[at];
    records.insert(at, record);
    true
}

/// An ok poll with the last record that the same process got of the same key before.
fn poll_after_poll(history: &History, draws: &mut Draws, least: usize) -> Option<(usize, (u32, i64, u64))> {
    let mut candidates = Vec::new();
    for (place, op) in history.ops.iter().enumerate().filter(|(_, op)| is_ok_poll(op, least)) {
        let (key, ..) = polled(op)[0];
        let earlier = history.ops[..place]
            .iter()
            .rev()
            .filter(|before| before.process == op.process && before.outcome == Outcome::Ok);
        let before =
            earlier.flat_map(|before| polled(before).into_iter().rev()).find(|record| record.0 == key);
        candidates.extend(before.map(|before| (place, before)));
    }
    candidates.get(draws.below(candidates.len())).copied()
}

fn poll_begins_late(history: &mut History, draws: &mut Draws) -> bool {
    let Some((place, _)) = poll_after_poll(history, draws, 2) else { return false };
    let mut lists = reads_mut(&mut history.ops[place]);
    let Some(records) = lists.iter_mut().find(|records| records.len() >= 2) else { return false };
    records.remove(0);
    true
}

fn poll_begins_early(history: &mut History, draws: &mut Draws) -> bool {
    let Some((place, before)) = poll_after_poll(history, draws, 1) else { return false };
    let mut lists = reads_mut(&mut history.ops[place]);
    let Some(records) = lists.iter_mut().find(|records| !records.is_empty()) else { return false };
    records.insert(0, before);
    true
}

fn sends_turn(history: &mut History, draws: &mut Draws) -> bool {
    let same_key = |op: &Op| {
        let keys: Vec<u32> = op.sends().map(|sent| sent.0).collect();
        op.outcome == Outcome::Ok && keys.len() == 2 && keys[0] == keys[1]
    };
    let Some(place) = pick(history, draws, same_key) else { return false };
    if let Call::Records(mops) = &mut history.ops[place].call {
        mops.reverse();
    }
    true
}

fn process_sends_turn(history: &mut History, draws: &mut Draws) -> bool {
    let mut pairs = Vec::new();
    for (place, op) in history.ops.iter().enumerate().filter(|(_, op)| op.outcome == Outcome::Ok) {
        let Some((key, value, _)) = op.sends().next() else { continue };
        let later = history.ops[place + 1..].iter().filter(|later| later.process == op.process);
        let mut later =
            later.filter(|later| later.outcome == Outcome::Ok && later.sends().any(|sent| sent.0 == key));
        let other = later.next().and_then(|later| later.sends().find(|sent| sent.0 == key));
        pairs.extend(other.map(|other| (key, value, other.1)));
    }
    let Some((key, one, other)) = pairs.get(draws.below(pairs.len())).copied() else { return false };
    swap_values(history, key, one, other);
    true
}

fn sender(op: &Op) -> bool {
    op.outcome == Outcome::Ok && op.sends().next().is_some()
}

fn read_each_other(history: &mut History, draws: &mut Draws) -> bool {
    let (Some(one), Some(other)) = (pick(history, draws, sender), pick(history, draws, sender)) else {
        return false;
    };
    if one == other {
        return false;
    }
    for (reader, writer) in [(one, other), (other, one)] {
        let (key, value, offset) = history.ops[writer].sends().next().expect("it sends");
        if let Call::Records(mops) = &mut history.ops[reader].call {
            mops.insert(0, Mop::Poll { records: vec![(key, offset.unwrap_or(0), value)] });
        }
    }
    true
}

fn from_the_future(history: &mut History, draws: &mut Draws) -> bool {
    let Some(writer) = pick(history, draws, sender) else { return false };
    let invoked = history.ops[writer].invoked;
    let Some(reader) = pick(history, draws, |op| {
        op.outcome == Outcome::Ok && op.completed < invoked && !op.mops().is_empty()
    }) else {
        return false;
    };
    let (key, value, offset) = history.ops[writer].sends().next().expect("it sends");
    if let Call::Records(mops) = &mut history.ops[reader].call {
        mops.push(Mop::Poll { records: vec![(key, offset.unwrap_or(0), value)] });
    }
    true
}

fn phantom(history: &mut History, _: &mut Draws) -> bool {
    let end = full(history, 2).last().map_or(0, |last| last.0 + 1);
    full_mut(history, 2).expect("every key has one").push((end, 999_999));
    true
}

fn torn(history: &mut History, draws: &mut Draws) -> bool {
    // Proof that it was committed must come before the read that lacks a part: so the part is of a later key, or was polled.
    let spans = |op: &Op| {
        let keys: Vec<u32> = op.sends().map(|sent| sent.0).collect();
        op.outcome == Outcome::Ok && keys.windows(2).any(|pair| pair[0] < pair[1])
    };
    let Some(place) = pick(history, draws, spans) else { return false };
    let sends: Vec<_> = history.ops[place].sends().collect();
    let Some((key, value, _)) = sends.iter().max_by_key(|sent| sent.0).copied() else { return false };
    if !sends.iter().any(|sent| sent.0 < key) {
        return false;
    }
    remove_reads(history, key, value);
    true
}

fn verdict_back(history: &mut History, draws: &mut Draws) -> bool {
    let verdicts: Vec<Observation> = history
        .observations
        .iter()
        .filter(|seen| matches!(seen, Observation::Decided { .. }))
        .cloned()
        .collect();
    match verdicts.get(draws.below(verdicts.len())) {
        Some(Observation::Decided { key, value, committed }) => {
            let flipped = Observation::Decided { key: *key, value: *value, committed: !committed };
            history.observations.push(flipped);
            true
        }
        _ => false,
    }
}

fn verdict_wrong(history: &mut History, draws: &mut Draws) -> bool {
    let verdicts: Vec<usize> = (0..history.observations.len())
        .filter(|place| matches!(history.observations[*place], Observation::Decided { .. }))
        .collect();
    let Some(place) = verdicts.get(draws.below(verdicts.len())).copied() else { return false };
    if let Observation::Decided { committed, .. } = &mut history.observations[place] {
        *committed = false;
    }
    true
}

fn mark_back(history: &mut History, draws: &mut Draws) -> bool {
    let marks: Vec<Observation> = history
        .observations
        .iter()
        .filter(|seen| matches!(seen, Observation::Mark { value, .. } if *value > 0))
        .cloned()
        .collect();
    match marks.get(draws.below(marks.len())) {
        Some(Observation::Mark { process, key, mark, value }) => {
            let (process, key, mark, value) = (*process, *key, *mark, *value - 1);
            history.observations.push(Observation::Mark { process, key, mark, value });
            true
        }
        _ => false,
    }
}

fn wrong_offset(history: &mut History, draws: &mut Draws) -> bool {
    let Some(place) = pick(history, draws, sender) else { return false };
    let Call::Records(mops) = &mut history.ops[place].call else { return false };
    for mop in mops {
        if let Mop::Send { offset: Some(offset), .. } = mop {
            *offset += 1000;
            return true;
        }
    }
    false
}

fn register_back(history: &mut History, draws: &mut Draws) -> bool {
    let mut sets = Vec::new();
    let mut candidates = Vec::new();
    for (place, op) in history.ops.iter().enumerate() {
        match op.call {
            Call::Set { value, .. } => sets.push(value),
            Call::Get { .. } if sets.len() >= 2 => candidates.push((place, sets[sets.len() - 2])),
            _ => {}
        }
    }
    let Some((place, older)) = candidates.get(draws.below(candidates.len())).copied() else { return false };
    history.ops[place].call = Call::Get { register: 1, value: older };
    true
}

fn register_nowhere(history: &mut History, draws: &mut Draws) -> bool {
    let Some(place) = pick(history, draws, |op| matches!(op.call, Call::Get { .. })) else { return false };
    history.ops[place].call = Call::Get { register: 1, value: 1_000_000 };
    true
}

fn assignment(history: &mut History, draws: &mut Draws, change: impl Fn(&mut Observation)) -> bool {
    let places: Vec<usize> = (0..history.observations.len())
        .filter(|place| matches!(&history.observations[*place], Observation::Assignment { keys, generation, .. } if !keys.is_empty() && *generation > 1))
        .collect();
    let mut copy = history.observations[places[draws.below(places.len())]].clone();
    change(&mut copy);
    history.observations.push(copy);
    true
}

fn two_owners(history: &mut History, draws: &mut Draws) -> bool {
    assignment(history, draws, |seen| {
        if let Observation::Assignment { member, .. } = seen {
            *member += 100;
        }
    })
}

fn generation_back(history: &mut History, draws: &mut Draws) -> bool {
    assignment(history, draws, |seen| {
        if let Observation::Assignment { generation, .. } = seen {
            *generation = 1;
        }
    })
}

fn transformed_twice(history: &mut History, draws: &mut Draws) -> bool {
    let records = full(history, 0);
    if records.len() < 2 {
        return false;
    }
    let from = draws.below(records.len() - 1);
    let sink = (0, records[from + 1].1);
    history.observations.push(Observation::Transformed { source: (90, from as i64), sink });
    true
}

fn transformed_turned(history: &mut History, draws: &mut Draws) -> bool {
    let made: Vec<usize> = (0..history.observations.len())
        .filter(|place| matches!(history.observations[*place], Observation::Transformed { .. }))
        .collect();
    if made.len() < 2 {
        return false;
    }
    let at = draws.below(made.len() - 1);
    let (one, other) = (history.observations[made[at]].clone(), history.observations[made[at + 1]].clone());
    let (Observation::Transformed { source: first, .. }, Observation::Transformed { source: second, .. }) =
        (one, other)
    else {
        return false;
    };
    for (place, new) in [(made[at], second), (made[at + 1], first)] {
        if let Observation::Transformed { source, .. } = &mut history.observations[place] {
            *source = new;
        }
    }
    true
}

fn money(history: &mut History, _: &mut Draws) -> bool {
    history.observations.push(Observation::BankTotal { total: 5, expected: 0 });
    true
}

fn compacted_mut(history: &mut History) -> Option<&mut Vec<(i64, u64, u64)>> {
    history.observations.iter_mut().find_map(|seen| match seen {
        Observation::Compacted { records, .. } if !records.is_empty() => Some(records),
        _ => None,
    })
}

fn compaction_loses(history: &mut History, draws: &mut Draws) -> bool {
    let Some(records) = compacted_mut(history) else { return false };
    let at = draws.below(records.len());
    records.remove(at);
    true
}

fn compaction_keeps(history: &mut History, draws: &mut Draws) -> bool {
    let Some(records) = compacted_mut(history) else { return false };
    let (offset, key, value) = records[draws.below(records.len())];
    records.insert(0, (offset.min(0) - 1, key, value));
    true
}

fn look_up_misses(history: &mut History, draws: &mut Draws) -> bool {
    let found = |op: &Op| matches!(op.call, Call::OffsetForTimestamp { found: Some(_), .. });
    let Some(place) = pick(history, draws, found) else { return false };
    // Only what was acknowledged before the question proves that the answer is wrong.
    let asked = history.ops[place].invoked;
    let Call::OffsetForTimestamp { key, found, .. } = &history.ops[place].call else { return false };
    let (key, offset) = (*key, found.map(|found| found.0));
    let is_old = history.ops.iter().any(|op| {
        op.outcome == Outcome::Ok
            && op.completed < asked
            && op.sends().any(|sent| sent.0 == key && sent.2 == offset)
    });
    if !is_old {
        return false;
    }
    if let Call::OffsetForTimestamp { found, .. } = &mut history.ops[place].call {
        *found = None;
    }
    true
}

fn replicas_differ(history: &mut History, draws: &mut Draws) -> bool {
    let places: Vec<usize> = (0..history.observations.len())
        .filter(|place| matches!(history.observations[*place], Observation::ReplicaHash { .. }))
        .collect();
    let place = places[draws.below(places.len())];
    if let Observation::ReplicaHash { hash, .. } = &mut history.observations[place] {
        *hash ^= 1;
    }
    true
}

fn stale(history: &mut History, draws: &mut Draws) -> bool {
    let key = draws.below(3) as u32;
    let records = full(history, key);
    let acknowledged = |value: u64| {
        history
            .ops
            .iter()
            .any(|op| op.outcome == Outcome::Ok && op.sends().any(|sent| (sent.0, sent.1) == (key, value)))
    };
    let wanted: Vec<u64> = records.iter().map(|read| read.1).filter(|value| acknowledged(*value)).collect();
    let Some(value) = wanted.get(draws.below(wanted.len())).copied() else { return false };
    full_mut(history, key).expect("every key has one").retain(|read| read.1 != value);
    true
}

fn stall(history: &mut History, _: &mut Draws) -> bool {
    let healed = history.healed.unwrap_or(0);
    let mut tried = false;
    for op in history.ops.iter_mut().filter(|op| op.completed >= healed && op.sends().next().is_some()) {
        op.outcome = Outcome::Info;
        tried = true;
    }
    tried
}

fn no_rewind(history: &mut History, draws: &mut Draws) -> bool {
    let mut candidates = Vec::new();
    for (place, op) in history.ops.iter().enumerate().filter(|(_, op)| op.outcome == Outcome::Fail) {
        let Some((key, ..)) = op.polled().next() else { continue };
        let mut later = (place + 1..history.ops.len()).filter(|later| {
            let later = &history.ops[*later];
            later.process == op.process && later.polled().any(|record| record.0 == key)
        });
        let next = later
            .next()
            .filter(|next| history.ops[*next].polled().filter(|record| record.0 == key).count() >= 2);
        candidates.extend(next.map(|next| (next, key)));
    }
    let Some((next, key)) = candidates.get(draws.below(candidates.len())).copied() else { return false };
    for records in reads_mut(&mut history.ops[next]) {
        if let Some(first) = records.iter().position(|record| record.0 == key) {
            records.remove(first);
            return true;
        }
    }
    false
}

fn commit_ahead(history: &mut History, draws: &mut Draws) -> bool {
    let Some(place) = pick(history, draws, |op| is_ok_poll(op, 1)) else { return false };
    let (key, offset, _) = polled(&history.ops[place])[0];
    if let Call::Records(mops) = &mut history.ops[place].call {
        mops.push(Mop::SeenCommitted { key, offset: offset + 2 });
    }
    true
}

fn panics(history: &mut History, _: &mut Draws) -> bool {
    let line = "ERROR thread 'worker' panicked at assertion failed".into();
    history.observations.push(Observation::LogLine { broker: 2, line });
    true
}
