//! What a fetcher is told from outside: partitions that come and go, and those that have more to say to their leader.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use base::TopicIdPartition;
use tokio::sync::Notify;

/// Something a fetcher is told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum News {
    /// Copy this partition from now on; or look at it anew, since its metadata changed.
    Follow(TopicIdPartition),
    /// Copy it no more.
    Leave(TopicIdPartition),
    /// More of it is durable.
    Moved(TopicIdPartition),
}

/// The way to a fetcher.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    news: Mutex<VecDeque<News>>,
    pub(super) came: Notify,
}

impl Inbox {
    /// More of a partition is durable: its leader is to hear so.
    pub fn moved(&self, partition: TopicIdPartition) {
        self.tell(News::Moved(partition));
    }

    pub(super) fn tell(&self, news: News) {
        let mut waiting = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.back() != Some(&news) {
            waiting.push_back(news);
        }
        drop(waiting);
        self.came.notify_one();
    }

    pub(super) fn take(&self) -> VecDeque<News> {
        std::mem::take(&mut *self.news.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
