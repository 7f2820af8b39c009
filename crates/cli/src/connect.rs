//! Which cluster a command talks to: `--bootstrap-server`, `--profile`, the default profile, or this machine.

use std::time::Duration;

use client::{Client, ClientOptions};

use crate::failure::{Failure, Outcome};
use crate::profile::Profiles;

/// How to reach the cluster.
#[derive(clap::Args)]
pub struct Connect {
    /// Brokers to ask first, as HOST:PORT,… [default: the profile's, else localhost:9092]
    #[arg(
        long,
        short = 'b',
        global = true,
        value_name = "HOST:PORT,…",
        env = "MEKONG_BOOTSTRAP_SERVER",
        overrides_with = "bootstrap_server",
        hide_env = true
    )]
    bootstrap_server: Option<String>,
    /// A profile of `mekong profile`.
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    /// How long an operation may take, in seconds.
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,
}

impl Connect {
    /// Whether somebody said which cluster.
    pub fn is_named(&self) -> Outcome<bool> {
        Ok(self.settings()?.iter().any(|(name, _)| name == BOOTSTRAP))
    }

    /// Whether this command's line (or its environment) names a cluster or a profile, rather than leave it to the default profile.
    pub fn is_explicit(&self) -> bool {
        self.bootstrap_server.is_some() || self.profile.is_some()
    }

    fn settings(&self) -> Outcome<Vec<(String, String)>> {
        let mut settings = Profiles::load()?.settings(self.profile.as_deref())?;
        if let Some(bootstrap) = &self.bootstrap_server {
            settings.push((BOOTSTRAP.to_owned(), bootstrap.clone()));
        }
        Ok(settings)
    }

    /// The brokers to ask first, if somebody named them.
    pub fn bootstrap(&self) -> Outcome<Option<String>> {
        self.setting(BOOTSTRAP)
    }

    /// The client's settings.
    pub fn options(&self) -> Outcome<ClientOptions> {
        let timeout = self.timeout();
        let mut options = ClientOptions::new("localhost:9092")
            .client_id("mekong-cli")
            .api_timeout(timeout)
            .connect_timeout(timeout.min(Duration::from_secs(10)));
        for (name, value) in self.settings()?.into_iter().filter(|(name, _)| !is_of_registry(name)) {
            options = options.option(&name, &value);
        }
        Ok(options)
    }

    /// A setting of the profile's, if there is one.
    pub fn setting(&self, wanted: &str) -> Outcome<Option<String>> {
        Ok(self.settings()?.into_iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value))
    }

    /// How long an operation may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.max(1))
    }

    /// Connects.
    pub async fn client(&self) -> Outcome<Client> {
        self.options()?.connect().await.map_err(Failure::from)
    }
}

const BOOTSTRAP: &str = "bootstrap.servers";

/// Whether a setting of a profile is meant for the schema registry's client.
fn is_of_registry(name: &str) -> bool {
    name.starts_with("schema.registry.") || name.starts_with("basic.auth.")
}
