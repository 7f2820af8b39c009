//! The handle from which producers, consumers and the admin client come.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use base::Str;

use crate::cluster::{Cluster, ClusterView};
use crate::{
    Admin, CallError, ClientOptions, ConnectError, ConsumerBuilder, GroupMember, GroupOptions, GroupProtocol,
    ProduceError, Producer, ProducerBuilder, ProducerIdentity, ProducerRecord, RecordMetadata,
};

/// A cluster, reached. Cheap to clone; all clones and everything made from them share one picture of the cluster.
#[derive(Clone, Debug)]
pub struct Client {
    cluster: Arc<Cluster>,
    /// For [`Client::send`], made when first used.
    producer: Arc<OnceLock<Producer>>,
    shares: Arc<AtomicU32>,
}

impl Client {
    /// Connects with default settings to `host:port,…` or `kafka://host:port,…`.
    pub async fn connect(bootstrap: &str) -> Result<Self, ConnectError> {
        Self::options(bootstrap).connect().await
    }

    /// Settings to change before connecting.
    pub fn options(bootstrap: &str) -> ClientOptions {
        ClientOptions::new(bootstrap)
    }

    pub(crate) async fn connect_with(options: ClientOptions) -> Result<Self, ConnectError> {
        if let Some(refused) = options.refused {
            return Err(ConnectError::Setting(refused));
        }
        let bootstrap = options.bootstrap.clone()?;
        let cluster = Arc::new(Cluster::new(options, bootstrap.addresses));
        cluster.refresh(Some(&[]), false).await?;
        Ok(Self { cluster, producer: Arc::default(), shares: Arc::new(AtomicU32::new(1)) })
    }

    fn share(&self) -> u32 {
        self.shares.fetch_add(1, Ordering::Relaxed)
    }

    /// Sends one record with a producer of default settings that all clones share, and waits for the answer.
    pub async fn send(&self, record: impl Into<ProducerRecord>) -> Result<RecordMetadata, ProduceError> {
        let producer = match self.producer.get() {
            Some(producer) => producer.clone(),
            None => {
                let made =
                    self.producer().build().map_err(|error| ProduceError::NotBuilt(Box::new(error)))?;
                self.producer.get_or_init(|| made).clone()
            }
        };
        producer.send(record).await
    }

    /// A producer to be configured and built.
    pub fn producer(&self) -> ProducerBuilder {
        ProducerBuilder::new(Arc::clone(&self.cluster), self.share())
    }

    /// An identity that no producer had before, for [`ProducerBuilder::identity`].
    pub async fn new_producer_identity(&self) -> Result<ProducerIdentity, CallError> {
        crate::producer::sender::new_identity(&self.cluster).await
    }

    /// A consumer of a group, to be configured and started.
    pub fn consumer(&self, group: &str) -> ConsumerBuilder {
        ConsumerBuilder::new(Arc::clone(&self.cluster), self.share(), Some(Str::from(group)))
    }

    /// A consumer without a group: it reads the partitions it is told to, and commits nothing.
    pub fn reader(&self) -> ConsumerBuilder {
        ConsumerBuilder::new(Arc::clone(&self.cluster), self.share(), None)
    }

    /// A member of a group of any protocol type. Needs a running tokio runtime.
    pub fn group_member(&self, options: GroupOptions, protocol: Arc<dyn GroupProtocol>) -> GroupMember {
        GroupMember::start(Arc::clone(&self.cluster), self.share(), options, protocol)
    }

    /// The admin client.
    pub fn admin(&self) -> Admin {
        Admin::new(Arc::clone(&self.cluster))
    }

    /// The cluster as last seen.
    pub fn view(&self) -> Arc<ClusterView> {
        self.cluster.view()
    }

    /// The cluster with `topic` as it is now.
    pub async fn view_topic(&self, topic: &str) -> Result<Arc<ClusterView>, CallError> {
        let topic = Str::from(topic);
        self.cluster.refresh(Some(std::slice::from_ref(&topic)), false).await?;
        self.cluster.topic(&topic, false).await
    }
}
