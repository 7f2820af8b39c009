//! Judging a schema against versions of a subject.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use schema::{Finding, Level, Metadata, Parsed, Policy, Previous, check};

use super::Parser;
use crate::config::Config;
use crate::error::RestError;
use crate::record::Content;
use crate::store::{Live, Store};
use crate::subject;

/// What is to be judged, and how.
pub(crate) struct CheckRequest<'a> {
    pub subject: &'a str,
    pub parsed: &'a Arc<Parsed>,
    pub metadata: Option<&'a Metadata>,
    pub level: Level,
    pub config: &'a Config,
}

/// The registry's lines and our reasons; no lines is compatible.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub messages: Vec<String>,
    pub findings: Vec<Finding>,
}

/// So long a schema may be judged against the versions of a subject, all together.
pub(super) const CHECK_TIME: Duration = Duration::from_secs(10);

/// The property whose list of names is kept free.
const RESERVED: &str = "confluent:reserved";

/// Judges against those versions, given oldest first.
pub(crate) fn check_versions(
    store: &Store,
    parser: &Parser,
    request: &CheckRequest<'_>,
    versions: &[i32],
) -> Result<Report, RestError> {
    let stored: Vec<(i32, Arc<Content>)> = versions
        .iter()
        .filter_map(|number| store.version(request.subject, *number, Live::WithDeleted))
        .map(|(number, version)| (number, Arc::clone(&version.content)))
        .collect();
    let validate = request.config.flag("validateFields").unwrap_or(false);
    // Whatever the level, and whatever group the latest version is of.
    let latest = stored.last().map(|(_, content)| content.as_ref());
    let mut messages = if validate { reserved(request, latest) } else { Vec::new() };
    let alike: Vec<_> = stored.into_iter().filter(|(_, content)| same_group(request, content)).collect();
    let mut report = against(store, parser, request, &alike)?;
    messages.append(&mut report.messages);
    report.messages = messages;
    if !report.messages.is_empty() {
        report
            .messages
            .push(format!("{{validateFields: '{validate}', compatibility: '{}'}}", request.level.name()));
    }
    Ok(report)
}

/// Judges against one version after another, the newest first, until one does not fit; each is parsed when it is its turn.
fn against(
    store: &Store,
    parser: &Parser,
    request: &CheckRequest<'_>,
    stored: &[(i32, Arc<Content>)],
) -> Result<Report, RestError> {
    if request.level == Level::None {
        return Ok(Report::default());
    }
    let start = Instant::now();
    let context = subject::context_of(request.subject);
    let policy = request.config.policy().unwrap_or(Policy::Strict);
    let considered = if request.level.is_transitive() { stored.len() } else { 1 };
    for (version, content) in stored.iter().rev().take(considered) {
        if start.elapsed() > CHECK_TIME {
            return Err(RestError::timed_out("Compatibility check"));
        }
        let schema = parser.stored(store, context, content).map_err(RestError::invalid_schema)?;
        let previous = Previous { version: *version, text: &content.text, schema: &schema };
        let verdict = check(request.level, policy, request.parsed, &[previous]);
        if !verdict.is_compatible() {
            return Ok(Report { messages: verdict.messages, findings: verdict.findings });
        }
    }
    Ok(Report::default())
}

/// Where a compatibility group is configured, only versions with the same value of that property are compared.
fn same_group(request: &CheckRequest<'_>, content: &Content) -> bool {
    let Some(group) = request.config.text("compatibilityGroup") else { return true };
    let value =
        |metadata: Option<&Metadata>| metadata.and_then(|metadata| metadata.properties.get(group).cloned());
    value(request.metadata) == value(content.metadata.as_ref())
}

fn names(metadata: Option<&Metadata>) -> BTreeSet<String> {
    let list = metadata.and_then(|metadata| metadata.properties.get(RESERVED));
    let names = list.into_iter().flat_map(|list| list.split(',')).map(str::trim);
    names.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Names once reserved stay so, and no field may have one.
fn reserved(request: &CheckRequest<'_>, latest: Option<&Content>) -> Vec<String> {
    let before = names(latest.and_then(|content| content.metadata.as_ref()));
    let now = names(request.metadata);
    let removed = before.difference(&now).map(|name| {
        format!(
            "{{errorType:'RESERVED_FIELD_REMOVED', description:'The new schema has reserved field {name} removed from \
             its metadata which is present in the old schema's metadata.'}}"
        )
    });
    let fields = top_level_fields(request.parsed);
    let taken = now.iter().filter(|name| fields.contains(name.as_str())).map(|name| {
        format!(
            "{{errorType:'RESERVED_FIELD_CONFLICTS', description:'The new schema has field that conflicts with the \
             reserved field {name}.'}}"
        )
    });
    removed.chain(taken).collect()
}

fn top_level_fields(parsed: &Parsed) -> BTreeSet<&str> {
    match parsed {
        Parsed::Avro(schema) => schema.fields().unwrap_or_default().iter().map(|f| f.name.as_str()).collect(),
        Parsed::Json(schema) => schema.properties().into_iter().collect(),
        Parsed::Protobuf(schema) => {
            let first = schema.file().types.iter().find_map(|element| match element {
                schema::protobuf::TypeElement::Message(message) => Some(message),
                schema::protobuf::TypeElement::Enum(_) => None,
            });
            let fields = first
                .into_iter()
                .flat_map(|m| m.fields.iter().chain(m.oneofs.iter().flat_map(|o| &o.fields)));
            fields.map(|field| field.name.as_str()).collect()
        }
    }
}
