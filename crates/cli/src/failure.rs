//! A command that failed: what happened, where, and what to do about it.

use std::fmt::Write as _;
use std::process::ExitCode;

use client::{AdminError, CallError, CommitError, ConnectError, ConsumeError, ErrorCode, ProduceError};

use crate::output::Output;

/// What a command ends in.
pub type Outcome<T = ()> = Result<T, Failure>;

/// What happened, and what to do.
#[derive(Debug)]
pub struct Failure {
    message: String,
    advice: Option<String>,
    code: Option<ErrorCode>,
    /// The reader of our output went away, as `head` does: no failure at all.
    is_broken_pipe: bool,
}

impl Failure {
    /// Something that went wrong.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), advice: None, code: None, is_broken_pipe: false }
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
        Self { message, advice: code.and_then(advice_for).map(str::to_owned), code, is_broken_pipe: false }
    }

    /// The same for programs.
    pub fn as_json(&self) -> serde_json::Value {
        let code = self.code.map(|code| code.name());
        serde_json::json!({ "error": self.message, "code": code, "advice": self.advice })
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
        Self { message: error.to_string(), advice: None, code: None, is_broken_pipe }
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
