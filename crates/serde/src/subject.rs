//! Under which subject a record's schema is registered.

use crate::{Field, SerdeError};

/// How a subject is made of the topic and the record's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SubjectStrategy {
    /// `topic-key` or `topic-value`: one schema a topic.
    #[default]
    TopicName,
    /// The record's full name: one schema a type, whatever the topic.
    RecordName,
    /// `topic-` and the record's full name: several types a topic.
    TopicRecordName,
}

impl SubjectStrategy {
    /// The strategy of that name; Java's class names are understood too.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name.rsplit('.').next().unwrap_or(name) {
            "topic" | "TopicNameStrategy" => Self::TopicName,
            "record" | "RecordNameStrategy" => Self::RecordName,
            "topic-record" | "TopicRecordNameStrategy" => Self::TopicRecordName,
            _ => return None,
        })
    }

    /// The subject.
    pub fn subject(self, topic: &str, field: Field, record: Option<&str>) -> Result<String, SerdeError> {
        let record = || {
            record.ok_or_else(|| {
                SerdeError::Schema("it names no record, which the subject is to be made of".to_owned())
            })
        };
        Ok(match (self, field) {
            (Self::TopicName, Field::Key) => format!("{topic}-key"),
            (Self::TopicName, Field::Value) => format!("{topic}-value"),
            (Self::RecordName, _) => record()?.to_owned(),
            (Self::TopicRecordName, _) => format!("{topic}-{}", record()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_as_the_strategies_make_them() {
        for (name, field, expected) in [
            ("topic", Field::Key, "t-key"),
            ("topic", Field::Value, "t-value"),
            ("record", Field::Value, "a.R"),
            ("topic-record", Field::Key, "t-a.R"),
            ("io.confluent.kafka.serializers.subject.TopicRecordNameStrategy", Field::Value, "t-a.R"),
        ] {
            let strategy = SubjectStrategy::of_name(name).unwrap();
            assert_eq!(strategy.subject("t", field, Some("a.R")).unwrap(), expected);
        }
        assert!(SubjectStrategy::RecordName.subject("t", Field::Value, None).is_err());
        assert_eq!(SubjectStrategy::of_name("other"), None);
    }
}
