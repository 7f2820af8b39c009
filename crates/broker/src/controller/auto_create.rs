//! Topics that come to be because somebody needs them: by `auto.create.topics.enable`, or for a coordinator.

use std::collections::HashMap;
use std::time::Duration;

use base::Str;
use metadata::config::BrokerConfigs;
use metadata::controller::is_internal_topic;
use wire::ErrorCode;
use wire::messages::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};

use crate::Broker;

/// Internal topics have as many replicas as Kafka gives them, or one per broker where there are fewer.
pub(super) const INTERNAL_REPLICAS_MAX: usize = 3;
/// How many topics the controller is asked for at a time …
const TOPICS_AT_ONCE: usize = 100;
/// … and how long the answer on other topics may wait for them.
const PATIENCE: Duration = Duration::from_secs(2);
const REPLICATION_FACTOR: &str = "offsets.topic.replication.factor";

impl Broker {
    /// Makes a topic with the broker's defaults, or for a coordinator with its own. One that is there already will do.
    pub async fn auto_create(&self, name: &Str) -> Result<(), ErrorCode> {
        let topic = self.automatic(name).ok_or(ErrorCode::INVALID_TOPIC_EXCEPTION)?;
        let request = CreateTopicsRequest { topics: vec![topic], ..Default::default() };
        let answer = self.submit(request).await?;
        match answer.topics.first().map(|topic| topic.error_code) {
            Some(ErrorCode::NONE | ErrorCode::TOPIC_ALREADY_EXISTS) => Ok(()),
            Some(code) => Err(code),
            None => Err(ErrorCode::UNKNOWN_SERVER_ERROR),
        }
    }

    /// Makes topics likewise, for at most as long as a quick answer may take: what the client wants to know beside is not to wait for
    /// a controller. Tells which are refused, and why; of what is not decided in time nothing is said.
    pub async fn auto_create_all(&self, names: &[Str]) -> HashMap<Str, ErrorCode> {
        let mut refused = HashMap::new();
        let creating = async {
            for some in names.chunks(TOPICS_AT_ONCE) {
                let mut topics = Vec::with_capacity(some.len());
                for name in some {
                    match self.automatic(name) {
                        Some(topic) => topics.push(topic),
                        None => _ = refused.insert(name.clone(), ErrorCode::INVALID_TOPIC_EXCEPTION),
                    }
                }
                let request = CreateTopicsRequest { topics, ..Default::default() };
                let Ok(answer) = self.submit(request).await else { return };
                let errors = answer.topics.into_iter().map(|topic| (topic.name, topic.error_code));
                let is_there = |code| matches!(code, ErrorCode::NONE | ErrorCode::TOPIC_ALREADY_EXISTS);
                refused.extend(errors.filter(|(_, code)| !is_there(*code)));
            }
        };
        let _ = tokio::time::timeout(PATIENCE, creating).await;
        refused
    }

    /// A topic as it is made without being described; none of that name if only this node may say what it is.
    fn automatic(&self, name: &Str) -> Option<CreatableTopic> {
        match &**name {
            "__consumer_offsets" => {
                let image = self.image();
                let live = image.brokers().values().filter(|broker| broker.is_active()).count();
                let asks = self.config.properties.get(REPLICATION_FACTOR).is_some();
                Some(offsets_topic(name, &self.broker_configs(&image), (!asks).then_some(live)))
            }
            internal if is_internal_topic(internal) => None,
            _ => Some(CreatableTopic {
                name: name.clone(),
                num_partitions: -1,
                replication_factor: -1,
                ..Default::default()
            }),
        }
    }
}

/// The topic of the groups; without a word on its replicas it has one on each `live` broker, up to three.
fn offsets_topic(name: &Str, configs: &BrokerConfigs<'_>, live: Option<usize>) -> CreatableTopic {
    let factor = match live {
        None => i16::try_from(configs.number(REPLICATION_FACTOR)).unwrap_or(1),
        Some(live) => live.clamp(1, INTERNAL_REPLICAS_MAX) as i16,
    };
    let config = |name: &'static str, value: String| CreatableTopicConfig {
        name: Str::from_static(name),
        value: Some(value.into()),
    };
    let segment = configs.number("offsets.topic.segment.bytes");
    CreatableTopic {
        name: name.clone(),
        num_partitions: i32::try_from(configs.number("offsets.topic.num.partitions")).unwrap_or(i32::MAX),
        replication_factor: factor,
        configs: vec![
            config("cleanup.policy", "compact".into()),
            config("compression.type", "producer".into()),
            config("segment.bytes", segment.to_string()),
        ],
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use metadata::MetadataImage;
    use metadata::config::StaticConfigs;

    use super::*;

    #[test]
    fn the_topic_of_the_groups_is_made_as_asked() {
        let image = MetadataImage::default();
        let made = |pairs: &[(&str, &str)], live| {
            let statics: StaticConfigs =
                pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let configs = BrokerConfigs { node_id: 1, statics: &statics, image: &image };
            let topic = offsets_topic(&Str::from_static("__consumer_offsets"), &configs, live);
            (topic.num_partitions, topic.replication_factor)
        };
        assert_eq!([0, 2, 9].map(|live| made(&[], Some(live))), [(50, 1), (50, 2), (50, 3)]);
        let asked = [("offsets.topic.num.partitions", "4"), ("offsets.topic.replication.factor", "2")];
        assert_eq!(made(&asked, None), (4, 2));
    }
}
