//! The sentences that explain a difference, in the registry's words, and what would make the change compatible, in ours.

use super::JsonDifference;
use super::kinds::Sentence;

impl JsonDifference {
    /// What is wrong, between the schema called `update` and the one called `original` ("new" and "old", or the reverse).
    pub fn description(&self, update: &str, original: &str) -> String {
        let path = &self.path;
        match self.kind.sentence() {
            Sentence::None => String::new(),
            Sentence::Keyword => format!(
                "The keyword at path '{path}' in the {update} schema is not present in the {original} schema"
            ),
            Sentence::More => format!(
                "The value at path '{path}' in the {update} schema is more than its value in the {original} schema"
            ),
            Sentence::Less => format!(
                "The value at path '{path}' in the {update} schema is less than its value in the {original} schema"
            ),
            Sentence::Different => {
                format!("The value at path '{path}' is different between the {update} and {original} schema")
            }
            Sentence::Fewer => format!(
                "An array or combined type at path '{path}' has fewer elements in the {update} schema than the \
                 {original} schema"
            ),
            Sentence::Further => format!(
                "An array or combined type at path '{path}' has more elements in the {update} schema than the \
                 {original} schema"
            ),
            Sentence::Type => {
                format!(
                    "A type at path '{path}' is different between the {update} schema and the {original} schema"
                )
            }
            Sentence::AddedToOpen => format!(
                "The {update} schema has an open content model and has a property or item at path '{path}' which is \
                 missing in the {original} schema"
            ),
            Sentence::RequiredInUnopen => format!(
                "The {update} schema has an unopen content model and has a required property at path '{path}' which \
                 is missing in the {original} schema"
            ),
            Sentence::RemovedFromClosed => format!(
                "The {update} has a closed content model and is missing a property or item present at path '{path}' \
                 in the {original} schema"
            ),
            Sentence::RemovedUncovered => format!(
                "A property or item is missing in the {update} schema but present at path '{path}' in the {original} \
                 schema and is not covered by its partially open content model"
            ),
            Sentence::AddedUncovered => format!(
                "The {update} schema has a property or item at path '{path}' which is missing in the {original} \
                 schema and is not covered by its partially open content model"
            ),
            Sentence::ReservedRemoved => format!(
                "The {update} schema has reserved property '{path}' removed from its metadata which is present in \
                 the {original} schema."
            ),
            Sentence::ReservedConflict => format!(
                "The {update} schema has property at path '{path}' that conflicts with the reserved properties which \
                 is missing in the {original} schema."
            ),
        }
    }

    /// The change to the new schema that would make it compatible. `new_reads`: whether the new schema is the one that
    /// must accept the other's data.
    pub fn remedy(&self, new_reads: bool) -> String {
        let path = &self.path;
        match (self.kind.sentence(), new_reads) {
            (Sentence::None, _) => format!("Keep '{path}' as the old schema has it."),
            (Sentence::Keyword, true) => format!("Remove the keyword at '{path}' from the new schema."),
            (Sentence::Keyword, false) => format!("Keep the keyword at '{path}' in the new schema."),
            (Sentence::More, true) => {
                format!("Lower the value at '{path}' to that of the old schema or below.")
            }
            (Sentence::More, false) => {
                format!("Raise the value at '{path}' to that of the old schema or above.")
            }
            (Sentence::Less, true) => {
                format!("Raise the value at '{path}' to that of the old schema or above.")
            }
            (Sentence::Less, false) => {
                format!("Lower the value at '{path}' to that of the old schema or below.")
            }
            (Sentence::Different, _) => format!("Keep the value at '{path}' as the old schema has it."),
            (Sentence::Fewer, true) => {
                format!("Let '{path}' allow everything that the old schema allows there.")
            }
            (Sentence::Fewer, false) => {
                format!("Let '{path}' allow nothing that the old schema does not allow there.")
            }
            (Sentence::Further, true) => format!("Remove the restriction added at '{path}'."),
            (Sentence::Further, false) => {
                format!("Keep every restriction that the old schema has at '{path}'.")
            }
            (Sentence::Type, true) => {
                format!("Keep the type at '{path}', or allow the old one beside the new one with oneOf.")
            }
            (Sentence::Type, false) => format!("Keep the type at '{path}'."),
            (Sentence::AddedToOpen, true) => format!(
                "Give '{path}' the empty schema, or close the content model (additionalProperties: false) in a version \
                 before the one that adds it, or set the compatibility policy to LENIENT and leave it optional."
            ),
            (Sentence::AddedToOpen, false) => format!(
                "Keep '{path}', or close the content model (additionalProperties: false) before removing it."
            ),
            (Sentence::RequiredInUnopen, true) => format!("Leave '{path}' optional, or give it a default."),
            (Sentence::RequiredInUnopen, false) => format!("Keep '{path}' in the new schema."),
            (Sentence::RemovedFromClosed, true) => {
                format!("Keep '{path}', or open the content model so that it may still occur.")
            }
            (Sentence::RemovedFromClosed, false) => {
                format!("Leave '{path}' out until the old schema is no longer used to read.")
            }
            (Sentence::RemovedUncovered | Sentence::AddedUncovered, _) => format!(
                "Let the schema at '{path}' and the one that covers undeclared properties or items accept the same."
            ),
            (Sentence::ReservedRemoved, _) => format!("Keep '{path}' among the reserved properties."),
            (Sentence::ReservedConflict, _) => format!("Choose another name: '{path}' is reserved."),
        }
    }
}
