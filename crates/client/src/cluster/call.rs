//! One exchange with whoever is in charge, tried again while that may help.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base::Str;
use wire::messages::find_coordinator::{FindCoordinatorRequest, FindCoordinatorResponse};
use wire::{ApiKey, ErrorCode, Request};

use super::{Cluster, Lane};
use crate::connection::Connection;
use crate::{Address, CallError, TopicPartition};

/// Who shall answer.
#[derive(Clone, Debug)]
pub(crate) enum Target {
    /// Any broker.
    Any,
    /// The broker that metadata calls the controller; any broker where it calls none.
    Controller,
    /// One broker.
    Broker(i32),
    /// The leader of a partition.
    Leader(TopicPartition),
    /// The coordinator of a group.
    Group(Str),
}

/// Whether an error means that the picture of the cluster is wrong, so that it must be refreshed before the next attempt.
pub(crate) fn retriable_with_refresh(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NOT_LEADER_OR_FOLLOWER
            | ErrorCode::UNKNOWN_TOPIC_OR_PARTITION
            | ErrorCode::UNKNOWN_TOPIC_ID
            | ErrorCode::INCONSISTENT_TOPIC_ID
            | ErrorCode::LEADER_NOT_AVAILABLE
            | ErrorCode::FENCED_LEADER_EPOCH
            | ErrorCode::UNKNOWN_LEADER_EPOCH
            | ErrorCode::KAFKA_STORAGE_ERROR
            | ErrorCode::REPLICA_NOT_AVAILABLE
            | ErrorCode::OFFSET_NOT_AVAILABLE
            | ErrorCode::NOT_CONTROLLER
    )
}

impl Cluster {
    /// Sends what `build` makes for the negotiated version, and again after retriable failures, until `check` accepts the answer
    /// or `default.api.timeout.ms` is over.
    pub(crate) async fn call<R: Request, T>(
        &self,
        target: Target,
        build: impl Fn(i16) -> R,
        check: impl Fn(R::Response) -> Result<T, CallError>,
    ) -> Result<T, CallError> {
        let deadline = Instant::now() + self.options.api_timeout;
        let mut failures = 0;
        loop {
            let error = match self
                .call_once(&target, Lane::Control, 0, &build, Duration::ZERO)
                .await
                .and_then(&check)
            {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            failures += 1;
            let wait = self.options.backoff.after(failures, &self.random);
            if !error.is_retriable() || Instant::now() + wait >= deadline {
                return Err(error);
            }
            tracing::debug!(%error, ?wait, "trying again");
            tokio::time::sleep(wait).await;
            self.look_again(&target).await;
        }
    }

    /// One attempt.
    pub(crate) async fn call_once<R: Request>(
        &self,
        target: &Target,
        lane: Lane,
        share: u32,
        build: &impl Fn(i16) -> R,
        extra: Duration,
    ) -> Result<R::Response, CallError> {
        let connection = self.reach(target, lane, share).await?;
        let version = connection.version_of::<R>()?;
        connection.call(&build(version), version, extra).await
    }

    /// A connection to whoever is in charge.
    pub(crate) async fn reach(
        &self,
        target: &Target,
        lane: Lane,
        share: u32,
    ) -> Result<Arc<Connection>, CallError> {
        match target {
            Target::Any => self.any().await,
            Target::Controller => match self.view().controller {
                Some(id) => self.broker(id, lane, share).await,
                None => self.any().await,
            },
            Target::Broker(id) => self.broker(*id, lane, share).await,
            Target::Leader(partition) => {
                let view = self.topic(&partition.topic, false).await?;
                let leader = view
                    .leader(partition)
                    .ok_or_else(|| CallError::NoLeader(format!("{partition} has no leader")))?;
                self.broker(leader, lane, share).await
            }
            Target::Group(group) => {
                let address = self.find_group_coordinator(group).await?;
                self.connection(&address, lane, share).await
            }
        }
    }

    /// A connection to the broker `id`.
    pub(crate) async fn broker(&self, id: i32, lane: Lane, share: u32) -> Result<Arc<Connection>, CallError> {
        let known = |cluster: &Self| cluster.view().brokers.get(&id).map(|broker| broker.address.clone());
        let address = match known(self) {
            Some(address) => address,
            None => {
                self.refresh(Some(&[]), false).await?;
                known(self).ok_or_else(|| {
                    CallError::NoLeader(format!("broker {id} is not part of the cluster now"))
                })?
            }
        };
        self.connection(&address, lane, share).await
    }

    /// Asks who coordinates `group`.
    pub(crate) async fn find_group_coordinator(&self, group: &Str) -> Result<Address, CallError> {
        let build = |version: i16| match version {
            0..=3 => FindCoordinatorRequest { key: group.clone(), ..Default::default() },
            _ => FindCoordinatorRequest { coordinator_keys: vec![group.clone()], ..Default::default() },
        };
        let connection = self.any().await?;
        let version = connection.version_of::<FindCoordinatorRequest>()?;
        let response = connection.call(&build(version), version, Duration::ZERO).await?;
        coordinator_address(response)
    }

    /// Before another attempt: the picture may be what was wrong.
    async fn look_again(&self, target: &Target) {
        let refreshed = match target {
            Target::Leader(partition) => {
                self.refresh(Some(std::slice::from_ref(&partition.topic)), false).await
            }
            Target::Controller | Target::Broker(_) => self.refresh(Some(&[]), false).await,
            Target::Any | Target::Group(_) => Ok(()),
        };
        if let Err(error) = refreshed {
            tracing::debug!(%error, "the metadata could not be refreshed");
        }
    }
}

fn coordinator_address(response: FindCoordinatorResponse) -> Result<Address, CallError> {
    let (code, message, host, port) = match response.coordinators.into_iter().next() {
        Some(found) => (found.error_code, found.error_message, found.host, found.port),
        None => (response.error_code, response.error_message, response.host, response.port),
    };
    CallError::check(ApiKey::FindCoordinator, code, message)?;
    Ok(Address { host: host.as_str().to_owned(), port: u16::try_from(port).unwrap_or(0) })
}
