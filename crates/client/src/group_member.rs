//! A member of a group of any protocol type, for those who elect or share out something of their own.
//!
//! One task keeps it: it joins with the metadata it was given, assigns when it is the leader, tells every assignment, and
//! stays alive by heartbeats. What the bytes mean is for the caller to say.

use std::sync::Arc;
use std::time::Duration;

use base::Str;
use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::Instant;
use wire::messages::heartbeat::HeartbeatRequest;
use wire::messages::join_group::{JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse};
use wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};
use wire::messages::sync_group::{SyncGroupRequest, SyncGroupRequestAssignment};
use wire::{ApiKey, ErrorCode};

use crate::CallError;
use crate::cluster::Lane;
use crate::consumer::group::{Group, Membership, has_moved};

/// What a member is and wants.
#[derive(Clone, Debug)]
pub struct GroupOptions {
    /// The group.
    pub group: Str,
    /// The type of the group's protocol: members of another cannot join.
    pub protocol_type: Str,
    /// The protocol's name.
    pub protocol: Str,
    /// How long a silent member stays one.
    pub session_timeout: Duration,
    /// How long the others wait for a member to join again.
    pub rebalance_timeout: Duration,
    /// How often it says that it lives.
    pub heartbeat_interval: Duration,
}

/// How a member takes part.
pub trait GroupProtocol: Send + Sync + 'static {
    /// What the leader is told of this member, at every join.
    fn metadata(&self) -> Bytes;
    /// The leader's work: members with their metadata in, assignments by member out.
    fn assign(&self, leader: &Str, members: &[(Str, Bytes)]) -> Vec<(Str, Bytes)>;
    /// What this member was given, by the name it has in the group; nothing when it is no member for now.
    fn assigned(&self, assignment: Option<(Str, Bytes)>);
    /// The coordinator has counted this member among the living when it was asked, or later: its session does not end before
    /// a session's timeout from then.
    fn alive(&self, _asked: Instant) {}
}

/// How long to rest after a failure.
const PAUSE: Duration = Duration::from_millis(500);

/// A member, until it is dropped or left.
#[derive(Debug)]
pub struct GroupMember {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl GroupMember {
    pub(crate) fn start(
        cluster: Arc<crate::cluster::Cluster>,
        share: u32,
        options: GroupOptions,
        protocol: Arc<dyn GroupProtocol>,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let group = Group::new(cluster, share, options.group.clone(), None);
        let task = tokio::spawn(Member { group, options, protocol }.run(stopped));
        Self { stop, task }
    }

    /// Leaves the group, so that the others need not wait for the session to end.
    pub async fn leave(self) {
        self.stop.send_replace(true);
        // A task that panicked has nothing left to do.
        let _ = self.task.await;
    }
}

struct Member {
    group: Group,
    options: GroupOptions,
    protocol: Arc<dyn GroupProtocol>,
}

impl Member {
    async fn run(self, mut stopped: watch::Receiver<bool>) {
        tokio::select! {
            () = self.stay() => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
        self.protocol.assigned(None);
        self.leave().await;
        self.group.release();
    }

    async fn stay(&self) {
        loop {
            match self.join().await {
                Ok(Some(assignment)) => {
                    let member = self.group.membership().member_id;
                    self.protocol.assigned(Some((member, assignment)));
                    self.beat().await;
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, group = %self.options.group, "joining failed; it is tried again");
                    self.protocol.assigned(None);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Joins once; nothing where it must be tried again at once.
    async fn join(&self) -> Result<Option<Bytes>, CallError> {
        let membership = self.group.membership();
        let protocol = JoinGroupRequestProtocol {
            name: self.options.protocol.clone(),
            metadata: self.protocol.metadata(),
        };
        let build = |_| JoinGroupRequest {
            group_id: self.options.group.clone(),
            session_timeout_ms: millis(self.options.session_timeout),
            rebalance_timeout_ms: millis(self.options.rebalance_timeout),
            member_id: membership.member_id.clone(),
            group_instance_id: None,
            protocol_type: self.options.protocol_type.clone(),
            protocols: vec![protocol.clone()],
            reason: None,
        };
        let response = self.group.call(Lane::Coordinator, build, self.options.rebalance_timeout).await?;
        match response.error_code {
            ErrorCode::NONE => {}
            // KIP-394: the id comes first, the place with the second try.
            ErrorCode::MEMBER_ID_REQUIRED => {
                self.be(response.member_id.detached(), -1);
                return Ok(None);
            }
            code => return self.not_a_member(ApiKey::JoinGroup, code),
        }
        self.be(response.member_id.detached(), response.generation_id);
        self.sync(&response).await
    }

    async fn sync(&self, joined: &JoinGroupResponse) -> Result<Option<Bytes>, CallError> {
        let assignments = match joined.leader == joined.member_id && !joined.skip_assignment {
            false => Vec::new(),
            true => {
                let members: Vec<(Str, Bytes)> =
                    joined.members.iter().map(|m| (m.member_id.detached(), m.metadata.clone())).collect();
                let assigned = self.protocol.assign(&joined.leader, &members).into_iter();
                assigned
                    .map(|(member_id, assignment)| SyncGroupRequestAssignment { member_id, assignment })
                    .collect()
            }
        };
        let build = |_| SyncGroupRequest {
            group_id: self.options.group.clone(),
            generation_id: joined.generation_id,
            member_id: joined.member_id.clone(),
            group_instance_id: None,
            protocol_type: Some(self.options.protocol_type.clone()),
            protocol_name: Some(self.options.protocol.clone()),
            assignments: assignments.clone(),
        };
        let asked = Instant::now();
        let answer = self.group.call(Lane::Coordinator, build, self.options.rebalance_timeout).await?;
        if answer.error_code == ErrorCode::NONE {
            self.protocol.alive(asked);
        }
        match answer.error_code {
            ErrorCode::NONE => Ok(Some(Bytes::copy_from_slice(&answer.assignment))),
            ErrorCode::REBALANCE_IN_PROGRESS => Ok(None),
            code => self.not_a_member(ApiKey::SyncGroup, code),
        }
    }

    /// Heartbeats, until the member must join again.
    async fn beat(&self) {
        let mut heard = Instant::now();
        while heard.elapsed() < self.options.session_timeout {
            tokio::time::sleep(self.options.heartbeat_interval).await;
            let membership = self.group.membership();
            let build = |_| HeartbeatRequest {
                group_id: self.options.group.clone(),
                generation_id: membership.generation,
                member_id: membership.member_id.clone(),
                group_instance_id: None,
            };
            let asked = Instant::now();
            let left = self.options.session_timeout.saturating_sub(heard.elapsed());
            let Ok(answer) =
                tokio::time::timeout(left, self.group.call(Lane::Coordinator, build, Duration::ZERO)).await
            else {
                break;
            };
            match answer {
                Ok(answer) if answer.error_code == ErrorCode::NONE => {
                    heard = asked;
                    self.protocol.alive(asked);
                }
                Ok(answer) if answer.error_code == ErrorCode::REBALANCE_IN_PROGRESS => return,
                Ok(answer) => {
                    if self.not_a_member(ApiKey::Heartbeat, answer.error_code).is_ok() {
                        // The place is lost: another may have it already.
                        return self.protocol.assigned(None);
                    }
                }
                Err(error) => tracing::debug!(%error, "a heartbeat failed"),
            }
        }
        self.protocol.assigned(None);
    }

    fn be(&self, member_id: Str, generation: i32) {
        self.group.set_membership(Membership { member_id, generation });
    }

    /// What an error of the coordinator means: nothing where joining anew is what helps.
    fn not_a_member(&self, api: ApiKey, code: ErrorCode) -> Result<Option<Bytes>, CallError> {
        if matches!(code, ErrorCode::UNKNOWN_MEMBER_ID | ErrorCode::ILLEGAL_GENERATION) {
            self.be(Str::default(), -1);
            return Ok(None);
        }
        let error = CallError::refused(api, code, None);
        if has_moved(&error) {
            self.group.forget_coordinator();
        }
        Err(error)
    }

    async fn leave(&self) {
        let membership = self.group.membership();
        if membership.member_id.is_empty() {
            return;
        }
        let build = |version| match version {
            0..=2 => LeaveGroupRequest {
                group_id: self.options.group.clone(),
                member_id: membership.member_id.clone(),
                ..LeaveGroupRequest::default()
            },
            _ => LeaveGroupRequest {
                group_id: self.options.group.clone(),
                members: vec![MemberIdentity {
                    member_id: membership.member_id.clone(),
                    ..MemberIdentity::default()
                }],
                ..LeaveGroupRequest::default()
            },
        };
        let leaving = self.group.call(Lane::Coordinator, build, Duration::ZERO);
        if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(2), leaving).await {
            tracing::debug!(%error, "leaving the group failed; its session will end by itself");
        }
    }
}

fn millis(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}
