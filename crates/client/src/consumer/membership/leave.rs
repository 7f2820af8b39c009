//! Leaving: the last commit, and a word to the coordinator so that the others need not wait for the session to end.

use std::time::{Duration, Instant};

use wire::messages::leave_group::{LeaveGroupRequest, MemberIdentity};

use super::Member;
use crate::cluster::Lane;
use crate::consumer::Rebalance;

impl Member {
    pub(super) async fn leave(&mut self) {
        if self.shared.settings.auto_commit.is_some() {
            // Who closes says that what it was given is processed; who just drops the consumer, perhaps in a panic, does not.
            if self.is_closed_by_hand {
                self.shared.lock().polled(Instant::now());
            }
            self.commit_processed().await;
        }
        let owned = self.shared.assignment();
        if self.is_member && !owned.is_empty() {
            self.shared.tell(&Rebalance::Revoked(owned));
        }
        self.leave_now().await;
        if let Some(done) = self.closing.take() {
            let _ = done.send(());
        }
    }

    /// A static member does not say that it goes, so that it can come back within its session (KIP-345).
    pub(super) async fn leave_now(&self) {
        let membership = self.group.membership();
        if self.group.instance_id.is_some() || membership.member_id.is_empty() {
            return;
        }
        let build = |version| match version {
            0..=2 => LeaveGroupRequest {
                group_id: self.group.id.clone(),
                member_id: membership.member_id.clone(),
                ..LeaveGroupRequest::default()
            },
            _ => LeaveGroupRequest {
                group_id: self.group.id.clone(),
                members: vec![MemberIdentity {
                    member_id: membership.member_id.clone(),
                    ..MemberIdentity::default()
                }],
                ..LeaveGroupRequest::default()
            },
        };
        // Not behind a join that is still on its way.
        let leaving = self.group.call(Lane::Control, build, Duration::ZERO);
        if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(5), leaving).await {
            tracing::debug!(%error, "leaving the group failed; its session will end by itself");
        }
    }
}
