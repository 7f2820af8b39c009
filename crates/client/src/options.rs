//! Settings of a whole client, under Kafka's names.

use std::time::Duration;

use crate::backoff::Backoff;
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

    /// A setting by Kafka's name, for those who bring a properties file. Unknown and unsupported names fail at `connect`.
    #[must_use]
    pub fn option(mut self, name: &str, value: &str) -> Self {
        let millis = value.trim().parse().map(Duration::from_millis);
        match (name, millis) {
            ("bootstrap.servers", _) => self.bootstrap = value.parse(),
            ("client.id", _) => self.client_id = value.to_owned(),
            ("request.timeout.ms", Ok(timeout)) => self.request_timeout = timeout,
            ("default.api.timeout.ms", Ok(timeout)) => self.api_timeout = timeout,
            ("socket.connection.setup.timeout.ms", Ok(timeout)) => self.connect_timeout = timeout,
            ("metadata.max.age.ms", Ok(age)) => self.metadata_max_age = age,
            ("retry.backoff.ms", Ok(wait)) => self.backoff.first = wait,
            ("retry.backoff.max.ms", Ok(wait)) => self.backoff.most = wait,
            ("security.protocol", _) if value.eq_ignore_ascii_case("plaintext") => {}
            ("security.protocol", _) => {
                self.refused =
                    Some(format!("security.protocol={value} is not supported yet; only PLAINTEXT is"));
            }
            _ if name.starts_with("ssl.") || name.starts_with("sasl.") => {
                self.refused =
                    Some(format!("{name} is not supported yet; this client speaks plaintext only"));
            }
            (_, Err(_)) if name.ends_with(".ms") => {
                self.refused = Some(format!("{name}={value}: a number of milliseconds is wanted"));
            }
            _ => self.refused = Some(format!("{name} is not a setting of this client")),
        }
        self
    }

    /// Connects to the first broker that answers and learns the cluster from it.
    pub async fn connect(self) -> Result<Client, ConnectError> {
        Client::connect_with(self).await
    }
}
