//! Who leads, as far as this node can answer for it; and when it heard of a leader for the last time.
//!
//! The library's leader believes in itself for as long as nobody tells it otherwise. Here a node leads only while a majority answered
//! it within the time in which the others would stand for election.
//!
//! A candidate learns with each vote how long ago the voter had heard of a leader ([`Heard`]): no decision that needed a majority can
//! have been confirmed since the latest of those moments.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use openraft::Instant as _;
use openraft::ServerState;
use openraft::async_runtime::WatchReceiver as _;
use openraft::raft::VoteResponse;
use tokio::sync::watch;

use super::Library;
use super::codec::{Coded, Malformed};
use super::types::{Key, Types};
use crate::Leadership;

/// A leader looks this many times within its patience whether a majority answers.
const LOOKS: u32 = 5;

/// When a leader was heard of.
#[derive(Debug)]
pub(super) struct Heard(Mutex<Moments>);

#[derive(Debug)]
struct Moments {
    /// By this node: a message of a leader, or its own time as one.
    own: Option<Instant>,
    /// It cannot answer for the time before.
    started: Instant,
    /// By those who gave their votes, by term.
    of_voters: BTreeMap<u64, Instant>,
}

impl Moments {
    fn latest(&self) -> Instant {
        self.own.unwrap_or(self.started)
    }
}

impl Default for Heard {
    fn default() -> Self {
        Self(Mutex::new(Moments { own: None, started: Instant::now(), of_voters: BTreeMap::new() }))
    }
}

impl Heard {
    fn lock(&self) -> MutexGuard<'_, Moments> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A leader is heard of now.
    pub fn note(&self) {
        self.lock().own = Some(Instant::now());
    }

    /// How long this node has not heard of a leader; nothing if it never did since its start.
    pub fn silence(&self) -> Option<Duration> {
        self.lock().own.map(|at| at.elapsed())
    }

    /// For how long this node can say that it has not heard of a leader.
    pub fn sure_silence(&self) -> Duration {
        self.lock().latest().elapsed()
    }

    /// A vote for this term came from a node that had not heard of a leader for so long.
    pub fn note_vote(&self, term: u64, silence: Duration) {
        let Some(at) = Instant::now().checked_sub(silence) else { return };
        let mut moments = self.lock();
        let latest = moments.of_voters.get(&term).map_or(at, |known| at.max(*known));
        moments.of_voters.clear();
        moments.of_voters.insert(term, latest);
    }

    /// How long no majority can have heard of the leader before the one of this term, which this node is.
    pub fn silence_before(&self, term: u64) -> Option<Duration> {
        let moments = self.lock();
        let of_voters = moments.of_voters.get(&term)?;
        Some(moments.latest().max(*of_voters).elapsed())
    }
}

/// The answer to a request for a vote, with how long the voter had not heard of a leader when it was asked.
#[derive(Debug)]
pub(super) struct Voted {
    pub response: VoteResponse<Types>,
    pub silence: Duration,
}

impl Coded for Voted {
    fn put(&self, out: &mut Vec<u8>) {
        self.response.put(out);
        u64::try_from(self.silence.as_millis()).unwrap_or_default().put(out);
    }
    fn get(from: &mut &[u8]) -> Result<Self, Malformed> {
        let response = VoteResponse::get(from)?;
        // Earlier versions of Mekong do not say.
        let silence_ms = if from.is_empty() { 0 } else { u64::get(from)? };
        Ok(Self { response, silence: Duration::from_millis(silence_ms) })
    }
}

/// Says who leads as it changes. A leader that no majority answered for `patience` is none.
pub(super) fn follow(
    library: &Library,
    patience: Duration,
    heard: Arc<Heard>,
) -> watch::Receiver<Leadership> {
    let (sender, receiver) = watch::channel(Leadership::default());
    let (mut metrics, data) = (library.server_metrics(), library.data_metrics());
    tokio::spawn(async move {
        let mut own: Option<(u64, Instant)> = None;
        loop {
            let (mut now, term, key, is_only) = {
                let metrics = metrics.borrow_and_update();
                let voters = metrics.membership_config.membership().voter_ids().count();
                let leader = metrics.current_leader;
                let now = Leadership {
                    leader: leader.map(|key| key.id),
                    epoch: i32::try_from(metrics.vote.leader_id.term).unwrap_or(i32::MAX),
                    is_own: leader == Some(metrics.id) && metrics.state == ServerState::Leader,
                };
                (now, metrics.vote.leader_id.term, metrics.id, voters <= 1)
            };
            let believes = now.is_own;
            if believes {
                if own.is_some_and(|(led, _)| led != term) {
                    heard.note();
                }
                let since = own.filter(|(led, _)| *led == term).map_or_else(Instant::now, |(_, at)| at);
                own = Some((term, since));
                let acked = data.borrow_watched().last_quorum_acked.as_deref().map(|at| at.elapsed());
                let silence = acked.map_or(since.elapsed(), |acked| acked.min(since.elapsed()));
                if silence > patience && !is_only {
                    now = Leadership { leader: None, is_own: false, ..now };
                }
            } else if own.take().is_some() {
                // No other leader was heard of while this node led.
                heard.note();
            }
            tell(&sender, now, key);
            let changed = metrics.changed();
            let ended = match believes {
                true => {
                    tokio::time::timeout(patience / LOOKS, changed).await.is_ok_and(|ended| ended.is_err())
                }
                false => changed.await.is_err(),
            };
            if ended {
                return;
            }
        }
    });
    receiver
}

fn tell(sender: &watch::Sender<Leadership>, now: Leadership, own: Key) {
    let before = *sender.borrow();
    match now.leader {
        Some(leader) if now.leader != before.leader => {
            tracing::info!(leader, epoch = now.epoch, "the metadata quorum has a leader");
        }
        None if before.is_own => {
            tracing::warn!(node = own.id, "this node does not lead the metadata quorum any more")
        }
        _ => {}
    }
    sender.send_if_modified(|known| std::mem::replace(known, now) != now);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_of_those_who_voted_counts() {
        let heard = Heard::default();
        let seconds = Duration::from_secs;
        assert_eq!(heard.silence(), None);
        assert_eq!(heard.silence_before(1), None, "nobody voted");
        heard.note_vote(1, seconds(5));
        let silence = heard.silence_before(1).unwrap_or(seconds(99));
        assert!(silence < seconds(1), "this node cannot say what it heard before it started: {silence:?}");
        let long_ago = Instant::now().checked_sub(seconds(8));
        heard.lock().own = long_ago;
        heard.note_vote(1, seconds(7));
        let silence = heard.silence_before(1).unwrap_or_default();
        assert!(silence >= seconds(5) && silence < seconds(6), "{silence:?}");
        heard.note_vote(2, seconds(9));
        assert_eq!(heard.silence_before(1), None);
        heard.note();
        assert!(heard.silence_before(2).unwrap_or_default() < seconds(1), "this node is one of them");
    }

    /// A voter that was killed and is back may give its vote at once though it heard of the leader a moment ago.
    #[test]
    fn who_has_just_started_answers_for_no_silence() {
        let (candidate, restarted) = (Heard::default(), Heard::default());
        candidate.lock().own = Instant::now().checked_sub(Duration::from_secs(5));
        candidate.note_vote(7, restarted.sure_silence());
        assert!(candidate.silence_before(7).unwrap() < Duration::from_secs(1));
        assert_eq!(candidate.silence_before(8), None, "nobody voted");
        candidate.note_vote(8, Duration::from_secs(3));
        let silence = candidate.silence_before(8).unwrap();
        assert!((3..5).contains(&silence.as_secs()), "{silence:?}");
    }
}
