//! Which resource a path names.

use crate::error::RestError;
use crate::subject;

use super::query::{Query, decoded};

/// A resource, with what the path says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Root,
    Types,
    Schemas,
    Id(i32),
    IdSchema(i32),
    IdSubjects(i32),
    IdVersions(i32),
    Guid(String),
    GuidIds(String),
    Subjects,
    Subject(String),
    SubjectMetadata(String),
    Versions(String),
    Version(String, String),
    VersionSchema(String, String),
    ReferencedBy(String, String),
    Tags(String, String),
    CheckVersion(String, String),
    CheckAll(String),
    Config(Option<String>),
    Mode(Option<String>),
    Contexts,
    Context(String),
    ServerId,
    ServerVersion,
    Deployment,
}

/// Finds the resource of a path. A path inside a context means the same subjects, configuration and ids in that context.
pub(super) fn route(path: &str, query: &mut Query) -> Result<Route, RestError> {
    let segments: Vec<String> = path.split('/').filter(|segment| !segment.is_empty()).map(decoded).collect();
    let all: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (context, rest) = match all.as_slice() {
        ["contexts", context, rest @ ..] if !rest.is_empty() => (Some(*context), rest),
        rest => (None, rest),
    };
    let Some(context) = context else { return plain(rest) };
    let context = named(context)?;
    let route = plain(rest)?;
    Ok(inside(route, &context, query))
}

/// A context's name, which begins with a dot; `:.name:` is the same.
fn named(context: &str) -> Result<String, RestError> {
    let bare = context.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')).unwrap_or(context);
    if subject::is_context(bare) {
        Ok(bare.to_owned())
    } else {
        Err(RestError::bad_request(format!("Invalid context name '{context}'")))
    }
}

fn plain(segments: &[&str]) -> Result<Route, RestError> {
    let own = |text: &&str| (*text).to_owned();
    let id = |text: &str| text.parse::<i32>().map_err(|_| RestError::no_such_path());
    Ok(match segments {
        [] => Route::Root,
        ["schemas"] => Route::Schemas,
        ["schemas", "types"] => Route::Types,
        ["schemas", "ids", given] => Route::Id(id(given)?),
        ["schemas", "ids", given, "schema"] => Route::IdSchema(id(given)?),
        ["schemas", "ids", given, "subjects"] => Route::IdSubjects(id(given)?),
        ["schemas", "ids", given, "versions"] => Route::IdVersions(id(given)?),
        ["schemas", "guids", guid] => Route::Guid(own(guid)),
        ["schemas", "guids", guid, "ids"] => Route::GuidIds(own(guid)),
        ["subjects"] => Route::Subjects,
        ["subjects", s] => Route::Subject(own(s)),
        ["subjects", s, "metadata"] => Route::SubjectMetadata(own(s)),
        ["subjects", s, "versions"] => Route::Versions(own(s)),
        ["subjects", s, "versions", v] => Route::Version(own(s), own(v)),
        ["subjects", s, "versions", v, "schema"] => Route::VersionSchema(own(s), own(v)),
        ["subjects", s, "versions", v, "referencedby"] => Route::ReferencedBy(own(s), own(v)),
        ["subjects", s, "versions", v, "tags"] => Route::Tags(own(s), own(v)),
        ["compatibility", "subjects", s, "versions"] => Route::CheckAll(own(s)),
        ["compatibility", "subjects", s, "versions", v] => Route::CheckVersion(own(s), own(v)),
        ["config"] => Route::Config(None),
        ["config", s] => Route::Config(Some(own(s))),
        ["mode"] => Route::Mode(None),
        ["mode", s] => Route::Mode(Some(own(s))),
        ["contexts"] => Route::Contexts,
        ["contexts", c] => Route::Context(named(c)?),
        ["v1", "metadata", "id"] => Route::ServerId,
        ["v1", "metadata", "version"] => Route::ServerVersion,
        ["v1", "metadata", "deployment"] => Route::Deployment,
        _ => return Err(RestError::no_such_path()),
    })
}

/// The same resource in a context.
fn inside(route: Route, context: &str, query: &mut Query) -> Route {
    let place = |subject: String| {
        if subject::split(&subject).0 == subject::DEFAULT_CONTEXT {
            subject::qualified(context, &subject)
        } else {
            subject
        }
    };
    let scope = |scope: Option<String>| match scope {
        Some(subject) => Some(place(subject)),
        None if context == subject::DEFAULT_CONTEXT => None,
        None => Some(subject::qualified(context, "")),
    };
    if matches!(route, Route::Schemas | Route::Subjects) {
        let prefix = query.get("subjectPrefix").unwrap_or_default().to_owned();
        query.set("subjectPrefix", format!(":{context}:{prefix}"));
    }
    if matches!(route, Route::Id(_) | Route::IdSchema(_) | Route::IdSubjects(_) | Route::IdVersions(_)) {
        let subject = query.get("subject").unwrap_or_default().to_owned();
        query.set("subject", format!(":{context}:{subject}"));
    }
    match route {
        Route::Subject(s) => Route::Subject(place(s)),
        Route::SubjectMetadata(s) => Route::SubjectMetadata(place(s)),
        Route::Versions(s) => Route::Versions(place(s)),
        Route::Version(s, v) => Route::Version(place(s), v),
        Route::VersionSchema(s, v) => Route::VersionSchema(place(s), v),
        Route::ReferencedBy(s, v) => Route::ReferencedBy(place(s), v),
        Route::Tags(s, v) => Route::Tags(place(s), v),
        Route::CheckVersion(s, v) => Route::CheckVersion(place(s), v),
        Route::CheckAll(s) => Route::CheckAll(place(s)),
        Route::Config(s) => Route::Config(scope(s)),
        Route::Mode(s) => Route::Mode(scope(s)),
        other => other,
    }
}

/// `latest` and -1 are -1; otherwise a number from 1 up.
pub(super) fn version(text: &str) -> Result<i32, RestError> {
    let trimmed = text.trim();
    if trimmed.eq_ignore_ascii_case("latest") {
        return Ok(-1);
    }
    match trimmed.parse::<i32>() {
        Ok(number) if number >= 1 || number == -1 => Ok(number),
        _ => Err(RestError::invalid_version(text)),
    }
}
