//! One fetcher: copies all partitions that this node has of one leader, over one connection and one fetch session.
//!
//! A request names what changed since the last one, and waits at the leader for records. What comes is appended; then the fetcher
//! waits a moment for the disk, so that the next request says that it is durable, unless more is there to be had at once. When a
//! partition has something to say while a request waits at the leader (it is new, or more of it became durable), the next request is
//! sent behind it, which has the leader answer the waiting one at once.
//!
//! ```text
//!   ─► records ─► append ─► (disk: up to SYNC_WAIT) ─► Fetch(end, durable end) ─► waits at the leader ─► records …
//! ```
//!
//! A partition whose answer was an error is left out of the session for a while; the others go on.

mod answers;
mod held_back;
#[cfg(test)]
mod tests;
mod unopened;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Weak};
use std::time::Duration;

use base::{Str, TopicIdPartition};
use bytes::Bytes;
use metadata::config::BrokerConfigs;
use replica::FetchPosition;
use tokio::time::Instant;
use wire::messages::fetch::{FetchRequest, ReplicaState};
use wire::{ErrorCode, frame};

use super::connection::Connection;
use super::inbox::{Inbox, News};
use super::session::{Bounds, Session};
use crate::Broker;
use crate::partition::Partition;
use unopened::Unopened;

/// The version of Fetch between brokers.
const VERSION: i16 = 18;
/// How long a disk is waited for before the leader is asked for more.
const SYNC_WAIT: Duration = Duration::from_millis(3);
/// A request is not followed by another before it had this long to be answered.
const PATIENCE: Duration = Duration::from_millis(1);
/// Requests that may be outstanding.
const IN_FLIGHT_MAX: usize = 2;
/// The first pause after a failed connection; doubled up to `replica.fetch.backoff.ms`.
const BACKOFF: Duration = Duration::from_millis(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a leader may take to read a request, whatever its size.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a leader may be silent beyond what it may wait; at most `replica.socket.timeout.ms`. A slow link takes what it takes.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a partition is left out after an error …
const PAUSE: Duration = Duration::from_millis(50);
/// … and where its own disk, or the records, are at fault.
const LONG_PAUSE: Duration = Duration::from_secs(1);

/// A partition that is copied.
#[derive(Debug)]
struct Followed {
    partition: Arc<Partition>,
    /// What was asked for, by number of request; the last that an answer can be for.
    asked: VecDeque<(u64, FetchPosition)>,
    /// Whether the leader had more that is committed than this replica, as of the last answer.
    lags: bool,
    /// It is left out until then.
    paused_until: Option<Instant>,
}

/// A request under way.
#[derive(Clone, Copy, Debug)]
struct Asked {
    number: u64,
    at: Instant,
    /// How long the leader may be silent.
    silence: Duration,
}

/// The task; see the module's text.
#[derive(Debug)]
pub(super) struct Fetcher {
    broker: Weak<Broker>,
    leader: i32,
    number: u64,
    inbox: Arc<Inbox>,
    followed: HashMap<TopicIdPartition, Followed>,
    /// Partitions that may have something to say.
    dirty: BTreeSet<TopicIdPartition>,
    /// Partitions in the leader's session that are to leave it.
    forgotten: BTreeSet<TopicIdPartition>,
    paused: BTreeMap<(Instant, TopicIdPartition), ()>,
    /// Partitions whose logs could not be opened.
    unopened: Unopened,
    /// Partitions whose last records are not durable yet, and until when that is waited for.
    unsynced: BTreeSet<TopicIdPartition>,
    sync_until: Instant,
    connection: Option<Connection>,
    session: Session,
    in_flight: VecDeque<Asked>,
    requests: u64,
    backoff: Duration,
}

impl Fetcher {
    pub fn new(broker: Weak<Broker>, leader: i32, number: u64, inbox: Arc<Inbox>) -> Self {
        Self {
            broker,
            leader,
            number,
            inbox,
            followed: HashMap::new(),
            dirty: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            paused: BTreeMap::new(),
            unopened: Unopened::default(),
            unsynced: BTreeSet::new(),
            sync_until: Instant::now(),
            connection: None,
            session: Session::default(),
            in_flight: VecDeque::new(),
            requests: 0,
            backoff: BACKOFF,
        }
    }

    /// Copies until the broker is gone.
    pub async fn run(mut self) {
        while let Some(broker) = self.broker.upgrade() {
            if let Err(error) = self.turn(&broker).await {
                tracing::debug!(leader = self.leader, fetcher = self.number, %error, "replication was interrupted");
                self.disconnect();
                tokio::time::sleep(self.backoff).await;
                self.backoff = longer(self.backoff, &broker.broker_configs(&broker.image()));
            }
        }
    }

    /// Sends what is to be sent, then waits for something to happen.
    async fn turn(&mut self, broker: &Arc<Broker>) -> io::Result<()> {
        self.read_news(broker).await;
        for key in self.unopened.due(Instant::now()) {
            self.follow(broker, key).await;
        }
        if self.followed.is_empty() {
            self.disconnect();
            let again = self.unopened.next().unwrap_or_else(far);
            // Either is a reason to look again.
            let _ = tokio::time::timeout_at(again, self.inbox.came.notified()).await;
            return Ok(());
        }
        self.resume_paused();
        if self.connection.is_none() {
            self.connect(broker).await?;
        }
        self.hold_back(&broker.replication.follower_throttle);
        if self.may_send() {
            self.send(broker).await?;
        }
        let deadline = self.deadline();
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let has_asked = !self.in_flight.is_empty();
        tokio::select! {
            frame = connection.next_frame(), if has_asked => {
                let frame = frame?;
                self.on_answer(broker, frame).await
            }
            () = self.inbox.came.notified() => Ok(()),
            () = tokio::time::sleep_until(deadline) => self.check_time(),
        }
    }

    fn disconnect(&mut self) {
        self.connection = None;
        self.session = Session::default();
        self.in_flight.clear();
        self.forgotten.clear();
        for followed in self.followed.values_mut() {
            followed.asked.clear();
        }
        self.dirty.extend(self.followed.keys());
    }

    async fn connect(&mut self, broker: &Broker) -> io::Result<()> {
        let (host, port) = endpoint(broker, self.leader).ok_or(io::ErrorKind::AddrNotAvailable)?;
        let client_id = format!("broker-{}-fetcher-{}", broker.config.node_id, self.number);
        self.connection =
            Some(Connection::open(&host, port, Str::from(client_id), (CONNECT_TIMEOUT, SEND_TIMEOUT)).await?);
        Ok(())
    }

    async fn read_news(&mut self, broker: &Arc<Broker>) {
        for news in self.inbox.take() {
            match news {
                News::Follow(key) => self.follow(broker, key).await,
                News::Leave(key) => {
                    self.unopened.forget(key);
                    if self.followed.remove(&key).is_some() {
                        self.dirty.remove(&key);
                        self.unsynced.remove(&key);
                        self.forgotten.insert(key);
                    }
                }
                News::Moved(key) => {
                    let Some(followed) = self.followed.get(&key) else { continue };
                    let view = followed.partition.reader().view();
                    if view.durable_end >= view.log_end {
                        self.unsynced.remove(&key);
                    }
                    self.dirty.insert(key);
                }
            }
        }
    }

    async fn follow(&mut self, broker: &Arc<Broker>, key: TopicIdPartition) {
        if let Some(followed) = self.followed.get_mut(&key) {
            // Its metadata changed: an error may be over.
            followed.paused_until = None;
            self.dirty.insert(key);
            return;
        }
        let broker = Arc::clone(broker);
        // The log may have to be opened, which takes the disk's time.
        let opened =
            tokio::task::spawn_blocking(move || broker.topics.by_id(key.topic)?.replica(key.partition).ok());
        let opened: Option<Arc<Partition>> = opened.await.ok().flatten();
        match opened {
            Some(partition) => {
                self.unopened.forget(key);
                self.followed.insert(
                    key,
                    Followed { partition, asked: VecDeque::new(), lags: true, paused_until: None },
                );
                self.forgotten.remove(&key);
                self.dirty.insert(key);
            }
            None => {
                let pause = self.unopened.put_off(key, Instant::now());
                tracing::warn!(%key, ?pause, "a replica cannot be opened and is not copied; it is tried again");
            }
        }
    }

    /// Whether a request is to leave now.
    fn may_send(&self) -> bool {
        let now = Instant::now();
        match self.in_flight.back() {
            None if self.is_paused() => false,
            None => self.unsynced.is_empty() || now >= self.sync_until,
            Some(last) => {
                let has_news = !self.dirty.is_empty() || !self.forgotten.is_empty();
                let may_follow = !self.session.is_new() && self.in_flight.len() < IN_FLIGHT_MAX;
                has_news && may_follow && now >= last.at + PATIENCE
            }
        }
    }

    /// Whether there is nothing to ask for: what left the session is told when something comes back to it.
    fn is_paused(&self) -> bool {
        self.followed.values().all(|followed| followed.paused_until.is_some())
    }

    /// Until when the leader may be silent.
    fn answer_until(&self, first: &Asked) -> Instant {
        let heard = self.connection.as_ref().map_or(first.at, |connection| connection.heard().max(first.at));
        heard + first.silence
    }

    /// When to look again even if nothing happens.
    fn deadline(&self) -> Instant {
        let paused = self.paused.first_key_value().map_or_else(far, |((at, _), ())| *at);
        let paused = self.unopened.next().map_or(paused, |at| at.min(paused));
        let sends = match (self.in_flight.front(), self.in_flight.back()) {
            (Some(first), Some(last)) => {
                let has_news = !self.dirty.is_empty() || !self.forgotten.is_empty();
                let may_follow = has_news && self.in_flight.len() < IN_FLIGHT_MAX && !self.session.is_new();
                let answer = self.answer_until(first);
                if may_follow { answer.min(last.at + PATIENCE) } else { answer }
            }
            _ if self.is_paused() => far(),
            _ => self.sync_until,
        };
        paused.min(sends)
    }

    fn check_time(&self) -> io::Result<()> {
        match self.in_flight.front() {
            Some(first) if Instant::now() >= self.answer_until(first) => Err(io::ErrorKind::TimedOut.into()),
            _ => Ok(()),
        }
    }

    async fn send(&mut self, broker: &Broker) -> io::Result<()> {
        let number = self.requests + 1;
        let positions = self.positions(number);
        if !self.in_flight.is_empty() && positions.is_empty() && self.forgotten.is_empty() {
            return Ok(());
        }
        let forgotten: Vec<_> = std::mem::take(&mut self.forgotten).into_iter().collect();
        let replica = ReplicaState {
            replica_id: broker.config.node_id,
            replica_epoch: broker.logs.dirs().first().map_or(-1, |dir| dir.broker_epoch()),
        };
        let bounds = bounds(broker);
        let request = self.session.request(replica, bounds, &positions, &forgotten);
        self.requests = number;
        let waits = Duration::from_millis(u64::try_from(bounds.wait_max_ms).unwrap_or_default());
        let silence = waits + bounds.socket_timeout.min(ANSWER_TIMEOUT);
        self.in_flight.push_back(Asked { number, at: Instant::now(), silence });
        let Some(connection) = &mut self.connection else { return Ok(()) };
        connection.send(VERSION, &request).await
    }

    /// The positions that the leader does not know yet; of a new session all.
    fn positions(&mut self, number: u64) -> Vec<(TopicIdPartition, FetchPosition)> {
        let keys: Vec<_> = match self.session.is_new() {
            true => {
                self.dirty.clear();
                let mut all: Vec<_> = self.followed.keys().copied().collect();
                all.sort_unstable();
                all
            }
            false => std::mem::take(&mut self.dirty).into_iter().collect(),
        };
        let is_new = self.session.is_new();
        let mut positions = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(followed) = self.followed.get_mut(&key) else { continue };
            if followed.paused_until.is_some() {
                continue;
            }
            let Some(position) = followed.partition.wish(&self.inbox, self.leader) else { continue };
            if is_new || followed.asked.back().is_none_or(|(_, last)| *last != position) {
                self.forgotten.remove(&key);
                followed.asked.push_back((number, position));
                positions.push((key, position));
            }
        }
        positions
    }

    async fn on_answer(&mut self, broker: &Arc<Broker>, frame: Bytes) -> io::Result<()> {
        let Some(asked) = self.in_flight.pop_front() else {
            return Err(io::Error::other("an answer that nobody asked for"));
        };
        let (_, response) =
            frame::decode_response::<FetchRequest>(frame, VERSION).map_err(io::Error::other)?;
        self.session.answered(response.error_code, response.session_id);
        if response.error_code != ErrorCode::NONE {
            return Err(io::Error::other(response.error_code.name()));
        }
        self.backoff = BACKOFF;
        self.take(broker, asked.number, response);
        Ok(())
    }
}

/// The pause after one of `pause`.
fn longer(pause: Duration, configs: &BrokerConfigs<'_>) -> Duration {
    let max =
        Duration::from_millis(u64::try_from(configs.number("replica.fetch.backoff.ms")).unwrap_or_default());
    (pause * 2).min(max).max(BACKOFF)
}

/// When nothing is waited for.
fn far() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn bounds(broker: &Broker) -> Bounds {
    bounds_of(&broker.broker_configs(&broker.image()))
}

fn bounds_of(configs: &BrokerConfigs<'_>) -> Bounds {
    let number = |name| i32::try_from(configs.number(name)).unwrap_or(i32::MAX);
    let socket_timeout_ms = u64::try_from(configs.number("replica.socket.timeout.ms")).unwrap_or_default();
    Bounds {
        socket_timeout: Duration::from_millis(socket_timeout_ms),
        wait_max_ms: number("replica.fetch.wait.max.ms"),
        min_bytes: number("replica.fetch.min.bytes"),
        response_max_bytes: number("replica.fetch.response.max.bytes"),
        partition_max_bytes: number("replica.fetch.max.bytes"),
    }
}

/// Where another broker takes requests of brokers.
fn endpoint(broker: &Broker, leader: i32) -> Option<(String, u16)> {
    let image = broker.image();
    let registered = image.brokers().get(&leader)?;
    let name = broker.config.inter_broker_listener();
    let found = registered.endpoint(&name).or_else(|| registered.endpoints.first())?;
    Some((found.host.to_string(), found.port))
}
