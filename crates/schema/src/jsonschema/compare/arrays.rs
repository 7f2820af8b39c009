//! Arrays: one schema for all items, or one for each of the first, and what may follow.

use super::super::JsonDifferenceKind as Kind;
use super::super::model::{ArrayRules, Rest, Shape};
use super::leaves::array_limits;
use super::{Comparison, Findings, Outcome, Ref, compatible};
use crate::SchemaError;

impl<'a> Comparison<'a> {
    pub(super) fn arrays(
        &mut self,
        at: Ref,
        to: Ref,
        a: &'a ArrayRules,
        b: &'a ArrayRules,
        out: &mut Findings,
    ) -> Outcome {
        match (a.all_items, b.all_items) {
            (None, None) => {}
            (None, Some(_)) => out.at("items", Kind::SchemaAdded),
            (Some(_), None) => out.at("items", Kind::SchemaRemoved),
            (Some(a), Some(b)) => self.under(out, "items", at.at(a), to.at(b))?,
        }
        for (index, (old, new)) in a.items.iter().zip(&b.items).enumerate() {
            self.under(out, &format!("items/{index}"), at.at(*old), to.at(*new))?;
        }
        for (index, old) in a.items.iter().enumerate().skip(b.items.len()) {
            self.removed_item(&format!("items/{index}"), at.at(*old), (to, b), out)?;
        }
        for (index, new) in b.items.iter().enumerate().skip(a.items.len()) {
            self.added_item(&format!("items/{index}"), (at, a), to.at(*new), out)?;
        }
        let kinds = [
            Kind::AdditionalItemsAdded,
            Kind::AdditionalItemsRemoved,
            Kind::AdditionalItemsExtended,
            Kind::AdditionalItemsNarrowed,
        ];
        self.rest("additionalItems", at, to, (a.additional, b.additional), kinds, out)?;
        let kinds = [
            Kind::UnevaluatedItemsAdded,
            Kind::UnevaluatedItemsRemoved,
            Kind::UnevaluatedItemsExtended,
            Kind::UnevaluatedItemsNarrowed,
        ];
        self.unevaluated("unevaluatedItems", at, to, (a.unevaluated, b.unevaluated), kinds, out)?;
        array_limits(a, b, out);
        Ok(())
    }

    /// The schema that covers undeclared items of an array that is neither open nor closed.
    fn covering_items(&self, at: Ref, rules: &ArrayRules) -> Option<Ref> {
        match rules.additional {
            Rest::Of(id) => Some(at.at(id)),
            Rest::Forbidden => None,
            Rest::Permitted => rules.unevaluated.map(|id| at.at(id)).filter(|at| self.is_partial(*at)),
        }
    }

    fn removed_item(
        &mut self,
        path: &str,
        old: Ref,
        (to, b): (Ref, &ArrayRules),
        out: &mut Findings,
    ) -> Outcome {
        if self.is_open_array(to, b)? {
            out.at(path, Kind::ItemRemovedFromOpen);
        } else if let Some(cover) = self.covering_items(to, b) {
            let found = self.pair(old, cover)?;
            self.copied(out, path, &found)?;
            let covered = compatible(&found, self.policy);
            out.at(path, if covered { Kind::ItemRemovedCovered } else { Kind::ItemRemovedUncovered });
        } else if matches!(self.get(old)?.shape, Shape::Never) {
            out.at(path, Kind::ItemWithFalseRemovedFromClosed);
        } else {
            out.at(path, Kind::ItemRemovedFromClosed);
        }
        Ok(())
    }

    fn added_item(
        &mut self,
        path: &str,
        (at, a): (Ref, &ArrayRules),
        new: Ref,
        out: &mut Findings,
    ) -> Outcome {
        if self.is_open_array(at, a)? {
            let empty = matches!(self.get(new)?.shape, Shape::Any);
            out.at(path, if empty { Kind::ItemWithEmptySchemaAddedToOpen } else { Kind::ItemAddedToOpen });
        } else if let Some(cover) = self.covering_items(at, a) {
            let found = self.pair(cover, new)?;
            self.copied(out, path, &found)?;
            let covered = compatible(&found, self.policy);
            out.at(path, if covered { Kind::ItemAddedCovered } else { Kind::ItemAddedUncovered });
        } else {
            out.at(path, Kind::ItemAddedToClosed);
        }
        Ok(())
    }

    fn is_open_array(&self, at: Ref, rules: &ArrayRules) -> Result<bool, SchemaError> {
        Ok(rules.additional == Rest::Permitted && self.accepts_all(at, rules.unevaluated)?)
    }
}
