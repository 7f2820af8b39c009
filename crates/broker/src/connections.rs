//! Every open connection: how many there may be, in all and by address, and which have idled too long.
//!
//! Idle ones are found without touching each of them regularly: a connection is looked at when its time could be up, and put back for
//! as long as it is then known to have left.

mod pace;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use rustix::net::Shutdown;
use tokio::net::TcpStream;
use tokio::sync::Notify;

use crate::config::{ConnectionLimits, NetworkConfig};
use pace::Pace;

/// How long one that has idled has to take its last answers before it is looked at again.
const LAST_ANSWERS_MS: u64 = 30_000;

/// The least time between two looks at all connections for those that hold others up.
const LOOKS_APART_MS: u64 = 500;

/// One open connection's place in the table. Dropping it makes room for another.
#[derive(Debug)]
pub struct Slot {
    table: Arc<Connections>,
    stream: Weak<TcpStream>,
    ip: IpAddr,
    /// Whether it came to a listener of the cluster's own: clients' make room for it, and not it for them.
    is_protected: bool,
    /// Milliseconds from the table's start to the last byte received.
    active_ms: AtomicU64,
    /// Since when its peer takes nothing of what waits for it; 0: it takes, or nothing waits.
    blocked_ms: AtomicU64,
    /// Since when a large frame has been coming in; 0: none is.
    receiving_ms: AtomicU64,
    /// Whether it is read no more, or ended, and who waits for that.
    is_shut: AtomicBool,
    shut: Notify,
}

/// All open connections.
#[derive(Debug)]
pub struct Connections {
    started: Instant,
    limits: ArcSwap<ConnectionLimits>,
    /// How many the process has descriptors for, whatever `max.connections` says: the logs need theirs.
    possible: usize,
    /// When those that hold others up were last looked for.
    looked_ms: LastLook,
    idle_max: Option<Duration>,
    open: Mutex<Open>,
    /// Told when one closes while accepting waits for room, or nobody is left.
    room: Notify,
}

/// When which kind of those that hold others up was last looked for.
#[derive(Default, Debug)]
struct LastLook {
    stalled: AtomicU64,
    slow: AtomicU64,
}

#[derive(Default, Debug)]
struct Open {
    count: usize,
    by_ip: HashMap<IpAddr, usize>,
    /// When to look at which connection next.
    checks: BinaryHeap<Reverse<Check>>,
    pace: Pace,
    stopping: bool,
}

#[derive(Debug)]
struct Check {
    at_ms: u64,
    slot: Weak<Slot>,
}

impl Slot {
    /// Notes that bytes came in.
    pub(crate) fn touch(&self, now: Instant) {
        self.active_ms.store(self.table.since_start(now), Ordering::Relaxed);
    }

    /// Notes whether the peer takes what is written.
    pub(crate) fn writes(&self, is_blocked: bool) {
        let since = if is_blocked { self.table.since_start(Instant::now()).max(1) } else { 0 };
        self.blocked_ms.store(since, Ordering::Relaxed);
    }

    /// Notes whether a large frame is coming in.
    pub(crate) fn receives(&self, a_large_frame: bool) {
        if !a_large_frame {
            self.receiving_ms.store(0, Ordering::Relaxed);
        } else if self.receiving_ms.load(Ordering::Relaxed) == 0 {
            self.receiving_ms.store(self.active_ms.load(Ordering::Relaxed).max(1), Ordering::Relaxed);
        }
    }

    /// Waits until the connection is read no more: it has idled, holds others up, or the broker stops.
    pub(crate) async fn until_shut(&self) {
        // Asked for before the look, so that a call between the two is heard.
        let told = self.shut.notified();
        if !self.is_shut.load(Ordering::Acquire) {
            told.await;
        }
    }

    /// Ends the connection at once, whatever is under way.
    fn cut(&self) {
        self.is_shut.store(true, Ordering::Release);
        self.shut.notify_waiters();
        if let Some(stream) = self.stream.upgrade() {
            // Fails only if the peer is gone already, which ends the connection as well.
            let _ = rustix::net::shutdown(&*stream, Shutdown::Both);
        }
    }

    /// Ends a connection that has idled, one that does not even take its answers at once at the second look. The answer is when to look
    /// again.
    fn end_idle(&self, now: u64) -> u64 {
        if self.is_shut.load(Ordering::Acquire) && self.blocked_ms.load(Ordering::Relaxed) != 0 {
            self.cut();
        }
        self.shut();
        now.saturating_add(LAST_ANSWERS_MS)
    }

    /// Ends the connection's reading: it answers what it has received, long polls at once, and closes.
    fn shut(&self) {
        self.is_shut.store(true, Ordering::Release);
        self.shut.notify_waiters();
        if let Some(stream) = self.stream.upgrade() {
            // Fails only if the peer is gone already, which ends the connection as well.
            let _ = rustix::net::shutdown(&*stream, Shutdown::Read);
        }
    }
}

impl Connections {
    /// An empty table with these limits, for at most as many as are `possible`.
    pub(crate) fn new(config: &NetworkConfig, possible: usize) -> Arc<Self> {
        Arc::new(Self {
            started: Instant::now(),
            limits: ArcSwap::from_pointee(config.limits.clone()),
            possible,
            looked_ms: LastLook::default(),
            idle_max: config.idle_max,
            open: Mutex::default(),
            room: Notify::new(),
        })
    }

    /// Takes other limits from now on; those that are open stay.
    pub(crate) fn set_limits(&self, limits: ConnectionLimits) {
        self.limits.store(Arc::new(limits));
        self.room.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn since_start(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.started).as_millis()).unwrap_or(u64::MAX)
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.lock().count
    }

    fn has_room(&self) -> bool {
        self.lock().count < self.limits.load().max.min(self.possible)
    }

    /// Waits until there is room for one more (`max.connections`), and until it is time for it (`max.connection.creation.rate`).
    pub(crate) async fn wait_for_room(&self) {
        loop {
            let told = self.room.notified();
            if self.has_room() {
                break;
            }
            told.await;
        }
        let wait = self.limits.load().creation_rate.map(|rate| self.lock().pace.next(rate, Instant::now()));
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            tokio::time::sleep(wait).await;
        }
    }

    /// Makes room for a connection of the cluster's own that has come: the client's that has been silent longest is closed
    /// (KIP-402). Nor does it wait for its time among clients' (KIP-612).
    pub(crate) async fn make_room(&self) {
        loop {
            let told = self.room.notified();
            if self.has_room() || self.close_most_silent() {
                return;
            }
            told.await;
        }
    }

    fn close_most_silent(&self) -> bool {
        let mut slots = self.slots();
        slots.retain(|slot| !slot.is_protected && !slot.is_shut.load(Ordering::Acquire));
        let Some(slot) = slots.iter().min_by_key(|slot| slot.active_ms.load(Ordering::Relaxed)) else {
            return false;
        };
        tracing::warn!(ip = %slot.ip, "connection closed: max.connections are open, and another node of the cluster needs one");
        slot.cut();
        true
    }

    /// Takes in a connection; `None` if its address has as many as it may (`max.connections.per.ip`), or the broker is stopping.
    pub(crate) fn admit(
        self: &Arc<Self>,
        stream: &Arc<TcpStream>,
        peer: SocketAddr,
        is_protected: bool,
    ) -> Option<Arc<Slot>> {
        let ip = peer.ip().to_canonical();
        let max = self.limits.load().of_address(ip);
        let now = self.since_start(Instant::now());
        let mut open = self.lock();
        if open.stopping || open.by_ip.get(&ip).copied().unwrap_or(0) >= max {
            return None;
        }
        *open.by_ip.entry(ip).or_default() += 1;
        open.count += 1;
        let slot = Slot {
            table: Arc::clone(self),
            stream: Arc::downgrade(stream),
            ip,
            is_protected,
            active_ms: AtomicU64::new(now),
            blocked_ms: AtomicU64::new(0),
            receiving_ms: AtomicU64::new(0),
            is_shut: AtomicBool::new(false),
            shut: Notify::new(),
        };
        let slot = Arc::new(slot);
        let idle_ms =
            self.idle_max.map_or(u64::MAX, |idle| u64::try_from(idle.as_millis()).unwrap_or(u64::MAX));
        open.checks.push(Reverse(Check { at_ms: now.saturating_add(idle_ms), slot: Arc::downgrade(&slot) }));
        Some(slot)
    }

    /// Closes those that have idled for `connections.max.idle.ms`; returns how long until one more could have.
    pub(crate) fn close_idle(&self) -> Option<Duration> {
        let idle_ms = u64::try_from(self.idle_max?.as_millis()).unwrap_or(u64::MAX);
        let now = self.since_start(Instant::now());
        let mut open = self.lock();
        while let Some(Reverse(check)) = open.checks.peek() {
            if check.at_ms > now {
                return Some(Duration::from_millis(check.at_ms - now));
            }
            let Some(Reverse(check)) = open.checks.pop() else { break };
            let Some(slot) = check.slot.upgrade() else { continue };
            let until = slot.active_ms.load(Ordering::Relaxed).saturating_add(idle_ms);
            let again = if until > now { until } else { slot.end_idle(now) };
            open.checks.push(Reverse(Check { at_ms: again, slot: check.slot }));
            drop(open);
            drop(slot); // Its table is this one: not while locked.
            open = self.lock();
        }
        Some(Duration::from_millis(idle_ms))
    }

    /// Closes those whose peer has taken nothing for `time` of what waits for it.
    pub(crate) fn close_stalled(&self, time: Duration) {
        self.close_since(
            time,
            &self.looked_ms.stalled,
            |slot| &slot.blocked_ms,
            "memory is short, and the peer does not read",
        );
    }

    /// Closes those whose large frame began `time` ago and is not there yet.
    pub(crate) fn close_slow(&self, time: Duration) {
        self.close_since(
            time,
            &self.looked_ms.slow,
            |slot| &slot.receiving_ms,
            "memory is short, and the peer sends too slowly",
        );
    }

    /// Looks no more often than every `LOOKS_APART_MS`: all that wait for memory ask for it, and there may be hundreds of them.
    fn close_since(
        &self,
        time: Duration,
        looked_ms: &AtomicU64,
        since: impl Fn(&Slot) -> &AtomicU64,
        why: &str,
    ) {
        let now = self.since_start(Instant::now());
        let looked = looked_ms.load(Ordering::Relaxed);
        let is_mine = now >= looked.saturating_add(LOOKS_APART_MS)
            && looked_ms.compare_exchange(looked, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if !is_mine {
            return;
        }
        let before = now.saturating_sub(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        for slot in self.slots() {
            let since = since(&slot).load(Ordering::Relaxed);
            if since != 0 && since < before {
                tracing::warn!(ip = %slot.ip, "connection closed: {why}");
                slot.cut();
            }
        }
    }

    fn slots(&self) -> Vec<Arc<Slot>> {
        self.lock().checks.iter().filter_map(|Reverse(check)| check.slot.upgrade()).collect()
    }

    /// Admits no more, and lets those that are open answer what they have received and close.
    pub(crate) fn stop(&self) {
        self.lock().stopping = true;
        self.slots().iter().for_each(|slot| slot.shut());
    }

    /// Waits until none is open.
    pub(crate) async fn none_left(&self) {
        loop {
            let told = self.room.notified();
            if self.lock().count == 0 {
                return;
            }
            told.await;
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.table.lock();
        open.count -= 1;
        if let Some(count) = open.by_ip.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                open.by_ip.remove(&self.ip);
            }
        }
        // Checks of closed connections are dropped when their time comes, or here once most are.
        if open.checks.len() > 64 && open.checks.len() > 2 * open.count {
            open.checks.retain(|Reverse(check)| check.slot.strong_count() > 0);
        }
        drop(open);
        self.table.room.notify_waiters();
    }
}

impl PartialEq for Check {
    fn eq(&self, other: &Self) -> bool {
        self.at_ms == other.at_ms
    }
}

impl Eq for Check {}

impl PartialOrd for Check {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Check {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at_ms.cmp(&other.at_ms)
    }
}

#[cfg(test)]
mod tests;
