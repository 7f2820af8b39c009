//! The cluster as all roles of a client share it: a picture of it, and one connection to each broker per use.
//!
//! The picture is refreshed when it is asked for more than it knows, when an answer shows that it is wrong, and when it is old.
//! When no broker of the picture answers, the bootstrap list is asked again (KIP-899), and so it is when a broker says so
//! (KIP-1102).

mod call;
mod view;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use base::Str;
use wire::messages::metadata::{MetadataRequest, MetadataRequestTopic, MetadataResponse};
use wire::{ApiKey, ErrorCode};

use crate::connection::Connection;
use crate::random::Random;
use crate::{Address, CallError, ClientOptions};
pub(crate) use call::{Target, retriable_with_refresh};
pub use view::{Broker, ClusterView, PartitionView, TopicView};

/// Uses that must not wait behind each other have connections of their own, as a fetch that waits for records would hold up a
/// heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// Admin, metadata, look-ups.
    Control,
    /// Produce.
    Produce,
    /// Fetch.
    Fetch,
    /// A group's coordinator: joins may wait for minutes.
    Coordinator,
}

type Slot = Arc<tokio::sync::Mutex<Option<Arc<Connection>>>>;

/// Shared by all handles of a client.
pub(crate) struct Cluster {
    pub(crate) options: ClientOptions,
    bootstrap: Vec<Address>,
    view: RwLock<Arc<ClusterView>>,
    slots: Mutex<HashMap<(Address, Lane, u32), Slot>>,
    refreshing: tokio::sync::Mutex<()>,
    /// The topics that somebody uses, refreshed together.
    wanted: Mutex<HashMap<Str, Instant>>,
    pub(crate) random: Random,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("bootstrap", &self.bootstrap).finish_non_exhaustive()
    }
}

impl Cluster {
    pub(crate) fn new(options: ClientOptions, bootstrap: Vec<Address>) -> Self {
        Self {
            options,
            bootstrap,
            view: RwLock::default(),
            slots: Mutex::default(),
            refreshing: tokio::sync::Mutex::default(),
            wanted: Mutex::default(),
            random: Random::new(),
        }
    }

    /// The picture as it is now.
    pub(crate) fn view(&self) -> Arc<ClusterView> {
        Arc::clone(&self.view.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the picture.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut ClusterView) -> T) -> T {
        change(Arc::make_mut(&mut self.view.write().unwrap_or_else(PoisonError::into_inner)))
    }

    /// A connection to `address` for `lane`, opened if there is none. `share` tells users of a lane apart that must not share.
    pub(crate) async fn connection(
        &self,
        address: &Address,
        lane: Lane,
        share: u32,
    ) -> Result<Arc<Connection>, CallError> {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry((address.clone(), lane, share)).or_default())
        };
        let mut slot = slot.lock().await;
        if let Some(connection) = slot.as_ref().filter(|connection| !connection.is_closed()) {
            return Ok(Arc::clone(connection));
        }
        let options = &self.options;
        let opened = Connection::open(
            address.clone(),
            &options.client_id,
            options.connect_timeout,
            options.request_timeout,
        )
        .await?;
        Ok(Arc::clone(slot.insert(Arc::new(opened))))
    }

    /// Lets go of the connections of one user of lanes.
    pub(crate) fn release(&self, share: u32) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|(_, _, user), _| *user != share);
    }

    /// The addresses to ask, in the order to ask them: known brokers from a random one on, then the bootstrap list.
    fn candidates(&self) -> Vec<Address> {
        let mut known: Vec<Address> =
            self.view().brokers.values().map(|broker| broker.address.clone()).collect();
        if !known.is_empty() {
            let first = self.random.below(known.len());
            known.rotate_left(first);
        }
        for address in &self.bootstrap {
            if !known.contains(address) {
                known.push(address.clone());
            }
        }
        known
    }

    /// A connection to any broker that answers.
    pub(crate) async fn any(&self) -> Result<Arc<Connection>, CallError> {
        let candidates = self.candidates();
        let mut last = CallError::Closed;
        for address in &candidates {
            match self.connection(address, Lane::Control, 0).await {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        let tried: Vec<String> = candidates.iter().map(Address::to_string).collect();
        Err(CallError::NoBroker { tried: tried.join(", "), last: Box::new(last) })
    }

    /// Asks for metadata once and takes it in. `None` asks for all topics.
    async fn fetch_metadata(
        &self,
        topics: Option<Vec<Str>>,
        create: bool,
    ) -> Result<MetadataResponse, CallError> {
        let connection = self.any().await?;
        let version = connection.version_of::<MetadataRequest>()?;
        let all = topics.is_none();
        let mut request = MetadataRequest {
            topics: topics.map(|topics| {
                topics
                    .into_iter()
                    .map(|name| MetadataRequestTopic { name: Some(name), ..Default::default() })
                    .collect()
            }),
            allow_auto_topic_creation: create || version < 4,
            ..MetadataRequest::default()
        };
        if version == 0 && all {
            request.topics = Some(Vec::new());
        }
        let response = connection.call(&request, version, Duration::ZERO).await?;
        if response.error_code == ErrorCode::REBOOTSTRAP_REQUIRED {
            self.update(|view| view.brokers.clear());
        }
        CallError::check(ApiKey::Metadata, response.error_code, None)?;
        self.update(|view| view.merge(&response, all, Instant::now()));
        Ok(response)
    }

    /// Brings the picture up to date for `topics` and for all that are in use; with `None` for every topic there is.
    pub(crate) async fn refresh(&self, topics: Option<&[Str]>, create: bool) -> Result<(), CallError> {
        let asked_at = Instant::now();
        let _one_at_a_time = self.refreshing.lock().await;
        if let Some(topics) = topics {
            let view = self.view();
            let is_fresh =
                |topic: &Str| view.topics.get(topic).is_some_and(|known| known.fetched_at >= asked_at);
            if !topics.is_empty() && topics.iter().all(is_fresh) {
                return Ok(());
            }
        }
        let names = topics.map(|topics| {
            let mut names = self.wanted();
            names.extend(topics.iter().cloned());
            names.sort_unstable();
            names.dedup();
            names
        });
        self.fetch_metadata(names, create).await.map(drop)
    }

    /// Marks topics as in use, so that refreshing keeps them.
    pub(crate) fn want(&self, topic: &Str) {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.insert(topic.clone(), Instant::now());
    }

    fn wanted(&self) -> Vec<Str> {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        let age = self.options.metadata_max_age;
        wanted.retain(|_, used| used.elapsed() < age);
        wanted.keys().cloned().collect()
    }

    /// The picture with `topic` in it, asking for it (and letting the broker create it) if it is missing or old.
    pub(crate) async fn topic(&self, topic: &Str, create: bool) -> Result<Arc<ClusterView>, CallError> {
        let deadline = Instant::now() + self.options.api_timeout;
        let mut failures = 0;
        loop {
            let view = self.view();
            let known = view.topics.get(topic).filter(|known| !known.partitions.is_empty());
            if known.is_some_and(|known| known.fetched_at.elapsed() < self.options.metadata_max_age) {
                return Ok(view);
            }
            self.want(topic);
            let result = self.refresh(Some(std::slice::from_ref(topic)), create).await;
            let view = self.view();
            if view.topics.get(topic).is_some_and(|known| !known.partitions.is_empty()) {
                return Ok(view);
            }
            let code = view.errors.get(topic).copied().unwrap_or(ErrorCode::UNKNOWN_TOPIC_OR_PARTITION);
            let error = result.err().unwrap_or_else(|| no_topic(topic, code));
            failures += 1;
            let wait = self.options.backoff.after(failures, &self.random);
            let may_appear = create && code.is_retriable();
            let hopeless = !error.is_retriable()
                || (error.code().is_some() && !may_appear && code != ErrorCode::LEADER_NOT_AVAILABLE);
            if hopeless || Instant::now() + wait >= deadline {
                return Err(error);
            }
            tokio::time::sleep(wait).await;
        }
    }
}

fn no_topic(topic: &Str, code: ErrorCode) -> CallError {
    CallError::Refused {
        api: ApiKey::Metadata,
        code,
        message: Some(Str::from(format!("topic `{topic}`: {}", code.message()))),
    }
}
