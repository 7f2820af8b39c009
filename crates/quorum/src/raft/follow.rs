//! Nodes that follow the quorum from outside: brokers without the controller's role ask its leader for what was committed, and are
//! no members. They have no vote, and nothing waits for them.
//!
//! ```text
//! question := cluster (text) from (u64) wait in ms (u32) wants records (bool)
//! answer   := refusal? (text) epoch (i32) leader? (peer) is the leader (bool) high watermark (u64) voters (key, address)*
//!             handed*
//! handed   := end offset (u64) is a snapshot (bool) first offset (u64) records
//! ```

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Raft;
use super::codec::{Coded, Malformed, get_bytes, get_list, put_bytes, put_list};
use super::network::Peer;
use super::types::{Address, Key, Proposal};
use crate::{Batch, Committed, MetadataLog as _, Voter};

/// Who has not asked for this long follows no more, as in Kafka.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(300);
/// At most this many are told of.
const FOLLOWERS_MAX: usize = 10_000;
/// Nobody is made to wait longer.
const WAIT_MAX: Duration = Duration::from_secs(5);
/// One answer has about as many records at most.
const RECORDS_MAX: usize = 10_000;
/// And as many batches.
const BATCHES_MAX: usize = 1_000;

/// What a follower asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Question {
    /// The cluster it belongs to; empty if it does not know.
    pub cluster: String,
    /// Where it stands.
    pub from: u64,
    /// How long the leader may wait for something new.
    pub wait: Duration,
    /// Whether it takes records now.
    pub wants: bool,
}

/// What it is told.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Why it may not follow.
    pub refusal: Option<String>,
    pub epoch: i32,
    pub leader: Option<Peer>,
    /// Whether who answers is the leader.
    pub leads: bool,
    pub high_watermark: u64,
    pub voters: Vec<(Key, Address)>,
    pub handed: Vec<Committed>,
}

struct Text(String);

impl Coded for Text {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.0.as_bytes(), out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok(Self(String::from_utf8_lossy(get_bytes(from)?).into_owned()))
    }
}

impl Coded for Question {
    fn put(&self, out: &mut Vec<u8>) {
        put_bytes(self.cluster.as_bytes(), out);
        self.from.put(out);
        u32::try_from(self.wait.as_millis()).unwrap_or(u32::MAX).put(out);
        self.wants.put(out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok(Self {
            cluster: Text::get(from)?.0,
            from: u64::get(from)?,
            wait: Duration::from_millis(u64::from(u32::get(from)?)),
            wants: bool::get(from)?,
        })
    }
}

impl Coded for (Key, Address) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok((Key::get(from)?, Address::get(from)?))
    }
}

impl Coded for Committed {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Snapshot { end_offset, records } => {
                end_offset.put(out);
                true.put(out);
                0u64.put(out);
                Proposal(Arc::clone(records)).put(out);
            }
            Self::Batch { end_offset, batch } => {
                end_offset.put(out);
                false.put(out);
                batch.first_offset.put(out);
                Proposal::put_records(&batch.records, out);
            }
        }
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        let (end_offset, is_snapshot, first_offset) = (u64::get(from)?, bool::get(from)?, u64::get(from)?);
        let records = Proposal::get(from)?.0;
        Ok(match is_snapshot {
            true => Self::Snapshot { end_offset, records },
            false => {
                let records = Arc::unwrap_or_clone(records);
                Self::Batch { end_offset, batch: Arc::new(Batch { first_offset, records }) }
            }
        })
    }
}

impl Coded for Answer {
    fn put(&self, out: &mut Vec<u8>) {
        self.refusal.clone().map(Text).put(out);
        self.epoch.put(out);
        self.leader.put(out);
        self.leads.put(out);
        self.high_watermark.put(out);
        put_list(self.voters.iter(), out);
        put_list(self.handed.iter(), out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        Ok(Self {
            refusal: Option::<Text>::get(from)?.map(|text| text.0),
            epoch: i32::get(from)?,
            leader: Option::get(from)?,
            leads: bool::get(from)?,
            high_watermark: u64::get(from)?,
            voters: get_list(from)?,
            handed: get_list(from)?,
        })
    }
}

/// Who follows from outside, as the leader has heard.
#[derive(Debug, Default)]
pub(super) struct Followers(Mutex<BTreeMap<Key, Seen>>);

#[derive(Clone, Copy, Debug)]
struct Seen {
    end: u64,
    at: Instant,
    caught_up: Option<Instant>,
}

impl Followers {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Seen>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A node stands at `end`, while so much is committed.
    fn note(&self, key: Key, end: u64, committed: u64) {
        let mut all = self.lock();
        let at = Instant::now();
        all.retain(|other, seen| {
            seen.at.elapsed() < FORGOTTEN_AFTER && (other.id != key.id || *other == key)
        });
        let before = all.get(&key).and_then(|seen| seen.caught_up);
        let caught_up = if end >= committed { Some(at) } else { before };
        if all.len() < FOLLOWERS_MAX || all.contains_key(&key) {
            all.insert(key, Seen { end, at, caught_up });
        }
    }

    /// Those who asked lately.
    pub fn all(&self) -> Vec<Voter> {
        let all = self.lock();
        let recent = all.iter().filter(|(_, seen)| seen.at.elapsed() < FORGOTTEN_AFTER);
        recent
            .map(|(key, seen)| Voter {
                id: key.id,
                directory: key.directory,
                address: None,
                end_offset: Some(seen.end),
                heard: Some(seen.at.elapsed()),
                caught_up: seen.caught_up.map(|at| at.elapsed()),
            })
            .collect()
    }
}

/// Answers a follower; where nothing is new, a little later.
pub(super) async fn hand(raft: &Raft, key: Key, question: Question) -> Answer {
    if let Some(refusal) = refusal(raft, key, &question) {
        tracing::warn!(node = %key, refusal, "a node may not follow this quorum");
        return Answer { refusal: Some(refusal), ..Answer::default() };
    }
    let until = tokio::time::Instant::now() + question.wait.min(WAIT_MAX);
    let (mut end, mut leadership) = (raft.tail.end(), raft.leadership());
    loop {
        end.mark_unchanged();
        let answer = tell(raft, &question);
        if answer.leads {
            raft.followers.note(key, question.from, answer.high_watermark);
        }
        if !answer.leads || !answer.handed.is_empty() {
            return answer;
        }
        tokio::select! {
            changed = end.changed(), if question.wants => if changed.is_err() { return answer },
            changed = leadership.changed() => if changed.is_err() { return answer },
            () = tokio::time::sleep_until(until) => return answer,
        }
    }
}

fn refusal(raft: &Raft, key: Key, question: &Question) -> Option<String> {
    let own = raft.cluster.get().map(String::as_str).unwrap_or_default();
    if !question.cluster.is_empty() && !own.is_empty() && question.cluster != own {
        return Some(format!(
            "node {} has log directories of cluster {}, and this quorum is of cluster {own}",
            key.id, question.cluster
        ));
    }
    let votes = raft.voters().voters.iter().any(|voter| voter.id == key.id);
    votes.then(|| {
        format!("node {} votes in this quorum; a node that is a broker only needs another node.id", key.id)
    })
}

fn tell(raft: &Raft, question: &Question) -> Answer {
    let (now, known) = (*raft.leadership.borrow(), raft.voters());
    let is_there = |voter: Voter| {
        let (host, port) = voter.address?;
        Some((Key { id: voter.id, directory: voter.directory }, Address { host, port }))
    };
    Answer {
        refusal: None,
        epoch: now.epoch,
        leader: raft.leader(),
        leads: now.is_own,
        high_watermark: known.high_watermark,
        voters: known.voters.into_iter().filter_map(is_there).collect(),
        handed: if now.is_own && question.wants { collect(raft, question.from) } else { Vec::new() },
    }
}

fn collect(raft: &Raft, mut from: u64) -> Vec<Committed> {
    let (mut handed, mut records) = (Vec::new(), 0);
    while records < RECORDS_MAX && handed.len() < BATCHES_MAX {
        let Some(next) = raft.tail.read(from) else { break };
        match &next {
            Committed::Snapshot { end_offset, records: all } => {
                records += all.len();
                from = *end_offset;
            }
            Committed::Batch { end_offset, batch } => {
                records += batch.records.len();
                from = *end_offset;
            }
        }
        handed.push(next);
    }
    handed
}
