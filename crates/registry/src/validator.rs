//! Whether a record names a schema that its topic's subject has: what a broker asks about records on their way in.
//!
//! The id stands before the payload (`0`, four bytes) or as a GUID in a header (`1`, sixteen bytes; Protobuf's message indexes).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use schema::{Guid, Parsed};
use tokio::sync::watch;
use tokio::time::timeout;

use crate::service::Registry;
use crate::store::Store;
use crate::subject::DEFAULT_CONTEXT;

/// How long a record may wait for a registry that is starting.
const PATIENCE: Duration = Duration::from_secs(10);

const LONG_HEADER: &str = "the schema id header is not one byte 1 and a GUID";

/// Key or value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Part {
    Key,
    Value,
}

impl Part {
    /// `key` or `value`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Value => "value",
        }
    }

    /// The header that holds a GUID.
    pub fn header(self) -> &'static [u8] {
        match self {
            Self::Key => b"__key_schema_id",
            Self::Value => b"__value_schema_id",
        }
    }
}

/// Which subject has the schemas of a topic's records (`confluent.value.subject.name.strategy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Confluent's")]
pub enum Strategy {
    #[default]
    TopicName,
    RecordName,
    TopicRecordName,
}

impl Strategy {
    /// The strategy of a Java class's name, with its package or without.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name.rsplit('.').next()?.trim() {
            "TopicNameStrategy" => Self::TopicName,
            "RecordNameStrategy" => Self::RecordName,
            "TopicRecordNameStrategy" => Self::TopicRecordName,
            _ => return None,
        })
    }

    fn subject(self, topic: &str, part: Part, parsed: &Parsed) -> Option<String> {
        match self {
            Self::TopicName => Some(format!("{topic}-{}", part.name())),
            Self::RecordName => parsed.record_name(),
            Self::TopicRecordName => Some(format!("{topic}-{}", parsed.record_name()?)),
        }
    }
}

/// What follows the name of a schema in a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest<'a> {
    /// What stands behind the GUID, if that is in a header: Protobuf's message indexes.
    pub header: Option<&'a [u8]>,
    /// The payload; of Protobuf with an id in front it begins with the message indexes.
    pub payload: &'a [u8],
}

/// Why a record is not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// It is wrong, and will be.
    Invalid(String),
    /// The registry cannot tell yet.
    NotReady,
}

/// A way to a registry that may not have started yet.
#[derive(Clone)]
pub struct Validator {
    registry: watch::Sender<Option<Arc<Registry>>>,
}

impl core::fmt::Debug for Validator {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Validator").finish_non_exhaustive()
    }
}

impl Default for Validator {
    fn default() -> Self {
        Self { registry: watch::Sender::new(None) }
    }
}

impl Validator {
    /// Says which registry to ask, or that there is none any more.
    pub fn attach(&self, registry: Option<Arc<Registry>>) {
        self.registry.send_replace(registry);
    }

    async fn ready(&self) -> Result<Arc<Registry>, Unfit> {
        let mut registry = self.registry.subscribe();
        let found = timeout(PATIENCE, registry.wait_for(Option::is_some)).await;
        let found = found.ok().and_then(Result::ok).and_then(|found| found.clone());
        found.ok_or(Unfit::NotReady)
    }

    /// What judges the records of one batch.
    pub async fn session<'a>(&self, wanted: (&'a str, Part, Strategy)) -> Result<Session<'a>, Unfit> {
        let registry = self.ready().await?;
        let store = registry.read(Store::clone);
        Ok(Session { registry, store, wanted, known: BTreeMap::new(), has_caught_up: false })
    }
}

/// So many names of schemas are kept in mind while a batch is judged.
const KNOWN_MAX: usize = 10_000;

/// Judges the records of a batch: each schema that they name once, and what is not known after one look at the log's end.
pub struct Session<'a> {
    registry: Arc<Registry>,
    store: Store,
    wanted: (&'a str, Part, Strategy),
    known: BTreeMap<Named, Result<Arc<Parsed>, String>>,
    has_caught_up: bool,
}

impl Session<'_> {
    /// The schema of a key or value, and what follows its name. `header` is the value of [`Part::header`]'s header.
    pub async fn schema_of<'b>(
        &mut self,
        bytes: &'b [u8],
        header: Option<&'b [u8]>,
    ) -> Result<(Arc<Parsed>, Rest<'b>), Unfit> {
        let (named, rest) = Named::read(bytes, header).map_err(Unfit::Invalid)?;
        let verdict = match self.known.get(&named) {
            Some(verdict) => verdict.clone(),
            None => self.judged(named).await?,
        };
        let parsed = verdict.map_err(Unfit::Invalid)?;
        if !rest.header.is_none_or(<[u8]>::is_empty) && !matches!(*parsed, Parsed::Protobuf(_)) {
            return Err(Unfit::Invalid(LONG_HEADER.to_owned()));
        }
        Ok((parsed, rest))
    }

    async fn judged(&mut self, named: Named) -> Result<Result<Arc<Parsed>, String>, Unfit> {
        let (topic, part, strategy) = self.wanted;
        let mut verdict = named.judge(&self.registry, &self.store, topic, part, strategy);
        if verdict.is_err() && !self.has_caught_up {
            // What this registry does not know, another may just have written.
            self.registry.catch_up().await.map_err(|_| Unfit::NotReady)?;
            self.store = self.registry.read(Store::clone);
            self.has_caught_up = true;
            verdict = named.judge(&self.registry, &self.store, topic, part, strategy);
        }
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert(named, verdict.clone());
        Ok(verdict)
    }
}

/// The schema that a record names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    Id(i32),
    Guid(Guid),
}

impl Named {
    fn read<'a>(bytes: &'a [u8], header: Option<&'a [u8]>) -> Result<(Self, Rest<'a>), String> {
        match (header, bytes) {
            (Some([1, named @ ..]), _) if let Some((guid, behind)) = named.split_first_chunk() => {
                Ok((Self::Guid(Guid(*guid)), Rest { header: Some(behind), payload: bytes }))
            }
            (Some(_), _) => Err(LONG_HEADER.to_owned()),
            (None, [0, a, b, c, d, payload @ ..]) => {
                Ok((Self::Id(i32::from_be_bytes([*a, *b, *c, *d])), Rest { header: None, payload }))
            }
            (None, _) => Err("no schema id in front of the payload".to_owned()),
        }
    }

    fn judge(
        self,
        registry: &Registry,
        store: &Store,
        topic: &str,
        part: Part,
        strategy: Strategy,
    ) -> Result<Arc<Parsed>, String> {
        let (context, id, content) = match self {
            Self::Id(id) => {
                let content = store.by_id(DEFAULT_CONTEXT, id);
                (DEFAULT_CONTEXT, id, content.ok_or_else(|| format!("schema {id} is not registered"))?)
            }
            Self::Guid(guid) => {
                let first = store.by_guid(&guid).into_iter().next();
                first.ok_or_else(|| format!("schema {guid} is not registered"))?
            }
        };
        let parsed = registry.parser().stored(store, context, content)?;
        let subject = strategy
            .subject(topic, part, &parsed)
            .ok_or_else(|| format!("schema {id} has no name that could be a subject"))?;
        let subject = crate::subject::qualified(context, &subject);
        match store.used_by(context, id, &subject) {
            Some(own) if own.language == content.language => Ok(parsed),
            Some(own) => registry.parser().stored(store, context, own),
            None => Err(format!("schema {id} is not registered under subject {subject}")),
        }
    }
}
