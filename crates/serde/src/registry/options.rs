//! How to reach the registry.

use std::path::PathBuf;
use std::time::Duration;

/// Settings of a client.
#[derive(Clone, Debug)]
pub struct RegistryOptions {
    /// One URL or several, separated by commas; `http://user:password@host:port/path`, or `https://…`.
    pub url: String,
    /// `user:password` for HTTP's basic authentication; wins over the URL's.
    pub credentials: Option<String>,
    /// A PEM file of certificates to trust for `https`; the system's if none is named.
    pub trusted: Option<PathBuf>,
    /// How long one exchange may take.
    pub timeout: Duration,
    /// How often an exchange is tried.
    pub attempts: u32,
    /// For how long the latest version of a subject is believed to be the latest.
    pub latest_ttl: Duration,
}

impl RegistryOptions {
    /// The usual settings, for these URLs.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            credentials: None,
            trusted: None,
            timeout: Duration::from_secs(30),
            attempts: 3,
            latest_ttl: Duration::from_secs(60),
        }
    }
}
