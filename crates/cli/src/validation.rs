//! The registry's word on records that a broker takes in: topics whose configs ask for it have their keys or values looked at.
//!
//! `confluent.value.schema.validation=true` asks for an id that is registered under the subject;
//! `mekong.value.schema.validation.payload=true` asks besides that the payload can be read: Avro and Protobuf by the schema, JSON
//! as JSON.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use base::limits::DECOMPRESSED_BATCH_BYTES_MAX;
use broker::{Check, Checks, Partition, Refusal, Verdict};
use records::{Batches, Record, ValidBatches};
use registry::{Part, Rest, Session, Strategy, Unfit, Validator};
use schema::Parsed;
use schema::protobuf::ProtobufSchema;
use schema_serde::{FileDescriptor, SerdeError};
use wire::ErrorCode;

/// How many records of one batch are complained of.
const COMPLAINTS_MAX: usize = 100;

/// Makes checks that ask a registry.
#[derive(Debug)]
pub struct Validation {
    /// The registry, unless the process has none.
    pub validator: Option<Validator>,
}

impl Checks for Validation {
    fn of_topic(&self, config: &dyn Fn(&str) -> Option<String>) -> Vec<Arc<dyn Check>> {
        let set = |name: String| config(&name).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        let wanted = [Part::Key, Part::Value].into_iter().filter_map(|part| {
            let name = part.name();
            set(format!("confluent.{name}.schema.validation")).then(|| {
                let strategy = config(&format!("confluent.{name}.subject.name.strategy"));
                let strategy = strategy.as_deref().map_or(Some(Strategy::default()), Strategy::of_name);
                let payload = set(format!("mekong.{name}.schema.validation.payload"));
                let (validator, compiled) = (self.validator.clone(), Compiled::default());
                Arc::new(SchemaCheck { validator, part, strategy, payload, compiled }) as _
            })
        });
        wanted.collect()
    }
}

#[derive(Debug)]
struct SchemaCheck {
    validator: Option<Validator>,
    part: Part,
    strategy: Option<Strategy>,
    payload: bool,
    compiled: Compiled,
}

impl Check for SchemaCheck {
    fn judge<'a>(&'a self, partition: &'a Partition, batches: &'a ValidBatches) -> Verdict<'a> {
        Box::pin(self.all(partition.topic(), batches))
    }
}

impl SchemaCheck {
    async fn all(&self, topic: &str, batches: &ValidBatches) -> Result<(), Refusal> {
        let invalid = |message: String| Refusal {
            error: ErrorCode::INVALID_RECORD,
            message: Some(message),
            records: Vec::new(),
        };
        let Some(validator) = &self.validator else {
            return Err(invalid("this broker has no schema registry to validate records by".to_owned()));
        };
        let Some(strategy) = self.strategy else {
            return Err(invalid(format!(
                "confluent.{}.subject.name.strategy names no strategy that is known",
                self.part.name()
            )));
        };
        let not_ready = || Refusal {
            error: ErrorCode::REQUEST_TIMED_OUT,
            message: Some("the schema registry does not answer yet".to_owned()),
            records: Vec::new(),
        };
        let session = validator.session((topic, self.part, strategy)).await;
        let mut session = session.map_err(|_| not_ready())?;
        let bytes = batches.to_bytes();
        let mut complaints = Vec::new();
        'all: for batch in Batches::new(&bytes) {
            let batch = batch.map_err(|error| invalid(error.to_string()))?;
            let body =
                batch.decompress(DECOMPRESSED_BATCH_BYTES_MAX).map_err(|error| invalid(error.to_string()))?;
            for (index, record) in (0_i32..).zip(batch.records(&body)) {
                let record = record.map_err(|error| invalid(error.what.to_string()))?;
                match self.one(&mut session, &record).await {
                    Ok(()) => {}
                    Err(Unfit::NotReady) => return Err(not_ready()),
                    Err(Unfit::Invalid(reason)) => {
                        complaints.push((index, format!("{}: {reason}", self.part.name())));
                    }
                }
                if complaints.len() >= COMPLAINTS_MAX {
                    break 'all;
                }
            }
        }
        let Some((_, first)) = complaints.first() else { return Ok(()) };
        Err(Refusal { records: complaints.clone(), ..invalid(format!("Schema validation failed: {first}")) })
    }

    async fn one(&self, session: &mut Session<'_>, record: &Record<'_>) -> Result<(), Unfit> {
        let bytes = match self.part {
            Part::Key => record.key,
            Part::Value => record.value,
        };
        // A record without a key has no schema, and neither has a tombstone.
        let Some(bytes) = bytes else { return Ok(()) };
        let headers = &record.headers;
        let header = headers.last(self.part.header()).and_then(|header| header.value);
        let (parsed, rest) = session.schema_of(bytes, header).await?;
        if !self.payload {
            return Ok(());
        }
        self.readable(&parsed, rest)
            .map_err(|reason| Unfit::Invalid(format!("the payload cannot be read: {reason}")))
    }

    fn readable(&self, parsed: &Arc<Parsed>, rest: Rest<'_>) -> Result<(), String> {
        match &**parsed {
            Parsed::Avro(schema) => {
                schema_serde::avro::check(schema, rest.payload).map_err(|error| error.to_string())
            }
            Parsed::Json(_) => {
                let text = std::str::from_utf8(rest.payload).map_err(|error| error.to_string())?;
                schema::json::parse(text).map(drop).map_err(|error| error.to_string())
            }
            Parsed::Protobuf(schema) => {
                let file = self.compiled.file(parsed, schema).map_err(|error| error.to_string())?;
                schema_serde::check(&file, rest.header, rest.payload).map_err(|error| error.to_string())
            }
        }
    }
}

/// So many compiled schemas are kept for a topic.
const COMPILED_MAX: usize = 32;

/// The Protobuf schemas that were compiled last.
#[derive(Debug, Default)]
struct Compiled(Mutex<VecDeque<(Arc<Parsed>, FileDescriptor)>>);

impl Compiled {
    fn file(&self, parsed: &Arc<Parsed>, schema: &ProtobufSchema) -> Result<FileDescriptor, SerdeError> {
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = kept().iter().find(|(known, _)| Arc::ptr_eq(known, parsed)).map(|(_, file)| file.clone());
        if let Some(file) = known {
            return Ok(file);
        }
        // Others need not wait for it.
        let file = schema_serde::compile(schema)?;
        let mut kept = kept();
        kept.push_back((Arc::clone(parsed), file.clone()));
        if kept.len() > COMPILED_MAX {
            kept.pop_front();
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The checks that a topic with these configs has.
    fn checks(configs: &[(&str, &str)]) -> Vec<String> {
        let config = |name: &str| {
            configs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let checks = Validation { validator: None }.of_topic(&config);
        checks.iter().map(|check| format!("{check:?}")).collect()
    }

    #[test]
    fn topics_are_checked_as_their_configs_say() {
        assert_eq!(checks(&[("mekong.value.schema.validation.payload", "true")]), [""; 0]);
        for (part, validation, strategy, payload) in [
            (
                "Key",
                "confluent.key.schema.validation",
                "confluent.key.subject.name.strategy",
                "mekong.key.schema.validation.payload",
            ),
            (
                "Value",
                "confluent.value.schema.validation",
                "confluent.value.subject.name.strategy",
                "mekong.value.schema.validation.payload",
            ),
        ] {
            assert_eq!(checks(&[(validation, "false"), (payload, "true")]), [""; 0]);
            let plain = checks(&[(validation, "true")]);
            let record = "io.confluent.kafka.serializers.subject.RecordNameStrategy";
            let whole = checks(&[(validation, "true"), (strategy, record), (payload, "true")]);
            for (checks, wanted) in [
                (plain, format!("part: {part}, strategy: Some(TopicName), payload: false")),
                (whole, format!("part: {part}, strategy: Some(RecordName), payload: true")),
            ] {
                assert_eq!(checks.len(), 1, "{part}");
                assert!(checks[0].contains(&wanted), "{} lacks {wanted}", checks[0]);
            }
        }
    }
}
