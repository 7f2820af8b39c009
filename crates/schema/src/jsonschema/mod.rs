//! JSON Schema, drafts 4 to 2020-12: loading, canonical forms and the registry's differences.
//!
//! The text is kept as a tree in its own order (that is the identity); beside it stands a model in which every keyword
//! has found its place whatever the draft: what the comparison works on.

mod compare;
mod explain;
mod kinds;
mod load;
mod matching;
mod model;
mod resolve;
mod shapes;
#[cfg(test)]
mod tests;

use crate::SchemaError;
use crate::json::{Json, Spelling, parse};

pub use kinds::JsonDifferenceKind;
use model::Model;

/// How strictly open content models are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// A schema must accept all that the other accepted.
    #[default]
    Strict,
    /// Properties that the other schema did not name may come and go.
    Lenient,
}

/// The drafts there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names are the drafts'")]
pub enum Draft {
    Draft4,
    Draft6,
    Draft7,
    Draft2019,
    Draft2020,
}

impl Draft {
    /// The draft that `$schema` names; draft 7 where it names none.
    pub fn of(root: &Json) -> Self {
        let uri = root.get("$schema").and_then(Json::as_str).unwrap_or_default();
        let uri = uri.trim_end_matches('#').trim_start_matches("https://").trim_start_matches("http://");
        match uri {
            "json-schema.org/draft-04/schema" => Self::Draft4,
            "json-schema.org/draft-06/schema" => Self::Draft6,
            "json-schema.org/draft/2019-09/schema" => Self::Draft2019,
            "json-schema.org/draft/2020-12/schema" => Self::Draft2020,
            _ => Self::Draft7,
        }
    }

    fn is_modern(self) -> bool {
        self >= Self::Draft2019
    }

    fn id_keyword(self) -> &'static str {
        if self == Self::Draft4 { "id" } else { "$id" }
    }
}

/// One difference between two schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonDifference {
    /// What differs.
    pub kind: JsonDifferenceKind,
    /// Where: `#/` and the keywords that lead there.
    pub path: String,
}

/// A parsed JSON Schema.
#[derive(Clone, Debug)]
pub struct JsonSchema {
    tree: Json,
    draft: Draft,
    model: Model,
}

impl JsonSchema {
    /// Parses a schema; `references` are pairs of the name it uses in `$ref` and the text there.
    pub fn parse(text: &str, references: &[(&str, &str)]) -> Result<Self, SchemaError> {
        let tree = parse(text)?;
        if !matches!(tree, Json::Object(_) | Json::Bool(_)) {
            return Err(SchemaError::new(format!(
                "Invalid JSON schema: expected an object or boolean at the root, found {}",
                node_type(&tree)
            )));
        }
        let draft = Draft::of(&tree);
        let mut others = Vec::with_capacity(references.len());
        for (name, text) in references {
            others.push((*name, parse(text)?));
        }
        let model = load::load(&tree, draft, &others)?;
        Ok(Self { tree, draft, model })
    }

    /// The draft it is written in.
    pub fn draft(&self) -> Draft {
        self.draft
    }

    /// The text as a tree.
    pub fn tree(&self) -> &Json {
        &self.tree
    }

    /// The form whose hash is the identity: compact, in its own order.
    pub fn canonical(&self) -> String {
        self.tree.spelled(Spelling::BigDecimal)
    }

    /// The canonical form with the keys of every object sorted.
    pub fn normalized(&self) -> String {
        self.tree.sorted().spelled(Spelling::BigDecimal)
    }

    /// Everything in which `self` differs from `original`, compatible or not.
    pub fn differences(
        &self,
        original: &JsonSchema,
        policy: Policy,
    ) -> Result<Vec<JsonDifference>, SchemaError> {
        compare::differences(&original.model, &self.model, policy)
    }

    /// Names of the root's properties.
    pub fn properties(&self) -> Vec<&str> {
        self.tree.get("properties").and_then(Json::as_object).map(|o| o.keys().collect()).unwrap_or_default()
    }

    /// Checks that a schema about to be registered uses no names reserved for the registry.
    pub fn check_fields(&self) -> Result<(), SchemaError> {
        match self.properties().iter().find(|name| name.starts_with("$$")) {
            Some(name) => {
                let reason = "Field names cannot start with $$ prefix";
                Err(SchemaError::new(format!("#/properties/{name}: {reason}")))
            }
            None => Ok(()),
        }
    }
}

fn node_type(json: &Json) -> &'static str {
    match json {
        Json::Null => "NULL",
        Json::Bool(_) => "BOOLEAN",
        Json::Number(_) => "NUMBER",
        Json::String(_) => "STRING",
        Json::Array(_) => "ARRAY",
        Json::Object(_) => "OBJECT",
    }
}
