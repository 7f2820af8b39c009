//! The log levels of this process, changeable while it runs (KIP-412).
//!
//! A logger is one of Mekong's crates, or `root` for all that have no level of their own. Whoever embeds the broker says how
//! a change is made true; without that, levels are only remembered.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use metadata::controller::ApiError;
use wire::ErrorCode;
use wire::messages::incremental_alter_configs::AlterConfigsResource;

use crate::Broker;

/// The logger that stands for all others.
const ROOT: &str = "root";

/// The crates that say something.
const NAMES: &[&str] = &["broker", "client", "coordinator", "log", "net", "quorum", "registry"];

/// Kafka's levels, and what `tracing` calls them.
const LEVELS: &[(&str, &str)] = &[
    ("DEBUG", "debug"),
    ("ERROR", "error"),
    ("FATAL", "error"),
    ("INFO", "info"),
    ("TRACE", "trace"),
    ("WARN", "warn"),
];

/// Makes levels true; they come as directives such as `info,broker=debug`.
pub type Apply = Arc<dyn Fn(&str) + Send + Sync>;

/// The levels as they are.
#[derive(Clone)]
pub struct Loggers {
    levels: Arc<Mutex<BTreeMap<&'static str, &'static str>>>,
    apply: Option<Apply>,
}

impl Default for Loggers {
    fn default() -> Self {
        let levels = BTreeMap::from([(ROOT, "INFO")]);
        Self { levels: Arc::new(Mutex::new(levels)), apply: None }
    }
}

impl fmt::Debug for Loggers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.levels()).finish()
    }
}

impl Loggers {
    /// Levels that `apply` makes true.
    pub fn new(apply: Apply) -> Self {
        Self { apply: Some(apply), ..Self::default() }
    }

    /// Every logger with its level.
    pub fn levels(&self) -> Vec<(String, &'static str)> {
        let levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        let root = levels.get(ROOT).copied().unwrap_or("INFO");
        let all = NAMES.iter().chain(&[ROOT]);
        all.map(|name| ((*name).to_owned(), levels.get(name).copied().unwrap_or(root))).collect()
    }

    fn change(&self, changes: Vec<(&'static str, Option<&'static str>)>) {
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, level) in changes {
            match level {
                Some(level) => levels.insert(name, level),
                None => levels.remove(name),
            };
        }
        let Some(apply) = &self.apply else { return };
        let of = |level: &str| LEVELS.iter().find(|(name, _)| *name == level).map_or("info", |(_, of)| of);
        let directives: Vec<_> = levels
            .iter()
            .map(
                |(name, level)| {
                    if *name == ROOT { of(level).to_owned() } else { format!("{name}={}", of(level)) }
                },
            )
            .collect();
        apply(&directives.join(","));
    }
}

impl Broker {
    /// Sets or resets levels, all or none.
    pub(crate) fn alter_loggers(
        &self,
        asked: &AlterConfigsResource,
        validate_only: bool,
    ) -> Result<(), ApiError> {
        const SET: i8 = 0;
        const DELETE: i8 = 1;
        const APPEND: i8 = 2;
        let own = self.config.node_id;
        match asked.resource_name.parse::<i32>() {
            Ok(id) if id == own => {}
            Ok(id) => {
                let message = format!("Unexpected broker id, expected {own}, but received {id}");
                return Err(ApiError::invalid_request(message));
            }
            Err(_) => {
                let message = format!("Node id must be an integer, but it is: {}", asked.resource_name);
                return Err(ApiError::invalid_request(message));
            }
        }
        let mut changes = Vec::new();
        for config in &asked.configs {
            let name = known(&config.name)?;
            match config.config_operation {
                SET => changes.push((name, Some(level(name, config.value.as_deref().unwrap_or_default())?))),
                DELETE if name == ROOT => {
                    let message = "Removing the log level of the root logger is not allowed";
                    return Err(ApiError::invalid_request(message));
                }
                DELETE => changes.push((name, None)),
                other => {
                    let operation = if other == APPEND { "APPEND" } else { "SUBTRACT" };
                    let message =
                        format!("{operation} operation is not allowed for the BROKER_LOGGER resource");
                    return Err(ApiError::invalid_request(message));
                }
            }
        }
        if !validate_only {
            self.config.loggers.change(changes);
        }
        Ok(())
    }
}

fn known(name: &str) -> Result<&'static str, ApiError> {
    let found = NAMES.iter().chain(&[ROOT]).find(|known| **known == name);
    let error = || ApiError::new(ErrorCode::INVALID_CONFIG, format!("Logger {name} does not exist!"));
    found.copied().ok_or_else(error)
}

fn level(name: &str, level: &str) -> Result<&'static str, ApiError> {
    let found = LEVELS.iter().find(|(known, _)| *known == level);
    found.map(|(known, _)| *known).ok_or_else(|| {
        let all: Vec<_> = LEVELS.iter().map(|(known, _)| *known).collect();
        ApiError::invalid_config(format!(
            "Cannot set the log level of {name} to {level} as it is not a supported log level. Valid log levels are {}",
            all.join(", ")
        ))
    })
}
