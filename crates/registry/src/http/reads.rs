//! Requests that change nothing, answered from what the log says.

use std::sync::Arc;

use schema::json::Json;
use schema::{Guid, Language};

use crate::config::Mode;
use crate::core::{CheckRequest, Draft, check_versions, look_up, normalizes, strictness};
use crate::error::RestError;
use crate::json::{Members, numbers, texts};
use crate::record::Content;
use crate::service::Registry;
use crate::store::{Live, Store, Version};
use crate::subject;

use super::answer::{self, Answer, Shown};
use super::query::Query;
use super::route;
use super::search::page;

type Answered = Result<Answer, RestError>;

/// The code of what is no schema.
const INVALID_SCHEMA: u32 = 42201;

fn live(query: &Query) -> Live {
    if query.flag("deleted") { Live::WithDeleted } else { Live::Only }
}

/// A schema's text, in the format that was asked for.
fn formatted(
    registry: &Registry,
    store: &Store,
    context: &str,
    content: &Content,
    query: &Query,
) -> Result<String, RestError> {
    match query.get("format").map(str::trim).filter(|format| !format.is_empty()) {
        None => Ok(content.text.to_string()),
        Some(format) => {
            let parsed =
                registry.parser().stored(store, context, content).map_err(RestError::invalid_schema)?;
            parsed.formatted(format).map_err(|error| RestError::invalid_schema(error.reason()))
        }
    }
}

/// The version that a path names; what the default context does not have is looked for in the others.
fn find<'s>(
    store: &'s Store,
    name: &str,
    number: i32,
    live: Live,
) -> Result<(String, i32, &'s Version), RestError> {
    let places = crate::core::candidates(store, name, live).into_iter();
    let mut found = places
        .filter_map(|place| store.version(&place, number, live).map(|(n, version)| (place, n, version)));
    found.next().ok_or_else(|| match store.has_subject(name, live) {
        true => RestError::version_not_found(number),
        false => RestError::subject_not_found(name),
    })
}

/// GET /schemas/types
pub(super) fn types() -> Answer {
    texts(Language::ALL.map(Language::name)).into()
}

/// The context and content of an id: in the context that `subject` names. A subject by its bare name is looked for in the default
/// context, then in the others; if none has one of that name with the id, the default context's schema is meant.
fn by_id<'s>(store: &'s Store, id: i32, query: &Query) -> Result<(String, &'s Arc<Content>), RestError> {
    let given = query.get("subject").unwrap_or_default();
    let (context, name) = subject::split(given);
    let by_context = |context: &str| Some((context.to_owned(), store.by_id(context, id)?));
    let by_subject = |context: &str| {
        let content = store.used_by(context, id, &subject::qualified(context, name))?;
        Some((context.to_owned(), content))
    };
    let found = if name.is_empty() {
        by_context(context)
    } else if context == subject::DEFAULT_CONTEXT {
        let anywhere = by_subject(context).or_else(|| store.contexts().into_iter().find_map(by_subject));
        anywhere.or_else(|| by_context(context))
    } else {
        by_subject(context)
    };
    found.ok_or_else(|| RestError::no_schema(id))
}

/// GET /schemas/ids/{id}
pub(super) fn id(registry: &Registry, store: &Store, id: i32, query: &Query) -> Answered {
    let (context, content) = by_id(store, id, query)?;
    let text = formatted(registry, store, &context, content, query)?;
    let shown = Shown::of(query, &context, content);
    let mut members = answer::schema_string(registry.settings(), content, &text, shown);
    if query.flag("fetchMaxId") {
        members = members.int("maxId", store.max_id(&context));
    }
    if registry.settings().profile.is_whole()
        && let Some(name) = query.get("subject").filter(|name| !subject::split(name).1.is_empty())
    {
        let wanted = subject::qualified(&context, subject::split(name).1);
        let uses = store.uses(&context, id, Live::WithDeleted);
        if let Some((name, number, _)) = uses.iter().rev().find(|(name, _, _)| *name == wanted) {
            members = members.text("subject", name).int("version", *number);
        }
    }
    Ok(members.build().into())
}

/// GET /schemas/ids/{id}/schema
pub(super) fn id_schema(registry: &Registry, store: &Store, id: i32, query: &Query) -> Answered {
    let (context, content) = by_id(store, id, query)?;
    formatted(registry, store, &context, content, query).map(Answer::Raw)
}

/// The versions that have an id; none is an error.
fn uses<'s>(store: &'s Store, id: i32, query: &Query) -> Result<Vec<(&'s str, i32)>, RestError> {
    let (context, _) = by_id(store, id, query).map_err(|_| RestError::schema_not_found())?;
    let all = store.uses(&context, id, live(query));
    let found: Vec<(&str, i32)> = all.into_iter().map(|(name, number, _)| (name, number)).collect();
    if found.is_empty() { Err(RestError::schema_not_found()) } else { Ok(found) }
}

/// GET /schemas/ids/{id}/subjects
pub(super) fn id_subjects(store: &Store, id: i32, query: &Query) -> Answered {
    let mut names: Vec<&str> = uses(store, id, query)?.into_iter().map(|(name, _)| name).collect();
    names.dedup();
    Ok(texts(page(names, query)?).into())
}

/// GET /schemas/ids/{id}/versions
pub(super) fn id_versions(store: &Store, id: i32, query: &Query) -> Answered {
    let found = page(uses(store, id, query)?, query)?;
    let one =
        |(name, number): (&str, i32)| Members::default().text("subject", name).int("version", number).build();
    Ok(Json::Array(found.into_iter().map(one).collect()).into())
}

/// GET /schemas/guids/{guid}
pub(super) fn guid(registry: &Registry, store: &Store, given: &str, query: &Query) -> Answered {
    let guid = Guid::parse(given).ok_or_else(|| RestError::no_schema(given))?;
    let found = store.by_guid(&guid);
    let (context, _, content) = found.first().ok_or_else(|| RestError::no_schema(given))?;
    let text = formatted(registry, store, context, content, query)?;
    let shown = Shown::of(query, context, content);
    let members = answer::schema_string(registry.settings(), content, &text, shown);
    let told = registry.settings().profile.tells_guids();
    let members = if told { members } else { members.text("guid", given) };
    Ok(members.build().into())
}

/// GET /schemas/guids/{guid}/ids
pub(super) fn guid_ids(store: &Store, given: &str) -> Answered {
    let guid = Guid::parse(given).ok_or_else(|| RestError::no_schema(given))?;
    let found = store.by_guid(&guid);
    if found.is_empty() {
        return Err(RestError::no_schema(given));
    }
    let one = |(context, id, _): &(&str, i32, _)| {
        Members::default().text("context", context).int("id", *id).build()
    };
    Ok(Json::Array(found.iter().map(one).collect()).into())
}

/// GET /subjects/{s}/versions
pub(super) fn versions(store: &Store, name: &str, query: &Query) -> Answered {
    let negative = query.flag("deletedAsNegative");
    let only_deleted = query.flag("deletedOnly");
    if !store.has_subject(name, if only_deleted { Live::WithDeleted } else { live(query) }) {
        return Err(RestError::subject_not_found(name));
    }
    let live = match only_deleted {
        _ if negative => Live::WithDeleted,
        true => Live::OnlyDeleted,
        false => live(query),
    };
    let numbered = store.versions(name, live);
    let shown = numbered.map(|(number, version)| if negative && version.deleted { -number } else { number });
    Ok(numbers(page(shown.collect(), query)?).into())
}

/// GET /subjects/{s}/versions/{v}
pub(super) fn version(
    registry: &Registry,
    store: &Store,
    name: &str,
    number: &str,
    query: &Query,
) -> Answered {
    let number = route::version(number)?;
    let (name, number, version) = find(store, name, number, live(query))?;
    let text = formatted(registry, store, subject::context_of(&name), &version.content, query)?;
    let shown = Shown::of(query, subject::context_of(&name), &version.content);
    Ok(answer::version(registry.settings(), &name, number, version, &text, shown).build().into())
}

/// GET /subjects/{s}/versions/{v}/schema
pub(super) fn version_schema(
    registry: &Registry,
    store: &Store,
    name: &str,
    number: &str,
    query: &Query,
) -> Answered {
    let number = route::version(number)?;
    let (name, _, version) = find(store, name, number, live(query))?;
    formatted(registry, store, subject::context_of(&name), &version.content, query).map(Answer::Raw)
}

/// GET /subjects/{s}/versions/{v}/referencedby
pub(super) fn referenced_by(store: &Store, name: &str, number: &str, query: &Query) -> Answered {
    let number = route::version(number)?;
    let (name, number, _) = find(store, name, number, Live::WithDeleted)?;
    let mut ids: Vec<i32> =
        store.referrers(&name, number, live(query)).into_iter().map(|(_, _, version)| version.id).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(numbers(page(ids, query)?).into())
}

/// GET /subjects/{s}/metadata
pub(super) fn subject_metadata(registry: &Registry, store: &Store, name: &str, query: &Query) -> Answered {
    let live = live(query);
    let wanted: Vec<(&str, &str)> = query.all("key").zip(query.all("value")).collect();
    let has = |version: &Version| {
        let properties = version.content.metadata.as_ref().map(|metadata| &metadata.properties);
        let property = |key: &str| properties?.get(key).map(String::as_str);
        // A schema without properties has none that could be asked for, not even none.
        let some = properties.is_some_and(|properties| !properties.is_empty());
        some && wanted.iter().all(|(key, value)| property(key) == Some(*value))
    };
    if !store.has_subject(name, live) {
        return Err(RestError::subject_not_found(name));
    }
    let found = store.versions(name, live).rev().find(|(_, version)| has(version));
    let (number, version) = found.ok_or_else(RestError::schema_not_found)?;
    let text = formatted(registry, store, subject::context_of(name), &version.content, query)?;
    let shown = Shown::of(query, subject::context_of(name), &version.content);
    Ok(answer::version(registry.settings(), name, number, version, &text, shown).build().into())
}

/// POST /subjects/{s}: which version has this schema?
pub(super) fn lookup(registry: &Registry, store: &Store, name: &str, body: &Json, query: &Query) -> Answered {
    let draft = Draft::read(body)?;
    let live = live(query);
    let config = store.config_in_scope(name);
    let normalize = normalizes(store, registry.settings(), name, &config, query.flag("normalize"));
    let found = look_up(store, registry.parser(), name, &draft, normalize, live)?;
    let (number, version) =
        store.version(&found.subject, found.version, live).ok_or_else(RestError::schema_not_found)?;
    let text = formatted(registry, store, subject::context_of(&found.subject), &version.content, query)?;
    let shown = Shown::default();
    Ok(answer::version(registry.settings(), &found.subject, number, version, &text, shown).build().into())
}

/// POST /compatibility/subjects/{s}/versions[/{v}]
pub(super) fn check(
    registry: &Registry,
    store: &Store,
    name: &str,
    number: Option<&str>,
    body: &Json,
    query: &Query,
) -> Answered {
    let verbose = query.flag("verbose");
    let number = number.map(route::version).transpose()?;
    let draft = Draft::read(body);
    // What is no schema comes after the version that is not there; what is no such request comes before.
    if let Err(error) = &draft
        && error.code != INVALID_SCHEMA
    {
        return Err(error.clone());
    }
    let config = store.config_in_scope(name);
    let versions: Vec<i32> = match number {
        None => store.versions(name, Live::Only).map(|(number, _)| number).collect(),
        Some(number) => match store.version(name, number, Live::Only) {
            Some((number, _)) => vec![number],
            None if number == -1 => Vec::new(),
            None => return Err(RestError::version_not_found(number)),
        },
    };
    let normalize = normalizes(store, registry.settings(), name, &config, query.flag("normalize"));
    let parser = registry.parser();
    let understood = draft.and_then(|draft| {
        let prepared = parser.prepare(store, name, &draft, normalize, strictness(&config))?;
        parser.check_fields(store, name, &draft, &prepared, &config)?;
        let parsed = parser.parsed(store, name, &prepared).map_err(RestError::invalid_schema)?;
        Ok((draft, parsed))
    });
    let (draft, parsed) = match understood {
        Err(error) if verbose && error.code == INVALID_SCHEMA => {
            let members = Members::default().bool("is_compatible", false);
            return Ok(members.put("messages", texts([error.message])).build().into());
        }
        understood => understood?,
    };
    let level = config.level().unwrap_or(registry.settings().level);
    let metadata = draft.metadata.as_ref();
    let request = CheckRequest { subject: name, parsed: &parsed, metadata, level, config: &config };
    let report = check_versions(store, parser, &request, &versions)?;
    let compatible = report.messages.is_empty();
    let mut members = Members::default().bool("is_compatible", compatible);
    if verbose {
        members = members.put("messages", texts(&report.messages));
        if !report.findings.is_empty() {
            members = members.put("reasons", answer::findings(&report.findings));
        }
    }
    Ok(members.build().into())
}

/// GET /config, GET /config/{s}
pub(super) fn config(registry: &Registry, store: &Store, scope: Option<&str>, query: &Query) -> Answered {
    let settings = registry.settings();
    let config = match scope {
        Some(name) if query.flag("defaultToGlobal") => store.config_in_scope(name),
        _ => {
            let missing = || RestError::no_subject_config(scope.unwrap_or_default());
            store.shown_config(scope).ok_or_else(missing)?
        }
    };
    Ok(crate::core::shown_config(&config, settings).into())
}

/// GET /mode, GET /mode/{s}
pub(super) fn mode(store: &Store, scope: Option<&str>, query: &Query) -> Answered {
    let mode = match scope {
        Some(name) if query.flag("defaultToGlobal") => store.mode_in_scope(name),
        _ => {
            let missing = || RestError::no_subject_mode(scope.unwrap_or_default());
            store.shown_mode(scope).ok_or_else(missing)?
        }
    };
    Ok(Members::default().text("mode", Mode::name(mode)).build().into())
}

/// GET /contexts
pub(super) fn contexts(store: &Store, query: &Query) -> Answered {
    let prefix = query.get("contextPrefix").unwrap_or_default();
    let found: Vec<&str> =
        store.contexts().into_iter().filter(|context| context.starts_with(prefix)).collect();
    Ok(texts(page(found, query)?).into())
}

/// GET /v1/metadata/id
pub(super) fn server_id(registry: &Registry) -> Answer {
    let settings = registry.settings();
    let clusters = Members::default()
        .text("kafka-cluster", &settings.cluster_id)
        .text("schema-registry-cluster", &settings.group_id)
        .build();
    let scope = Members::default().put("path", Json::Array(Vec::new())).put("clusters", clusters).build();
    Members::default().put("scope", scope).text("id", "").build().into()
}

/// GET /v1/metadata/version
pub(super) fn server_version(registry: &Registry) -> Answer {
    let profile = registry.settings().profile;
    let build = concat!("mekong-", env!("CARGO_PKG_VERSION"));
    Members::default().text("version", profile.version()).text("commitId", build).build().into()
}
