//! Topics that come to be because somebody needs them: by `auto.create.topics.enable`, or for a coordinator.

use base::Str;
use metadata::controller::is_internal_topic;
use wire::ErrorCode;
use wire::messages::create_topics::{CreatableTopic, CreatableTopicConfig, CreateTopicsRequest};

use crate::Broker;

/// Internal topics have as many replicas as Kafka gives them, or one per broker where there are fewer.
pub(super) const INTERNAL_REPLICAS_MAX: usize = 3;

impl Broker {
    /// Makes a topic with the broker's defaults, or for a coordinator with its own. One that is there already will do.
    pub async fn auto_create(&self, name: &Str) -> Result<(), ErrorCode> {
        let topic = match &**name {
            "__consumer_offsets" => self.offsets_topic(name),
            name if is_internal_topic(name) => return Err(ErrorCode::INVALID_TOPIC_EXCEPTION),
            _ => CreatableTopic {
                name: name.clone(),
                num_partitions: -1,
                replication_factor: -1,
                ..Default::default()
            },
        };
        let request = CreateTopicsRequest { topics: vec![topic], ..Default::default() };
        let answer = self.submit(request).await?;
        match answer.topics.first().map(|topic| topic.error_code) {
            Some(ErrorCode::NONE | ErrorCode::TOPIC_ALREADY_EXISTS) => Ok(()),
            // As in Kafka: the client shall ask again, more brokers may come.
            Some(ErrorCode::INVALID_REPLICATION_FACTOR) => Err(ErrorCode::INVALID_REPLICATION_FACTOR),
            Some(code) => Err(code),
            None => Err(ErrorCode::UNKNOWN_SERVER_ERROR),
        }
    }

    fn offsets_topic(&self, name: &Str) -> CreatableTopic {
        let image = self.image();
        let configs = self.broker_configs(&image);
        let asked = "offsets.topic.replication.factor";
        let live = image.brokers().values().filter(|broker| broker.is_active()).count();
        let factor = match self.config.properties.get(asked) {
            Some(_) => i16::try_from(configs.number(asked)).unwrap_or(1),
            None => live.clamp(1, INTERNAL_REPLICAS_MAX) as i16,
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
}
