//! `POST …/tags`: the next version is the given one with tags, metadata and rules changed.

use std::collections::BTreeSet;

use schema::json::{Json, Object};
use schema::{Language, Metadata, RuleSet};

use super::Draft;
use crate::error::RestError;
use crate::json::{int, member, text};
use crate::record::Content;

/// The registration that a request for tags comes to.
pub(crate) fn tag_request(content: &Content, request: &Json) -> Result<Draft, RestError> {
    let unprocessable = |_| RestError::unprocessable("The request body has a wrong shape");
    let mut metadata = content.metadata.clone();
    if let Some(given) = member(request, "metadata") {
        metadata = Some(Metadata::read(given).map_err(unprocessable)?);
    }
    let rule_set = |key: &str| match member(request, key) {
        None => Ok(None),
        Some(given) => {
            RuleSet::read(given).map(Some).map_err(|error| RestError::invalid_rule_set(error.reason()))
        }
    };
    let mut rules = content.rules.clone();
    if let Some(given) = rule_set("ruleSet")? {
        rules = Some(given);
    } else {
        if let Some(more) = rule_set("rulesToMerge")? {
            rules = Some(rules.unwrap_or_default().merged(&more));
        }
        let removed = strings(member(request, "rulesToRemove"));
        if !removed.is_empty() {
            rules = rules.map(|rules| rules.without(&removed));
        }
    }
    let mut body = content.text.to_string();
    if content.language != Language::Protobuf {
        let parsed =
            schema::json::parse(&body).map_err(|error| RestError::invalid_schema(error.to_string()))?;
        let mut tree = parsed;
        for (key, add) in [("tagsToAdd", true), ("tagsToRemove", false)] {
            for entry in member(request, key).and_then(Json::as_array).unwrap_or_default() {
                let entity = member(entry, "schemaEntity");
                let path = entity.and_then(|entity| text(entity, "entityPath")).unwrap_or_default();
                let tags = strings(member(entry, "tags"));
                tree = tagged(content.language, &tree, path, &tags, add)?;
            }
        }
        body = tree.to_text();
    } else if member(request, "tagsToAdd").or_else(|| member(request, "tagsToRemove")).is_some() {
        return Err(RestError::invalid_schema("Inline tags of Protobuf schemas are not supported"));
    }
    Ok(Draft {
        text: body,
        language: content.language,
        references: content.references.clone(),
        metadata,
        rules,
        version: int(request, "newVersion").unwrap_or(0),
        id: None,
    })
}

fn strings(json: Option<&Json>) -> Vec<String> {
    let list = json.and_then(Json::as_array).unwrap_or_default();
    list.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// The schema with tags added to, or removed from, the part that a path names: `Record.field` in Avro, where the record
/// may have its namespace; `object.property.property` in JSON Schema.
fn tagged(
    language: Language,
    tree: &Json,
    path: &str,
    tags: &[String],
    add: bool,
) -> Result<Json, RestError> {
    let no_part = || RestError::invalid_schema(format!("No matching entity at path '{path}' in the schema"));
    let changed = match language {
        Language::Avro => {
            let own = full_name(tree, None);
            match path == own {
                true => Some(with_tags(tree, tags, add)),
                false => {
                    let field = path
                        .strip_prefix(&own)
                        .and_then(|rest| rest.strip_prefix('.'))
                        .ok_or_else(no_part)?;
                    in_list(tree, "fields", field, &|part| with_tags(part, tags, add))
                }
            }
        }
        _ => {
            let parts: Vec<&str> =
                path.split('.').filter(|part| !part.is_empty() && *part != "object").collect();
            in_properties(tree, &parts, &|part| with_tags(part, tags, add))
        }
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
    const KEY: &str = "confluent:tags";
    let Json::Object(object) = part else { return part.clone() };
    let mut all: BTreeSet<String> = strings(object.get(KEY)).into_iter().collect();
    for tag in tags {
        if add {
            all.insert(tag.clone());
        } else {
            all.remove(tag);
        }
    }
    let mut entries: Vec<(String, Json)> = object.clone().into_entries();
    entries.retain(|(key, _)| key != KEY || !all.is_empty());
    if !all.is_empty() {
        entries.push((KEY.to_owned(), crate::json::texts(all)));
    }
    Json::Object(Object::from_entries(entries))
}

type Change<'a> = &'a dyn Fn(&Json) -> Json;

fn in_list(tree: &Json, key: &str, name: &str, change: Change<'_>) -> Option<Json> {
    let list = tree.get(key)?.as_array()?;
    let at = list.iter().position(|item| text(item, "name") == Some(name))?;
    let changed = list.iter().enumerate().map(|(i, item)| if i == at { change(item) } else { item.clone() });
    Some(replaced(tree, key, Json::Array(changed.collect())))
}

fn in_properties(tree: &Json, parts: &[&str], change: Change<'_>) -> Option<Json> {
    let Some((first, rest)) = parts.split_first() else { return Some(change(tree)) };
    let properties = tree.get("properties")?;
    let part = in_properties(properties.get(first)?, rest, change)?;
    Some(replaced(tree, "properties", replaced(properties, first, part)))
}

fn replaced(tree: &Json, key: &str, value: Json) -> Json {
    let mut entries = tree.as_object().cloned().unwrap_or_default().into_entries();
    entries.push((key.to_owned(), value));
    // The later entry takes the earlier one's place.
    Json::Object(Object::from_entries(entries))
}
