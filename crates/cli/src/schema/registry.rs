//! Which registry a command talks to: `--registry`, the profile's `schema.registry.url`, or this machine's.

use std::path::PathBuf;

use schema_serde::{RegistryClient, RegistryOptions};

use crate::connect::Connect;
use crate::failure::Outcome;

const HERE: &str = "http://127.0.0.1:8081";

/// How to reach the registry.
#[derive(clap::Args)]
pub struct RegistryArguments {
    /// The schema registry, or several, separated by commas [default: the profile's schema.registry.url, else
    /// http://127.0.0.1:8081]
    #[arg(long, global = true, value_name = "URL", env = "MEKONG_SCHEMA_REGISTRY", hide_env = true)]
    registry: Option<String>,
    /// Name and password for the registry [default: the profile's basic.auth.user.info]
    #[arg(
        long,
        global = true,
        value_name = "NAME:PASSWORD",
        env = "MEKONG_SCHEMA_REGISTRY_USER",
        hide_env = true,
        hide_env_values = true
    )]
    registry_user: Option<String>,
    /// A PEM file of certificates to trust in an https:// registry [default: the profile's
    /// schema.registry.ssl.truststore.location, else the system's]
    #[arg(long, global = true, value_name = "FILE")]
    registry_trust: Option<PathBuf>,
}

impl RegistryArguments {
    /// A client of it.
    pub fn client(&self, connect: &Connect) -> Outcome<RegistryClient> {
        let url = match &self.registry {
            Some(url) => Some(url.clone()),
            None => connect.setting("schema.registry.url")?,
        };
        let credentials = match &self.registry_user {
            Some(credentials) => Some(credentials.clone()),
            None => match connect.setting("basic.auth.user.info")? {
                Some(credentials) => Some(credentials),
                None => connect.setting("schema.registry.basic.auth.user.info")?,
            },
        };
        let mut options = RegistryOptions::new(url.unwrap_or_else(|| HERE.to_owned()));
        options.credentials = credentials;
        options.trusted = match &self.registry_trust {
            Some(path) => Some(path.clone()),
            None => connect.setting("schema.registry.ssl.truststore.location")?.map(PathBuf::from),
        };
        options.timeout = connect.timeout();
        Ok(RegistryClient::with(&options)?)
    }
}
