//! From a request's body to a schema: reading its parts, resolving what it refers to, parsing, and remembering results.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use base::limits::SCHEMA_TEXT_BYTES_MAX;
use schema::json::Json;
use schema::{Guid, Language, Metadata, Parsed, Reference, ReferencedText, RuleSet, Strictness, guid};

use super::kept::Kept;
use crate::config::Config;
use crate::error::RestError;
use crate::json::{int, member, scalar};
use crate::record::Content;
use crate::store::{Live, Store};
use crate::subject;

/// A schema as a request brings it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub text: String,
    pub language: Language,
    pub references: Vec<Reference>,
    pub metadata: Option<Metadata>,
    pub rules: Option<RuleSet>,
    /// The version asked for: 0 is any, -1 the latest or else the next, others must be the next.
    pub version: i32,
    /// The id asked for, in an import.
    pub id: Option<i32>,
    /// Tags to put into the schema.
    pub tags_to_add: Option<Json>,
    /// Tags to take out of the schema.
    pub tags_to_remove: Option<Json>,
    /// Whether the schema takes over the tags of the version before.
    pub propagate_tags: bool,
}

impl Draft {
    /// Reads a body.
    pub fn read(body: &Json) -> Result<Self, RestError> {
        RestError::object(body)?;
        let wrong = RestError::wrong_type;
        let scalar = |key: &str| match member(body, key) {
            None => Ok(None),
            Some(given) => scalar(given).map(Some).ok_or_else(|| wrong(key)),
        };
        let language = match scalar("schemaType")? {
            None => Language::Avro,
            Some(name) => Language::of_name(&name)
                .ok_or_else(|| RestError::invalid_schema(format!("Invalid schema type {name}")))?,
        };
        let given = scalar("schema")?.unwrap_or_default();
        for key in ["id", "version"] {
            if member(body, key).is_some() && int(body, key).is_none() {
                return Err(wrong(key));
            }
        }
        let changes_tags =
            ["schemaTagsToAdd", "schemaTagsToRemove"].iter().any(|key| member(body, key).is_some());
        Ok(Self {
            text: given,
            language,
            references: member(body, "references").map(references).transpose()?.unwrap_or_default(),
            metadata: member(body, "metadata")
                .map(Metadata::read)
                .transpose()
                .map_err(|_| wrong("metadata"))?,
            rules: member(body, "ruleSet").map(RuleSet::read).transpose().map_err(|_| wrong("ruleSet"))?,
            version: int(body, "version").unwrap_or(if changes_tags { -1 } else { 0 }),
            id: int(body, "id").filter(|id| *id >= 0),
            tags_to_add: member(body, "schemaTagsToAdd").cloned(),
            tags_to_remove: member(body, "schemaTagsToRemove").cloned(),
            propagate_tags: member(body, "propagateSchemaTags").and_then(Json::as_bool).unwrap_or(false),
        })
    }

    /// Whether the schema's text is to be changed before it is registered.
    pub fn retags(&self) -> bool {
        self.propagate_tags || self.tags_to_add.is_some() || self.tags_to_remove.is_some()
    }
}

/// References as a request brings them: none is passed over, or a schema would be registered without what it needs.
fn references(json: &Json) -> Result<Vec<Reference>, RestError> {
    let wrong = || RestError::wrong_type("references");
    json.as_array().ok_or_else(wrong)?.iter().map(reference).collect()
}

fn reference(json: &Json) -> Result<Reference, RestError> {
    let wrong = || RestError::wrong_type("references");
    json.as_object().ok_or_else(wrong)?;
    let named = |key: &str| member(json, key).map(|given| scalar(given).ok_or_else(wrong)).transpose();
    let (name, subject) = (named("name")?, named("subject")?);
    let version = member(json, "version").map(|_| int(json, "version").ok_or_else(wrong)).transpose()?;
    match (name, subject, version) {
        (Some(name), Some(subject), Some(version)) => Ok(Reference { name, subject, version }),
        _ => Err(RestError::invalid_schema(format!(
            "Invalid reference {}: it needs name, subject and version",
            json.to_text()
        ))),
    }
}

/// A schema that parsed, in canonical text.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub language: Language,
    pub text: Arc<str>,
    pub references: Vec<Reference>,
    pub parsed: Option<Arc<Parsed>>,
}

impl Prepared {
    /// The content it makes with notes and rules.
    pub fn content(&self, metadata: Option<Metadata>, rules: Option<RuleSet>) -> Content {
        Content::new(self.language, Arc::clone(&self.text), self.references.clone(), metadata, rules)
    }
}

/// A text that a schema refers to, with its place.
#[derive(Clone, Debug)]
struct Resolved {
    name: String,
    guid: Guid,
    text: Arc<str>,
    source: Option<(String, i32)>,
}

/// How many schemas one may refer to, directly or not.
const REFERENCES_MAX: usize = 1000;

/// So many schemas are kept as they were parsed, of so many bytes of text; parsed they are several times as large.
const PARSED_MAX: usize = 1000;
const PARSED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// So many canonical texts are kept, of so many bytes.
const CANONICAL_MAX: usize = 10_000;
const CANONICAL_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Parses schemas, keeping what it parsed last: old versions for comparison, and which text has which canonical form.
pub(crate) struct Parser {
    parsed: Mutex<Kept<Guid, Arc<Parsed>>>,
    canonical: Mutex<Kept<Guid, Canonical>>,
}

/// A canonical text and what it refers to.
type Canonical = (Arc<str>, Vec<Reference>);

impl Parser {
    pub fn new() -> Self {
        let canonical = Kept::new(CANONICAL_MAX, CANONICAL_BYTES_MAX);
        Self { parsed: Mutex::new(Kept::new(PARSED_MAX, PARSED_BYTES_MAX)), canonical: Mutex::new(canonical) }
    }

    /// Parses a request's schema for a subject and brings it into canonical (or normalized) form.
    pub fn prepare(
        &self,
        store: &Store,
        subject: &str,
        draft: &Draft,
        normalize: bool,
        strictness: Strictness,
    ) -> Result<Prepared, RestError> {
        if let Some(prepared) = self.remembered(store, subject, draft, normalize, strictness) {
            return Ok(prepared);
        }
        let context = subject::context_of(subject);
        let references = frozen(store, context, &draft.references)
            .map_err(|reason| self.invalid(subject, draft, &reason))?;
        let resolved =
            closure(store, context, &references).map_err(|reason| self.invalid(subject, draft, &reason))?;
        let raw = raw_identity(context, draft, &references, &resolved, (normalize, strictness));
        let parsed = parse(draft.language, &draft.text, &resolved, strictness);
        let parsed = parsed.map_err(|reason| self.invalid(subject, draft, &reason))?;
        let canonical = if normalize { parsed.normalized() } else { parsed.canonical() };
        let text: Arc<str> = canonical.map_err(|error| self.invalid(subject, draft, error.reason()))?.into();
        let references = if normalize { sorted(references) } else { references };
        let kept = (Arc::clone(&text), references.clone());
        // Each reference that was given is kept, also one given again.
        let named = |of: &Reference| of.name.len() + of.subject.len() + core::mem::size_of::<Reference>();
        let bytes = text.len() + references.iter().map(named).sum::<usize>();
        self.canonical.lock().unwrap_or_else(PoisonError::into_inner).put(raw, kept, bytes);
        let parsed = (!normalize).then(|| Arc::new(parsed));
        Ok(Prepared { language: draft.language, text, references, parsed })
    }

    /// Refuses names of fields that are kept for the registry, where `validateFields` is configured.
    pub fn check_fields(
        &self,
        store: &Store,
        subject: &str,
        draft: &Draft,
        prepared: &Prepared,
        config: &Config,
    ) -> Result<(), RestError> {
        if draft.language != Language::Json || config.flag("validateFields") != Some(true) {
            return Ok(());
        }
        let parsed = self.parsed(store, subject, prepared).map_err(RestError::invalid_schema)?;
        let Parsed::Json(schema) = parsed.as_ref() else { return Ok(()) };
        schema.check_fields().map_err(|error| self.invalid(subject, draft, error.reason()))
    }

    /// What [`Self::prepare`] came to when it was last asked the same.
    pub fn remembered(
        &self,
        store: &Store,
        subject: &str,
        draft: &Draft,
        normalize: bool,
        strictness: Strictness,
    ) -> Option<Prepared> {
        let context = subject::context_of(subject);
        let references = frozen(store, context, &draft.references).ok()?;
        let resolved = closure(store, context, &references).ok()?;
        let raw = raw_identity(context, draft, &references, &resolved, (normalize, strictness));
        let (text, references) = self.canonical.lock().unwrap_or_else(PoisonError::into_inner).get(&raw)?;
        Some(Prepared { language: draft.language, text, references, parsed: None })
    }

    /// The schema behind a prepared one.
    pub fn parsed(&self, store: &Store, subject: &str, prepared: &Prepared) -> Result<Arc<Parsed>, String> {
        match &prepared.parsed {
            Some(parsed) => Ok(Arc::clone(parsed)),
            None => {
                let content = prepared.content(None, None);
                self.stored(store, subject::context_of(subject), &content)
            }
        }
    }

    /// A stored schema, parsed leniently.
    pub fn stored(&self, store: &Store, context: &str, content: &Content) -> Result<Arc<Parsed>, String> {
        // Metadata does not matter here; the language does and is not part of the identity.
        let resolved = closure(store, context, &content.references)?;
        let text = format!("{context}/{}/{}/{}", marks(&resolved), content.language, content.text);
        let key = guid(&text, &content.references, None, None);
        if let Some(parsed) = self.parsed.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(parsed);
        }
        let (language, text) = (content.language, &content.text);
        let parsed = parse(language, text, &resolved, Strictness::Stored)?;
        let parsed = Arc::new(parsed);
        // What a schema refers to is parsed with it.
        let size = resolved.iter().map(|resolved| resolved.text.len()).sum::<usize>() + text.len();
        self.parsed.lock().unwrap_or_else(PoisonError::into_inner).put(key, Arc::clone(&parsed), size);
        Ok(parsed)
    }

    /// 42201 in the registry's words.
    fn invalid(&self, subject: &str, draft: &Draft, reason: &str) -> RestError {
        let shown: Vec<String> = draft
            .references
            .iter()
            .map(|r| format!("{{name='{}', subject='{}', version={}}}", r.name, r.subject, r.version))
            .collect();
        let references = format!("[{}]", shown.join(", "));
        RestError::invalid_schema(format!(
            "Invalid schema {{subject={subject},version={},id={},schemaType={},references={references},metadata=null,\
             ruleSet=null,schema={}}} with refs {references} of type {}, details: {reason}",
            draft.version,
            draft.id.unwrap_or(-1),
            draft.language,
            draft.text,
            draft.language,
        ))
    }
}

fn parse(
    language: Language,
    text: &str,
    resolved: &[Resolved],
    strictness: Strictness,
) -> Result<Parsed, String> {
    let texts: Vec<ReferencedText<'_>> = resolved
        .iter()
        .map(|r| ReferencedText {
            name: &r.name,
            text: &r.text,
            source: r.source.as_ref().map(|(subject, version)| (subject.as_str(), *version)),
        })
        .collect();
    Parsed::parse(language, text, &texts, strictness).map_err(|error| error.reason().to_owned())
}

/// What tells one request's text from another's.
fn raw_identity(
    context: &str,
    draft: &Draft,
    references: &[Reference],
    resolved: &[Resolved],
    (normalize, strictness): (bool, Strictness),
) -> Guid {
    let marks = marks(resolved);
    let text = format!("{context}/{marks}/{}/{normalize}/{strictness:?}/{}", draft.language, draft.text);
    guid(&text, references, None, None)
}

/// What tells the contents of references: a version may be deleted for good and registered anew with another.
fn marks(resolved: &[Resolved]) -> String {
    resolved.iter().map(|resolved| resolved.guid.to_string()).collect()
}

/// The texts of references and of references of these.
fn closure(store: &Store, context: &str, references: &[Reference]) -> Result<Vec<Resolved>, String> {
    let mut resolved = Vec::new();
    resolve(store, context, references, true, &mut BTreeSet::new(), &mut resolved)?;
    Ok(resolved)
}

/// References with the latest version made a number.
fn frozen(store: &Store, context: &str, references: &[Reference]) -> Result<Vec<Reference>, String> {
    let one = |reference: &Reference| {
        if reference.version != -1 {
            return Ok(reference.clone());
        }
        let target = subject::inherited(&reference.subject, context);
        match store.version(&target, -1, Live::Only) {
            Some((version, _)) => Ok(Reference { version, ..reference.clone() }),
            None => Err(missing(reference)),
        }
    };
    if references.len() > REFERENCES_MAX {
        return Err(too_many());
    }
    references.iter().map(one).collect()
}

fn too_many() -> String {
    format!("More than {REFERENCES_MAX} references")
}

fn missing(reference: &Reference) -> String {
    format!(
        "No schema reference found for subject \"{}\" and version {}",
        reference.subject, reference.version
    )
}

fn sorted(mut references: Vec<Reference>) -> Vec<Reference> {
    references.sort();
    references.dedup();
    references
}

/// Collects the texts of references, those of references of references before them, each name once.
fn resolve(
    store: &Store,
    context: &str,
    references: &[Reference],
    direct: bool,
    seen: &mut BTreeSet<String>,
    out: &mut Vec<Resolved>,
) -> Result<(), String> {
    for reference in references {
        if !seen.insert(reference.name.clone()) {
            continue;
        }
        if seen.len() > REFERENCES_MAX {
            return Err(too_many());
        }
        let target = subject::inherited(&reference.subject, context);
        let Some((_, version)) = store.version(&target, reference.version, Live::WithDeleted) else {
            return Err(missing(reference));
        };
        resolve(store, subject::context_of(&target), &version.content.references, false, seen, out)?;
        let bytes: usize = out.iter().map(|known: &Resolved| known.text.len()).sum();
        if bytes + version.content.text.len() > SCHEMA_TEXT_BYTES_MAX {
            return Err(format!(
                "The texts referred to have more than {SCHEMA_TEXT_BYTES_MAX} bytes together"
            ));
        }
        out.push(Resolved {
            name: reference.name.clone(),
            guid: version.content.guid,
            text: Arc::clone(&version.content.text),
            source: direct.then(|| (target.clone(), reference.version)),
        });
    }
    Ok(())
}
