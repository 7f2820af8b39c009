//! Whether one schema can read what another wrote: Java's `SchemaCompatibility`, all differences with their places.

use std::collections::BTreeMap;

use base::limits::{SCHEMA_COMPARE_STEPS_MAX, SCHEMA_DEPTH_MAX};

use super::{AvroSchema, Body, Field, Kind, Named, NodeId, Primitive, sort_java};
use crate::SchemaError;

/// The ways in which a reader can fail a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are Avro's")]
pub enum AvroDifferenceKind {
    NameMismatch,
    FixedSizeMismatch,
    MissingEnumSymbols,
    ReaderFieldMissingDefaultValue,
    TypeMismatch,
    MissingUnionBranch,
}

impl AvroDifferenceKind {
    /// Avro's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::NameMismatch => "NAME_MISMATCH",
            Self::FixedSizeMismatch => "FIXED_SIZE_MISMATCH",
            Self::MissingEnumSymbols => "MISSING_ENUM_SYMBOLS",
            Self::ReaderFieldMissingDefaultValue => "READER_FIELD_MISSING_DEFAULT_VALUE",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::MissingUnionBranch => "MISSING_UNION_BRANCH",
        }
    }
}

/// One way in which a reader fails a writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvroDifference {
    /// What is wrong.
    pub kind: AvroDifferenceKind,
    /// JSON pointer into the reader's schema.
    pub path: String,
    /// What Avro adds: a field's name, the missing symbols, the two types.
    pub detail: String,
}

/// Every difference that keeps `reader` from reading what `writer` wrote, in Java's order.
pub(super) fn differences(
    reader: &AvroSchema,
    writer: &AvroSchema,
) -> Result<Vec<AvroDifference>, SchemaError> {
    let mut comparison = Comparison {
        reader,
        writer,
        memo: BTreeMap::new(),
        path: Vec::new(),
        steps: SCHEMA_COMPARE_STEPS_MAX,
    };
    comparison.pair(reader.root, writer.root)
}

type Differences = Vec<AvroDifference>;

/// Copying so many bytes counts as one step.
const BYTES_A_STEP: usize = 64;

/// Looking at so many names or symbols counts as one step.
const ITEMS_A_STEP: usize = 8;

struct Comparison<'a> {
    reader: &'a AvroSchema,
    writer: &'a AvroSchema,
    /// Pairs seen; `None` while a pair is being compared, which counts as compatible.
    memo: BTreeMap<(NodeId, NodeId), Option<Differences>>,
    path: Vec<String>,
    steps: usize,
}

impl<'a> Comparison<'a> {
    fn at(&mut self, token: &str, reader: NodeId, writer: NodeId) -> Result<Differences, SchemaError> {
        self.path.push(token.to_owned());
        let result = self.pair(reader, writer);
        self.path.pop();
        result
    }

    fn spend(&mut self, steps: usize) -> Result<(), SchemaError> {
        let left = self.steps.checked_sub(steps).filter(|_| self.path.len() < 4 * SCHEMA_DEPTH_MAX);
        self.steps = left.ok_or_else(|| SchemaError::new("schemas too complex to compare"))?;
        Ok(())
    }

    fn pair(&mut self, reader: NodeId, writer: NodeId) -> Result<Differences, SchemaError> {
        self.spend(1)?;
        if let Some(known) = self.memo.get(&(reader, writer)) {
            let known = known.clone().unwrap_or_default();
            self.spend(weight(&known))?;
            return Ok(known);
        }
        self.memo.insert((reader, writer), None);
        let result = self.compare(reader, writer)?;
        self.spend(weight(&result))?;
        self.memo.insert((reader, writer), Some(result.clone()));
        Ok(result)
    }

    fn compare(&mut self, reader: NodeId, writer: NodeId) -> Result<Differences, SchemaError> {
        let (from, to) = (self.writer, self.reader);
        match (&to.node(reader).kind, &from.node(writer).kind) {
            (Kind::Primitive(r), Kind::Primitive(w)) if promotes(*w, *r) => Ok(Vec::new()),
            (Kind::Array(r), Kind::Array(w)) => self.at("items", *r, *w),
            (Kind::Map(r), Kind::Map(w)) => self.at("values", *r, *w),
            (Kind::Union(_), Kind::Union(branches)) => self.unions(reader, branches),
            (_, Kind::Union(branches)) => {
                let mut found = Vec::new();
                for (i, branch) in branches.iter().enumerate() {
                    found.extend(self.at(&i.to_string(), reader, *branch)?);
                }
                Ok(found)
            }
            (Kind::Union(branches), _) => {
                for branch in branches {
                    if self.pair(*branch, writer)?.is_empty() {
                        return Ok(Vec::new());
                    }
                }
                Ok(vec![self.lacking_branch(writer)])
            }
            (Kind::Named(r), Kind::Named(w)) => self.named(r, w, reader, writer),
            _ => Ok(vec![self.mismatch(reader, writer)]),
        }
    }

    fn unions(&mut self, reader: NodeId, branches: &[NodeId]) -> Result<Differences, SchemaError> {
        let mut found = Vec::new();
        for (i, branch) in branches.iter().enumerate() {
            if !self.at(&i.to_string(), reader, *branch)?.is_empty() {
                self.path.push(i.to_string());
                found.push(self.lacking_branch(*branch));
                self.path.pop();
            }
        }
        Ok(found)
    }

    fn named(
        &mut self,
        r: &'a Named,
        w: &'a Named,
        reader: NodeId,
        writer: NodeId,
    ) -> Result<Differences, SchemaError> {
        let mut found = Vec::new();
        if core::mem::discriminant(&r.body) != core::mem::discriminant(&w.body) {
            return Ok(vec![self.mismatch(reader, writer)]);
        }
        self.spend(r.aliases.len() / ITEMS_A_STEP)?;
        if r.name.name != w.name.name && !r.aliases.contains(&w.name) {
            let expected = format!("expected: {}", w.name.full());
            found.push(self.difference(AvroDifferenceKind::NameMismatch, "name", expected));
        }
        match (&r.body, &w.body) {
            (Body::Fixed { size: ours }, Body::Fixed { size: theirs }) if ours != theirs => {
                let detail = format!("expected: {theirs}, found: {ours}");
                found.push(self.difference(AvroDifferenceKind::FixedSizeMismatch, "size", detail));
            }
            (Body::Enum { symbols, default }, Body::Enum { symbols: theirs, .. }) if default.is_none() => {
                self.spend((symbols.len() + theirs.len()) / ITEMS_A_STEP)?;
                found.extend(self.missing_symbols(symbols, theirs));
            }
            (Body::Record { fields, .. }, Body::Record { fields: theirs, .. }) => {
                self.path.push("fields".to_owned());
                let result = self.fields(fields, theirs, writer);
                self.path.pop();
                found.extend(result?);
            }
            _ => {}
        }
        Ok(found)
    }

    fn missing_symbols(&self, ours: &[String], theirs: &[String]) -> Option<AvroDifference> {
        let known: std::collections::BTreeSet<&String> = ours.iter().collect();
        let mut missing: Vec<String> =
            theirs.iter().filter(|symbol| !known.contains(symbol)).cloned().collect();
        if missing.is_empty() {
            return None;
        }
        sort_java(&mut missing);
        let detail = format!("[{}]", missing.join(", "));
        Some(self.difference(AvroDifferenceKind::MissingEnumSymbols, "symbols", detail))
    }

    fn fields(
        &mut self,
        ours: &'a [Field],
        theirs: &'a [Field],
        writer: NodeId,
    ) -> Result<Differences, SchemaError> {
        self.spend(theirs.len() / ITEMS_A_STEP)?;
        let by_name: BTreeMap<&str, &Field> =
            theirs.iter().map(|field| (field.name.as_str(), field)).collect();
        let mut found = Vec::new();
        for (position, field) in ours.iter().enumerate() {
            self.spend(1 + field.aliases.len())?;
            self.path.push(position.to_string());
            let result = self.field(field, &by_name, writer);
            self.path.pop();
            found.extend(result?);
        }
        Ok(found)
    }

    fn field(
        &mut self,
        field: &'a Field,
        theirs: &BTreeMap<&str, &'a Field>,
        writer: NodeId,
    ) -> Result<Differences, SchemaError> {
        let names = core::iter::once(&field.name).chain(&field.aliases);
        let mut matching = names.filter_map(|name| theirs.get(name.as_str()));
        match (matching.next(), matching.next()) {
            (Some(_), Some(_)) => Err(self.ambiguous(field, writer)),
            (Some(theirs), None) => self.at("type", field.schema, theirs.schema),
            (None, _) if field.default.is_some() => Ok(Vec::new()),
            // Avro's own oddity: an enum's default does not stand in for the field's, and the message says it by types.
            (None, _) if self.has_enum_default(field.schema) => self.at("type", field.schema, writer),
            (None, _) => {
                let kind = AvroDifferenceKind::ReaderFieldMissingDefaultValue;
                let path = self.pointer(None);
                Ok(vec![AvroDifference { kind, path, detail: field.name.clone() }])
            }
        }
    }

    fn has_enum_default(&self, id: NodeId) -> bool {
        match &self.reader.node(id).kind {
            Kind::Named(named) => matches!(&named.body, Body::Enum { default: Some(_), .. }),
            _ => false,
        }
    }

    fn ambiguous(&self, field: &Field, writer: NodeId) -> SchemaError {
        let word = self.reader.type_name(field.schema).to_uppercase();
        let position = self.path.last().map_or("", String::as_str);
        let theirs = super::print::of_node(self.writer, writer).unwrap_or_default();
        SchemaError::new(format!(
            "Reader record field {} type:{word} pos:{position} matches multiple fields in writer record schema {theirs}",
            field.name
        ))
    }

    fn pointer(&self, token: Option<&str>) -> String {
        let mut text = String::new();
        for part in self.path.iter().map(String::as_str).chain(token) {
            text.push('/');
            text.push_str(part);
        }
        if text.is_empty() { "/".to_owned() } else { text }
    }

    fn difference(&self, kind: AvroDifferenceKind, token: &str, detail: String) -> AvroDifference {
        AvroDifference { kind, path: self.pointer(Some(token)), detail }
    }

    fn lacking_branch(&self, writer: NodeId) -> AvroDifference {
        let detail =
            format!("reader union lacking writer type: {}", self.writer.type_name(writer).to_uppercase());
        AvroDifference { kind: AvroDifferenceKind::MissingUnionBranch, path: self.pointer(None), detail }
    }

    fn mismatch(&self, reader: NodeId, writer: NodeId) -> AvroDifference {
        let detail = format!(
            "reader type: {} not compatible with writer type: {}",
            self.reader.type_name(reader).to_uppercase(),
            self.writer.type_name(writer).to_uppercase()
        );
        AvroDifference { kind: AvroDifferenceKind::TypeMismatch, path: self.pointer(None), detail }
    }
}

/// What it costs to copy them, in steps: their texts grow with the depth, and every level keeps them.
fn weight(differences: &[AvroDifference]) -> usize {
    differences.iter().map(|one| 1 + (one.path.len() + one.detail.len()) / BYTES_A_STEP).sum()
}

/// Whether a value of type `from` can be read as one of type `to`.
fn promotes(from: Primitive, to: Primitive) -> bool {
    use Primitive::{Bytes, Double, Float, Int, Long, String};
    from == to
        || matches!(
            (from, to),
            (Int, Long | Float | Double)
                | (Long, Float | Double)
                | (Float, Double)
                | (String, Bytes)
                | (Bytes, String)
        )
}
