//! What acknowledges before it is durable is said once, at the start: nobody is to learn of it from a power cut.

use log::Durability;
use metadata::ResourceType;

use crate::Broker;

/// The settings that make a topic relaxed.
const SETTINGS: [&str; 2] = ["flush.messages", "flush.ms"];
/// So many topics are named.
const NAMED_MAX: usize = 20;

impl Broker {
    /// Says which topics are relaxed, by the broker's settings or by their own.
    pub(crate) fn say_what_is_relaxed(&self) {
        let image = self.image();
        let is_relaxed =
            |topic: &base::Str| self.topic_configs(&image, topic).log().durability != Durability::Durable;
        if is_relaxed(&base::Str::from_static("")) {
            tracing::warn!(
                "log.flush.interval.messages or log.flush.interval.ms is set: topics without settings of their own \
                 acknowledge records before these are durable"
            );
        }
        let own = image.configured().iter().filter(|(resource, configs)| {
            resource.kind == ResourceType::TOPIC && SETTINGS.iter().any(|name| configs.get(*name).is_some())
        });
        let relaxed: Vec<_> =
            own.map(|(resource, _)| &resource.name).filter(|name| is_relaxed(name)).collect();
        if !relaxed.is_empty() {
            let named: Vec<_> = relaxed.iter().take(NAMED_MAX).map(|name| &***name).collect();
            tracing::warn!(
                topics = relaxed.len(),
                named = named.join(", "),
                "flush.messages or flush.ms is set: these topics acknowledge records before they are durable"
            );
        }
    }
}
