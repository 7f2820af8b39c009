//! A registry's place among those that may write: alone while its cluster has one broker, then one of a group.
//!
//! A registry in a lone broker joins no group, so that idle costs nothing. It looks at the cluster before it writes; once there
//! are other brokers, each with a registry, it stands for election and writes no more unless elected.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use client::{Client, GroupMember, GroupOptions};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use crate::election::{Election, Instance, Leader, is_loopback};

/// How long what was seen of the cluster holds.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How long a look may take; a cluster that does not answer takes no writes either.
const LOOK_TIME: Duration = Duration::from_secs(2);

/// One that may be elected, or writes alone.
pub(crate) struct Candidate {
    client: Client,
    group: GroupOptions,
    own: Instance,
    /// Whether it stands in a broker, as others of the cluster may.
    in_broker: bool,
    election: Arc<Election>,
    member: Mutex<Option<GroupMember>>,
    looked: Mutex<Option<Instant>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Candidate {
    /// A registry that writes alone until it [joins](Self::join).
    pub fn alone(client: Client, group: GroupOptions, own: Instance, in_broker: bool) -> Self {
        let election = Arc::new(Election::new(Leader::This));
        let (member, looked) = (Mutex::default(), Mutex::default());
        Self { client, group, own, in_broker, election, member, looked }
    }

    /// Follows who writes.
    pub fn leader(&self) -> watch::Receiver<Leader> {
        self.election.leader()
    }

    /// Stands for election among the registries of a cluster whose brokers have those hosts; nothing if it does already.
    pub fn join<'a>(&self, mut hosts: impl Iterator<Item = &'a str>) {
        let mut member = lock(&self.member);
        if member.is_some() {
            return;
        }
        let mut own = self.own.clone();
        if self.in_broker && is_loopback(&own.host) && hosts.any(|host| !is_loopback(host)) {
            tracing::warn!(
                url = own.url(),
                "other nodes cannot reach this registry, so it is never elected to write: let it listen at an address that \
                 they reach (--registry http://HOST:PORT), or say which with --registry-set host.name=HOST"
            );
            own.eligible = false;
        }
        self.election.stand(own);
        *member = Some(self.client.group_member(self.group.clone(), Arc::clone(&self.election) as _));
    }

    /// Joins the group if the cluster has grown since the last look.
    pub async fn look(&self) {
        if lock(&self.member).is_some() || !self.is_due() {
            return;
        }
        match timeout(LOOK_TIME, self.client.admin().describe_cluster()).await {
            Ok(Ok(cluster)) if cluster.brokers.len() > 1 => {
                self.join(cluster.brokers.iter().map(|broker| &*broker.address.host));
            }
            _ => {}
        }
    }

    /// Whether nobody else can have been elected yet: alone, or heard by the coordinator within two thirds of a session.
    pub fn holds(&self) -> bool {
        lock(&self.member).is_none() || self.election.is_alive_for(self.group.session_timeout * 2 / 3)
    }

    fn is_due(&self) -> bool {
        let mut looked = lock(&self.looked);
        if looked.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return false;
        }
        *looked = Some(Instant::now());
        true
    }

    /// Leaves the group, so that the others need not wait for the session to end.
    pub async fn leave(&self) {
        let member = lock(&self.member).take();
        if let Some(member) = member {
            member.leave().await;
        }
    }
}
