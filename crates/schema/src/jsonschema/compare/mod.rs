//! The comparison itself: pairs of schemas, remembered, with cycles taken as compatible until shown otherwise.
//!
//! Results are remembered with paths relative to their pair. A pair met again while it is being compared is a cycle: it
//! counts as compatible, and if that was assumed anywhere, the whole comparison runs again with every pair now known to be
//! incompatible, until nothing new turns up.

mod arrays;
mod findings;
mod leaves;
mod objects;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use base::limits::{SCHEMA_COMPARE_STEPS_MAX, SCHEMA_DEPTH_MAX};

use super::JsonDifferenceKind as Kind;
use findings::{Findings, weight};

use super::model::{Combined, Criterion, Id, Model, Rest, Schema, Shape};
use super::{JsonDifference, Policy, matching};
use crate::SchemaError;

/// Everything in which `update` differs from `original`.
pub(super) fn differences(
    original: &Model,
    update: &Model,
    policy: Policy,
) -> Result<Vec<JsonDifference>, SchemaError> {
    let mut comparison = Comparison {
        models: [original, update],
        policy,
        memo: BTreeMap::new(),
        verdicts: BTreeMap::new(),
        brief: false,
        in_progress: BTreeSet::new(),
        refuted: BTreeMap::new(),
        assumed: false,
        depth: 0,
        steps: SCHEMA_COMPARE_STEPS_MAX,
    };
    let roots = (Ref { side: 0, id: original.root }, Ref { side: 1, id: update.root });
    let found = comparison.until_stable(roots.0, roots.1)?;
    let place = |path: &str| format!("#/{path}");
    Ok(found.iter().map(|d| JsonDifference { kind: d.kind, path: place(&d.path) }).collect())
}

/// A schema of either model. Under `not` the sides are exchanged, so a pair says of both where they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Ref {
    side: usize,
    id: Id,
}

impl Ref {
    fn at(self, id: Id) -> Self {
        Self { side: self.side, id }
    }
}

/// Differences with paths relative to their pair.
type Found = Rc<Vec<JsonDifference>>;

/// Copying so many bytes counts as one step.
const BYTES_A_STEP: usize = 64;

struct Comparison<'a> {
    models: [&'a Model; 2],
    policy: Policy,
    memo: BTreeMap<(Ref, Ref), Found>,
    /// Pairs found incompatible where only that was asked: the search ended there.
    verdicts: BTreeMap<(Ref, Ref), Found>,
    /// Whether only the verdict is asked: of pairs that are tried for a match, those that do not match are forgotten.
    brief: bool,
    in_progress: BTreeSet<(Ref, Ref)>,
    /// Pairs that an earlier run found incompatible.
    refuted: BTreeMap<(Ref, Ref), Found>,
    /// Whether this run took a cycle as compatible.
    assumed: bool,
    depth: usize,
    steps: usize,
}

/// Looking at so many bytes of names and values counts as one step.
const LOOKED_AT_A_STEP: usize = 1024;

/// Sorting so many values counts as one step.
const VALUES_A_STEP: usize = 8;

type Outcome = Result<(), SchemaError>;

impl<'a> Comparison<'a> {
    fn until_stable(&mut self, original: Ref, update: Ref) -> Result<Found, SchemaError> {
        loop {
            self.memo.clear();
            self.verdicts.clear();
            self.assumed = false;
            let found = self.pair(original, update)?;
            let policy = self.policy;
            let refuted: BTreeMap<(Ref, Ref), Found> = self
                .verdicts
                .iter()
                .chain(&self.memo)
                .filter(|(_, found)| !compatible(found, policy))
                .map(|(pair, found)| (*pair, Rc::clone(found)))
                .collect();
            if !self.assumed || refuted.keys().eq(self.refuted.keys()) {
                return Ok(found);
            }
            self.refuted = refuted;
        }
    }

    fn get(&self, at: Ref) -> Result<&'a Schema, SchemaError> {
        let model: Option<&&'a Model> = self.models.get(at.side);
        let schema = model.and_then(|model| model.schemas.get(at.id as usize));
        schema.ok_or_else(|| SchemaError::new("a schema is missing from its model"))
    }

    /// The schema that a chain of references ends at.
    fn target(&self, mut at: Ref) -> Result<Ref, SchemaError> {
        for _ in 0..SCHEMA_DEPTH_MAX {
            match self.get(at)?.shape {
                Shape::Reference(id) => at = at.at(id),
                _ => return Ok(at),
            }
        }
        Err(SchemaError::new("a chain of $ref that does not end"))
    }

    fn spend(&mut self, steps: usize) -> Outcome {
        let left = self.steps.checked_sub(steps).filter(|_| self.depth < SCHEMA_DEPTH_MAX);
        self.steps = left.ok_or_else(|| SchemaError::new("schemas too complex to compare"))?;
        Ok(())
    }

    fn pair(&mut self, original: Ref, update: Ref) -> Result<Found, SchemaError> {
        let pair = (self.target(original)?, self.target(update)?);
        if let Some(found) = self.known(&pair) {
            self.spend(1 + found.len())?;
            return Ok(found);
        }
        if !self.in_progress.insert(pair) {
            if let Some(found) = self.refuted.get(&pair) {
                return Ok(Rc::clone(found));
            }
            self.assumed = true;
            return Ok(Rc::default());
        }
        self.depth += 1;
        let looked_at = self.get(pair.0)?.weight + self.get(pair.1)?.weight;
        self.spend(1 + looked_at / LOOKED_AT_A_STEP)?;
        let mut findings = Findings::default();
        self.schemas(pair.0, pair.1, &mut findings)?;
        let Findings(mut found) = findings;
        // Where only the verdict is asked, one finding against the pair says it; without one, nothing was cut short.
        let against = found.iter().position(|one| self.brief && !one.kind.is_compatible(self.policy));
        if let Some(at) = against {
            found = vec![found.swap_remove(at)];
        }
        self.spend(weight(&found))?;
        self.depth -= 1;
        self.in_progress.remove(&pair);
        let found = Rc::new(found);
        let known = if against.is_none() { &mut self.memo } else { &mut self.verdicts };
        known.insert(pair, Rc::clone(&found));
        Ok(found)
    }

    /// All differences of a pair that is compatible, and at least one of one that is not.
    fn verdict(&mut self, original: Ref, update: Ref) -> Result<Found, SchemaError> {
        let brief = core::mem::replace(&mut self.brief, true);
        let found = self.pair(original, update);
        self.brief = brief;
        found
    }

    fn known(&self, pair: &(Ref, Ref)) -> Option<Found> {
        let verdict = || self.verdicts.get(pair).filter(|_| self.brief);
        self.memo.get(pair).or_else(verdict).cloned()
    }

    /// Whether nothing that may still be found changes the answer. `judged` findings were looked at before.
    fn is_decided(&self, out: &Findings, judged: &mut usize) -> bool {
        let new = out.0.get(*judged..).unwrap_or_default();
        *judged = out.0.len();
        self.brief && !compatible(new, self.policy)
    }

    fn under(&mut self, out: &mut Findings, path: &str, original: Ref, update: Ref) -> Outcome {
        let found = self.pair(original, update)?;
        self.copied(out, path, &found)
    }

    /// Takes over differences with longer paths: they are copied at every level anew, and that is charged before it is done, each of them
    /// and by the byte. What a cycle refutes is copied as often as something leads into it.
    fn copied(&mut self, out: &mut Findings, path: &str, found: &[JsonDifference]) -> Outcome {
        self.spend(found.iter().map(|one| 1 + (path.len() + one.path.len()) / BYTES_A_STEP).sum())?;
        out.under(path, found);
        Ok(())
    }

    fn schemas(&mut self, at: Ref, to: Ref, out: &mut Findings) -> Outcome {
        let (original, update) = (self.get(at)?, self.get(to)?);
        if self.through_combination(at, to, out)? {
            return Ok(());
        }
        if !original.shape.same_kind(&update.shape) {
            let widened = matches!(original.shape, Shape::Never) || matches!(update.shape, Shape::Any);
            if !(widened || original.connect_bytes && update.connect_bytes) {
                out.here(Kind::TypeChanged);
            }
            return Ok(());
        }
        let annotations = [
            (original.id != update.id, Kind::IdChanged),
            (original.title != update.title, Kind::TitleChanged),
            (original.description != update.description, Kind::DescriptionChanged),
            (original.default != update.default, Kind::DefaultChanged),
        ];
        for (_, kind) in annotations.into_iter().filter(|(changed, _)| *changed) {
            out.here(kind);
        }
        self.rules(at, to, &original.shape, &update.shape, out)
    }

    /// A schema against a combination of schemas: one of the parts may do.
    fn through_combination(&mut self, at: Ref, to: Ref, out: &mut Findings) -> Result<bool, SchemaError> {
        let (original, update) = (self.get(at)?, self.get(to)?);
        let (combined, outer, kind) = match (&original.shape, &update.shape) {
            (Shape::Combined(_), Shape::Combined(_)) => return Ok(false),
            (_, Shape::Combined(combined)) => (combined, to, Kind::SumTypeExtended),
            (Shape::Combined(combined), _) => (combined, at, Kind::ProductTypeNarrowed),
            _ => return Ok(false),
        };
        let widening = kind == Kind::SumTypeExtended;
        let single = combined.written == 1;
        let one_suffices = widening != (combined.criterion == Criterion::All);
        if !single && !one_suffices {
            return Ok(false);
        }
        for part in &combined.parts {
            let part = outer.at(*part);
            let found = if widening { self.verdict(at, part)? } else { self.verdict(part, to)? };
            if compatible(&found, self.policy) {
                self.copied(out, "", &found)?;
                if !single {
                    out.here(kind);
                }
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn rules(
        &mut self,
        at: Ref,
        to: Ref,
        original: &'a Shape,
        update: &'a Shape,
        out: &mut Findings,
    ) -> Outcome {
        match (original, update) {
            (Shape::Text(a), Shape::Text(b)) => leaves::text(a, b, out),
            (Shape::Number(a), Shape::Number(b)) => leaves::number(a, b, out),
            (Shape::Const(a), Shape::Const(b)) if a != b => out.at("const", Kind::EnumArrayChanged),
            (Shape::Enum(a), Shape::Enum(b)) => {
                self.spend((a.len() + b.len()) / VALUES_A_STEP)?;
                leaves::values(a, b, out);
            }
            (Shape::Combined(a), Shape::Combined(b)) => self.combinations(at, to, a, b, out)?,
            (Shape::Not(a), Shape::Not(b)) => {
                // What must not match is compared the other way round.
                let found = self.verdict(to.at(*b), at.at(*a))?;
                let narrowed = compatible(&found, self.policy);
                out.at("not", if narrowed { Kind::NotTypeNarrowed } else { Kind::NotTypeExtended });
            }
            (Shape::Object(a), Shape::Object(b)) => self.objects(at, to, a, b, out)?,
            (Shape::Array(a), Shape::Array(b)) => self.arrays(at, to, a, b, out)?,
            _ => {}
        }
        Ok(())
    }

    fn combinations(&mut self, at: Ref, to: Ref, a: &Combined, b: &Combined, out: &mut Findings) -> Outcome {
        if a.criterion != b.criterion {
            let (one_before, one_after) = (a.written == 1, b.written == 1);
            let extended = b.criterion == Criterion::Any
                || (one_before && (one_after || b.criterion == Criterion::One))
                || (one_after && a.criterion == Criterion::All);
            if !extended {
                out.here(Kind::CombinedTypeChanged);
                return Ok(());
            }
            out.here(Kind::CombinedTypeExtended);
        }
        let product = |combined: &Combined| combined.criterion == Criterion::All;
        match a.parts.len().cmp(&b.parts.len()) {
            core::cmp::Ordering::Less if product(b) => out.here(Kind::ProductTypeExtended),
            core::cmp::Ordering::Less => out.here(Kind::SumTypeExtended),
            core::cmp::Ordering::Greater if product(a) => out.here(Kind::ProductTypeNarrowed),
            core::cmp::Ordering::Greater => out.here(Kind::SumTypeNarrowed),
            core::cmp::Ordering::Equal => {}
        }
        self.match_parts(at, to, a, b, out)
    }

    fn match_parts(&mut self, at: Ref, to: Ref, a: &Combined, b: &Combined, out: &mut Findings) -> Outcome {
        let mut edges: Vec<Vec<usize>> = Vec::with_capacity(a.parts.len());
        let mut results: BTreeMap<(usize, usize), Found> = BTreeMap::new();
        for (left, original) in a.parts.iter().enumerate() {
            let mut reached = Vec::new();
            for (right, update) in b.parts.iter().enumerate() {
                let found = self.verdict(at.at(*original), to.at(*update))?;
                if compatible(&found, self.policy) {
                    reached.push((found.len(), right));
                    results.insert((left, right), found);
                }
            }
            reached.sort_unstable();
            edges.push(reached.into_iter().map(|(_, right)| right).collect());
        }
        let pairs = matching::maximum(&edges);
        for (left, right) in &pairs {
            if let Some(found) = results.get(&(*left, *right)) {
                self.copied(out, &format!("{}/{left}", a.criterion.keyword()), found)?;
            }
        }
        if pairs.len() < a.parts.len().min(b.parts.len()) {
            out.here(Kind::CombinedTypeSubschemasChanged);
        }
        Ok(())
    }

    /// `additionalProperties` and `additionalItems`; `kinds`: added, removed, extended, narrowed.
    fn rest(
        &mut self,
        path: &str,
        at: Ref,
        to: Ref,
        (a, b): (Rest, Rest),
        kinds: [Kind; 4],
        out: &mut Findings,
    ) -> Outcome {
        let [added, removed, extended, narrowed] = kinds;
        match (a, b) {
            (Rest::Forbidden, Rest::Forbidden) | (Rest::Permitted, Rest::Permitted) => {}
            (Rest::Forbidden, _) => out.at(path, added),
            (_, Rest::Forbidden) => out.at(path, removed),
            (Rest::Permitted, Rest::Of(_)) => out.at(path, narrowed),
            (Rest::Of(_), Rest::Permitted) => out.at(path, extended),
            (Rest::Of(a), Rest::Of(b)) => self.under(out, path, at.at(a), to.at(b))?,
        }
        Ok(())
    }

    fn unevaluated(
        &mut self,
        path: &str,
        at: Ref,
        to: Ref,
        (a, b): (Option<Id>, Option<Id>),
        kinds: [Kind; 4],
        out: &mut Findings,
    ) -> Outcome {
        let [added, removed, extended, narrowed] = kinds;
        let shape = |at: Ref, id: Option<Id>| id.map(|id| self.get(at.at(id)).map(|s| &s.shape)).transpose();
        let (before, after) = (shape(at, a)?, shape(to, b)?);
        match (before, after) {
            (None, None)
            | (Some(Shape::Never), Some(Shape::Never))
            | (Some(Shape::Any), Some(Shape::Any)) => {}
            (Some(Shape::Never), _) => out.at(path, added),
            (_, Some(Shape::Never)) => out.at(path, removed),
            (None, Some(_)) | (Some(Shape::Any), Some(_)) => out.at(path, narrowed),
            (Some(_), None) | (Some(_), Some(Shape::Any)) => out.at(path, extended),
            (Some(_), Some(_)) => {
                if let (Some(a), Some(b)) = (a, b) {
                    self.under(out, path, at.at(a), to.at(b))?;
                }
            }
        }
        Ok(())
    }
}

fn compatible(found: &[JsonDifference], policy: Policy) -> bool {
    found.iter().all(|difference| difference.kind.is_compatible(policy))
}
