//! `POST …/tags`: the next version is the given one with tags, metadata and rules changed.

mod json_schema;

use std::collections::BTreeSet;

use schema::json::{Json, Object};
use schema::{Language, Metadata, RuleSet};

use super::Draft;
use crate::error::RestError;
use crate::json::{Members, int, member, text};
use crate::record::Content;

/// Where a schema keeps the tags of its parts.
const TAGS: &str = "confluent:tags";

/// The registration that a request for tags comes to. `before` is a version by its number (-1: the latest), whose rules are
/// changed.
pub(crate) fn tag_request<'s>(
    content: &Content,
    before: impl Fn(i32) -> Option<&'s Content>,
    request: &Json,
) -> Result<Draft, RestError> {
    RestError::object(request)?;
    let mut metadata = content.metadata.clone();
    if let Some(given) = member(request, "metadata") {
        metadata = Some(Metadata::read(given).map_err(|_| RestError::wrong_type("metadata"))?);
    }
    let rule_set = |key: &str| match member(request, key) {
        None => Ok(None),
        Some(given) => RuleSet::read(given).map(Some).map_err(|_| RestError::wrong_type(key)),
    };
    let new_version = int(request, "newVersion");
    if new_version.is_none() && member(request, "newVersion").is_some() {
        return Err(RestError::wrong_type("newVersion"));
    }
    let mut rules = rule_set("ruleSet")?;
    let (more, removed) = (rule_set("rulesToMerge")?, member(request, "rulesToRemove"));
    if more.is_some() || removed.is_some() {
        if rules.is_some() {
            let reason = "ruleSet should be omitted if specifying rulesToMerge or rulesToRemove";
            return Err(RestError::invalid_rule_set(reason));
        }
        rules = before(new_version.map_or(-1, |version| version.saturating_sub(1)))
            .and_then(|before| before.rules.clone());
        if let Some(more) = more {
            rules = Some(rules.unwrap_or_default().merged(&more));
        }
        rules = rules.map(|rules| rules.without(&strings(removed)));
    }
    let metadata = metadata.unwrap_or_default().with_version(new_version.or(Some(0)));
    let edit = Edits { add: member(request, "tagsToAdd"), remove: member(request, "tagsToRemove") };
    let body = match edit.is_empty() {
        true => content.text.to_string(),
        false => edit.applied(content.language, &content.text)?,
    };
    Ok(Draft {
        text: body,
        language: content.language,
        references: content.references.clone(),
        metadata: Some(metadata),
        rules,
        version: new_version.unwrap_or(0),
        ..Draft::default()
    })
}

/// Each change of tags copies the schema: so many bytes of copies are made.
const COPIED_BYTES_MAX: usize = 512 * 1024 * 1024;

/// So many bytes of paths are collected; parts behind them are told without tags.
const PATH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What changing tags may yet copy.
struct Work(usize);

impl Default for Work {
    fn default() -> Self {
        Self(COPIED_BYTES_MAX)
    }
}

impl Work {
    fn spend(&mut self, bytes: usize) -> Result<(), RestError> {
        let left = self.0.checked_sub(bytes);
        self.0 = left.ok_or_else(|| RestError::invalid_schema("Too many tags for a schema of this size"))?;
        Ok(())
    }
}

/// Tags to put in and to take out, each a list of `{schemaEntity: {entityPath}, tags}`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edits<'a> {
    pub add: Option<&'a Json>,
    pub remove: Option<&'a Json>,
}

impl Edits<'_> {
    pub fn is_empty(&self) -> bool {
        self.add.is_none() && self.remove.is_none()
    }

    /// The schema's text with its tags changed.
    pub fn applied(&self, language: Language, text: &str) -> Result<String, RestError> {
        let mut tree = tree_of(language, text)?;
        let mut work = Work::default();
        for (list, add) in [(self.add, true), (self.remove, false)] {
            for entry in list.and_then(Json::as_array).unwrap_or_default() {
                work.spend(text.len())?;
                let entity = member(entry, "schemaEntity");
                let path = entity.and_then(|entity| self::text(entity, "entityPath")).unwrap_or_default();
                tree = tagged(language, &tree, path, &strings(member(entry, "tags")), add)?;
            }
        }
        Ok(tree.to_text())
    }
}

fn tree_of(language: Language, text: &str) -> Result<Json, RestError> {
    if language == Language::Protobuf {
        return Err(RestError::invalid_schema("Inline tags of Protobuf schemas are not supported"));
    }
    schema::json::parse(text).map_err(|error| RestError::invalid_schema(error.to_string()))
}

/// A new text with the tags that the one before has on the same parts.
pub(super) fn propagated(language: Language, before: &str, text: &str) -> String {
    let (Ok(old), Ok(mut tree)) = (tree_of(language, before), tree_of(language, text)) else {
        return text.to_owned();
    };
    let mut work = Work::default();
    for (path, _, tags) in inline(language, &old) {
        if work.spend(text.len()).is_err() {
            break;
        }
        // What is no longer there has no tags.
        tree = tagged(language, &tree, &path, &tags, true).unwrap_or(tree);
    }
    tree.to_text()
}

/// The parts of a schema that have one of the tags wanted (`*` is any), each with all its tags, as `schemaTags` of an answer.
pub(crate) fn found_tags(language: Language, text: &str, wanted: &[&str]) -> Option<Json> {
    let tree = tree_of(language, text).ok()?;
    let all = wanted.contains(&"*");
    let is_wanted = |tags: &[String]| all || tags.iter().any(|tag| wanted.contains(&tag.as_str()));
    let parts = inline(language, &tree).into_iter().filter(|(_, _, tags)| is_wanted(tags));
    let entries = parts.map(|(path, kind, tags)| {
        let entity = Members::default().text("entityPath", &path).text("entityType", kind).build();
        Members::default().put("schemaEntity", entity).put("tags", crate::json::texts(&tags)).build()
    });
    let list: Vec<Json> = entries.collect();
    (!list.is_empty()).then_some(Json::Array(list))
}

/// A part of a schema: its path, its kind and its tags.
type Tagged = (String, &'static str, Vec<String>);

#[derive(Default)]
struct Found {
    parts: Vec<Tagged>,
    path_bytes: usize,
}

fn inline(language: Language, tree: &Json) -> Vec<Tagged> {
    let mut found = Found::default();
    match language {
        Language::Avro => inline_avro(tree, None, &mut found),
        _ => json_schema::inline(tree, &mut Vec::new(), false, &mut found),
    }
    found.parts
}

/// The path is made of its parts where there are tags only.
fn note<P: AsRef<str>>(part: &Json, path: &[P], kind: &'static str, found: &mut Found) {
    let tags = strings(member(part, TAGS));
    if tags.is_empty() {
        return;
    }
    found.path_bytes += path.iter().map(|part| part.as_ref().len() + 1).sum::<usize>();
    if found.path_bytes <= PATH_BYTES_MAX {
        let path: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
        found.parts.push((path.join("."), kind, tags));
    }
}

fn inline_avro(tree: &Json, space: Option<&str>, found: &mut Found) {
    if let Some(branches) = tree.as_array() {
        branches.iter().for_each(|branch| inline_avro(branch, space, found));
        return;
    }
    for inner in ["items", "values"].iter().filter_map(|key| member(tree, key)) {
        inline_avro(inner, space, found);
    }
    let Some(fields) = member(tree, "fields").and_then(Json::as_array) else {
        if let Some(inner) = member(tree, "type").filter(|inner| inner.as_str().is_none()) {
            inline_avro(inner, space, found);
        }
        return;
    };
    let name = full_name(tree, space);
    note(tree, &[name.as_str()], "sr_record", found);
    let space = name.rsplit_once('.').map(|(space, _)| space);
    for field in fields {
        note(field, &[name.as_str(), text(field, "name").unwrap_or_default()], "sr_field", found);
        if let Some(inner) = member(field, "type") {
            inline_avro(inner, space, found);
        }
    }
}

fn strings(json: Option<&Json>) -> Vec<String> {
    let list = json.and_then(Json::as_array).unwrap_or_default();
    list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// The schema with tags added to, or removed from, the part that a path names: `Record.field` in Avro, where the record
/// has its namespace and may stand inside others; see `json_schema` for the others.
fn tagged(
    language: Language,
    tree: &Json,
    path: &str,
    tags: &[String],
    add: bool,
) -> Result<Json, RestError> {
    let no_part = || RestError::invalid_schema(format!("No matching entity at path '{path}' in the schema"));
    let changed = match language {
        Language::Avro => in_avro(tree, None, path, &|part| with_tags(part, tags, add)),
        _ => json_schema::changed(tree, path, &|part| with_tags(part, tags, add)),
    };
    changed.ok_or_else(no_part)
}

fn full_name(tree: &Json, space: Option<&str>) -> String {
    let name = text(tree, "name").unwrap_or_default();
    match text(tree, "namespace").or(space) {
        Some(space) if !name.contains('.') && !space.is_empty() => format!("{space}.{name}"),
        _ => name.to_owned(),
    }
}

fn with_tags(part: &Json, tags: &[String], add: bool) -> Json {
    let Json::Object(object) = part else { return part.clone() };
    let mut all: BTreeSet<String> = strings(object.get(TAGS)).into_iter().collect();
    for tag in tags {
        if add {
            all.insert(tag.clone());
        } else {
            all.remove(tag);
        }
    }
    let mut entries: Vec<(String, Json)> = object.clone().into_entries();
    entries.retain(|(key, _)| key != TAGS || !all.is_empty());
    if !all.is_empty() {
        entries.push((TAGS.to_owned(), crate::json::texts(all)));
    }
    Json::Object(Object::from_entries(entries))
}

type Change<'a> = &'a dyn Fn(&Json) -> Json;

/// The tree with the first of these parts changed that `change` finds something in.
fn in_first(list: &[Json], change: impl Fn(&Json) -> Option<Json>) -> Option<Json> {
    let (at, changed) = list.iter().enumerate().find_map(|(at, item)| Some((at, change(item)?)))?;
    let mut list = list.to_vec();
    *list.get_mut(at)? = changed;
    Some(Json::Array(list))
}

/// An Avro schema with the record of that full name, or one of its fields, changed, however deep it stands.
fn in_avro(tree: &Json, space: Option<&str>, path: &str, change: Change<'_>) -> Option<Json> {
    if let Some(branches) = tree.as_array() {
        return in_first(branches, |branch| in_avro(branch, space, path, change));
    }
    let Some(fields) = member(tree, "fields").and_then(Json::as_array) else {
        return ["items", "values", "type"].iter().find_map(|key| {
            let inner = member(tree, key).filter(|inner| inner.as_str().is_none())?;
            Some(replaced(tree, key, in_avro(inner, space, path, change)?))
        });
    };
    let own = full_name(tree, space);
    if path == own {
        return Some(change(tree));
    }
    let named = path.strip_prefix(&own).and_then(|rest| rest.strip_prefix('.'));
    let space = own.rsplit_once('.').map(|(space, _)| space);
    let fields = in_first(fields, |field| {
        if named.is_some() && text(field, "name") == named {
            return Some(change(field));
        }
        let inner = member(field, "type")?;
        Some(replaced(field, "type", in_avro(inner, space, path, change)?))
    })?;
    Some(replaced(tree, "fields", fields))
}

fn replaced(tree: &Json, key: &str, value: Json) -> Json {
    let mut entries = tree.as_object().cloned().unwrap_or_default().into_entries();
    entries.push((key.to_owned(), value));
    // The later entry takes the earlier one's place.
    Json::Object(Object::from_entries(entries))
}
