//! Lists of schemas and subjects, page by page.

use schema::json::Json;

use crate::error::RestError;
use crate::json::texts;
use crate::record::Content;
use crate::service::Registry;
use crate::store::{Live, Store, Version, has_prefix};
use crate::subject;

use super::answer::{self, Answer, Shown};
use super::query::Query;

/// How many entries one answer has.
#[derive(Clone, Copy)]
struct Limits {
    /// Where no number is asked for: a `limit` of 0 or less, or of more than may be asked for, is none.
    default: usize,
    /// How many may be asked for.
    most: usize,
}

/// The part of a list that `offset` and `limit` ask for; all where nothing is asked for.
pub(super) fn page<T>(list: Vec<T>, query: &Query) -> Result<Vec<T>, RestError> {
    page_within(list, query, Limits { default: usize::MAX, most: usize::MAX })
}

fn page_within<T>(list: Vec<T>, query: &Query, limits: Limits) -> Result<Vec<T>, RestError> {
    let offset = usize::try_from(query.int("offset", 0)?).unwrap_or(0);
    let wanted = usize::try_from(query.int("limit", -1)?).ok();
    let wanted = wanted.filter(|wanted| (1..=limits.most).contains(wanted)).unwrap_or(limits.default);
    Ok(list.into_iter().skip(offset).take(wanted).collect())
}

/// About as many bytes as a schema takes in an answer.
fn bytes(content: &Content) -> usize {
    let references: usize = content.references.iter().map(|of| of.name.len() + of.subject.len()).sum();
    let metadata = content.metadata.as_ref().map_or(0, |metadata| metadata.to_json().to_text().len());
    let rules = content.rules.as_ref().map_or(0, |rules| rules.to_json().to_text().len());
    content.text.len() + references + metadata + rules
}

/// So many entries that an answer has room for, and always one, so that who asks page by page comes to the end.
fn bounded<'s>(
    page: Vec<(&'s str, i32, &'s Version)>,
    room: usize,
) -> impl Iterator<Item = (&'s str, i32, &'s Version)> {
    let mut taken = 0;
    page.into_iter().enumerate().map_while(move |(place, entry)| {
        taken += bytes(&entry.2.content);
        (place == 0 || taken <= room).then_some(entry)
    })
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
    Ok(texts(page(names, query)?).into())
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
    let settings = registry.settings();
    let limits = Limits { default: settings.search_limit, most: settings.search_limit_max };
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
    let page = page_within(found, query, limits)?;
    Ok(Json::Array(bounded(page, settings.search_bytes_max).map(one).collect()).into())
}
