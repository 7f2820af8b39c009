//! Tags of JSON Schema's parts, named as Confluent's registry names them: a path goes in turn by the kind of a schema (`object`, `array`,
//! `anyof.0`, `not`) and, in an object, by the name of a property or by `definitions.name`. `object.list.array.object.ssn` is a
//! property of the objects that an array of the root's property `list` holds.

use core::cmp::Ordering;
use std::borrow::Cow;

use schema::json::Json;

use super::{Change, Found, note};
use crate::json::{member, text};

/// The keywords that combine schemas, with what they are called in paths.
const COMBINED: [(&str, &str); 3] = [("allOf", "allof"), ("anyOf", "anyof"), ("oneOf", "oneof")];
const CONDITIONS: [&str; 3] = ["if", "then", "else"];
const DEFINITIONS: [&str; 2] = ["definitions", "$defs"];

/// Notes what has tags below a schema. Tags of a property's schema are the property's.
pub(super) fn inline<'t>(tree: &'t Json, path: &mut Vec<Cow<'t, str>>, in_field: bool, found: &mut Found) {
    for (key, called) in COMBINED {
        for (number, part) in sorted(member(tree, key)).into_iter().enumerate() {
            below([called.into(), number.to_string().into()], part, path, false, found);
        }
    }
    for key in CONDITIONS {
        if let Some(part) = member(tree, key) {
            below(["conditional".into(), key.into()], part, path, false, found);
        }
    }
    if let Some(part) = member(tree, "not") {
        below(["not".into()], part, path, false, found);
    }
    if let Some(part) = member(tree, "items").filter(|items| items.as_object().is_some()) {
        below(["array".into()], part, path, false, found);
    }
    if is_object(tree) {
        path.push("object".into());
        in_object(tree, path, in_field, found);
        path.pop();
    }
}

fn in_object<'t>(tree: &'t Json, path: &mut Vec<Cow<'t, str>>, in_field: bool, found: &mut Found) {
    if !in_field {
        note(tree, path, "sr_record", found);
    }
    for (name, property) in entries(tree, "properties") {
        path.push(name.into());
        note(property, path, "sr_field", found);
        inline(property, path, true, found);
        path.pop();
    }
    for key in DEFINITIONS {
        for (name, part) in entries(tree, key) {
            below([key.into(), name.into()], part, path, false, found);
        }
    }
}

fn below<'t, const N: usize>(
    names: [Cow<'t, str>; N],
    tree: &'t Json,
    path: &mut Vec<Cow<'t, str>>,
    in_field: bool,
    found: &mut Found,
) {
    let depth = path.len();
    path.extend(names);
    inline(tree, path, in_field, found);
    path.truncate(depth);
}

fn entries<'t>(tree: &'t Json, key: &str) -> impl Iterator<Item = (&'t str, &'t Json)> {
    let object = member(tree, key).and_then(Json::as_object);
    object.into_iter().flat_map(|object| object.iter())
}

/// A schema of objects, among others or for want of a type.
fn is_object(tree: &Json) -> bool {
    match member(tree, "type") {
        Some(Json::Array(types)) => types.iter().any(|one| one.as_str() == Some("object")),
        Some(one) => one.as_str() == Some("object"),
        None => ["properties", "definitions", "$defs"].iter().any(|key| member(tree, key).is_some()),
    }
}

/// Changes the part of a schema that a path names; none if there is none.
pub(super) fn changed(tree: &mut Json, path: &str, change: Change<'_>) -> Option<()> {
    let (kind, rest) = first(path);
    match kind {
        "object" => in_named(tree, rest, change),
        "array" => changed(tree.get_mut("items")?, rest, change),
        "not" => changed(tree.get_mut("not")?, rest, change),
        "conditional" => {
            let (key, rest) = first(rest);
            CONDITIONS.contains(&key).then(|| changed(tree.get_mut(key)?, rest, change))?
        }
        combined => {
            let (key, _) = COMBINED.iter().find(|(_, called)| *called == combined)?;
            let (number, rest) = first(rest);
            match tree.get(key).is_some() {
                true => changed(numbered(tree.get_mut(key)?, number)?, rest, change),
                // A list of types is told as a combination, too, as is a condition beside other keywords.
                false => changed(tree, rest, change),
            }
        }
    }
}

/// The first part of a path, and the rest.
fn first(path: &str) -> (&str, &str) {
    path.split_once('.').unwrap_or((path, ""))
}

/// Below an object: itself, a property, or a definition.
fn in_named(tree: &mut Json, path: &str, change: Change<'_>) -> Option<()> {
    if path.is_empty() {
        change(tree);
        return Some(());
    }
    let (key, path) = match first(path) {
        (key, rest) if DEFINITIONS.contains(&key) => (key, rest),
        _ => ("properties", path),
    };
    // A name may have dots: the shortest that is there.
    let rest_of = |name: &str| {
        let rest = path.strip_prefix(name)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
    };
    let names = entries(tree, key).filter_map(|(name, _)| Some((name, rest_of(name)?)));
    let (name, rest) = names.min_by_key(|(name, _)| name.len())?;
    let name = name.to_owned();
    let part = tree.get_mut(key)?.get_mut(&name)?;
    if rest.is_empty() {
        change(part);
        return Some(());
    }
    changed(part, rest, change)
}

fn numbered<'t>(list: &'t mut Json, number: &str) -> Option<&'t mut Json> {
    let wanted = *sorted(Some(list)).get(number.parse::<usize>().ok()?)?;
    let place = list.as_array()?.iter().position(|part| core::ptr::eq(part, wanted))?;
    let Json::Array(parts) = list else { return None };
    parts.get_mut(place)
}

/// Combined schemas in the order in which paths count them: it does not depend on the order in which they are written.
fn sorted(list: Option<&Json>) -> Vec<&Json> {
    let mut parts: Vec<&Json> = list.and_then(Json::as_array).unwrap_or_default().iter().collect();
    parts.sort_by(|a, b| order(a, b));
    parts
}

fn order(a: &Json, b: &Json) -> Ordering {
    let described = |tree: &Json| ["title", "description"].map(|key| text(tree, key).map(str::to_owned));
    let default = |tree: &Json| member(tree, "default").map(Json::to_text);
    kind(a)
        .cmp(kind(b))
        .then_with(|| described(a).cmp(&described(b)))
        .then_with(|| default(a).cmp(&default(b)))
        .then_with(|| names(a, "properties").cmp(&names(b, "properties")))
        .then_with(|| names(a, "required").cmp(&names(b, "required")))
}

/// How many names there are, and which.
fn names<'t>(tree: &'t Json, key: &str) -> (usize, Vec<&'t str>) {
    let listed = member(tree, key).and_then(Json::as_array).unwrap_or_default().iter();
    let mut names: Vec<&str> =
        entries(tree, key).map(|(name, _)| name).chain(listed.filter_map(Json::as_str)).collect();
    names.sort_unstable();
    (names.len(), names)
}

/// The kinds of schemas in their order, that of their names.
fn kind(tree: &Json) -> &'static str {
    const KEYWORDS: [(&str, &str); 9] = [
        ("$ref", "reference"),
        ("allOf", "combined"),
        ("anyOf", "combined"),
        ("oneOf", "combined"),
        ("if", "conditional"),
        ("const", "const"),
        ("enum", "enum"),
        ("not", "not"),
        ("properties", "object"),
    ];
    match tree {
        Json::Bool(true) => return "true",
        Json::Bool(false) => return "false",
        _ => {}
    }
    if let Some((_, kind)) = KEYWORDS.iter().find(|(key, _)| member(tree, key).is_some()) {
        return kind;
    }
    match member(tree, "type") {
        Some(Json::Array(_)) => "combined",
        Some(one) => match one.as_str() {
            Some("array") => "array",
            Some("boolean") => "boolean",
            Some("null") => "null",
            Some("integer" | "number") => "number",
            Some("object") => "object",
            _ => "string",
        },
        None if member(tree, "items").is_some() => "array",
        None => "empty",
    }
}
