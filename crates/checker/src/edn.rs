//! A history in the notation of Jepsen's own checker, so that it can judge the same one.
//!
//! One map per line: the invocation and, later, the completion of each operation, in the order of time.

use std::fmt::Write;

use crate::history::{Call, History, Mop, Op, Outcome};

/// The operations that Jepsen's checker for Kafka knows; the others are left out.
#[must_use]
pub fn to_edn(history: &History) -> String {
    let mut events: Vec<(u64, bool, usize)> = Vec::new();
    for (place, op) in history.ops.iter().enumerate().filter(|(_, op)| function(op).is_some()) {
        events.push((op.invoked, false, place));
        events.push((op.completed, true, place));
    }
    events.sort_unstable();
    let mut text = String::new();
    for (index, (time, completes, place)) in events.into_iter().enumerate() {
        let op = &history.ops[place];
        let kind = match (completes, op.outcome) {
            (false, _) => "invoke",
            (true, Outcome::Ok) => "ok",
            (true, Outcome::Fail) => "fail",
            (true, Outcome::Info) => "info",
        };
        let (process, f) = (op.process, function(op).unwrap_or("crash"));
        let value = value(op, completes);
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{{:index {index}, :time {time}, :process {process}, :type :{kind}, :f :{f}, :value {value}}}"
        );
    }
    text
}

fn function(op: &Op) -> Option<&'static str> {
    let is_send = |mop: &Mop| matches!(mop, Mop::Send { .. });
    match &op.call {
        Call::Assign(_) => Some("assign"),
        Call::Subscribe(_) => Some("subscribe"),
        Call::Crash => Some("crash"),
        Call::FullRead { .. } => Some("poll"),
        Call::Records(mops) if mops.iter().all(is_send) => Some("send"),
        Call::Records(mops) if !mops.iter().any(is_send) => Some("poll"),
        Call::Records(_) => Some("txn"),
        _ => None,
    }
}

fn value(op: &Op, completes: bool) -> String {
    match &op.call {
        Call::Assign(keys) | Call::Subscribe(keys) => {
            let keys: Vec<String> = keys.iter().map(u32::to_string).collect();
            format!("[{}]", keys.join(" "))
        }
        Call::Records(mops) => {
            let mops: Vec<String> = mops.iter().filter_map(|mop| of_mop(mop, completes)).collect();
            format!("[{}]", mops.join(" "))
        }
        Call::FullRead { key, records, .. } if completes => {
            let records: Vec<_> = records.iter().map(|(offset, value)| (*key, *offset, *value)).collect();
            format!("[{}]", polled(&records))
        }
        Call::FullRead { .. } => "[[:poll]]".into(),
        _ => "nil".into(),
    }
}

fn of_mop(mop: &Mop, completes: bool) -> Option<String> {
    match mop {
        Mop::Send { key, value, offset: Some(offset) } if completes => {
            Some(format!("[:send {key} [{offset} {value}]]"))
        }
        Mop::Send { key, value, .. } => Some(format!("[:send {key} {value}]")),
        Mop::Poll { records } if completes => Some(polled(records)),
        Mop::Poll { .. } => Some("[:poll]".into()),
        Mop::SeenCommitted { .. } => None,
    }
}

fn polled(records: &[(u32, i64, u64)]) -> String {
    let mut by_key = std::collections::BTreeMap::<u32, Vec<String>>::new();
    for (key, offset, value) in records {
        by_key.entry(*key).or_default().push(format!("[{offset} {value}]"));
    }
    let keys: Vec<String> =
        by_key.iter().map(|(key, pairs)| format!("{key} [{}]", pairs.join(" "))).collect();
    format!("[:poll {{{}}}]", keys.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_jepsens_notation() {
        let send = Mop::Send { key: 1, value: 7, offset: Some(3) };
        let poll = Mop::Poll { records: vec![(1, 3, 7), (2, 0, 9)] };
        let ops = vec![
            Op::new(0, 1, 4, Outcome::Ok, Call::Records(vec![send])),
            Op::new(1, 2, 6, Outcome::Info, Call::Records(vec![poll])),
        ];
        let expected = "\
{:index 0, :time 1, :process 0, :type :invoke, :f :send, :value [[:send 1 7]]}
{:index 1, :time 2, :process 1, :type :invoke, :f :poll, :value [[:poll]]}
{:index 2, :time 4, :process 0, :type :ok, :f :send, :value [[:send 1 [3 7]]]}
{:index 3, :time 6, :process 1, :type :info, :f :poll, :value [[:poll {1 [[3 7]], 2 [[0 9]]}]]}
";
        assert_eq!(to_edn(&History { ops, ..History::default() }), expected);
    }
}
