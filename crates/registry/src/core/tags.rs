//! `POST …/tags`: the next version is the given one with tags, metadata and rules changed.

mod json_schema;

use std::collections::BTreeSet;

use schema::json::Json;
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

/// Each change of tags looks through the schema: so many bytes are looked through.
const SEARCHED_BYTES_MAX: usize = 512 * 1024 * 1024;

/// So many bytes of paths are collected; parts behind them are told without tags.
const PATH_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What changing tags may yet look through.
struct Work(usize);

impl Default for Work {
    fn default() -> Self {
        Self(SEARCHED_BYTES_MAX)
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
                tagged(language, &mut tree, path, &strings(member(entry, "tags")), add)?;
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
        let _ = tagged(language, &mut tree, &path, &tags, true);
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
    tree: &mut Json,
    path: &str,
    tags: &[String],
    add: bool,
) -> Result<(), RestError> {
    let is_there = match language {
        Language::Avro => in_avro(tree, None, path, &|part| retag(part, tags, add)),
        _ => json_schema::changed(tree, path, &|part| retag(part, tags, add)).is_some(),
    };
    match is_there {
        true => Ok(()),
        false => Err(RestError::invalid_schema(format!("No matching entity at path '{path}' in the schema"))),
    }
}

fn full_name(tree: &Json, space: Option<&str>) -> String {
    let name = text(tree, "name").unwrap_or_default();
    match text(tree, "namespace").or(space) {
        Some(space) if !name.contains('.') && !space.is_empty() => format!("{space}.{name}"),
        _ => name.to_owned(),
    }
}

fn retag(part: &mut Json, tags: &[String], add: bool) {
    let Json::Object(object) = part else { return };
    let mut all: BTreeSet<String> = strings(object.get(TAGS)).into_iter().collect();
    for tag in tags {
        if add {
            all.insert(tag.clone());
        } else {
            all.remove(tag);
        }
    }
    if all.is_empty() {
        object.remove(TAGS);
    } else {
        object.set(TAGS, crate::json::texts(all));
    }
}

type Change<'a> = &'a dyn Fn(&mut Json);

/// Changes the record of that full name, or one of its fields, however deep it stands in an Avro schema; the first of several.
fn in_avro(tree: &mut Json, space: Option<&str>, path: &str, change: Change<'_>) -> bool {
    if let Json::Array(branches) = tree {
        return branches.iter_mut().any(|branch| in_avro(branch, space, path, change));
    }
    if member(tree, "fields").and_then(Json::as_array).is_none() {
        return ["items", "values", "type"].iter().any(|key| in_type(tree, key, space, path, change));
    }
    let own = full_name(tree, space);
    if path == own {
        change(tree);
        return true;
    }
    let named = path.strip_prefix(&own).and_then(|rest| rest.strip_prefix('.'));
    let space = own.rsplit_once('.').map(|(space, _)| space);
    let Some(Json::Array(fields)) = tree.get_mut("fields") else { return false };
    fields.iter_mut().any(|field| {
        if named.is_some() && text(field, "name") == named {
            change(field);
            return true;
        }
        in_type(field, "type", space, path, change)
    })
}

fn in_type(tree: &mut Json, key: &str, space: Option<&str>, path: &str, change: Change<'_>) -> bool {
    let inner = tree.get_mut(key).filter(|inner| inner.as_str().is_none());
    inner.is_some_and(|inner| in_avro(inner, space, path, change))
}
