//! Commits: by hand, from time to time, and before partitions go.

use std::time::Instant;

use base::Str;
use tokio::sync::oneshot;
use wire::{ApiKey, ErrorCode};

use super::{Command, Member};
use crate::consumer::error::CommitError;
use crate::{CallError, TopicPartition};

impl Member {
    pub(super) async fn serve(&mut self, command: Option<Command>) {
        match command {
            Some(Command::Commit { offsets, metadata, done }) => {
                let _ = done.send(self.commit(&offsets, &metadata).await);
            }
            Some(Command::Close { done }) => {
                self.is_closed_by_hand = true;
                self.closing = Some(done);
            }
            None => self.closing = Some(oneshot::channel().0),
        }
    }

    /// Commits what the application asks for. Where it was at work on partitions when the member lost them, nothing: neither those,
    /// which are another's, nor fewer without a word.
    async fn commit(
        &mut self,
        offsets: &[(TopicPartition, i64, i32)],
        metadata: &Str,
    ) -> Result<(), CommitError> {
        let in_vain = self.shared.lock().commits_in_vain();
        if in_vain {
            // What the coordinator would have said, had it been asked in the name of the member that was.
            let error = CallError::refused(ApiKey::OffsetCommit, ErrorCode::UNKNOWN_MEMBER_ID, None);
            return Err(CommitError::NotAMember(error));
        }
        let result = self.group.commit(offsets, metadata).await;
        match &result {
            Ok(()) => self.note_committed(offsets),
            Err(CommitError::NotAMember(error)) => self.put_out(error.clone()),
            Err(_) => {}
        }
        result
    }

    fn note_committed(&self, offsets: &[(TopicPartition, i64, i32)]) {
        let mut state = self.shared.lock();
        for (partition, offset, _) in offsets {
            if let Some(known) = state.get_mut(partition) {
                known.committed = Some(*offset);
            }
        }
    }

    pub(super) async fn commit_if_due(&mut self) {
        let Some(interval) = self.shared.settings.auto_commit else { return };
        if Instant::now() >= self.next_commit {
            self.next_commit = Instant::now() + interval;
            self.commit_processed().await;
        }
    }

    pub(super) async fn commit_processed(&mut self) {
        let offsets = self.shared.lock().uncommitted();
        match self.group.commit(&offsets, &Str::default()).await {
            Ok(()) => self.note_committed(&offsets),
            Err(CommitError::NotAMember(error)) => {
                tracing::warn!(group = %self.group.id, %error, "processed records were not committed: others read their partitions now");
                self.put_out(error);
            }
            Err(error) => {
                tracing::warn!(group = %self.group.id, %error, "processed records were not committed")
            }
        }
    }

    /// A commit was refused because the place in the group is another's.
    fn put_out(&mut self, error: CallError) {
        if !self.is_member {
            return;
        }
        match error.code() {
            // Its successor is to stay: two of one name would put each other out for ever.
            Some(ErrorCode::FENCED_INSTANCE_ID) => self.give_up(error),
            _ => self.lost(),
        }
    }
}
