//! What a JSON Schema means, keyword by keyword, whatever its draft.

use std::collections::BTreeMap;

use crate::SchemaError;
use crate::json::{Decimal, Json};

/// A place in a [`Model`].
pub(super) type Id = u32;

/// The schemas of one document and of what it refers to.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub schemas: Vec<Schema>,
    pub root: Id,
}

/// One schema.
#[derive(Clone, Debug, Default)]
pub(super) struct Schema {
    pub shape: Shape,
    pub id: Option<String>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub default: Option<Json>,
    /// Whether Kafka Connect's `connect.type` says that it stands for bytes.
    pub connect_bytes: bool,
    /// Bytes that what stands in it takes, about, without its subschemas.
    pub weight: usize,
}

/// The one thing a schema is; one that is several is an `allOf` of them.
#[derive(Clone, Debug, Default)]
pub(super) enum Shape {
    /// Accepts everything: `{}` or `true`.
    #[default]
    Any,
    /// Accepts nothing: `false`.
    Never,
    /// Stands for another schema.
    Reference(Id),
    Boolean,
    Null,
    Text(TextRules),
    Number(NumberRules),
    Const(Json),
    Enum(Vec<Json>),
    Combined(Combined),
    Not(Id),
    Object(Box<ObjectRules>),
    Array(Box<ArrayRules>),
    /// `if`/`then`/`else`, which the registry does not compare.
    Conditional,
}

impl Shape {
    /// Shapes of equal rank are compared keyword by keyword; others are different types.
    pub fn same_kind(&self, other: &Shape) -> bool {
        core::mem::discriminant(self) == core::mem::discriminant(other)
    }
}

/// How subschemas combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Criterion {
    All,
    Any,
    One,
}

impl Criterion {
    pub fn keyword(self) -> &'static str {
        match self {
            Self::All => "allOf",
            Self::Any => "anyOf",
            Self::One => "oneOf",
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Combined {
    pub criterion: Criterion,
    /// The subschemas without repetition.
    pub parts: Vec<Id>,
    /// How many there were with repetition.
    pub written: usize,
}

#[derive(Clone, Debug, Default)]
pub(super) struct TextRules {
    pub max_length: Option<u64>,
    pub min_length: Option<u64>,
    pub pattern: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct NumberRules {
    pub integer: bool,
    pub maximum: Option<Decimal>,
    pub minimum: Option<Decimal>,
    pub exclusive_maximum: Option<Decimal>,
    pub exclusive_minimum: Option<Decimal>,
    pub multiple_of: Option<Decimal>,
}

/// What may stand where nothing is declared: `additionalProperties` and `additionalItems`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Rest {
    #[default]
    Permitted,
    Forbidden,
    Of(Id),
}

#[derive(Clone, Debug, Default)]
pub(super) struct ObjectRules {
    pub properties: BTreeMap<String, Id>,
    pub required: Vec<String>,
    pub patterns: Vec<(Pattern, Id)>,
    pub additional: Rest,
    pub unevaluated: Option<Id>,
    pub dependencies: BTreeMap<String, Vec<String>>,
    pub schema_dependencies: BTreeMap<String, Id>,
    pub max_properties: Option<u64>,
    pub min_properties: Option<u64>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct ArrayRules {
    /// The schema of every item.
    pub all_items: Option<Id>,
    /// The schemas of the first items, one by one.
    pub items: Vec<Id>,
    pub additional: Rest,
    pub unevaluated: Option<Id>,
    pub max_items: Option<u64>,
    pub min_items: Option<u64>,
    pub max_contains: Option<u64>,
    pub min_contains: Option<u64>,
    pub unique: bool,
}

/// A key of `patternProperties`. An expression that this engine does not know (look-around) covers no property.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    regex: Option<regex::Regex>,
    /// Steps that matching one letter may take, by how large the expression is compiled.
    steps: usize,
}

/// How large a compiled expression may be: linear-time matching is paid for in memory. Tried in turn, as few need the most.
const PATTERN_BYTES: [usize; 3] = [16 << 10, 128 << 10, 1 << 20];
/// What all expressions of one schema may take.
pub(super) const PATTERNS_BYTES_MAX: usize = 32 << 20;
/// What an expression may take beyond that while it is matched.
const MATCHING_BYTES_MAX: usize = 64 << 10;

/// Going once through so many bytes of a compiled expression counts as a step.
const STEP_BYTES: usize = 16 << 10;

impl Pattern {
    const NOWHERE: Self = Self { regex: None, steps: 0 };

    /// What looking for it in a name may cost, in steps: where no automaton can be built, its states times the letters.
    pub fn cost(&self, name: &str) -> usize {
        1 + self.steps.saturating_mul(1 + name.len() / 8)
    }

    /// Compiles an expression; its memory is taken from `budget`, in bytes.
    pub fn new(expression: &str, budget: &mut usize) -> Result<Self, SchemaError> {
        let mut spend = |bytes| -> Result<(), SchemaError> {
            let left =
                budget.checked_sub(bytes).ok_or_else(|| SchemaError::new("patternProperties too complex"))?;
            *budget = left;
            Ok(())
        };
        for bytes in PATTERN_BYTES {
            let mut builder = regex::RegexBuilder::new(expression);
            match builder.size_limit(bytes).dfa_size_limit(MATCHING_BYTES_MAX).build() {
                Ok(regex) => {
                    spend(bytes)?;
                    return Ok(Self { regex: Some(regex), steps: bytes / STEP_BYTES });
                }
                // Nothing is kept of it, but it was work.
                Err(regex::Error::CompiledTooBig(_)) => spend(bytes / 4)?,
                Err(_) => return Ok(Self::NOWHERE),
            }
        }
        Ok(Self::NOWHERE)
    }

    /// Whether the expression is found anywhere in `name`.
    pub fn covers(&self, name: &str) -> bool {
        self.regex.as_ref().is_some_and(|regex| regex.is_match(name))
    }
}
