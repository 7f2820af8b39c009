//! From a writer's bytes to what a reader's schema makes of them.

use ::schema::avro::{AvroSchema, Body, Field, Kind, Named, NodeId, Primitive};
use base::limits::SCHEMA_DEPTH_MAX;

use super::budget::Budget;
use super::datum::Datum;
use super::from_json::default_of;
use super::names::{branch_name, is_plain, same};
use crate::SerdeError;
use crate::frame::take_varint;

/// The value that `writer` wrote, as `reader` sees it.
pub fn decode(writer: &AvroSchema, reader: &AvroSchema, bytes: &[u8]) -> Result<Datum, SerdeError> {
    let mut decoder = Decoder { writer, reader, bytes, budget: Budget::of(bytes.len()) };
    let datum = decoder.read(writer.root(), reader.root(), SCHEMA_DEPTH_MAX)?;
    if decoder.bytes.is_empty() {
        Ok(datum)
    } else {
        Err(SerdeError::Bytes(format!("{} bytes are left over", decoder.bytes.len())))
    }
}

struct Decoder<'a> {
    writer: &'a AvroSchema,
    reader: &'a AvroSchema,
    bytes: &'a [u8],
    budget: Budget,
}

type Read = Result<Datum, SerdeError>;

fn short() -> SerdeError {
    SerdeError::Bytes("they end too early".to_owned())
}

impl<'a> Decoder<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], SerdeError> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or_else(short)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SerdeError> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or_else(short)?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn long(&mut self) -> Result<i64, SerdeError> {
        take_varint(&mut self.bytes)
            .ok_or_else(|| SerdeError::Bytes("a number is cut short or too long".to_owned()))
    }

    fn length(&mut self) -> Result<usize, SerdeError> {
        usize::try_from(self.long()?).map_err(|_| SerdeError::Bytes("a length is negative".to_owned()))
    }

    fn read(&mut self, from: NodeId, to: NodeId, depth: usize) -> Read {
        let depth = depth
            .checked_sub(1)
            .ok_or_else(|| SerdeError::Bytes("values are nested too deeply".to_owned()))?;
        self.budget.value()?;
        let (writer, reader) = (self.writer, self.reader);
        match (&writer.node(from).kind, &reader.node(to).kind) {
            (Kind::Union(branches), _) => {
                let place = self.length()?;
                let branch = branches.get(place);
                let branch =
                    branch.ok_or_else(|| SerdeError::Bytes(format!("a union has no branch {place}")))?;
                self.read(*branch, to, depth)
            }
            (_, Kind::Union(branches)) => {
                let branch = self.chosen(from, branches).ok_or_else(|| self.unlike(from, to))?;
                let datum = self.read(from, branch, depth)?;
                if datum == Datum::Null || is_plain(reader, branches) {
                    return Ok(datum);
                }
                let name = branch_name(reader, branch);
                self.budget.text(&name)?;
                Ok(Datum::Union(name, Box::new(datum)))
            }
            (Kind::Primitive(w), Kind::Primitive(r)) => {
                let datum = self.primitive(*w)?;
                promoted(datum, *r).ok_or_else(|| self.unlike(from, to))
            }
            (Kind::Array(w), Kind::Array(r)) => {
                let mut items = Vec::new();
                self.blocks(|decoder| {
                    items.push(decoder.read(*w, *r, depth)?);
                    Ok(())
                })?;
                Ok(Datum::Array(items))
            }
            (Kind::Map(w), Kind::Map(r)) => {
                let mut members = Vec::new();
                self.blocks(|decoder| {
                    let key = decoder.text()?;
                    members.push((key, decoder.read(*w, *r, depth)?));
                    Ok(())
                })?;
                Ok(Datum::Map(members))
            }
            (Kind::Named(w), Kind::Named(r)) if same(r, w) => self.named(w, r, depth),
            _ => Err(self.unlike(from, to)),
        }
    }

    fn unlike(&self, from: NodeId, to: NodeId) -> SerdeError {
        let (from, to) = (branch_name(self.writer, from), branch_name(self.reader, to));
        SerdeError::Value(format!("it was written as {from}, which the reader's schema cannot read as {to}"))
    }

    fn named(&mut self, from: &Named, to: &Named, depth: usize) -> Read {
        match (&from.body, &to.body) {
            (Body::Record { fields: from, .. }, Body::Record { fields: to, .. }) => {
                self.record(from, to, depth)
            }
            (Body::Enum { symbols, .. }, Body::Enum { symbols: known, default }) => {
                let place = self.length()?;
                let symbol = symbols.get(place);
                let symbol =
                    symbol.ok_or_else(|| SerdeError::Bytes(format!("an enum has no symbol {place}")))?;
                let read = known.contains(symbol).then_some(symbol).or(default.as_ref());
                let read = read.ok_or_else(|| {
                    SerdeError::Value(format!("the reader's schema does not know the symbol `{symbol}`"))
                })?;
                self.budget.text(read)?;
                Ok(Datum::Enum(read.clone()))
            }
            (Body::Fixed { size }, Body::Fixed { size: expected }) if size == expected => {
                Ok(Datum::Fixed(self.take(*size as usize)?.to_vec()))
            }
            _ => Err(SerdeError::Value(format!(
                "`{}` is not what the reader's schema has under that name",
                from.name.full()
            ))),
        }
    }

    fn record(&mut self, from: &[Field], to: &[Field], depth: usize) -> Read {
        let mut read: Vec<Option<Datum>> = vec![None; to.len()];
        for written in from {
            match place_of(to, written) {
                Some((place, field)) => {
                    let datum = self.read(written.schema, field.schema, depth)?;
                    if let Some(slot) = read.get_mut(place) {
                        *slot = Some(datum);
                    }
                }
                None => self.skip(written.schema, depth)?,
            }
        }
        let filled = to.iter().zip(read).map(|(field, datum)| {
            self.budget.text(&field.name)?;
            let datum = match (datum, &field.default) {
                (Some(datum), _) => datum,
                (None, Some(default)) => self.default(field, default, depth)?,
                (None, None) => {
                    let name = &field.name;
                    return Err(SerdeError::Value(format!(
                        "the writer has no field `{name}`, the reader no default"
                    )));
                }
            };
            Ok((field.name.clone(), datum))
        });
        Ok(Datum::Record(filled.collect::<Result<_, _>>()?))
    }

    fn default(&mut self, field: &Field, default: &::schema::json::Json, depth: usize) -> Read {
        default_of(self.reader, field.schema, default, &mut self.budget, depth)
    }

    /// Passes over a value that the reader does not want.
    fn skip(&mut self, id: NodeId, depth: usize) -> Result<(), SerdeError> {
        let reader = self.reader;
        self.reader = self.writer;
        let skipped = self.read(id, id, depth);
        self.reader = reader;
        skipped.map(drop)
    }

    /// Counted blocks, each item by `one`.
    fn blocks(&mut self, mut one: impl FnMut(&mut Self) -> Result<(), SerdeError>) -> Result<(), SerdeError> {
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                // The block's size in bytes, for those who skip it.
                self.long()?;
            }
            for _ in 0..count.unsigned_abs() {
                one(self)?;
            }
        }
    }

    fn text(&mut self) -> Result<String, SerdeError> {
        let length = self.length()?;
        let text = std::str::from_utf8(self.take(length)?);
        text.map(str::to_owned).map_err(|_| SerdeError::Bytes("a string is not UTF-8".to_owned()))
    }

    fn primitive(&mut self, primitive: Primitive) -> Read {
        Ok(match primitive {
            Primitive::Null => Datum::Null,
            Primitive::Boolean => match self.array::<1>()? {
                [0] => Datum::Boolean(false),
                [1] => Datum::Boolean(true),
                [other] => return Err(SerdeError::Bytes(format!("{other} is no boolean"))),
            },
            Primitive::Int => {
                let value = self.long()?;
                let value = i32::try_from(value);
                Datum::Int(value.map_err(|_| SerdeError::Bytes("an int is beyond 32 bits".to_owned()))?)
            }
            Primitive::Long => Datum::Long(self.long()?),
            Primitive::Float => Datum::Float(f32::from_le_bytes(self.array()?)),
            Primitive::Double => Datum::Double(f64::from_le_bytes(self.array()?)),
            Primitive::Bytes => {
                let length = self.length()?;
                Datum::Bytes(self.take(length)?.to_vec())
            }
            Primitive::String => Datum::String(self.text()?),
        })
    }

    /// The reader's branch for what the writer wrote: of the same type and name first, else one it can become.
    fn chosen(&self, from: NodeId, branches: &[NodeId]) -> Option<NodeId> {
        let exact = |branch: &&NodeId| self.is_same(from, **branch, true);
        let close = |branch: &&NodeId| self.is_same(from, **branch, false);
        branches.iter().find(exact).or_else(|| branches.iter().find(close)).copied()
    }

    fn is_same(&self, from: NodeId, to: NodeId, exact: bool) -> bool {
        match (&self.writer.node(from).kind, &self.reader.node(to).kind) {
            (Kind::Primitive(w), Kind::Primitive(r)) => w == r || (!exact && promotes(*w, *r)),
            (Kind::Array(_), Kind::Array(_)) | (Kind::Map(_), Kind::Map(_)) => true,
            (Kind::Named(w), Kind::Named(r)) => {
                let kinds = self.writer.type_name(from) == self.reader.type_name(to);
                kinds && if exact { w.name == r.name } else { same(r, w) }
            }
            _ => false,
        }
    }
}

/// The reader's field for a writer's: by name, else by an alias.
fn place_of<'f>(to: &'f [Field], written: &Field) -> Option<(usize, &'f Field)> {
    let by_name = to.iter().enumerate().find(|(_, field)| field.name == written.name);
    by_name.or_else(|| to.iter().enumerate().find(|(_, field)| field.aliases.contains(&written.name)))
}

fn promotes(from: Primitive, to: Primitive) -> bool {
    use Primitive::{Bytes, Double, Float, Int, Long, String};
    matches!(
        (from, to),
        (Int, Long | Float | Double)
            | (Long, Float | Double)
            | (Float, Double)
            | (String, Bytes)
            | (Bytes, String)
    )
}

fn promoted(datum: Datum, to: Primitive) -> Option<Datum> {
    Some(match (to, datum) {
        (Primitive::Long, Datum::Int(value)) => Datum::Long(i64::from(value)),
        (Primitive::Float, Datum::Int(value)) => Datum::Float(value as f32),
        (Primitive::Float, Datum::Long(value)) => Datum::Float(value as f32),
        (Primitive::Double, Datum::Int(value)) => Datum::Double(f64::from(value)),
        (Primitive::Double, Datum::Long(value)) => Datum::Double(value as f64),
        (Primitive::Double, Datum::Float(value)) => Datum::Double(f64::from(value)),
        (Primitive::Bytes, Datum::String(text)) => Datum::Bytes(text.into_bytes()),
        (Primitive::String, Datum::Bytes(bytes)) => Datum::String(String::from_utf8(bytes).ok()?),
        (Primitive::Null, datum @ Datum::Null)
        | (Primitive::Boolean, datum @ Datum::Boolean(_))
        | (Primitive::Int, datum @ Datum::Int(_))
        | (Primitive::Long, datum @ Datum::Long(_))
        | (Primitive::Float, datum @ Datum::Float(_))
        | (Primitive::Double, datum @ Datum::Double(_))
        | (Primitive::Bytes, datum @ Datum::Bytes(_))
        | (Primitive::String, datum @ Datum::String(_)) => datum,
        _ => return None,
    })
}
