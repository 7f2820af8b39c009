//! Objects: properties that come and go are judged by the content model of the side that lacks them.

use std::collections::BTreeSet;

use super::super::JsonDifferenceKind as Kind;
use super::super::model::{Id, ObjectRules, Rest, Shape};
use super::super::shapes;
use super::leaves::{dependencies, object_limits};
use super::{Comparison, Findings, Outcome, Ref, compatible};
use crate::SchemaError;

/// What it costs to try all expressions on a name, in steps.
fn expressions(rules: &ObjectRules, name: &str) -> usize {
    rules.patterns.iter().map(|(pattern, _)| pattern.cost(name)).sum()
}

impl<'a> Comparison<'a> {
    pub(super) fn objects(
        &mut self,
        at: Ref,
        to: Ref,
        a: &'a ObjectRules,
        b: &'a ObjectRules,
        out: &mut Findings,
    ) -> Outcome {
        let needed: BTreeSet<&str> = b.required.iter().map(String::as_str).collect();
        self.required(to, a, b, &needed, out)?;
        let mut judged = 0;
        for name in shapes::union_keys(&a.properties, &b.properties) {
            if self.is_decided(out, &mut judged) {
                return Ok(());
            }
            let path = format!("properties/{name}");
            match (a.properties.get(name), b.properties.get(name)) {
                (Some(old), Some(new)) => self.under(out, &path, at.at(*old), to.at(*new))?,
                (Some(old), None) => self.removed_property(name, &path, at.at(*old), (to, b), out)?,
                (None, Some(new)) => {
                    let needed = needed.contains(name);
                    self.added_property(name, &path, (at, a), needed, to.at(*new), out)?;
                }
                (None, None) => {}
            }
        }
        dependencies(a, b, out);
        for name in shapes::union_keys(&a.schema_dependencies, &b.schema_dependencies) {
            let path = format!("dependencies/{name}");
            match (a.schema_dependencies.get(name), b.schema_dependencies.get(name)) {
                (Some(old), Some(new)) => self.under(out, &path, at.at(*old), to.at(*new))?,
                (Some(_), None) => out.at(&path, Kind::DependencySchemaRemoved),
                (None, _) => out.at(&path, Kind::DependencySchemaAdded),
            }
        }
        let kinds = [
            Kind::AdditionalPropertiesAdded,
            Kind::AdditionalPropertiesRemoved,
            Kind::AdditionalPropertiesExtended,
            Kind::AdditionalPropertiesNarrowed,
        ];
        self.rest("additionalProperties", at, to, (a.additional, b.additional), kinds, out)?;
        let kinds = [
            Kind::UnevaluatedPropertiesAdded,
            Kind::UnevaluatedPropertiesRemoved,
            Kind::UnevaluatedPropertiesExtended,
            Kind::UnevaluatedPropertiesNarrowed,
        ];
        self.unevaluated("unevaluatedProperties", at, to, (a.unevaluated, b.unevaluated), kinds, out)?;
        object_limits(a, b, out);
        Ok(())
    }

    fn required(
        &mut self,
        to: Ref,
        a: &ObjectRules,
        b: &ObjectRules,
        after: &BTreeSet<&str>,
        out: &mut Findings,
    ) -> Outcome {
        let before: BTreeSet<&str> = a.required.iter().map(String::as_str).collect();
        for name in a.properties.keys() {
            let Some(new) = b.properties.get(name) else { continue };
            let path = format!("required/{name}");
            match (before.contains(name.as_str()), after.contains(name.as_str())) {
                (true, false) => out.at(&path, Kind::RequiredAttributeRemoved),
                (false, true) if self.get(to.at(*new))?.default.is_some() => {
                    out.at(&path, Kind::RequiredAttributeWithDefaultAdded);
                }
                (false, true) => out.at(&path, Kind::RequiredAttributeAdded),
                _ => {}
            }
        }
        Ok(())
    }

    fn removed_property(
        &mut self,
        name: &str,
        path: &str,
        old: Ref,
        (to, b): (Ref, &ObjectRules),
        out: &mut Findings,
    ) -> Outcome {
        self.spend(expressions(b, name))?;
        if self.is_open_object(to, b)? {
            out.at(path, Kind::PropertyRemovedFromOpen);
        } else if let Some(cover) = shapes::covering(b, name, |id| self.is_partial(to.at(id))) {
            let found = self.pair(old, to.at(cover))?;
            self.copied(out, path, &found)?;
            let covered = compatible(&found, self.policy);
            out.at(path, if covered { Kind::PropertyRemovedCovered } else { Kind::PropertyRemovedUncovered });
        } else if matches!(self.get(old)?.shape, Shape::Never) {
            out.at(path, Kind::PropertyWithFalseRemovedFromClosed);
        } else {
            out.at(path, Kind::PropertyRemovedFromClosed);
        }
        Ok(())
    }

    fn added_property(
        &mut self,
        name: &str,
        path: &str,
        (at, a): (Ref, &ObjectRules),
        required: bool,
        new: Ref,
        out: &mut Findings,
    ) -> Outcome {
        let schema = self.get(new)?;
        let with_default = schema.default.is_some();
        if self.is_open_object(at, a)? {
            out.at(
                path,
                match (required, with_default) {
                    _ if matches!(schema.shape, Shape::Any) => Kind::PropertyWithEmptySchemaAddedToOpen,
                    (true, true) => Kind::RequiredPropertyWithDefaultAddedToOpen,
                    (true, false) => Kind::RequiredPropertyAddedToOpen,
                    (false, _) => Kind::OptionalPropertyAddedToOpen,
                },
            );
            return Ok(());
        }
        self.spend(expressions(a, name))?;
        if let Some(cover) = shapes::covering(a, name, |id| self.is_partial(at.at(id))) {
            let found = self.pair(at.at(cover), new)?;
            self.copied(out, path, &found)?;
            let covered = compatible(&found, self.policy);
            out.at(path, if covered { Kind::PropertyAddedCovered } else { Kind::PropertyAddedUncovered });
        }
        out.at(
            path,
            match (required, with_default) {
                (true, true) => Kind::RequiredPropertyWithDefaultAddedToUnopen,
                (true, false) => Kind::RequiredPropertyAddedToUnopen,
                (false, _) => Kind::OptionalPropertyAddedToUnopen,
            },
        );
        Ok(())
    }

    pub(super) fn is_partial(&self, at: Ref) -> bool {
        self.get(at).is_ok_and(|schema| shapes::is_partial(&schema.shape))
    }

    pub(super) fn accepts_all(&self, at: Ref, unevaluated: Option<Id>) -> Result<bool, SchemaError> {
        match unevaluated {
            None => Ok(true),
            Some(id) => Ok(matches!(self.get(at.at(id))?.shape, Shape::Any)),
        }
    }

    fn is_open_object(&self, at: Ref, rules: &ObjectRules) -> Result<bool, SchemaError> {
        let permitted = rules.additional == Rest::Permitted && rules.patterns.is_empty();
        Ok(permitted && self.accepts_all(at, rules.unevaluated)?)
    }
}
