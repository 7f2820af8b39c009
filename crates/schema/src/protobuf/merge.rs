//! Merging the parts of one option, in bounded steps: each part is compared with each.

use core::cell::Cell;

use base::limits::SCHEMA_COMPARE_STEPS_MAX;

use super::model::{Field, Message, OptionValue};
use crate::SchemaError;

/// Steps that merging may take.
pub(super) struct Steps(Cell<usize>);

impl Default for Steps {
    fn default() -> Self {
        Self(Cell::new(SCHEMA_COMPARE_STEPS_MAX))
    }
}

impl Steps {
    /// Takes so many; `false` once there are none left, and from then on.
    pub fn spend(&self, steps: usize) -> bool {
        self.0.set(self.0.get().saturating_sub(steps));
        self.0.get() > 0
    }

    /// An error if they ran out.
    pub fn enough(&self) -> Result<(), SchemaError> {
        match self.0.get() {
            0 => Err(SchemaError::new("the options are too many to be merged")),
            _ => Ok(()),
        }
    }
}

/// How many fields [`find_field`] looks at.
pub(super) fn fields_count(message: &Message) -> usize {
    message
        .oneofs
        .iter()
        .fold(message.fields.len() + message.oneofs.len(), |sum, oneof| sum + oneof.fields.len())
}

pub(super) fn find_field<'m>(message: &'m Message, name: &str) -> Option<&'m Field> {
    let in_oneofs = message.oneofs.iter().flat_map(|oneof| &oneof.fields);
    message.fields.iter().chain(in_oneofs).find(|field| field.name == name)
}

/// Makes one list of both, each value once.
pub(super) fn gather(slot: &mut OptionValue, value: OptionValue, steps: &Steps) {
    let mut list = match core::mem::replace(slot, OptionValue::List(Vec::new())) {
        OptionValue::List(list) => list,
        single => vec![single],
    };
    match value {
        OptionValue::List(more) => list.extend(more),
        value => list.push(value),
    }
    // Each is compared with each.
    if !steps.spend(list.len().saturating_mul(list.len())) {
        return;
    }
    let mut unique: Vec<OptionValue> = Vec::with_capacity(list.len());
    for item in list {
        if !unique.contains(&item) {
            unique.push(item);
        }
    }
    *slot = OptionValue::List(unique);
}
