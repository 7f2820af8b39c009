//! The records of `_schemas`, in the Java registry's JSON: key order and magic as it writes them, since compaction is by
//! exact bytes; any order when read.
//!
//! ```text
//! {"keytype":"SCHEMA","subject":s,"version":n,"magic":1}  {"subject","version","id","schemaType"?,"references"?,
//!                                                          "metadata"?,"ruleSet"?,"schema","deleted"}
//! {"keytype":"CONFIG","subject":s?,"magic":0}             {"subject"?, …, "compatibilityLevel", …}
//! {"keytype":"MODE","subject":s?,"magic":0}               {"subject"?,"mode"}
//! {"keytype":"DELETE_SUBJECT","subject":s,"magic":0}      {"subject","version"}
//! {"keytype":"CLEAR_SUBJECT","subject":s?,"magic":0}      {"subject"}
//! {"keytype":"CONTEXT","tenant":t,"context":c,"magic":0}  {"tenant","context"}
//! {"keytype":"NOOP","magic":0}                            null
//! ```

use std::sync::Arc;

use schema::json::{Json, parse};
use schema::{Guid, Language, Metadata, Reference, RuleSet, guid};

use crate::config::{Config, Mode};
use crate::json::{Members, int, member, text};
use crate::subject::ALL_CONTEXTS;

/// A record to be appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The key's bytes.
    pub key: Vec<u8>,
    /// The value's bytes; nothing is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// What a key says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the registry's")]
pub enum Key {
    Schema { subject: String, version: i32 },
    Config { subject: Option<String> },
    Mode { subject: Option<String> },
    DeleteSubject { subject: String },
    ClearSubject { subject: String },
    Context { tenant: String, context: String },
    Noop,
}

impl Key {
    /// Reads a key of any layout; `None` for kinds that are not ours to know.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let json = parse(core::str::from_utf8(bytes).ok()?).ok()?;
        let subject = || text(&json, "subject").map(crate::subject::canonical);
        Some(match text(&json, "keytype")? {
            "SCHEMA" => Self::Schema { subject: subject()?, version: int(&json, "version")? },
            "CONFIG" => Self::Config { subject: subject() },
            "MODE" => Self::Mode { subject: subject() },
            "DELETE_SUBJECT" => Self::DeleteSubject { subject: subject()? },
            // Without a subject those of every context are meant: so the Java registry begins an import of all.
            "CLEAR_SUBJECT" => {
                Self::ClearSubject { subject: subject().unwrap_or_else(|| ALL_CONTEXTS.to_owned()) }
            }
            "CONTEXT" => Self::Context {
                tenant: text(&json, "tenant").unwrap_or("default").to_owned(),
                context: text(&json, "context")?.to_owned(),
            },
            "NOOP" => Self::Noop,
            _ => return None,
        })
    }

    /// The bytes that this registry and the Java one write.
    pub fn to_bytes(&self) -> Vec<u8> {
        let kind = |name: &str| Members::default().text("keytype", name);
        let scoped = |name: &str, subject: &Option<String>| {
            kind(name).some("subject", subject.as_deref().map(Json::from)).int("magic", 0)
        };
        let members = match self {
            Self::Schema { subject, version } => {
                kind("SCHEMA").text("subject", subject).int("version", *version).int("magic", 1)
            }
            Self::Config { subject } => scoped("CONFIG", subject),
            Self::Mode { subject } => scoped("MODE", subject),
            Self::DeleteSubject { subject } => {
                kind("DELETE_SUBJECT").text("subject", subject).int("magic", 0)
            }
            Self::ClearSubject { subject } => kind("CLEAR_SUBJECT").text("subject", subject).int("magic", 0),
            Self::Context { tenant, context } => {
                kind("CONTEXT").text("tenant", tenant).text("context", context).int("magic", 0)
            }
            Self::Noop => kind("NOOP").int("magic", 0),
        };
        members.build().to_text().into_bytes()
    }
}

/// A schema's text with all that its identity covers; shared by every subject that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The identity.
    pub guid: Guid,
    /// The language.
    pub language: Language,
    /// The canonical text.
    pub text: Arc<str>,
    /// What it refers to.
    pub references: Vec<Reference>,
    /// Notes beside it.
    pub metadata: Option<Metadata>,
    /// Rules beside it.
    pub rules: Option<RuleSet>,
}

impl Content {
    /// Content with its identity.
    pub fn new(
        language: Language,
        text: Arc<str>,
        references: Vec<Reference>,
        metadata: Option<Metadata>,
        rules: Option<RuleSet>,
    ) -> Self {
        let guid = guid(&text, &references, metadata.as_ref(), rules.as_ref());
        Self { guid, language, text, references, metadata, rules }
    }
}

/// The value of a SCHEMA record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaValue {
    /// The id in the subject's context.
    pub id: i32,
    /// The schema.
    pub content: Arc<Content>,
    /// Whether it is soft-deleted.
    pub deleted: bool,
}

impl SchemaValue {
    /// Reads a value; members it does not know are passed over.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        Self::of(&parse(core::str::from_utf8(bytes).ok()?).ok()?)
    }

    fn of(json: &Json) -> Option<Self> {
        let language = match text(json, "schemaType") {
            None => Language::Avro,
            Some(name) => Language::of_name(name)?,
        };
        let references = member(json, "references").map(references).unwrap_or_default();
        let metadata = member(json, "metadata").and_then(|m| Metadata::read(m).ok());
        let rules = member(json, "ruleSet").and_then(|r| RuleSet::read(r).ok());
        let content = Content::new(language, text(json, "schema")?.into(), references, metadata, rules);
        let deleted = member(json, "deleted").and_then(Json::as_bool).unwrap_or(false);
        Some(Self { id: int(json, "id")?, content: Arc::new(content), deleted })
    }

    /// The record of this value.
    pub fn record(&self, subject: &str, version: i32) -> Record {
        let content = &self.content;
        let named = content.language != Language::Avro;
        let value = Members::default()
            .text("subject", subject)
            .int("version", version)
            .int("id", self.id)
            .some("schemaType", named.then(|| Json::from(content.language.name())))
            .some("references", references_json(&content.references))
            .some("metadata", content.metadata.as_ref().map(Metadata::to_json))
            .some("ruleSet", content.rules.as_ref().map(RuleSet::to_json))
            .text("schema", &content.text)
            .bool("deleted", self.deleted);
        let key = Key::Schema { subject: subject.to_owned(), version };
        Record { key: key.to_bytes(), value: Some(value.build().to_text().into_bytes()) }
    }
}

/// What a record says: read once, however many states it is applied to.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub key: Key,
    /// The key's bytes, where another registry laid them out in another way.
    pub layout: Option<Vec<u8>>,
    pub what: What,
}

/// What becomes of a key.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Gone,
    Schema(SchemaValue),
    /// A schema that this registry cannot read; its id is taken all the same.
    Opaque(i32),
    Config(Config),
    Mode(Mode),
    /// The subject is deleted softly, up to that version.
    Deleted(i32),
    /// Some value where only the key matters.
    Other,
}

impl Change {
    /// Reads a record; nothing where its key is of no kind that is known.
    pub fn read(key_bytes: &[u8], value: Option<&[u8]>) -> Option<Self> {
        let key = Key::read(key_bytes)?;
        let is_ours = value.is_none() || key.to_bytes() == key_bytes;
        let what = value.map_or(What::Gone, |value| What::read(&key, value));
        Some(Self { key, layout: (!is_ours).then(|| key_bytes.to_vec()), what })
    }
}

impl What {
    fn read(key: &Key, value: &[u8]) -> Self {
        match key {
            Key::Config { .. } => Config::read(value).map_or(Self::Gone, Self::Config),
            Key::Mode { .. } => Mode::read(value).map_or(Self::Gone, Self::Mode),
            Key::Schema { .. } | Key::DeleteSubject { .. } => {
                let json = core::str::from_utf8(value).ok().and_then(|text| parse(text).ok());
                let Some(json) = json else { return Self::Other };
                if matches!(key, Key::DeleteSubject { .. }) {
                    return int(&json, "version").map_or(Self::Other, Self::Deleted);
                }
                match SchemaValue::of(&json) {
                    Some(value) => Self::Schema(value),
                    None => int(&json, "id").map_or(Self::Other, Self::Opaque),
                }
            }
            _ => Self::Other,
        }
    }
}

/// References as they stand in records and answers; nothing where there are none.
pub(crate) fn references_json(references: &[Reference]) -> Option<Json> {
    if references.is_empty() {
        return None;
    }
    let one = |reference: &Reference| {
        Members::default()
            .text("name", &reference.name)
            .text("subject", &reference.subject)
            .int("version", reference.version)
            .build()
    };
    Some(Json::Array(references.iter().map(one).collect()))
}

/// Reads references; what is not one is passed over.
pub(crate) fn references(json: &Json) -> Vec<Reference> {
    let list = json.as_array().unwrap_or_default();
    let one = |json: &Json| {
        Some(Reference {
            name: text(json, "name")?.to_owned(),
            subject: text(json, "subject")?.to_owned(),
            version: int(json, "version")?,
        })
    };
    list.iter().filter_map(one).collect()
}

/// The record of a DELETE_SUBJECT.
pub(crate) fn delete_subject(subject: &str, version: i32) -> Record {
    let key = Key::DeleteSubject { subject: subject.to_owned() };
    let value = Members::default().text("subject", subject).int("version", version).build();
    Record { key: key.to_bytes(), value: Some(value.to_text().into_bytes()) }
}

/// The record of a CLEAR_SUBJECT.
pub(crate) fn clear_subject(subject: &str) -> Record {
    let key = Key::ClearSubject { subject: subject.to_owned() };
    let value = Members::default().text("subject", subject).build();
    Record { key: key.to_bytes(), value: Some(value.to_text().into_bytes()) }
}

/// The record that announces a context.
pub(crate) fn context(context: &str) -> Record {
    let key = Key::Context { tenant: "default".to_owned(), context: context.to_owned() };
    let value = Members::default().text("tenant", "default").text("context", context).build();
    Record { key: key.to_bytes(), value: Some(value.to_text().into_bytes()) }
}

/// The record of a mode.
pub(crate) fn mode(subject: Option<&str>, mode: &str) -> Record {
    let key = Key::Mode { subject: subject.map(str::to_owned) };
    let value = Members::default().some("subject", subject.map(Json::from)).text("mode", mode).build();
    Record { key: key.to_bytes(), value: Some(value.to_text().into_bytes()) }
}
