//! The comparison of two Protobuf schemas: types by name, fields by number.

use std::collections::{BTreeMap, BTreeSet};

use base::limits::{SCHEMA_COMPARE_STEPS_MAX, SCHEMA_DEPTH_MAX};

use super::ProtoDifferenceKind as Kind;
use super::findings::{Findings, weight};
use super::model::{Enum, Field, Label, Message, OneOf, TypeElement};
use super::scope::{Scope, Source, TypeInfo, is_scalar, joined, map_entry, map_parts};
use super::{ProtoDifference, ProtobufSchema};
use crate::SchemaError;

/// Everything in which `update` differs from `original`.
pub(super) fn differences(
    original: &ProtobufSchema,
    update: &ProtobufSchema,
) -> Result<Vec<ProtoDifference>, SchemaError> {
    let (before, after) = (Scope::new(original), Scope::new(update));
    let mut comparison = Comparison {
        before: &before,
        after: &after,
        comparing: BTreeSet::new(),
        known: BTreeMap::new(),
        depth: 0,
        steps: SCHEMA_COMPARE_STEPS_MAX,
    };
    let mut out = Findings::default();
    if original.file.package != update.file.package {
        out.add("", Kind::PackageChanged);
    }
    let place =
        Place { packages: [before.package().to_owned(), after.package().to_owned()], path: String::new() };
    comparison.types(&place, &original.file.types, &update.file.types, &mut out)?;
    out.check()?;
    Ok(out.list)
}

/// Where the comparison stands: the packages of both sides, and the messages entered, which are the same on both.
#[derive(Clone, Debug)]
struct Place {
    packages: [String; 2],
    path: String,
}

impl Place {
    fn enter(&self, name: &str) -> Self {
        Self { packages: self.packages.clone(), path: joined(&self.path, name) }
    }

    fn scope(&self, side: usize) -> String {
        let package = self.packages.get(side).map_or("", String::as_str);
        if self.path.is_empty() { package.to_owned() } else { joined(package, &self.path) }
    }

    fn pointer(&self) -> String {
        self.path.replace('.', "/")
    }
}

struct Comparison<'a> {
    before: &'a Scope<'a>,
    after: &'a Scope<'a>,
    /// Full names of the original's messages whose fields are being compared.
    comparing: BTreeSet<String>,
    /// Results of comparing messages of different files, by both full names.
    known: BTreeMap<(String, String), Vec<ProtoDifference>>,
    depth: usize,
    steps: usize,
}

type Outcome = Result<(), SchemaError>;

/// What a field's type is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Scalar,
    Message,
    Map,
}

impl<'a> Comparison<'a> {
    fn spend(&mut self, steps: usize) -> Outcome {
        let left = self.steps.checked_sub(steps).filter(|_| self.depth < SCHEMA_DEPTH_MAX);
        self.steps = left.ok_or_else(|| SchemaError::new("schemas too complex to compare"))?;
        Ok(())
    }

    fn types(
        &mut self,
        place: &Place,
        before: &'a [TypeElement],
        after: &'a [TypeElement],
        out: &mut Findings,
    ) -> Outcome {
        self.spend(1 + before.len() + after.len())?;
        let (old, new) = (messages(before), messages(after));
        for name in keys(&old, &new) {
            let place = place.enter(name);
            match (old.get(name), new.get(name)) {
                (Some((old, old_index)), Some((new, new_index))) => {
                    self.message(&place, old, new, out)?;
                    if old_index != new_index {
                        out.add(&place.pointer(), Kind::MessageMoved);
                    }
                }
                (Some((old, _)), None) if map_entry(old).is_none() => {
                    out.add(&place.pointer(), Kind::MessageRemoved);
                }
                (None, Some((new, _))) if map_entry(new).is_none() => {
                    out.add(&place.pointer(), Kind::MessageAdded)
                }
                _ => {}
            }
        }
        let (old, new) = (enums(before), enums(after));
        for name in keys(&old, &new) {
            let path = place.enter(name).pointer();
            match (old.get(name), new.get(name)) {
                (Some(old), Some(new)) => self.constants(&path, old, new, out)?,
                (Some(_), None) => out.add(&path, Kind::EnumRemoved),
                (None, _) => out.add(&path, Kind::EnumAdded),
            }
        }
        Ok(())
    }

    fn constants(&mut self, path: &str, before: &Enum, after: &Enum, out: &mut Findings) -> Outcome {
        self.spend(before.constants.len() + after.constants.len())?;
        let (old, new) = (constants_by_tag(before), constants_by_tag(after));
        for tag in keys(&old, &new) {
            let path = format!("{path}/{tag}");
            match (old.get(&tag), new.get(&tag)) {
                (Some(_), None) => out.add(&path, Kind::EnumConstRemoved),
                (None, Some(_)) => out.add(&path, Kind::EnumConstAdded),
                (old, new) if old != new => out.add(&path, Kind::EnumConstChanged),
                _ => {}
            }
        }
        Ok(())
    }

    fn message(
        &mut self,
        place: &Place,
        before: &'a Message,
        after: &'a Message,
        out: &mut Findings,
    ) -> Outcome {
        self.depth += 1;
        self.spend(1)?;
        let name = place.scope(0);
        if self.comparing.insert(name.clone()) {
            self.fields(place, before, after, out)?;
            // As the registry does, the message counts as being compared while its nested types are.
            self.types(place, &before.nested, &after.nested, out)?;
            self.comparing.remove(&name);
        } else {
            self.types(place, &before.nested, &after.nested, out)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn fields(
        &mut self,
        place: &Place,
        before: &'a Message,
        after: &'a Message,
        out: &mut Findings,
    ) -> Outcome {
        let (old, new) = (Members::of(before), Members::of(after));
        self.spend(old.by_tag.len() + new.by_tag.len() + old.oneofs.len() + new.oneofs.len())?;
        let path = place.pointer();
        exclusions(&path, after, &old, out);
        for name in keys(&old.oneofs, &new.oneofs) {
            match (old.oneofs.contains_key(name), new.oneofs.contains_key(name)) {
                (true, false) => out.add_in(&path, name, Kind::OneofRemoved),
                (false, true) => out.add_in(&path, name, Kind::OneofAdded),
                _ => {}
            }
        }
        // A oneof that is deleted whole loses nothing that a reader could take for something else.
        let survives = |oneof: &&OneOf| oneof.fields.iter().any(|field| new.by_tag.contains_key(&field.tag));
        let standing: BTreeSet<&str> = old
            .oneofs
            .iter()
            .filter(|(name, oneof)| new.oneofs.contains_key(*name) || survives(oneof))
            .map(|(name, _)| *name)
            .collect();
        for tag in keys(&old.by_tag, &new.by_tag) {
            match (old.by_tag.get(&tag), new.by_tag.get(&tag)) {
                (Some(member), None) => removed(&path, member, &standing, out),
                (None, Some(member)) => added(&path, member, out),
                (Some(was), Some(is)) => {
                    if was.oneof.is_some() && is.oneof.is_none() {
                        out.add(&format!("{path}/{tag}"), Kind::OneofFieldMovedToTopLevel);
                    }
                    self.field(place, &is.path(&path), was.field, is.field, out)?;
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    fn field(
        &mut self,
        place: &Place,
        path: &str,
        before: &'a Field,
        after: &'a Field,
        out: &mut Findings,
    ) -> Outcome {
        if before.name != after.name {
            out.add(path, Kind::FieldNameChanged);
        }
        self.kinds(place, path, (&before.kind, before.label), (&after.kind, after.label), out)
    }

    fn kinds(
        &mut self,
        place: &Place,
        path: &str,
        (before, old_label): (&str, Option<Label>),
        (after, new_label): (&str, Option<Label>),
        out: &mut Findings,
    ) -> Outcome {
        self.spend(1)?;
        let before = spelled_map(self.before, before, &place.scope(0));
        let after = spelled_map(self.after, after, &place.scope(1));
        self.spend((before.len() + after.len()) / 1024)?;
        let (old, new) =
            (shape(self.before, &before, &place.scope(0)), shape(self.after, &after, &place.scope(1)));
        if old != new {
            out.add(path, Kind::FieldKindChanged);
            return Ok(());
        }
        match old {
            Shape::Scalar => {
                let (old, new) = (encoding(&before), encoding(&after));
                let relabelled = matches!((old_label, new_label), (Some(a), Some(b)) if a != b);
                if old != new {
                    out.add(path, Kind::FieldScalarKindChanged);
                } else if relabelled && old == Encoding::Text {
                    out.add(path, Kind::FieldStringOrBytesLabelChanged);
                } else if relabelled {
                    out.add(path, Kind::FieldNumericLabelChanged);
                }
                Ok(())
            }
            Shape::Map => {
                let (Some(old), Some(new)) = (map_parts(&before), map_parts(&after)) else { return Ok(()) };
                self.kinds(place, path, (old.0, None), (new.0, None), out)?;
                self.kinds(place, path, (old.1, None), (new.1, None), out)
            }
            Shape::Message => self.named(place, path, &before, &after, out),
        }
    }

    /// Message types: the same local name, and the same content if they come from different files.
    fn named(&mut self, place: &Place, path: &str, before: &str, after: &str, out: &mut Findings) -> Outcome {
        let old_name = self.before.resolve(before, &place.scope(0));
        let new_name = self.after.resolve(after, &place.scope(1));
        let (Some(old_name), Some(new_name)) = (old_name, new_name) else {
            if before != after {
                out.add(path, Kind::FieldNamedTypeChanged);
            }
            return Ok(());
        };
        let (Some(old), Some(new)) = (self.before.get(&old_name), self.after.get(&new_name)) else {
            return Ok(());
        };
        let local = local_name(&old_name, old.package);
        if local != local_name(&new_name, new.package) {
            out.add(path, Kind::FieldNamedTypeChanged);
            return Ok(());
        }
        if same_file(&old, &new) {
            return Ok(());
        }
        let (Some(was), Some(is)) = (old.message(), new.message()) else { return Ok(()) };
        let key = (old_name.clone(), new_name.clone());
        let found = match self.known.get(&key) {
            Some(found) => found.clone(),
            None => {
                let inside = Place {
                    packages: [old.package.to_owned(), new.package.to_owned()],
                    path: local.to_owned(),
                };
                let mut findings = Findings::default();
                self.message(&inside, was, is, &mut findings)?;
                findings.check()?;
                self.spend(weight(&findings.list))?;
                if !self.comparing.contains(&old_name) {
                    self.known.insert(key, findings.list.clone());
                }
                findings.list
            }
        };
        self.spend(weight(&found))?;
        let compatible = found.iter().all(|difference| difference.kind.is_compatible());
        out.take_over(found);
        if !compatible {
            out.add(path, Kind::FieldNamedTypeChanged);
        }
        Ok(())
    }
}

/// A field with the oneof it stands in.
struct Member<'a> {
    field: &'a Field,
    oneof: Option<&'a str>,
}

impl Member<'_> {
    fn path(&self, message: &str) -> String {
        match self.oneof {
            Some(oneof) => format!("{message}/{oneof}/{}", self.field.tag),
            None => format!("{message}/{}", self.field.tag),
        }
    }
}

/// The fields of a message by number, wherever they stand.
struct Members<'a> {
    by_tag: BTreeMap<i32, Member<'a>>,
    oneofs: BTreeMap<&'a str, &'a OneOf>,
}

impl<'a> Members<'a> {
    fn of(message: &'a Message) -> Self {
        let mut members = Self { by_tag: BTreeMap::new(), oneofs: BTreeMap::new() };
        for field in &message.fields {
            members.by_tag.insert(field.tag, Member { field, oneof: None });
        }
        for oneof in &message.oneofs {
            members.oneofs.insert(&oneof.name, oneof);
            for field in &oneof.fields {
                members.by_tag.insert(field.tag, Member { field, oneof: Some(&oneof.name) });
            }
        }
        members
    }
}

/// Oneofs that exclude fields of one another which could be set together before.
fn exclusions(path: &str, after: &Message, old: &Members<'_>, out: &mut Findings) {
    for oneof in &after.oneofs {
        let mut origins: BTreeSet<(Option<&str>, i32)> = BTreeSet::new();
        let mut from_top = 0;
        for field in &oneof.fields {
            match old.by_tag.get(&field.tag) {
                Some(Member { oneof: Some(origin), .. }) => {
                    origins.insert((Some(origin), 0));
                }
                Some(Member { oneof: None, .. }) => {
                    origins.insert((None, field.tag));
                    from_top += 1;
                }
                None => {}
            }
        }
        if origins.len() > 1 {
            let kind =
                if from_top > 1 { Kind::MultipleFieldsMovedToOneof } else { Kind::FieldMovedToExistingOneof };
            out.add_in(path, &oneof.name, kind);
        }
    }
}

/// `standing`: the oneofs that are not deleted whole.
fn removed(path: &str, member: &Member<'_>, standing: &BTreeSet<&str>, out: &mut Findings) {
    let path = member.path(path);
    match member.oneof {
        None if member.field.label == Some(Label::Required) => out.add(&path, Kind::RequiredFieldRemoved),
        None => out.add(&path, Kind::FieldRemoved),
        Some(name) if standing.contains(name) => out.add(&path, Kind::OneofFieldRemoved),
        Some(_) => {}
    }
}

fn added(path: &str, member: &Member<'_>, out: &mut Findings) {
    let kind = match (member.oneof, member.field.label) {
        (Some(_), _) => Kind::OneofFieldAdded,
        (None, Some(Label::Required)) => Kind::RequiredFieldAdded,
        (None, _) => Kind::FieldAdded,
    };
    out.add(&member.path(path), kind);
}

/// Scalar types whose encodings read each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Varint,
    ZigZag,
    Text,
    Fixed32,
    Fixed64,
    Float,
    Double,
}

fn encoding(kind: &str) -> Encoding {
    match kind {
        "sint32" | "sint64" => Encoding::ZigZag,
        "string" | "bytes" => Encoding::Text,
        "fixed32" | "sfixed32" => Encoding::Fixed32,
        "fixed64" | "sfixed64" => Encoding::Fixed64,
        "float" => Encoding::Float,
        "double" => Encoding::Double,
        // Numbers, booleans and enums.
        _ => Encoding::Varint,
    }
}

fn shape(scope: &Scope<'_>, kind: &str, prefix: &str) -> Shape {
    if is_scalar(kind) {
        return Shape::Scalar;
    }
    if map_parts(kind).is_some() {
        return Shape::Map;
    }
    let info = scope.resolve(kind, prefix).and_then(|name| scope.get(&name));
    if info.is_some_and(|info| info.is_enum) { Shape::Scalar } else { Shape::Message }
}

/// A map whose entry is spelled out as a message is still a map.
fn spelled_map(scope: &Scope<'_>, kind: &str, prefix: &str) -> String {
    if is_scalar(kind) || map_parts(kind).is_some() {
        return kind.to_owned();
    }
    let info = scope.resolve(kind, prefix).and_then(|name| scope.get(&name));
    match info.and_then(|info| info.map_entry) {
        Some((key, value)) => format!("map<{key}, {value}>"),
        None => kind.to_owned(),
    }
}

fn same_file(a: &TypeInfo<'_>, b: &TypeInfo<'_>) -> bool {
    match (a.source, b.source) {
        (Source::Local, Source::Local) | (Source::Bundled, Source::Bundled) => true,
        (Source::Registered(a, m), Source::Registered(b, n)) => a == b && m == n,
        _ => false,
    }
}

fn local_name<'n>(full: &'n str, package: &str) -> &'n str {
    full.strip_prefix(package).and_then(|rest| rest.strip_prefix('.')).unwrap_or(full)
}

fn messages(types: &[TypeElement]) -> BTreeMap<&str, (&Message, usize)> {
    let all = types.iter().filter_map(|element| match element {
        TypeElement::Message(message) => Some(message),
        TypeElement::Enum(_) => None,
    });
    all.enumerate().map(|(index, message)| (message.name.as_str(), (message, index))).collect()
}

fn enums(types: &[TypeElement]) -> BTreeMap<&str, &Enum> {
    let all = types.iter().filter_map(|element| match element {
        TypeElement::Enum(element) => Some(element),
        TypeElement::Message(_) => None,
    });
    all.map(|element| (element.name.as_str(), element)).collect()
}

fn constants_by_tag(element: &Enum) -> BTreeMap<i32, &str> {
    element.constants.iter().map(|constant| (constant.tag, constant.name.as_str())).collect()
}

/// Both sides' keys in order.
fn keys<K: Ord + Copy, A, B>(a: &BTreeMap<K, A>, b: &BTreeMap<K, B>) -> BTreeSet<K> {
    a.keys().chain(b.keys()).copied().collect()
}
