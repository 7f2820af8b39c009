//! A `.proto` file as written, comments apart.

/// The language of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// `proto2`, also when nothing is said.
    Proto2,
    /// `proto3`
    Proto3,
}

/// A file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProtoFile {
    /// The language, if declared.
    pub syntax: Option<Syntax>,
    /// The package, if declared.
    pub package: Option<String>,
    /// `import "…"`
    pub imports: Vec<String>,
    /// `import public "…"`
    pub public_imports: Vec<String>,
    /// File options.
    pub options: Vec<OptionElement>,
    /// Messages and enums in order.
    pub types: Vec<TypeElement>,
    /// `extend`
    pub extends: Vec<Extend>,
    /// Services in order.
    pub services: Vec<Service>,
}

/// A message or an enum.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeElement {
    /// A message.
    Message(Message),
    /// An enum.
    Enum(Enum),
}

impl TypeElement {
    /// Its name, without package and enclosing messages.
    pub fn name(&self) -> &str {
        match self {
            Self::Message(message) => &message.name,
            Self::Enum(element) => &element.name,
        }
    }
}

/// A message.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the names are Protobuf's")]
pub struct Message {
    pub name: String,
    pub reserved: Vec<Reserved>,
    pub options: Vec<OptionElement>,
    pub fields: Vec<Field>,
    pub oneofs: Vec<OneOf>,
    pub groups: Vec<Group>,
    pub extensions: Vec<Extensions>,
    pub extends: Vec<Extend>,
    pub nested: Vec<TypeElement>,
}

/// How often a field may occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Protobuf's")]
pub enum Label {
    Optional,
    Required,
    Repeated,
}

impl Label {
    /// The keyword.
    pub fn word(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Required => "required",
            Self::Repeated => "repeated",
        }
    }
}

/// A field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Field {
    /// The label, if written.
    pub label: Option<Label>,
    /// The type as written; of a map `map<K, V>`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its number.
    pub tag: i32,
    /// Options but for `default` and `json_name`.
    pub options: Vec<OptionElement>,
    /// proto2's default.
    pub default: Option<String>,
    /// The name in JSON, if given.
    pub json_name: Option<String>,
}

/// Fields of which at most one is set.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the names are Protobuf's")]
pub struct OneOf {
    pub name: String,
    pub options: Vec<OptionElement>,
    pub fields: Vec<Field>,
    pub groups: Vec<Group>,
}

/// proto2's group.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the names are Protobuf's")]
pub struct Group {
    pub label: Option<Label>,
    pub name: String,
    pub tag: i32,
    pub fields: Vec<Field>,
}

/// Numbers, ranges of them or names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// One number.
    One(i32),
    /// A range, both ends included; `i32::MAX` for `max`.
    Range(i32, i32),
    /// A name.
    Name(String),
}

/// `reserved …;`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved(pub Vec<Span>);

/// `extensions …;`
#[derive(Clone, Debug, PartialEq)]
pub struct Extensions {
    /// The numbers left to extensions.
    pub spans: Vec<Span>,
    /// Options of the range.
    pub options: Vec<OptionElement>,
}

/// `extend Name { … }`
#[derive(Clone, Debug, PartialEq)]
pub struct Extend {
    /// The message extended, as written.
    pub name: String,
    /// The fields added.
    pub fields: Vec<Field>,
}

/// An enum.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the names are Protobuf's")]
pub struct Enum {
    pub name: String,
    pub reserved: Vec<Reserved>,
    pub options: Vec<OptionElement>,
    pub constants: Vec<EnumConstant>,
}

/// A value of an enum.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "the names are Protobuf's")]
pub struct EnumConstant {
    pub name: String,
    pub tag: i32,
    pub options: Vec<OptionElement>,
}

/// A service.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the names are Protobuf's")]
pub struct Service {
    pub name: String,
    pub options: Vec<OptionElement>,
    pub rpcs: Vec<Rpc>,
}

/// A method of a service.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the names are Protobuf's")]
pub struct Rpc {
    pub name: String,
    pub request: String,
    pub request_streams: bool,
    pub response: String,
    pub response_streams: bool,
    pub options: Vec<OptionElement>,
}

/// An option: `name = value`, `(extension).part = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionElement {
    /// The name, without parentheses.
    pub name: String,
    /// Whether it stood in parentheses: a custom option.
    pub parenthesized: bool,
    /// What followed the parentheses, part by part.
    pub path: Vec<String>,
    /// The value.
    pub value: OptionValue,
}

/// What a word in an option is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum WordKind {
    Boolean,
    Number,
    Enum,
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OptionValue {
    /// Text.
    Text(String),
    /// A number, a boolean or an enum's constant, as written.
    Word(WordKind, String),
    /// A message in text format.
    Map(Vec<(String, OptionValue)>),
    /// A list.
    List(Vec<OptionValue>),
}
