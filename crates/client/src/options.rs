//! Settings of a whole client, under Kafka's names.

use std::time::Duration;

use crate::backoff::Backoff;
use crate::setting::{Taker, millis, other};
use crate::{Bootstrap, Client, ConnectError};

/// How a client reaches its cluster. Every setting has Kafka's default.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    pub(crate) bootstrap: Result<Bootstrap, crate::address::BadBootstrap>,
    pub(crate) client_id: String,
    pub(crate) request_timeout: Duration,
    pub(crate) api_timeout: Duration,
    pub(crate) connect_timeout: Duration,
    pub(crate) metadata_max_age: Duration,
    pub(crate) backoff: Backoff,
    pub(crate) refused: Option<String>,
}

impl ClientOptions {
    /// For the cluster that `bootstrap` leads to: `host:port,…` or `kafka://host:port,…`.
    pub fn new(bootstrap: &str) -> Self {
        let bootstrap: Result<Bootstrap, _> = bootstrap.parse();
        let named = bootstrap.as_ref().ok().and_then(|bootstrap| bootstrap.client_id.clone());
        Self {
            bootstrap,
            client_id: named.unwrap_or_else(|| "mekong".to_owned()),
            request_timeout: Duration::from_secs(30),
            api_timeout: Duration::from_secs(60),
            connect_timeout: Duration::from_secs(10),
            metadata_max_age: Duration::from_secs(300),
            backoff: Backoff::default(),
            refused: None,
        }
    }

    /// `client.id`: how the broker's logs and quotas know this client.
    #[must_use]
    pub fn client_id(mut self, id: impl Into<String>) -> Self {
        self.client_id = id.into();
        self
    }

    /// `request.timeout.ms`: how long one exchange may take; 30 s.
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// `default.api.timeout.ms`: how long an operation may take with all its retries; 60 s.
    #[must_use]
    pub fn api_timeout(mut self, timeout: Duration) -> Self {
        self.api_timeout = timeout;
        self
    }

    /// `socket.connection.setup.timeout.ms`: how long connecting to one address may take; 10 s.
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// `metadata.max.age.ms`: how old the picture of the cluster may grow; 5 min.
    #[must_use]
    pub fn metadata_max_age(mut self, age: Duration) -> Self {
        self.metadata_max_age = age;
        self
    }

    /// A setting by Kafka's name, for those who bring a properties file. A name that changes nothing here is said in the log; unknown and
    /// unsupported ones, and values that cannot be, fail at `connect`.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str) -> Self {
        if let Err(refused) = self.set(name, value) {
            self.refused.get_or_insert(refused);
        }
        self
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "bootstrap.servers" => self.bootstrap = value.parse(),
            "client.id" => self.client_id = value.to_owned(),
            "request.timeout.ms" => self.request_timeout = millis(name, value)?,
            "default.api.timeout.ms" => self.api_timeout = millis(name, value)?,
            "socket.connection.setup.timeout.ms" => self.connect_timeout = millis(name, value)?,
            "metadata.max.age.ms" => self.metadata_max_age = millis(name, value)?,
            "retry.backoff.ms" => self.backoff.first = millis(name, value)?,
            "retry.backoff.max.ms" => self.backoff.most = millis(name, value)?,
            "security.protocol" if value.trim().eq_ignore_ascii_case("plaintext") => {}
            "security.protocol" => {
                return Err(format!("security.protocol={value} is not supported yet; only PLAINTEXT is"));
            }
            _ => return other(Taker::Client, name, value),
        }
        Ok(())
    }

    /// Connects to the first broker that answers and learns the cluster from it.
    pub async fn connect(self) -> Result<Client, ConnectError> {
        Client::connect_with(self).await
    }
}
