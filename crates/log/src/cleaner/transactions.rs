//! Which batches belong to aborted transactions, and which markers still have something to mark.
//!
//! Fed with every batch of a round in offset order. The aborted transactions come from the logs' transaction indexes.

use std::collections::{BTreeMap, BTreeSet};

use base::ProducerId;
use records::control::ControlType;

use crate::index::txn::AbortedTxn;

/// The transactions on the way.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    /// Not yet begun where the walk is; the first one last.
    ahead: Vec<AbortedTxn>,
    aborted: BTreeMap<ProducerId, Aborted>,
    committed: BTreeSet<ProducerId>,
}

#[derive(Debug)]
struct Aborted {
    txn: AbortedTxn,
    has_records: bool,
}

/// What a marker marks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Marked {
    /// Records that are still there below it; with an aborted transaction that must stay in the index.
    Records(Option<AbortedTxn>),
    /// Nothing any more: it may go once its time has come.
    Nothing,
}

impl Transactions {
    /// Over a log with these aborted transactions.
    pub fn new(mut aborted: Vec<AbortedTxn>) -> Self {
        aborted.sort_by_key(|txn| std::cmp::Reverse(txn.first_offset));
        Self { ahead: aborted, ..Self::default() }
    }

    /// Whether a batch of records belongs to an aborted transaction.
    pub fn is_aborted(&mut self, producer: ProducerId, transactional: bool, last_offset: i64) -> bool {
        self.begin_up_to(last_offset);
        if !transactional {
            return false;
        }
        if let Some(aborted) = self.aborted.get_mut(&producer) {
            aborted.has_records = true;
            return true;
        }
        self.committed.insert(producer);
        false
    }

    /// What a control batch marks; `kind` is `None` for one without records.
    pub fn marks(&mut self, producer: ProducerId, kind: Option<ControlType>, last_offset: i64) -> Marked {
        self.begin_up_to(last_offset);
        match kind {
            None => Marked::Nothing,
            Some(ControlType::Abort) => match self.aborted.remove(&producer) {
                Some(Aborted { txn, has_records: true }) => Marked::Records(Some(txn)),
                _ => Marked::Nothing,
            },
            Some(ControlType::Commit) if self.committed.remove(&producer) => Marked::Records(None),
            Some(ControlType::Commit) => Marked::Nothing,
            Some(ControlType::Other(_)) => Marked::Records(None),
        }
    }

    fn begin_up_to(&mut self, offset: i64) {
        while let Some(txn) = self.ahead.pop_if(|txn| txn.first_offset.0 <= offset) {
            self.aborted.entry(txn.producer).or_insert(Aborted { txn, has_records: false });
        }
    }
}

#[cfg(test)]
mod tests {
    use base::Offset;

    use super::*;

    fn txn(producer: i64, first: i64, last: i64) -> AbortedTxn {
        let [first_offset, last_offset, last_stable_offset] = [first, last, last + 1].map(Offset);
        AbortedTxn { producer: ProducerId(producer), first_offset, last_offset, last_stable_offset }
    }

    #[test]
    fn aborted_and_committed_are_told_apart() {
        let (one, two) = (ProducerId(1), ProducerId(2));
        let aborted = txn(1, 10, 30);
        let mut all = Transactions::new(vec![txn(1, 50, 60), aborted]);
        assert!(!all.is_aborted(one, true, 5));
        assert_eq!(all.marks(one, Some(ControlType::Commit), 6), Marked::Records(None));
        assert!(all.is_aborted(one, true, 10));
        assert!(!all.is_aborted(two, true, 12));
        assert!(!all.is_aborted(one, false, 13));
        assert_eq!(all.marks(one, Some(ControlType::Abort), 30), Marked::Records(Some(aborted)));
        assert!(!all.is_aborted(one, true, 40));
        assert_eq!(all.marks(two, Some(ControlType::Commit), 41), Marked::Records(None));
        assert_eq!(all.marks(two, Some(ControlType::Commit), 42), Marked::Nothing);
        assert_eq!(all.marks(one, Some(ControlType::Abort), 60), Marked::Nothing);
        assert_eq!(all.marks(one, None, 61), Marked::Nothing);
    }
}
