//! Registering.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use schema::json::Json;
use schema::{Metadata, RuleSet, Strictness};

use super::allowed::{normalizes, permitted, strictness};
use super::lookup::{by_identity, by_meaning};
use super::tags::{Edits, propagated};
use super::{CheckRequest, Decided, Decision, Draft, Parser, check_versions};
use crate::config::Config;
use crate::error::RestError;
use crate::json::Members;
use crate::record::{self, Content, Key, Record, SchemaValue};
use crate::settings::{Profile, Settings};
use crate::store::{Live, Store};
use crate::subject;

/// Registers a schema under a subject: finds it there, or makes it the next version.
pub(crate) fn register(
    store: &Store,
    parser: &Parser,
    settings: &Settings,
    subject: &str,
    draft: &Draft,
    normalize: bool,
    force: bool,
) -> Decided {
    if !subject::is_valid(subject, false) {
        return Err(RestError::invalid_subject(subject));
    }
    let config = store.config_in_scope(subject);
    let normalize = normalizes(store, settings, subject, &config, normalize);
    if let Some(answer) = standing(store, parser, settings, subject, draft, normalize)? {
        return Ok(Decision::answer(answer));
    }
    let mode = store.mode_in_scope(subject);
    permitted(settings.profile, subject, mode, draft)?;
    let importing = mode.imports();
    let mut draft = draft.clone();
    let mut is_completed = false;
    if !importing {
        let before = draft.text.trim().is_empty() || draft.propagate_tags;
        complete(store, subject, &config, &mut draft, true)?;
        retag(store, subject, &mut draft)?;
        is_completed = before || draft.metadata.is_some() || draft.rules.is_some();
    }
    if let Some(rules) = &draft.rules {
        rules.check().map_err(|error| RestError::invalid_rule_set(error.reason()))?;
    }
    let strictness = if draft.id.is_some() { Strictness::Stored } else { strictness(&config) };
    let prepared = parser.prepare(store, subject, &draft, normalize, strictness)?;
    if !importing {
        parser.check_fields(store, subject, &draft, &prepared, &config)?;
    }
    let content = prepared.content(draft.metadata.clone(), draft.rules.clone());
    let told = if is_completed { Told::Whole } else { Told::Id };
    if let Some(number) = existing(store, parser, subject, &draft, &content, &prepared)? {
        return Ok(Decision::answer(answer_of(store, settings, subject, number, told)));
    }
    if !importing && !force {
        let parsed = parser.parsed(store, subject, &prepared).map_err(RestError::invalid_schema)?;
        let request = CheckRequest {
            subject,
            parsed: &parsed,
            metadata: draft.metadata.as_ref(),
            level: config.level().unwrap_or(settings.level),
            config: &config,
        };
        compatible(store, parser, settings, &request)?;
    }
    append(store, settings, subject, &draft, content, (importing, told))
}

/// The answer to a registration of what the subject has already, which is given in every mode: as the request says it, without
/// what registering would add. Not asked where registering might come to something else.
fn standing(
    store: &Store,
    parser: &Parser,
    settings: &Settings,
    subject: &str,
    draft: &Draft,
    normalize: bool,
) -> Result<Option<Json>, RestError> {
    let is_blank = draft.text.trim().is_empty();
    if is_blank
        || draft.retags()
        || store.config_in_scope(subject).completes()
        || !store.has_subject(subject, Live::Only)
    {
        return Ok(None);
    }
    let prepared = parser.prepare(store, subject, draft, normalize, Strictness::Stored)?;
    let content = prepared.content(draft.metadata.clone(), draft.rules.clone());
    let mut found =
        if draft.version == -1 { None } else { by_identity(store, subject, &content, Live::Only) };
    if found.is_none() {
        let parsed = parser.parsed(store, subject, &prepared).map_err(RestError::invalid_schema)?;
        found = by_meaning(
            store,
            parser,
            subject,
            &content,
            &parsed,
            (Live::Only, draft.version == -1),
            Instant::now(),
        );
    }
    let Some((number, version)) = found.and_then(|number| store.version(subject, number, Live::Only)) else {
        return Ok(None);
    };
    let has_its_id = draft.id == Some(version.id);
    if draft.version <= 0 {
        let fits = draft.id.is_none() || has_its_id;
        return Ok(fits.then(|| answer_of(store, settings, subject, number, Told::Id)));
    }
    // The same schema may have been imported as several versions.
    let same = store.version(subject, draft.version, Live::Only);
    let same = same.filter(|(_, other)| other.id == version.id && other.content.guid == version.content.guid);
    let there = same.filter(|_| has_its_id).map(|(number, _)| number);
    Ok(there.map(|number| answer_of(store, settings, subject, number, Told::Whole)))
}

/// The answer to a registration that changes nothing, found without taking a turn at writing.
pub(crate) fn registered(
    store: &Store,
    parser: &Parser,
    settings: &Settings,
    subject: &str,
    draft: &Draft,
    normalize: bool,
) -> Option<Json> {
    let config = store.config_in_scope(subject);
    if draft.retags() || config.completes() || draft.version != 0 || draft.id.is_some() {
        return None;
    }
    let normalize = normalizes(store, settings, subject, &config, normalize);
    // As `standing` has prepared it, when it was asked for the first time.
    let prepared = parser.remembered(store, subject, draft, normalize, Strictness::Stored)?;
    let content = prepared.content(draft.metadata.clone(), draft.rules.clone());
    let number = by_identity(store, subject, &content, Live::Only)?;
    Some(answer_of(store, settings, subject, number, Told::Id))
}

/// Puts tags into the schema's text, and takes others out.
fn retag(store: &Store, subject: &str, draft: &mut Draft) -> Result<(), RestError> {
    if draft.propagate_tags
        && let Some((_, before)) = store.version(subject, -1, Live::Only)
    {
        draft.text = propagated(draft.language, &before.content.text, &draft.text);
    }
    let edits = Edits { add: draft.tags_to_add.as_ref(), remove: draft.tags_to_remove.as_ref() };
    if !edits.is_empty() {
        draft.text = edits.applied(draft.language, &draft.text)?;
    }
    Ok(())
}

/// What the request leaves out comes from the configuration and the previous version. Where a version is asked for, or noted in
/// `confluent:version`, a registration (`registers`) notes the next one.
pub(super) fn complete(
    store: &Store,
    subject: &str,
    config: &Config,
    draft: &mut Draft,
    registers: bool,
) -> Result<(), RestError> {
    let previous = store.version(subject, -1, Live::Only);
    if draft.text.trim().is_empty() {
        let Some((_, previous)) = previous else { return Err(RestError::invalid_schema("Empty schema")) };
        draft.text = previous.content.text.to_string();
        draft.language = previous.content.language;
        draft.references.clone_from(&previous.content.references);
    }
    let before = previous.map(|(_, version)| &version.content);
    let own = draft.metadata.take().or_else(|| before.and_then(|content| content.metadata.clone()));
    let all = merged(
        config.metadata("defaultMetadata"),
        own,
        config.metadata("overrideMetadata"),
        Metadata::merged,
    );
    let notes_version = draft.version != 0 || all.as_ref().is_some_and(Metadata::names_version);
    draft.metadata = match registers && notes_version {
        true => Some(all.unwrap_or_default().with_version(Some(store.next_version(subject)))),
        false => all.filter(|metadata| *metadata != Metadata::default()),
    };
    let own = draft.rules.take().or_else(|| before.and_then(|content| content.rules.clone()));
    draft.rules =
        merged(config.rules("defaultRuleSet"), own, config.rules("overrideRuleSet"), RuleSet::merged)
            .filter(|rules| !rules.is_empty() || rules.enable_at.is_some());
    Ok(())
}

fn merged<T: Clone>(below: Option<T>, own: Option<T>, above: Option<T>, merge: fn(&T, &T) -> T) -> Option<T> {
    [below, own, above].into_iter().flatten().reduce(|wider, nearer| merge(&wider, &nearer))
}

/// The version that has the schema already, if no version is asked for.
fn existing(
    store: &Store,
    parser: &Parser,
    subject: &str,
    draft: &Draft,
    content: &Content,
    prepared: &super::Prepared,
) -> Result<Option<i32>, RestError> {
    let has_id = |number: &i32| {
        let version = store.version(subject, *number, Live::Only);
        version.is_some_and(|(_, version)| draft.id.is_none_or(|id| id == version.id))
    };
    if draft.version != 0 {
        return Ok(None);
    }
    if let Some(number) = by_identity(store, subject, content, Live::Only).filter(has_id) {
        return Ok(Some(number));
    }
    if !store.has_subject(subject, Live::Only) {
        return Ok(None);
    }
    let parsed = parser.parsed(store, subject, prepared).map_err(RestError::invalid_schema)?;
    Ok(by_meaning(store, parser, subject, content, &parsed, (Live::Only, false), Instant::now())
        .filter(has_id))
}

fn compatible(
    store: &Store,
    parser: &Parser,
    settings: &Settings,
    request: &CheckRequest<'_>,
) -> Result<(), RestError> {
    let versions: Vec<i32> = store.versions(request.subject, Live::Only).map(|(number, _)| number).collect();
    let report = check_versions(store, parser, request, &versions)?;
    if report.messages.is_empty() {
        return Ok(());
    }
    let code = settings.profile.incompatible_code();
    Err(RestError::incompatible(code, request.subject, &report.messages, report.findings))
}

fn append(
    store: &Store,
    settings: &Settings,
    subject: &str,
    draft: &Draft,
    content: Content,
    (importing, told): (bool, Told),
) -> Decided {
    let context = subject::context_of(subject);
    let next = store.next_version(subject);
    let version = match draft.version {
        ..=0 => next,
        wanted if wanted == next || importing => wanted,
        _ => return Err(RestError::invalid_schema("Version is not one more than previous version")),
    };
    let id = match draft.id {
        Some(id) => {
            if store.by_id(context, id).is_some_and(|known| known.guid != content.guid) {
                return Err(overwrite(settings.profile, context, id));
            }
            id
        }
        None => store
            .id_of(context, &content.guid)
            .or_else(|| store.next_id(context))
            .ok_or_else(|| RestError::store("All ids of the context are taken"))?,
    };
    let mut records = Vec::new();
    if !store.has_context(context) {
        records.push(record::context(context));
    }
    let value = SchemaValue { id, content: Arc::new(content), deleted: false };
    let record = value.record(subject, version);
    let size = record.key.len() + record.value.as_ref().map_or(0, Vec::len);
    if size > settings.record_bytes_max {
        return Err(RestError::schema_too_large(format!(
            "Write failed because schema is too large: {size} bytes, while records may have {}",
            settings.record_bytes_max
        )));
    }
    records.push(record);
    let answer = answer(settings.profile, subject, (version, id), &value.content, None, told);
    Ok(Decision { records, answer })
}

fn overwrite(profile: Profile, context: &str, id: i32) -> RestError {
    let place = if profile.is_whole() && context != subject::DEFAULT_CONTEXT {
        format!(" in context {context}")
    } else {
        String::new()
    };
    RestError::not_permitted(format!("Overwrite new schema with id {id}{place} is not permitted."))
}

/// Soft-deleted versions whose id a later version has go for good, unless something refers to them: once the schema that was
/// registered again has won, since the id must never be without a user.
pub(crate) fn superseded(store: &Store, subject: &str) -> Vec<Record> {
    // The last of each id, since versions come in order.
    let last: BTreeMap<i32, i32> =
        store.versions(subject, Live::Only).map(|(number, version)| (version.id, number)).collect();
    store
        .versions(subject, Live::OnlyDeleted)
        .filter(|(number, old)| last.get(&old.id).is_some_and(|last| last > number))
        .filter(|(number, _)| store.referrers(subject, *number, Live::WithDeleted).is_empty())
        .flat_map(|(number, _)| {
            let layouts = store.layouts(&Key::Schema { subject: subject.to_owned(), version: number });
            layouts.into_iter().map(|key| Record { key, value: None })
        })
        .collect()
}

/// What an answer tells before 8.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// The id alone.
    Id,
    /// What was registered, since it is more than was sent.
    Whole,
}

fn answer_of(store: &Store, settings: &Settings, subject: &str, number: i32, told: Told) -> Json {
    match store.version(subject, number, Live::Only) {
        Some((_, version)) => {
            let timestamp = Some(version.timestamp);
            answer(settings.profile, subject, (number, version.id), &version.content, timestamp, told)
        }
        None => Json::Null,
    }
}

/// The answer to a registration: the id, or since 8.0 the whole record.
fn answer(
    profile: Profile,
    subject: &str,
    (version, id): (i32, i32),
    content: &Content,
    timestamp: Option<i64>,
    told: Told,
) -> Json {
    let guid = profile.tells_guids().then(|| Json::from(content.guid.to_string().as_str()));
    let named = profile.is_whole() || content.language != schema::Language::Avro;
    let language = named.then(|| Json::from(content.language.name()));
    let parts = |members: Members| {
        members
            .some("schemaType", language)
            .some("references", record::references_json(&content.references))
            .some("metadata", content.metadata.as_ref().map(Metadata::to_json))
            .some("ruleSet", content.rules.as_ref().map(RuleSet::to_json))
            .text("schema", &content.text)
    };
    let members = Members::default();
    if profile.is_whole() {
        let members =
            members.text("subject", subject).int("version", version).int("id", id).some("guid", guid);
        let timestamp = timestamp.map(|millis| Json::Number(millis.into()));
        return parts(members).some("ts", timestamp).build();
    }
    // Client libraries of today take an answer with a schema for one of 8.x, and some fail on it.
    if profile == Profile::V7 && told == Told::Whole {
        return parts(members.int("id", id).int("version", version)).build();
    }
    members.int("id", id).some("guid", guid).build()
}
