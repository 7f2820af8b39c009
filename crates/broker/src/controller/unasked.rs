//! What the controller does without being asked.

use metadata::controller::{Command, FenceExpired};

use super::shell::{Decision, Job};

/// Does what nobody asked for.
pub(super) fn by_itself<C: Command + Send + 'static>(command: C) -> Job {
    Box::new(move |controller, at| {
        let records = controller.handle(&command, at).records;
        if !records.is_empty() {
            tracing::info!(changes = records.len(), "the controller moves leaders or replicas by itself");
        }
        Decision { records, reply: Box::new(|_| {}), must_lead: false }
    })
}

/// Fences one broker whose session is over, if there is one.
pub(super) fn expire() -> Job {
    Box::new(|controller, at| {
        let outcome = controller.handle(&FenceExpired, at);
        for broker in &outcome.answer {
            tracing::warn!(broker, "fenced a broker: its heartbeats do not come");
        }
        Decision { records: outcome.records, reply: Box::new(|_| {}), must_lead: false }
    })
}
