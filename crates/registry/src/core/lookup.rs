//! Finding a schema under a subject.

use std::time::Instant;

use schema::{Language, Metadata, Parsed, Strictness};

use super::compatibility::CHECK_TIME;
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
    // All contexts together have the time of one.
    let start = Instant::now();
    for name in candidates(store, subject, live) {
        for draft in [draft.clone(), completed(store, &name, draft)] {
            let content = prepared.content(draft.metadata, draft.rules);
            if let Some(version) = by_identity(store, &name, &content, live) {
                return Ok(Found { subject: name, version });
            }
            let Ok(parsed) = parser.parsed(store, subject, &prepared) else { continue };
            if let Some(version) = by_meaning(store, parser, &name, &content, &parsed, (live, false), start) {
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
    let _ = complete(store, subject, &store.config_in_scope(subject), &mut completed, false);
    completed
}

/// The subject, and where it names no context, subjects of that name in the others.
pub(crate) fn candidates(store: &Store, name: &str, live: Live) -> Vec<String> {
    let mut places = vec![name.to_owned()];
    if subject::context_of(name) == subject::DEFAULT_CONTEXT {
        let others = store.contexts().into_iter().filter(|context| *context != subject::DEFAULT_CONTEXT);
        let others = others.map(|context| subject::qualified(context, name));
        places.extend(others.filter(|name| store.has_subject(name, live)));
    }
    places
}

/// The newest version of a subject with that identity.
pub(crate) fn by_identity(store: &Store, subject: &str, content: &Content, live: Live) -> Option<i32> {
    let same = |version: &crate::store::Version| {
        version.content.guid == content.guid && version.content.language == content.language
    };
    store.versions(subject, live).rev().find(|(_, version)| same(version)).map(|(number, _)| number)
}

/// The newest version of a subject that means the same, or only the latest: one of both may lack the version that it was registered
/// as, and what is stored with references may be asked for with these written out; that is looked for until `CHECK_TIME` behind `start`.
pub(crate) fn by_meaning(
    store: &Store,
    parser: &Parser,
    name: &str,
    content: &Content,
    parsed: &Parsed,
    (live, latest_only): (Live, bool),
    start: Instant,
) -> Option<i32> {
    let resolved = content.references.is_empty().then(|| inlined(parsed, content)).flatten();
    store
        .versions(name, live)
        .rev()
        .take(if latest_only { 1 } else { usize::MAX })
        .find(|(number, version)| {
            let stored = &version.content;
            let notes = (content.metadata.as_ref(), stored.metadata.as_ref());
            if stored.language != content.language
                || stored.rules != content.rules
                || !same_notes(notes, *number)
            {
                return false;
            }
            if stored.text == content.text && stored.references == content.references {
                return true;
            }
            // Parsing what each refers to takes its time; what is not found by then counts as not there.
            if stored.references.is_empty() || resolved.is_none() || start.elapsed() > CHECK_TIME {
                return false;
            }
            let context = subject::context_of(name);
            let other = parser.stored(store, context, stored).ok();
            other.and_then(|parsed| inlined(&parsed, stored)) == resolved
        })
        .map(|(number, _)| number)
}

/// Whether two schemas have the same notes. A `confluent:version` that only one has does not count, but that the version asked for
/// must be the one that was found.
fn same_notes((asked, stored): (Option<&Metadata>, Option<&Metadata>), number: i32) -> bool {
    let version = |notes: Option<&Metadata>| notes.and_then(Metadata::version);
    let bare = |notes: Option<&Metadata>| notes.map(|notes| notes.with_version(None)).unwrap_or_default();
    match (version(asked), version(stored)) {
        (Some(wanted), None) if wanted != number => false,
        (Some(_), None) | (None, Some(_)) => bare(asked) == bare(stored),
        _ => asked.cloned().unwrap_or_default() == stored.cloned().unwrap_or_default(),
    }
}

/// An Avro schema with its references written out.
fn inlined(parsed: &Parsed, content: &Content) -> Option<String> {
    if content.language != Language::Avro {
        return None;
    }
    parsed.formatted("resolved").ok()
}
