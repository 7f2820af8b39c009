//! A producer's settings, under Kafka's names and with Kafka's defaults.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use records::Compression;
use tokio::sync::{Notify, Semaphore};

use super::accumulator::{Accumulator, ProducerIdentity, Settings};
use super::named::Compressing;
use super::sticky::Sticky;
use super::{Handle, Producer, Shared, sender};
use crate::ConnectError;
use crate::cluster::Cluster;

/// Whose word counts as acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Acks {
    /// Nobody's: sent is done.
    None,
    /// The leader's.
    Leader,
    /// All in-sync replicas'.
    #[default]
    All,
}

impl Acks {
    pub(super) const fn code(self) -> i16 {
        match self {
            Self::None => 0,
            Self::Leader => 1,
            Self::All => -1,
        }
    }
}

/// Makes a [`Producer`].
#[derive(Clone, Debug)]
#[must_use]
pub struct ProducerBuilder {
    cluster: Arc<Cluster>,
    share: u32,
    pub(super) settings: Settings,
    pub(super) acks: Acks,
    pub(super) idempotence: Option<bool>,
    pub(super) buffer_memory: usize,
    pub(super) compressing: Compressing,
    /// What was wrong with an option.
    pub(super) refused: Option<String>,
}

impl ProducerBuilder {
    pub(crate) fn new(cluster: Arc<Cluster>, share: u32) -> Self {
        let settings = Settings {
            batch_size: 16 * 1024,
            linger: Duration::from_millis(5),
            delivery_timeout: Duration::from_secs(120),
            compression: Compression::None,
            in_flight_max: 5,
            request_size_max: 1024 * 1024,
            idempotent: true,
            retries: u32::MAX,
            fixed: None,
        };
        Self {
            cluster,
            share,
            settings,
            acks: Acks::All,
            idempotence: None,
            buffer_memory: 32 * 1024 * 1024,
            compressing: Compressing::default(),
            refused: None,
        }
    }

    /// `acks`; all in-sync replicas by default.
    pub fn acks(mut self, acks: Acks) -> Self {
        self.acks = acks;
        self
    }

    /// `linger.ms`: how long a batch waits for more records; 5 ms.
    pub fn linger(mut self, linger: Duration) -> Self {
        self.settings.linger = linger;
        self
    }

    /// `batch.size` in bytes; 16 KiB.
    pub fn batch_size(mut self, bytes: usize) -> Self {
        self.settings.batch_size = bytes.max(1);
        self
    }

    /// `compression.type` with its level; none.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.settings.compression = compression;
        self.compressing = Compressing::default();
        self
    }

    /// `enable.idempotence`; on, unless `acks` is not all, more than five requests may be in flight, or nothing is retried.
    pub fn idempotence(mut self, on: bool) -> Self {
        self.idempotence = Some(on);
        self
    }

    /// `max.in.flight.requests.per.connection`; 5.
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.settings.in_flight_max = requests.max(1);
        self
    }

    /// `delivery.timeout.ms`: when a record is given up; 2 min.
    pub fn delivery_timeout(mut self, timeout: Duration) -> Self {
        self.settings.delivery_timeout = timeout;
        self
    }

    /// `retries`: how often a batch is sent again; until it is given up.
    pub fn retries(mut self, retries: u32) -> Self {
        self.settings.retries = retries;
        self
    }

    /// `max.request.size` in bytes; 1 MiB.
    pub fn max_request_size(mut self, bytes: usize) -> Self {
        self.settings.request_size_max = bytes;
        self
    }

    /// `buffer.memory` in bytes; 32 MiB.
    pub fn buffer_memory(mut self, bytes: usize) -> Self {
        self.buffer_memory = bytes;
        self
    }

    /// An identity of the caller's choice, numbered from 0 in each partition, instead of a new one: so that many may write to a
    /// partition in turn, each under a higher epoch, and the broker refuses those before. When a batch was refused for its epoch or
    /// its number, that is final, and so is it for those behind it; the way on is another producer with a higher epoch.
    pub fn identity(mut self, identity: ProducerIdentity) -> Self {
        self.settings.fixed = Some(identity);
        self
    }

    /// The settings with their contradictions looked for: idempotence gives way where it was not asked for, as in Kafka's clients.
    pub(super) fn settled(mut self) -> Result<Self, ConnectError> {
        if let Some(refused) = self.refused {
            return Err(ConnectError::Setting(refused));
        }
        self.settings.compression = self.compressing.chosen().unwrap_or(self.settings.compression);
        let obstacle = match &self.settings {
            _ if self.acks != Acks::All => Some("needs acks=all"),
            settings if settings.in_flight_max > 5 => {
                Some("may have at most 5 requests in flight: a broker remembers no more")
            }
            settings if settings.retries == 0 => Some("must be allowed to retry"),
            _ => None,
        };
        if let Some(obstacle) =
            obstacle.filter(|_| self.idempotence == Some(true) || self.settings.fixed.is_some())
        {
            return Err(ConnectError::Setting(format!("an idempotent producer {obstacle}")));
        }
        self.settings.idempotent = self.idempotence.unwrap_or(true) && obstacle.is_none();
        if self.settings.fixed.is_some() && !self.settings.idempotent {
            return Err(ConnectError::Setting("a producer with an identity is idempotent".to_owned()));
        }
        Ok(self)
    }

    /// Starts it. Needs a running tokio runtime.
    pub fn build(self) -> Result<Producer, ConnectError> {
        let this = self.settled()?;
        let shared = Arc::new(Shared {
            cluster: this.cluster,
            share: this.share,
            settings: this.settings,
            acks: this.acks,
            core: Mutex::new(Accumulator::new(this.settings)),
            sticky: Mutex::new(Sticky::default()),
            memory: Arc::new(Semaphore::new(this.buffer_memory.min(Semaphore::MAX_PERMITS))),
            memory_total: this.buffer_memory,
            news: Notify::new(),
            closing: AtomicBool::new(false),
        });
        tokio::spawn(sender::run(Arc::clone(&shared)));
        Ok(Producer(Arc::new(Handle { shared })))
    }
}
