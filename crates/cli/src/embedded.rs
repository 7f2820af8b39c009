//! A broker inside this process, with a folder that goes with it.

use std::path::PathBuf;

use broker::Handle;
use broker::config::{Config, Origin, Properties};

use crate::failure::{Failure, Outcome};

/// A broker of our own.
pub struct Embedded {
    handle: Handle,
    folder: PathBuf,
    /// Where it serves.
    pub address: String,
}

impl Embedded {
    /// Starts one on a free port of this machine.
    pub async fn start(purpose: &str) -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("mekong-{purpose}-{}", std::process::id()));
        let mut properties = Properties::default();
        for (key, value) in [
            ("listeners", "PLAINTEXT://127.0.0.1:0"),
            ("log.dirs", &folder.display().to_string()),
            ("group.initial.rebalance.delay.ms", "0"),
            ("offsets.topic.num.partitions", "4"),
        ] {
            properties.set(key, value.to_owned(), Origin::CommandLine);
        }
        let config = Config::new(properties).map_err(|error| Failure::new(error.to_string()))?;
        let handle = broker::serve(config).await.map_err(|error| Failure::new(error.to_string()))?;
        let address = handle.address().ok_or_else(|| Failure::new("the broker serves nowhere"))?.to_string();
        Ok(Self { handle, folder, address })
    }

    /// Stops it and removes its folder.
    pub async fn stop(self) {
        self.handle.stop().await;
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("mekong: {} was not removed: {error}", self.folder.display());
        }
    }
}
