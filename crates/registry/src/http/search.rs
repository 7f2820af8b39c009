//! Lists of schemas and subjects, page by page.

use schema::json::Json;

use crate::error::RestError;
use crate::json::texts;
use crate::service::Registry;
use crate::store::{Live, Store, Version, has_prefix};
use crate::subject;

use super::answer::{self, Answer, Shown};
use super::query::Query;

/// The part of a list that `offset` and `limit` ask for. `most` is the limit of ours (-1: none), which also holds where none is
/// asked for: a `limit` of 0 or less, or of more than ours, is none.
pub(super) fn page<T>(list: Vec<T>, query: &Query, most: i32) -> Result<Vec<T>, RestError> {
    let offset = usize::try_from(query.int("offset", 0)?).unwrap_or(0);
    let wanted =
        usize::try_from(query.int("limit", -1)?).ok().filter(|wanted| *wanted > 0).unwrap_or(usize::MAX);
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    Ok(list.into_iter().skip(offset).take(wanted.min(most)).collect())
}

/// GET /subjects
pub(super) fn subjects(store: &Store, query: &Query) -> Result<Answer, RestError> {
    let prefix = query.get("subjectPrefix").unwrap_or(subject::ALL_CONTEXTS);
    let live = match (query.flag("deletedOnly"), query.flag("deleted")) {
        (true, _) => Live::OnlyDeleted,
        (false, true) => Live::WithDeleted,
        (false, false) => Live::Only,
    };
    let mut names: Vec<&str> = store.subjects_with(prefix, live).collect();
    names.sort_by_key(|name| subject::split(name));
    Ok(texts(page(names, query, -1)?).into())
}

/// GET /schemas
pub(super) fn schemas(registry: &Registry, store: &Store, query: &Query) -> Result<Answer, RestError> {
    let prefix = query.get("subjectPrefix").unwrap_or_default();
    let live = if query.flag("deleted") { Live::WithDeleted } else { Live::Only };
    let latest_only = query.flag("latestOnly");
    let rule_type = query.get("ruleType").filter(|name| !name.is_empty());
    let by_association =
        ["resourceType", "associationType", "lifecycle"].iter().any(|key| query.get(key).is_some());
    if by_association && !query.all("lifecycle").any(|lifecycle| lifecycle == "NONE") {
        // Only schemas with associations are asked for, and there are none here.
        return Ok(Json::Array(Vec::new()).into());
    }
    let aliases = if query.flag("aliases") { store.aliases() } else { Vec::new() };
    let mut found: Vec<(&str, i32, &Version)> = store.search(prefix, live).collect();
    for (_, meant) in aliases.iter().filter(|(alias, _)| has_prefix(alias, prefix)) {
        let more = store.versions_of(meant, live).filter(|(name, _, _)| !has_prefix(name, prefix));
        found.extend(more);
    }
    found.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    found.dedup_by(|a, b| (a.0, a.1) == (b.0, b.1));
    if latest_only {
        let mut latest: Vec<(&str, i32, &Version)> = Vec::new();
        for entry in found {
            match latest.last_mut() {
                Some(last) if last.0 == entry.0 => *last = entry,
                _ => latest.push(entry),
            }
        }
        found = latest;
    }
    if let Some(name) = rule_type {
        found.retain(|(_, _, version)| {
            version.content.rules.as_ref().is_some_and(|rules| rules.has_type(name))
        });
    }
    found.sort_by(|a, b| (subject::split(a.0), a.1).cmp(&(subject::split(b.0), b.1)));
    let most = i32::try_from(registry.settings().search_limit).unwrap_or(i32::MAX);
    let settings = registry.settings();
    let one = |(name, number, version): (&str, i32, &Version)| {
        let text = &version.content.text;
        let members = answer::version(settings, name, number, version, text, Shown::default());
        let also: Vec<&str> =
            aliases.iter().filter(|(_, meant)| meant == name).map(|(alias, _)| alias.as_str()).collect();
        let members = members.some("aliases", (!also.is_empty()).then(|| texts(also)));
        // Deleted versions are marked here in every profile.
        let marked = version.deleted && !settings.profile.is_whole();
        members.some("deleted", marked.then_some(Json::Bool(true))).build()
    };
    Ok(Json::Array(page(found, query, most)?.into_iter().map(one).collect()).into())
}
