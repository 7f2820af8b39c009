//! The registry's verdict on a new schema against earlier ones, with reasons.

use crate::avro::{AvroDifference, AvroDifferenceKind};
use crate::jsonschema::JsonDifference;
use crate::protobuf::ProtoDifference;
use crate::{Parsed, Policy, SchemaError};

/// Which data must stay readable by whom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Nothing is checked.
    None,
    /// The new schema reads what the latest one wrote.
    #[default]
    Backward,
    /// The new schema reads what any earlier one wrote.
    BackwardTransitive,
    /// The latest schema reads what the new one writes.
    Forward,
    /// Every earlier schema reads what the new one writes.
    ForwardTransitive,
    /// Both, with the latest.
    Full,
    /// Both, with every earlier one.
    FullTransitive,
}

impl Level {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::None,
        Self::Backward,
        Self::BackwardTransitive,
        Self::Forward,
        Self::ForwardTransitive,
        Self::Full,
        Self::FullTransitive,
    ];

    /// The registry's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Backward => "BACKWARD",
            Self::BackwardTransitive => "BACKWARD_TRANSITIVE",
            Self::Forward => "FORWARD",
            Self::ForwardTransitive => "FORWARD_TRANSITIVE",
            Self::Full => "FULL",
            Self::FullTransitive => "FULL_TRANSITIVE",
        }
    }

    /// The level of that name, whatever its case.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name().eq_ignore_ascii_case(name))
    }

    /// Whether all earlier versions count, not only the latest.
    pub fn is_transitive(self) -> bool {
        matches!(self, Self::BackwardTransitive | Self::ForwardTransitive | Self::FullTransitive)
    }

    /// Which of the two must read the other, forward first as the registry reports it.
    pub fn directions(self) -> &'static [Direction] {
        match self {
            Self::None => &[],
            Self::Backward | Self::BackwardTransitive => &[Direction::NewReadsOld],
            Self::Forward | Self::ForwardTransitive => &[Direction::OldReadsNew],
            Self::Full | Self::FullTransitive => &[Direction::OldReadsNew, Direction::NewReadsOld],
        }
    }
}

/// Who must read whose data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The new schema reads data of the old one.
    NewReadsOld,
    /// The old schema reads data of the new one.
    OldReadsNew,
}

impl Direction {
    /// Words for the reader and the writer.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NewReadsOld => ("new", "old"),
            Self::OldReadsNew => ("old", "new"),
        }
    }
}

/// One reason why two schemas are incompatible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Who fails to read whose data.
    pub direction: Direction,
    /// The registry's name of the difference; absent where schemas cannot be compared at all.
    pub kind: Option<&'static str>,
    /// Where in the schema.
    pub path: String,
    /// What is wrong, in one sentence.
    pub description: String,
    /// The line that the registry's verbose answer has for it.
    pub message: String,
    /// The change to the new schema that would make it compatible.
    pub remedy: String,
}

/// An earlier version of a subject.
#[derive(Clone, Copy, Debug)]
pub struct Previous<'a> {
    /// Its number.
    pub version: i32,
    /// Its canonical text.
    pub text: &'a str,
    /// The schema.
    pub schema: &'a Parsed,
}

/// Whether a schema may follow, and if not, why.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The version that it is incompatible with.
    pub version: Option<i32>,
    /// Every reason.
    pub findings: Vec<Finding>,
    /// The registry's verbose lines: one for each finding, then the version and the text of the old schema.
    pub messages: Vec<String>,
}

impl Verdict {
    /// Whether the schema may follow.
    pub fn is_compatible(&self) -> bool {
        self.messages.is_empty()
    }
}

/// The registry quotes old schemas up to this length, in UTF-16 units.
const QUOTED_LEN_MAX: usize = 10 * 1024;

const DIFFERENT_TYPE: &str = "Incompatible because of different schema type";

/// Judges `new` against earlier versions, given oldest first. The newest incompatible version decides.
pub fn check(level: Level, policy: Policy, new: &Parsed, previous: &[Previous<'_>]) -> Verdict {
    let newest_first = previous.iter().rev();
    let considered = if level.is_transitive() { previous.len() } else { 1 };
    for old in newest_first.take(considered) {
        let verdict = against(level, policy, new, old);
        if !verdict.is_compatible() {
            return verdict;
        }
    }
    Verdict::default()
}

fn against(level: Level, policy: Policy, new: &Parsed, old: &Previous<'_>) -> Verdict {
    let mut verdict = Verdict { version: Some(old.version), ..Verdict::default() };
    if level.directions().is_empty() {
        return Verdict::default();
    }
    if new.language() != old.schema.language() {
        let finding = uncompared(DIFFERENT_TYPE.to_owned(), level.directions());
        verdict.messages.push(finding.message.clone());
        verdict.findings.push(finding);
        return verdict;
    }
    for (i, direction) in level.directions().iter().enumerate() {
        let findings = match direction {
            Direction::NewReadsOld => incompatibilities(new, old.schema, policy, *direction),
            Direction::OldReadsNew => incompatibilities(old.schema, new, policy, *direction),
        };
        let last = i + 1 == level.directions().len();
        verdict.messages.extend(findings.iter().map(|finding| finding.message.clone()));
        // As the registry does: the old schema is quoted only where the last direction failed.
        if last && !findings.is_empty() {
            verdict.messages.push(format!("{{oldSchemaVersion: {}}}", old.version));
            verdict.messages.push(quoted(old.text));
        }
        verdict.findings.extend(findings);
    }
    if verdict.is_compatible() { Verdict::default() } else { verdict }
}

fn quoted(text: &str) -> String {
    let units = text.encode_utf16().count();
    if units <= QUOTED_LEN_MAX {
        return format!("{{oldSchema: '{text}'}}");
    }
    let head: Vec<u16> = text.encode_utf16().take(QUOTED_LEN_MAX).collect();
    format!("{{oldSchema: <truncated> '{}...'}}", String::from_utf16_lossy(&head))
}

fn uncompared(reason: String, directions: &[Direction]) -> Finding {
    Finding {
        direction: directions.first().copied().unwrap_or(Direction::NewReadsOld),
        kind: None,
        path: "/".to_owned(),
        message: reason.clone(),
        remedy: if reason == DIFFERENT_TYPE {
            "Register it under another subject, or set the subject's compatibility to NONE.".to_owned()
        } else {
            "Simplify the schema so that it can be compared.".to_owned()
        },
        description: reason,
    }
}

/// Why `reader` cannot read what `writer` wrote.
fn incompatibilities(reader: &Parsed, writer: &Parsed, policy: Policy, direction: Direction) -> Vec<Finding> {
    let found: Result<Vec<Finding>, SchemaError> = match (reader, writer) {
        (Parsed::Avro(reader), Parsed::Avro(writer)) => reader
            .read_differences(writer)
            .map(|all| all.iter().map(|difference| avro(difference, direction)).collect()),
        (Parsed::Json(reader), Parsed::Json(writer)) => reader.differences(writer, policy).map(|all| {
            let incompatible = all.iter().filter(|difference| !difference.kind.is_compatible(policy));
            incompatible.map(|difference| json(difference, direction)).collect()
        }),
        (Parsed::Protobuf(reader), Parsed::Protobuf(writer)) => reader.differences(writer).map(|all| {
            let incompatible = all.iter().filter(|difference| !difference.kind.is_compatible());
            incompatible.map(|difference| protobuf(difference, direction)).collect()
        }),
        _ => Ok(vec![uncompared(DIFFERENT_TYPE.to_owned(), &[direction])]),
    };
    found.unwrap_or_else(|error| {
        let reason = format!("Unexpected exception during compatibility check: {error}");
        vec![uncompared(reason, &[direction])]
    })
}

fn avro(difference: &AvroDifference, direction: Direction) -> Finding {
    let (reader, writer) = direction.words();
    let description = difference.description(reader, writer);
    let kind = difference.kind.name();
    Finding {
        direction,
        kind: Some(kind),
        path: difference.path.clone(),
        message: format!(
            "{{errorType:'{kind}', description:'{description}', additionalInfo:'{}'}}",
            difference.detail
        ),
        remedy: difference.remedy(direction == Direction::NewReadsOld),
        description,
    }
}

fn json(difference: &JsonDifference, direction: Direction) -> Finding {
    let (reader, writer) = direction.words();
    let description = difference.description(reader, writer);
    let kind = difference.kind.name();
    Finding {
        direction,
        kind: Some(kind),
        path: difference.path.clone(),
        // The quotes do not match in the registry either.
        message: format!("{{errorType:\"{kind}\", description:\"{description}'}}"),
        remedy: difference.remedy(direction == Direction::NewReadsOld),
        description,
    }
}

fn protobuf(difference: &ProtoDifference, direction: Direction) -> Finding {
    let (reader, writer) = direction.words();
    let description = difference.description(reader, writer);
    let kind = difference.kind.name();
    Finding {
        direction,
        kind: Some(kind),
        path: difference.path.clone(),
        message: format!("{{errorType:\"{kind}\", description:\"{description}\"}}"),
        remedy: difference.remedy(direction == Direction::NewReadsOld),
        description,
    }
}

impl AvroDifference {
    /// What is wrong, between the schema called `reader` and the one called `writer` ("new" and "old", or the reverse).
    pub fn description(&self, reader: &str, writer: &str) -> String {
        let (path, detail) = (&self.path, &self.detail);
        match self.kind {
            AvroDifferenceKind::FixedSizeMismatch => format!(
                "The size of FIXED type field at path '{path}' in the {reader} schema does not match with the \
                 {writer} schema"
            ),
            AvroDifferenceKind::TypeMismatch => format!(
                "The type (path '{path}') of a field in the {reader} schema does not match with the {writer} schema"
            ),
            AvroDifferenceKind::NameMismatch => format!("The name of the schema has changed (path '{path}')"),
            AvroDifferenceKind::MissingEnumSymbols => format!(
                "The {reader} schema is missing enum symbols '{detail}' at path '{path}' in the {writer} schema"
            ),
            AvroDifferenceKind::MissingUnionBranch => format!(
                "The {reader} schema is missing a type inside a union field at path '{path}' in the {writer} schema"
            ),
            AvroDifferenceKind::ReaderFieldMissingDefaultValue => format!(
                "The field '{detail}' at path '{path}' in the {reader} schema has no default value and is missing in \
                 the {writer} schema"
            ),
        }
    }

    /// The change to the new schema that would make it compatible. `new_reads`: whether the new schema is the one that
    /// must read the other's data.
    pub fn remedy(&self, new_reads: bool) -> String {
        let (path, detail) = (&self.path, &self.detail);
        match (self.kind, new_reads) {
            (AvroDifferenceKind::FixedSizeMismatch, _) => {
                format!(
                    "Keep the size at '{path}', or give the type another name beside the old one in a union."
                )
            }
            (AvroDifferenceKind::TypeMismatch, true) => format!(
                "Keep the type at '{path}', widen it (int to long, float or double; string to bytes), or make it a \
                 union that contains the old type."
            ),
            (AvroDifferenceKind::TypeMismatch, false) => {
                format!("Keep the type at '{path}', or choose one that the old schema's type is wider than.")
            }
            (AvroDifferenceKind::NameMismatch, true) => {
                format!("Keep the name at '{path}', or list the old full name among the aliases.")
            }
            (AvroDifferenceKind::NameMismatch, false) => format!("Keep the name at '{path}'."),
            (AvroDifferenceKind::MissingEnumSymbols, true) => {
                format!("Keep the symbols {detail} at '{path}', or give the enum a default.")
            }
            (AvroDifferenceKind::MissingEnumSymbols, false) => format!(
                "Leave the symbols {detail} at '{path}' out until readers know them; an enum with a default takes new \
                 symbols at any time."
            ),
            (AvroDifferenceKind::MissingUnionBranch, true) => {
                format!("Keep the missing type in the union at '{path}'.")
            }
            (AvroDifferenceKind::MissingUnionBranch, false) => {
                format!("Leave the added type out of the union at '{path}'.")
            }
            (AvroDifferenceKind::ReaderFieldMissingDefaultValue, true) => {
                format!("Give the field '{detail}' a default.")
            }
            (AvroDifferenceKind::ReaderFieldMissingDefaultValue, false) => {
                format!("Keep the field '{detail}': the old schema has no default for it.")
            }
        }
    }
}
