//! Finding a schema under a subject.

use schema::{Language, Parsed, Strictness};

use super::register::complete;
use super::{Draft, Parser};
use crate::error::RestError;
use crate::record::Content;
use crate::store::{Live, Store};
use crate::subject;

/// A version that a schema was found as.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub subject: String,
    pub version: i32,
}

/// Finds the version of a subject that has a schema: by identity first, then by meaning; as it was asked for first, then with
/// the metadata and rules that registering would give it.
pub(crate) fn look_up(
    store: &Store,
    parser: &Parser,
    subject: &str,
    draft: &Draft,
    normalize: bool,
    live: Live,
) -> Result<Found, RestError> {
    let prepared = parser.prepare(store, subject, draft, normalize, Strictness::Stored)?;
    for name in candidates(store, subject, live) {
        for draft in [draft.clone(), completed(store, &name, draft)] {
            let content = prepared.content(draft.metadata, draft.rules);
            if let Some(version) = by_identity(store, &name, &content, live) {
                return Ok(Found { subject: name, version });
            }
            let Ok(parsed) = parser.parsed(store, subject, &prepared) else { continue };
            if let Some(version) = by_meaning(store, parser, &name, &content, &parsed, live) {
                return Ok(Found { subject: name, version });
            }
        }
    }
    if store.has_subject(subject, live) {
        Err(RestError::schema_not_found())
    } else {
        Err(RestError::subject_not_found(subject))
    }
}

/// The request as registering it would complete it.
fn completed(store: &Store, subject: &str, draft: &Draft) -> Draft {
    let mut completed = draft.clone();
    // Only an empty schema cannot be completed, and that was refused before.
    let _ = complete(store, subject, &store.config_in_scope(subject), &mut completed);
    completed
}

/// The subject, or where it is not in the default context, subjects of that name in others.
pub(crate) fn candidates(store: &Store, name: &str, live: Live) -> Vec<String> {
    if store.has_subject(name, live) || subject::context_of(name) != subject::DEFAULT_CONTEXT {
        return vec![name.to_owned()];
    }
    let others = store.contexts().into_iter().map(|context| subject::qualified(context, name));
    let found: Vec<String> = others.filter(|name| store.has_subject(name, live)).collect();
    if found.is_empty() { vec![name.to_owned()] } else { found }
}

/// The newest version of a subject with that identity.
pub(crate) fn by_identity(store: &Store, subject: &str, content: &Content, live: Live) -> Option<i32> {
    let same = |version: &crate::store::Version| {
        version.content.guid == content.guid && version.content.language == content.language
    };
    store.versions(subject, live).rev().find(|(_, version)| same(version)).map(|(number, _)| number)
}

/// The newest version of a subject that means the same: the version it once expected aside, and references written out
/// or not.
pub(crate) fn by_meaning(
    store: &Store,
    parser: &Parser,
    name: &str,
    content: &Content,
    parsed: &Parsed,
    live: Live,
) -> Option<i32> {
    let resolved = inlined(parsed, content);
    let bare = |content: &Content| content.metadata.as_ref().map(|metadata| metadata.with_version(None));
    let notes = bare(content).filter(|metadata| *metadata != schema::Metadata::default());
    store
        .versions(name, live)
        .rev()
        .find(|(_, version)| {
            let stored = &version.content;
            let stored_notes = bare(stored).filter(|metadata| *metadata != schema::Metadata::default());
            if stored.language != content.language || stored_notes != notes || stored.rules != content.rules {
                return false;
            }
            if stored.text == content.text && stored.references == content.references {
                return true;
            }
            if stored.references.is_empty() == content.references.is_empty() {
                return false;
            }
            let context = subject::context_of(name);
            let other = parser.stored(store, context, stored).ok();
            let other = other.and_then(|parsed| inlined(&parsed, stored));
            other.is_some() && other == resolved
        })
        .map(|(number, _)| number)
}

/// An Avro schema with its references written out.
fn inlined(parsed: &Parsed, content: &Content) -> Option<String> {
    if content.language != Language::Avro {
        return None;
    }
    parsed.formatted("resolved").ok()
}
