//! Messages drawn at random from their schemas, and an encoder that only knows schemas.
//!
//! The encoder here shares no code with the crate's own, so that each checks the other. A seed gives the same message
//! for ever.

use wire::schema::{FieldSchema, MessageSchema, StructSchema, Type};

/// SplitMix64: small, seeded, good enough to draw test data.
pub struct Draw {
    state: u64,
    tame: bool,
}

impl Draw {
    /// Draws that `seed` determines. Tame ones keep numbers below 100: valid as error codes and as times.
    pub fn new(seed: u64, tame: bool) -> Self {
        Self { state: seed, tame }
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.next() as u8).collect()
    }

    fn text(&mut self) -> Vec<u8> {
        let letters = ["a", "topic", "-", ".", "0", "é", "ượ", "😀", "Z", "_"];
        let count = if self.one_in(40) { 60 } else { self.below(6) };
        (0..count)
            .map(|_| letters[self.below(letters.len() as u64) as usize])
            .collect::<String>()
            .into_bytes()
    }

    /// A number of `width` bytes: small, extreme or any.
    fn number(&mut self, width: usize) -> Vec<u8> {
        let wide = match self.below(6) {
            _ if self.tame => self.below(100),
            0 => 0,
            1 => u64::MAX,
            2 => 1 << (8 * width - 1),
            3 => (1 << (8 * width - 1)) - 1,
            4 => self.below(100),
            _ => self.next(),
        };
        wide.to_be_bytes()[8 - width..].to_vec()
    }
}

/// A value of any type.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    /// Of a fixed width, as on the wire.
    Fixed(Vec<u8>),
    /// Text, or null.
    Text(Option<Vec<u8>>),
    /// Bytes or records, or null.
    Blob(Option<Vec<u8>>),
    /// Elements, or null.
    Array(Option<Vec<Value>>),
    /// A value for each field of the version, in the schema's order; or null.
    Struct(Option<Vec<Value>>),
}

/// Draws a message of `schema` in `version`.
pub fn draw(schema: &MessageSchema, version: i16, draw: &mut Draw) -> Value {
    Value::Struct(Some(draw_fields(&schema.root, version, draw, 0)))
}

fn draw_fields(schema: &StructSchema, version: i16, draw: &mut Draw, depth: u32) -> Vec<Value> {
    let fields = schema.fields.iter().filter(|field| field.spec.has(version));
    fields.map(|field| draw_field(field, version, draw, depth)).collect()
}

fn draw_field(field: &FieldSchema, version: i16, draw: &mut Draw, depth: u32) -> Value {
    let null = field.spec.may_be_null(version) && draw.one_in(4);
    // Tame ones go to codecs that others wrote, which do not know fields of our own.
    let is_own = draw.tame && field.tag.is_some_and(|tag| tag >= 10_000);
    if is_own || field.tag.is_some() && draw.one_in(3) {
        return default(field, version);
    }
    draw_value(field.ty, null, version, draw, depth)
}

fn draw_value(ty: Type, null: bool, version: i16, draw: &mut Draw, depth: u32) -> Value {
    match ty {
        Type::Bool => Value::Fixed(vec![draw.below(2) as u8]),
        Type::Float64 => Value::Fixed((draw.below(1 << 20) as f64 / 8.0 - 1000.0).to_be_bytes().to_vec()),
        Type::Uuid => Value::Fixed(draw.bytes(16)),
        Type::String => Value::Text((!null).then(|| draw.text())),
        Type::Bytes | Type::Records => {
            let len = if draw.one_in(20) { draw.below(2000) } else { draw.below(8) };
            Value::Blob((!null).then(|| draw.bytes(len as usize)))
        }
        Type::Array(of) => {
            let count =
                if depth == 0 && draw.one_in(30) { 130 } else { draw.below(if depth > 2 { 2 } else { 4 }) };
            let elements = (0..count).map(|_| draw_value(*of, false, version, draw, depth + 1));
            let elements = (!null).then(|| elements.collect());
            Value::Array(elements)
        }
        Type::Struct(of) => Value::Struct((!null).then(|| draw_fields(of, version, draw, depth + 1))),
        number => Value::Fixed(draw.number(width(number))),
    }
}

fn width(ty: Type) -> usize {
    match ty {
        Type::Bool | Type::Int8 => 1,
        Type::Int16 | Type::Uint16 => 2,
        Type::Int32 | Type::Uint32 => 4,
        Type::Int64 | Type::Float64 => 8,
        Type::Uuid => 16,
        _ => 0,
    }
}

/// The field's default in `version`.
fn default(field: &FieldSchema, version: i16) -> Value {
    let null = field.default == Some("None");
    match field.ty {
        Type::String => Value::Text((!null).then(Vec::new)),
        Type::Bytes | Type::Records => Value::Blob((!null).then(Vec::new)),
        Type::Array(_) => Value::Array((!null).then(Vec::new)),
        Type::Struct(_) if null => Value::Struct(None),
        Type::Struct(of) => {
            let fields = of.fields.iter().filter(|field| field.spec.has(version));
            Value::Struct(Some(fields.map(|field| default(field, version)).collect()))
        }
        ty => {
            let number: i64 = match field.default {
                None | Some("false") => 0,
                Some("true") => 1,
                Some("i32::MAX") => i32::MAX.into(),
                Some("i32::MIN") => i32::MIN.into(),
                Some("i64::MAX") => i64::MAX,
                Some(text) => text.parse().unwrap(),
            };
            let mut bytes = vec![0; 8];
            bytes.extend(number.to_be_bytes());
            Value::Fixed(bytes[16 - width(ty)..].to_vec())
        }
    }
}

/// Writes values by schema alone.
pub struct Writer<'a> {
    pub version: i16,
    pub flexible: bool,
    /// Where set, each tagged section gets fields that no version knows.
    pub unknown_tags: Option<&'a mut Draw>,
}

/// The bytes of `value` in `version`.
pub fn write(
    schema: &MessageSchema,
    version: i16,
    value: &Value,
    unknown_tags: Option<&mut Draw>,
) -> Vec<u8> {
    let mut out = Vec::new();
    let flexible = schema.flexible.has(version);
    let mut writer = Writer { version, flexible, unknown_tags };
    let Value::Struct(Some(values)) = value else { panic!("a message is a struct") };
    // The header's client id keeps its two-byte length (KIP-511).
    if schema.name == "RequestHeader" {
        writer.flexible = false;
        writer.plain_fields(&schema.root, values, &mut out);
        writer.flexible = flexible;
        writer.tagged_fields(&schema.root, values, &mut out);
    } else {
        writer.fields(&schema.root, values, &mut out);
    }
    out
}

pub fn varint(mut value: u32, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

impl Writer<'_> {
    fn present<'s>(
        &self,
        schema: &'s StructSchema,
        values: &'s [Value],
    ) -> impl Iterator<Item = (&'s FieldSchema, &'s Value)> + use<'s> {
        let version = self.version;
        schema.fields.iter().filter(move |field| field.spec.has(version)).zip(values)
    }

    fn fields(&mut self, schema: &StructSchema, values: &[Value], out: &mut Vec<u8>) {
        self.plain_fields(schema, values, out);
        self.tagged_fields(schema, values, out);
    }

    fn plain_fields(&mut self, schema: &StructSchema, values: &[Value], out: &mut Vec<u8>) {
        for (field, value) in self.present(schema, values).filter(|(field, _)| field.tag.is_none()) {
            self.value(field.ty, field.spec.may_be_null(self.version), value, out);
        }
    }

    fn tagged_fields(&mut self, schema: &StructSchema, values: &[Value], out: &mut Vec<u8>) {
        if !self.flexible {
            return;
        }
        let mut tagged = Vec::new();
        for (field, value) in self.present(schema, values) {
            let Some(tag) = field.tag else { continue };
            if *value != default(field, self.version) {
                let mut content = Vec::new();
                self.value(field.ty, field.spec.may_be_null(self.version), value, &mut content);
                tagged.push((tag, content));
            }
        }
        if let Some(draw) = self.unknown_tags.as_mut().filter(|draw| !draw.state.is_multiple_of(3)) {
            let known = schema.fields.iter().filter_map(|field| field.tag).max().map_or(0, |tag| tag + 1);
            let tag = known + draw.below(300) as u32;
            let len = draw.below(200) as usize;
            tagged.push((tag, draw.bytes(len)));
        }
        varint(tagged.len() as u32, out);
        for (tag, content) in tagged {
            varint(tag, out);
            varint(content.len() as u32, out);
            out.extend(content);
        }
    }

    fn length(&self, len: Option<usize>, wide: bool, out: &mut Vec<u8>) {
        match (self.flexible, wide) {
            (true, _) => varint(len.map_or(0, |len| len as u32 + 1), out),
            (false, true) => out.extend(len.map_or(-1, |len| len as i32).to_be_bytes()),
            (false, false) => out.extend(len.map_or(-1, |len| len as i16).to_be_bytes()),
        }
    }

    fn value(&mut self, ty: Type, nullable: bool, value: &Value, out: &mut Vec<u8>) {
        match (ty, value) {
            (_, Value::Fixed(bytes)) => out.extend(bytes),
            (_, Value::Text(text)) => {
                self.length(text.as_ref().map(Vec::len), false, out);
                out.extend(text.as_deref().unwrap_or_default());
            }
            (_, Value::Blob(bytes)) => {
                self.length(bytes.as_ref().map(Vec::len), true, out);
                out.extend(bytes.as_deref().unwrap_or_default());
            }
            (Type::Array(of), Value::Array(elements)) => {
                self.length(elements.as_ref().map(Vec::len), true, out);
                for element in elements.as_deref().unwrap_or_default() {
                    self.value(*of, false, element, out);
                }
            }
            (Type::Struct(_), Value::Struct(None)) => out.push(0xff),
            (Type::Struct(of), Value::Struct(Some(values))) => {
                if nullable {
                    out.push(1);
                }
                self.fields(of, values, out);
            }
            _ => panic!("{ty:?} does not hold {value:?}"),
        }
    }
}
