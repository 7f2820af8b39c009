//! The keywords of strings, numbers, objects and arrays.

use std::collections::BTreeMap;

use super::load::{Loader, wrong};
use super::model::{ArrayRules, Id, NumberRules, ObjectRules, Pattern, Rest, Shape, TextRules};
use crate::SchemaError;
use crate::json::{Decimal, Json, Object};

pub(super) fn text(object: &Object) -> Result<TextRules, SchemaError> {
    let pattern = match object.get("pattern") {
        Some(given) => Some(given.as_str().ok_or_else(|| wrong("pattern", "a string", given))?.to_owned()),
        None => None,
    };
    Ok(TextRules {
        max_length: count(object, "maxLength")?,
        min_length: count(object, "minLength")?,
        pattern,
    })
}

pub(super) fn number(object: &Object, integer: bool) -> Result<NumberRules, SchemaError> {
    Ok(NumberRules {
        integer,
        maximum: decimal(object, "maximum")?,
        minimum: decimal(object, "minimum")?,
        exclusive_maximum: decimal(object, "exclusiveMaximum")?,
        exclusive_minimum: decimal(object, "exclusiveMinimum")?,
        multiple_of: decimal(object, "multipleOf")?,
    })
}

/// A number; draft 4's boolean `exclusiveMaximum` is no number and not compared.
fn decimal(object: &Object, keyword: &str) -> Result<Option<Decimal>, SchemaError> {
    match object.get(keyword) {
        None => Ok(None),
        Some(Json::Bool(_)) if keyword.starts_with("exclusive") => Ok(None),
        Some(Json::Number(number)) => Ok(Some(number.decimal())),
        Some(other) => Err(wrong(keyword, "a number", other)),
    }
}

fn count(object: &Object, keyword: &str) -> Result<Option<u64>, SchemaError> {
    match object.get(keyword) {
        None => Ok(None),
        Some(Json::Number(number)) => match number.decimal().as_u64() {
            Some(count) => Ok(Some(count)),
            None => Err(SchemaError::new(format!("#/{keyword}: {} is not a count", number.literal()))),
        },
        Some(other) => Err(wrong(keyword, "a number", other)),
    }
}

fn members<'a>(object: &'a Object, keyword: &str) -> Result<Option<&'a Object>, SchemaError> {
    match object.get(keyword) {
        None => Ok(None),
        Some(Json::Object(members)) => Ok(Some(members)),
        Some(other) => Err(wrong(keyword, "an object", other)),
    }
}

fn names(given: &Json, keyword: &str) -> Result<Vec<String>, SchemaError> {
    let list = given.as_array().ok_or_else(|| wrong(keyword, "an array of strings", given))?;
    list.iter()
        .map(|name| name.as_str().map(str::to_owned).ok_or_else(|| wrong(keyword, "a string", name)))
        .collect()
}

pub(super) fn object<'a>(
    loader: &mut Loader<'a>,
    object: &'a Object,
    base: &str,
) -> Result<ObjectRules, SchemaError> {
    let mut rules = ObjectRules {
        max_properties: count(object, "maxProperties")?,
        min_properties: count(object, "minProperties")?,
        additional: rest(loader, object, "additionalProperties", base)?,
        ..ObjectRules::default()
    };
    for (name, json) in members(object, "properties")?.into_iter().flat_map(Object::iter) {
        rules.properties.insert(name.to_owned(), loader.part(json, base)?);
    }
    for (expression, json) in members(object, "patternProperties")?.into_iter().flat_map(Object::iter) {
        let pattern = Pattern::new(expression, &mut loader.pattern_bytes)?;
        rules.patterns.push((pattern, loader.part(json, base)?));
    }
    if let Some(given) = object.get("required")
        // Draft 3 wrote a boolean here, and schemas that still do are in use.
        && given.as_bool().is_none()
    {
        rules.required = names(given, "required")?;
    }
    if let Some(given) = object.get("propertyNames") {
        loader.part(given, base)?;
    }
    if loader.draft.is_modern() {
        rules.unevaluated = optional(loader, object, "unevaluatedProperties", base)?;
    }
    dependencies(loader, object, base, &mut rules)?;
    Ok(rules)
}

fn dependencies<'a>(
    loader: &mut Loader<'a>,
    object: &'a Object,
    base: &str,
    rules: &mut ObjectRules,
) -> Result<(), SchemaError> {
    for keyword in ["dependencies", "dependentRequired", "dependentSchemas"] {
        for (name, json) in members(object, keyword)?.into_iter().flat_map(Object::iter) {
            if let Json::Array(_) = json {
                rules.dependencies.insert(name.to_owned(), names(json, keyword)?);
            } else {
                rules.schema_dependencies.insert(name.to_owned(), loader.part(json, base)?);
            }
        }
    }
    Ok(())
}

fn optional<'a>(
    loader: &mut Loader<'a>,
    object: &'a Object,
    keyword: &str,
    base: &str,
) -> Result<Option<Id>, SchemaError> {
    object.get(keyword).map(|json| loader.part(json, base)).transpose()
}

fn rest<'a>(
    loader: &mut Loader<'a>,
    object: &'a Object,
    keyword: &str,
    base: &str,
) -> Result<Rest, SchemaError> {
    Ok(match object.get(keyword) {
        None | Some(Json::Bool(true)) => Rest::Permitted,
        Some(Json::Bool(false)) => Rest::Forbidden,
        Some(json) => Rest::Of(loader.part(json, base)?),
    })
}

pub(super) fn array<'a>(
    loader: &mut Loader<'a>,
    object: &'a Object,
    base: &str,
) -> Result<ArrayRules, SchemaError> {
    let unique = match object.get("uniqueItems") {
        None => false,
        Some(given) => given.as_bool().ok_or_else(|| wrong("uniqueItems", "a boolean", given))?,
    };
    let mut rules = ArrayRules {
        max_items: count(object, "maxItems")?,
        min_items: count(object, "minItems")?,
        unique,
        ..ArrayRules::default()
    };
    optional(loader, object, "contains", base)?;
    contains(object, loader.draft.is_modern(), &mut rules)?;
    if loader.draft == super::Draft::Draft2020 {
        items_2020(loader, object, base, &mut rules)?;
    } else {
        items(loader, object, base, &mut rules)?;
    }
    if loader.draft.is_modern() {
        rules.unevaluated = optional(loader, object, "unevaluatedItems", base)?;
    }
    Ok(rules)
}

/// Since 2019-09 a `contains` without a minimum asks for one.
fn contains(object: &Object, modern: bool, rules: &mut ArrayRules) -> Result<(), SchemaError> {
    if modern && !object.contains_key("contains") {
        return Ok(());
    }
    rules.max_contains = count(object, "maxContains")?;
    rules.min_contains = count(object, "minContains")?.or(if modern { Some(1) } else { None });
    Ok(())
}

fn items<'a>(
    loader: &mut Loader<'a>,
    object: &'a Object,
    base: &str,
    rules: &mut ArrayRules,
) -> Result<(), SchemaError> {
    rules.additional = rest(loader, object, "additionalItems", base)?;
    match object.get("items") {
        None => {}
        Some(Json::Array(list)) => rules.items = parts(loader, list, base)?,
        Some(json) => rules.all_items = Some(loader.part(json, base)?),
    }
    Ok(())
}

/// 2020-12 renamed them: `prefixItems` and `items`.
fn items_2020<'a>(
    loader: &mut Loader<'a>,
    object: &'a Object,
    base: &str,
    rules: &mut ArrayRules,
) -> Result<(), SchemaError> {
    if let Some(given) = object.get("prefixItems") {
        let list = given.as_array().ok_or_else(|| wrong("prefixItems", "an array", given))?;
        rules.items = parts(loader, list, base)?;
    }
    match rest(loader, object, "items", base)? {
        Rest::Of(all) if rules.items.is_empty() => rules.all_items = Some(all),
        rest => rules.additional = rest,
    }
    Ok(())
}

fn parts<'a>(loader: &mut Loader<'a>, list: &'a [Json], base: &str) -> Result<Vec<Id>, SchemaError> {
    list.iter().map(|json| loader.part(json, base)).collect()
}

/// The schema that covers a property that is not declared, in an object that is neither open nor closed.
pub(super) fn covering(rules: &ObjectRules, name: &str, unevaluated: impl Fn(Id) -> bool) -> Option<Id> {
    if let Some((_, schema)) = rules.patterns.iter().find(|(pattern, _)| pattern.covers(name)) {
        return Some(*schema);
    }
    match rules.additional {
        Rest::Of(schema) => Some(schema),
        Rest::Permitted => rules.unevaluated.filter(|id| unevaluated(*id)),
        Rest::Forbidden => None,
    }
}

/// Whether a schema says something between "anything" and "nothing".
pub(super) fn is_partial(shape: &Shape) -> bool {
    !matches!(shape, Shape::Any | Shape::Never)
}

/// Both sides' keys in order.
pub(super) fn union_keys<'m, V>(a: &'m BTreeMap<String, V>, b: &'m BTreeMap<String, V>) -> Vec<&'m str> {
    let mut keys: Vec<&str> = a.keys().chain(b.keys()).map(String::as_str).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
