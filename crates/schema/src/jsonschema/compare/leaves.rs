//! Rules without subschemas: lengths, limits, multiples, dependencies by name.

use std::collections::BTreeSet;

use super::super::JsonDifferenceKind as Kind;
use super::super::model::{ArrayRules, NumberRules, ObjectRules, TextRules};
use super::super::shapes;
use super::Findings;
use crate::json::Json;

/// Which values came and which went; numbers are equal by value, objects in any order.
pub(super) fn values(a: &[Json], b: &[Json], out: &mut Findings) {
    let keys = |values: &[Json]| values.iter().map(Json::value_key).collect::<BTreeSet<String>>();
    let (before, after) = (keys(a), keys(b));
    match (before.is_subset(&after), after.is_subset(&before)) {
        (true, true) => {}
        (true, false) => out.at("enum", Kind::EnumArrayExtended),
        (false, true) => out.at("enum", Kind::EnumArrayNarrowed),
        (false, false) => out.at("enum", Kind::EnumArrayChanged),
    }
}

pub(super) fn text(a: &TextRules, b: &TextRules, out: &mut Findings) {
    use Kind::{MaxLengthAdded, MaxLengthDecreased, MaxLengthIncreased, MaxLengthRemoved};
    use Kind::{MinLengthAdded, MinLengthDecreased, MinLengthIncreased, MinLengthRemoved};
    let kinds = [MaxLengthAdded, MaxLengthRemoved, MaxLengthIncreased, MaxLengthDecreased];
    out.limit("maxLength", a.max_length.as_ref(), b.max_length.as_ref(), kinds);
    let kinds = [MinLengthAdded, MinLengthRemoved, MinLengthIncreased, MinLengthDecreased];
    out.limit("minLength", a.min_length.as_ref(), b.min_length.as_ref(), kinds);
    match (&a.pattern, &b.pattern) {
        (None, Some(_)) => out.at("pattern", Kind::PatternAdded),
        (Some(_), None) => out.at("pattern", Kind::PatternRemoved),
        (Some(a), Some(b)) if a != b => out.at("pattern", Kind::PatternChanged),
        _ => {}
    }
}

pub(super) fn number(a: &NumberRules, b: &NumberRules, out: &mut Findings) {
    use Kind::{
        ExclusiveMaximumAdded, ExclusiveMaximumDecreased, ExclusiveMaximumIncreased, ExclusiveMaximumRemoved,
    };
    use Kind::{
        ExclusiveMinimumAdded, ExclusiveMinimumDecreased, ExclusiveMinimumIncreased, ExclusiveMinimumRemoved,
    };
    use Kind::{MaximumAdded, MaximumDecreased, MaximumIncreased, MaximumRemoved};
    use Kind::{MinimumAdded, MinimumDecreased, MinimumIncreased, MinimumRemoved};
    let kinds = [MaximumAdded, MaximumRemoved, MaximumIncreased, MaximumDecreased];
    out.limit("maximum", a.maximum.as_ref(), b.maximum.as_ref(), kinds);
    let kinds = [MinimumAdded, MinimumRemoved, MinimumIncreased, MinimumDecreased];
    out.limit("minimum", a.minimum.as_ref(), b.minimum.as_ref(), kinds);
    let kinds = [
        ExclusiveMaximumAdded,
        ExclusiveMaximumRemoved,
        ExclusiveMaximumIncreased,
        ExclusiveMaximumDecreased,
    ];
    out.limit("exclusiveMaximum", a.exclusive_maximum.as_ref(), b.exclusive_maximum.as_ref(), kinds);
    let kinds = [
        ExclusiveMinimumAdded,
        ExclusiveMinimumRemoved,
        ExclusiveMinimumIncreased,
        ExclusiveMinimumDecreased,
    ];
    out.limit("exclusiveMinimum", a.exclusive_minimum.as_ref(), b.exclusive_minimum.as_ref(), kinds);
    match (&a.multiple_of, &b.multiple_of) {
        (None, Some(_)) => out.at("multipleOf", Kind::MultipleOfAdded),
        (Some(_), None) => out.at("multipleOf", Kind::MultipleOfRemoved),
        (Some(a), Some(b)) if a != b => out.at(
            "multipleOf",
            match (b.is_multiple_of(a), a.is_multiple_of(b)) {
                (Some(true), _) => Kind::MultipleOfExpanded,
                (_, Some(true)) => Kind::MultipleOfReduced,
                _ => Kind::MultipleOfChanged,
            },
        ),
        _ => {}
    }
    match (a.integer, b.integer) {
        (true, false) => out.here(Kind::TypeExtended),
        (false, true) => out.here(Kind::TypeNarrowed),
        _ => {}
    }
}

fn set_of<'r>(rules: &'r ObjectRules, name: &str) -> Option<BTreeSet<&'r String>> {
    rules.dependencies.get(name).map(|names| names.iter().collect())
}

pub(super) fn dependencies(a: &ObjectRules, b: &ObjectRules, out: &mut Findings) {
    for name in shapes::union_keys(&a.dependencies, &b.dependencies) {
        let path = format!("dependencies/{name}");
        match (set_of(a, name), set_of(b, name)) {
            (None, _) => out.at(&path, Kind::DependencyArrayAdded),
            (_, None) => out.at(&path, Kind::DependencyArrayRemoved),
            (Some(a), Some(b)) if a == b => {}
            (Some(a), Some(b)) if b.is_superset(&a) => out.at(&path, Kind::DependencyArrayExtended),
            (Some(a), Some(b)) if a.is_superset(&b) => out.at(&path, Kind::DependencyArrayNarrowed),
            _ => out.at(&path, Kind::DependencyArrayChanged),
        }
    }
}

pub(super) fn object_limits(a: &ObjectRules, b: &ObjectRules, out: &mut Findings) {
    use Kind::{MaxPropertiesAdded, MaxPropertiesDecreased, MaxPropertiesIncreased, MaxPropertiesRemoved};
    use Kind::{MinPropertiesAdded, MinPropertiesDecreased, MinPropertiesIncreased, MinPropertiesRemoved};
    let kinds = [MaxPropertiesAdded, MaxPropertiesRemoved, MaxPropertiesIncreased, MaxPropertiesDecreased];
    out.limit("maxProperties", a.max_properties.as_ref(), b.max_properties.as_ref(), kinds);
    let kinds = [MinPropertiesAdded, MinPropertiesRemoved, MinPropertiesIncreased, MinPropertiesDecreased];
    out.limit("minProperties", a.min_properties.as_ref(), b.min_properties.as_ref(), kinds);
}

pub(super) fn array_limits(a: &ArrayRules, b: &ArrayRules, out: &mut Findings) {
    use Kind::{MaxContainsAdded, MaxContainsDecreased, MaxContainsIncreased, MaxContainsRemoved};
    use Kind::{MaxItemsAdded, MaxItemsDecreased, MaxItemsIncreased, MaxItemsRemoved};
    use Kind::{MinContainsAdded, MinContainsDecreased, MinContainsIncreased, MinContainsRemoved};
    use Kind::{MinItemsAdded, MinItemsDecreased, MinItemsIncreased, MinItemsRemoved};
    let kinds = [MaxItemsAdded, MaxItemsRemoved, MaxItemsIncreased, MaxItemsDecreased];
    out.limit("maxItems", a.max_items.as_ref(), b.max_items.as_ref(), kinds);
    let kinds = [MinItemsAdded, MinItemsRemoved, MinItemsIncreased, MinItemsDecreased];
    out.limit("minItems", a.min_items.as_ref(), b.min_items.as_ref(), kinds);
    match (a.unique, b.unique) {
        (true, false) => out.at("uniqueItems", Kind::UniqueItemsRemoved),
        (false, true) => out.at("uniqueItems", Kind::UniqueItemsAdded),
        _ => {}
    }
    let kinds = [MaxContainsAdded, MaxContainsRemoved, MaxContainsIncreased, MaxContainsDecreased];
    out.limit("maxContains", a.max_contains.as_ref(), b.max_contains.as_ref(), kinds);
    let kinds = [MinContainsAdded, MinContainsRemoved, MinContainsIncreased, MinContainsDecreased];
    out.limit("minContains", a.min_contains.as_ref(), b.min_contains.as_ref(), kinds);
}
