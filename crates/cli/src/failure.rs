//! A command that failed: what happened, where, and what to do about it.

use std::fmt::Write as _;
use std::process::ExitCode;

use client::{AdminError, CallError, CommitError, ConnectError, ConsumeError, ErrorCode, ProduceError};

use schema_serde::{Reason, Refusal, RegistryError, SerdeError};
use serde_json::Value;

use crate::output::Output;

/// What a command ends in.
pub type Outcome<T = ()> = Result<T, Failure>;

/// What happened, and what to do.
#[derive(Debug)]
pub struct Failure {
    message: String,
    advice: Option<String>,
    /// What more programs are told.
    more: Option<Box<More>>,
    /// The reader of our output went away, as `head` does: no failure at all.
    is_broken_pipe: bool,
}

/// What only programs ask for.
#[derive(Debug)]
struct More {
    /// Kafka's name of an error, or the registry's number.
    code: Value,
    /// Why schemas are incompatible.
    reasons: Option<Value>,
}

impl Failure {
    /// Something that went wrong.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), advice: None, more: None, is_broken_pipe: false }
    }

    /// What happened.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// With what to do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    fn coded(message: String, code: Option<ErrorCode>) -> Self {
        let advice = code.and_then(advice_for).map(str::to_owned);
        Self {
            advice,
            more: code.map(|code| Box::new(More { code: Value::from(code.name()), reasons: None })),
            ..Self::new(message)
        }
    }

    /// The same for programs.
    pub fn as_json(&self) -> Value {
        let code = self.more.as_ref().map(|more| &more.code);
        let mut value = serde_json::json!({ "error": self.message, "code": code, "advice": self.advice });
        let reasons = self.more.as_ref().and_then(|more| more.reasons.as_ref());
        if let (Some(reasons), Some(object)) = (reasons, value.as_object_mut()) {
            object.insert("reasons".to_owned(), reasons.clone());
        }
        value
    }

    /// Says it, and gives the exit code.
    pub fn report(self, output: &Output) -> ExitCode {
        if self.is_broken_pipe {
            return ExitCode::SUCCESS;
        }
        if output.is_json() {
            eprintln!("{}", self.as_json());
        } else {
            let mut text = format!("mekong: {}", self.message);
            if let Some(advice) = self.advice {
                let _ = write!(text, "\n  {advice}");
            }
            eprintln!("{text}");
        }
        ExitCode::FAILURE
    }
}

/// What people can do about errors that need them.
fn advice_for(code: ErrorCode) -> Option<&'static str> {
    Some(match code {
        ErrorCode::UNKNOWN_TOPIC_OR_PARTITION => "`mekong topic list` shows what there is.",
        ErrorCode::TOPIC_ALREADY_EXISTS => {
            "`mekong topic describe` shows it; `mekong topic alter` changes it."
        }
        ErrorCode::INVALID_REPLICATION_FACTOR => {
            "There must be as many brokers as replicas: `mekong cluster info` shows them."
        }
        ErrorCode::INVALID_TOPIC_EXCEPTION => "Names have 1 to 249 of the characters a-z A-Z 0-9 . _ -",
        ErrorCode::NON_EMPTY_GROUP => "Stop its members first: `mekong group describe` shows them.",
        ErrorCode::GROUP_ID_NOT_FOUND => "`mekong group list` shows what there is.",
        ErrorCode::INVALID_CONFIG => "`mekong config describe` shows names and values.",
        ErrorCode::TOPIC_AUTHORIZATION_FAILED
        | ErrorCode::GROUP_AUTHORIZATION_FAILED
        | ErrorCode::CLUSTER_AUTHORIZATION_FAILED => "The cluster's ACLs must allow this.",
        ErrorCode::MESSAGE_TOO_LARGE => "The topic's max.message.bytes is the limit.",
        _ => return None,
    })
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        let is_broken_pipe = error.kind() == std::io::ErrorKind::BrokenPipe;
        Self { is_broken_pipe, ..Self::new(error.to_string()) }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        Self::coded(error.to_string(), error.code())
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        Self::coded(error.to_string(), error.code())
    }
}

impl From<ProduceError> for Failure {
    fn from(error: ProduceError) -> Self {
        Self::coded(error.to_string(), error.code())
    }
}

impl From<ConsumeError> for Failure {
    fn from(error: ConsumeError) -> Self {
        Self::coded(error.to_string(), error.code())
    }
}

impl From<CommitError> for Failure {
    fn from(error: CommitError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Call(error @ CallError::NoBroker { .. }) => Self::new(error.to_string()).advise(
                "Name the cluster with --bootstrap-server HOST:PORT or --profile NAME; `mekong serve` starts a broker here.",
            ),
            other => Self::new(other.to_string()),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        // Confluent's text quotes whole schemas; the reasons say the same in sentences.
        let message = match refusal.message.split_once(", details: ") {
            Some((message, _)) if !refusal.reasons.is_empty() => message,
            _ => &refusal.message,
        };
        let mut failure = Self::new(format!("{message} (error code {})", refusal.code));
        let mut more = Box::new(More { code: Value::from(refusal.code), reasons: None });
        if refusal.reasons.is_empty() {
            failure.advice = registry_advice(refusal.code).map(str::to_owned);
        } else {
            failure.advice = Some(reasons_as_text(&refusal.reasons));
            more.reasons = serde_json::to_value(&refusal.reasons).ok();
        }
        failure.more = Some(more);
        failure
    }
}

/// Each reason and what would mend it.
pub fn reasons_as_text(reasons: &[Reason]) -> String {
    let one = |reason: &Reason| {
        format!("{}: {}\n    To mend it: {}", reason.error_type, reason.description, reason.remedy)
    };
    reasons.iter().map(one).collect::<Vec<_>>().join("\n  ")
}

fn registry_advice(code: i64) -> Option<&'static str> {
    Some(match code {
        40401 | 40403 => "`mekong schema list` shows what there is.",
        40402 => "`mekong schema list SUBJECT` shows its latest version.",
        40405 | 40407 => "Delete it softly first: without --permanent.",
        40404 | 40406 => "It is deleted already; --permanent deletes it for good.",
        42205 => "`mekong schema mode` shows and sets modes.",
        42206 => "Delete first what refers to it.",
        401 => "The registry wants a name and a password: --registry-user NAME:PASSWORD.",
        _ => return None,
    })
}

impl From<RegistryError> for Failure {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Refused(refusal) => Self::from(refusal),
            error @ RegistryError::Unreachable { .. } => Self::new(error.to_string()).advise(
                "Name the registry with --registry URL; `mekong serve` and `mekong registry` print where theirs is.",
            ),
            other => Self::new(other.to_string()),
        }
    }
}

impl From<SerdeError> for Failure {
    fn from(error: SerdeError) -> Self {
        match error {
            SerdeError::Registry(error) => Self::from(error),
            other => Self::new(other.to_string()),
        }
    }
}
