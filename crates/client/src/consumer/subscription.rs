//! What a consumer wants to read.

use std::sync::Arc;

use base::Str;

use crate::cluster::ClusterView;

type Filter = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Topics by name, or by a rule that is asked of every topic there is.
#[derive(Clone)]
pub enum Subscription {
    /// These topics, whether they exist yet or not.
    Topics(Vec<Str>),
    /// Every topic that is not Kafka's own and for which this says yes; new ones are noticed within `metadata.max.age.ms`.
    Matching(Filter),
}

impl std::fmt::Debug for Subscription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Topics(topics) => f.debug_tuple("Topics").field(topics).finish(),
            Self::Matching(_) => f.write_str("Matching(..)"),
        }
    }
}

impl Subscription {
    pub(super) fn needs_all_topics(&self) -> bool {
        matches!(self, Self::Matching(_))
    }

    /// The topics meant, in order.
    pub(super) fn topics(&self, view: &ClusterView) -> Vec<Str> {
        let mut topics: Vec<Str> = match self {
            Self::Topics(topics) => topics.clone(),
            Self::Matching(matches) => {
                let candidates = view.topics.values().filter(|topic| !topic.is_internal);
                candidates.filter(|topic| matches(&topic.name)).map(|topic| topic.name.clone()).collect()
            }
        };
        topics.sort_unstable();
        topics.dedup();
        topics
    }
}
