//! Merging the parts of one option, `(o).a = 1` and `(o).b = 2`, into one value: each part is looked at once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::model::{Field, Label, Message, OptionValue};
use super::scope::Scope;
use super::wellknown::META_REPEATED;

type Fields<'a> = Rc<BTreeMap<&'a str, &'a Field>>;

/// What merging has looked up, so that the number of parts does not multiply the size of messages and of names.
#[derive(Default)]
pub(super) struct Merger<'a> {
    fields: RefCell<BTreeMap<*const Message, Fields<'a>>>,
    messages: RefCell<BTreeMap<*const Field, Option<&'a Message>>>,
}

/// What the members of a message are.
#[derive(Clone, Copy)]
enum Container<'a> {
    Unknown,
    /// A bundled option of Confluent's.
    Meta,
    Message(&'a Message),
}

impl<'a> Merger<'a> {
    /// The values of one option in their order, as one; `field` is its extension, none for a bundled one.
    pub fn merged(
        &self,
        scope: &Scope<'a>,
        field: Option<&'a Field>,
        values: Vec<OptionValue>,
    ) -> Option<OptionValue> {
        let container = field.map_or(Container::Meta, |field| self.message_of(scope, field));
        self.single(scope, container, values)
    }

    /// Values of what occurs once: the last counts, and messages are merged.
    fn single(
        &self,
        scope: &Scope<'a>,
        container: Container<'a>,
        values: Vec<OptionValue>,
    ) -> Option<OptionValue> {
        let mut maps: Vec<Vec<(String, OptionValue)>> = Vec::new();
        let mut last = None;
        for value in values {
            match value {
                OptionValue::Map(entries) => {
                    last = None;
                    maps.push(entries);
                }
                other => {
                    maps.clear();
                    last = Some(other);
                }
            }
        }
        match last {
            Some(value) => Some(value),
            None if maps.len() == 1 => maps.pop().map(OptionValue::Map),
            None if maps.is_empty() => None,
            None => Some(OptionValue::Map(self.maps(scope, container, maps))),
        }
    }

    fn maps(
        &self,
        scope: &Scope<'a>,
        container: Container<'a>,
        maps: Vec<Vec<(String, OptionValue)>>,
    ) -> Vec<(String, OptionValue)> {
        let mut members: BTreeMap<String, Vec<OptionValue>> = BTreeMap::new();
        for (key, value) in maps.into_iter().flatten() {
            members.entry(key).or_default().push(value);
        }
        let merged = members.into_iter().filter_map(|(key, values)| {
            let value = match <[OptionValue; 1]>::try_from(values) {
                Ok([only]) => Some(only),
                Err(values) => self.member(scope, container, &key, values),
            };
            value.map(|value| (key, value))
        });
        merged.collect()
    }

    fn member(
        &self,
        scope: &Scope<'a>,
        container: Container<'a>,
        key: &str,
        values: Vec<OptionValue>,
    ) -> Option<OptionValue> {
        let (field, single) = match container {
            Container::Unknown => (None, false),
            Container::Meta => (None, !META_REPEATED.contains(&key)),
            Container::Message(message) => {
                let field = self.fields_of(message).get(key).copied();
                (field, field.is_some_and(|field| field.label != Some(Label::Repeated)))
            }
        };
        if !single {
            return Some(gathered(values));
        }
        let inner = field.map_or(Container::Unknown, |field| self.message_of(scope, field));
        self.single(scope, inner, values)
    }

    fn fields_of(&self, message: &'a Message) -> Fields<'a> {
        let collect = || {
            let in_oneofs = message.oneofs.iter().flat_map(|oneof| &oneof.fields);
            let mut fields = BTreeMap::new();
            for field in message.fields.iter().chain(in_oneofs) {
                fields.entry(field.name.as_str()).or_insert(field);
            }
            Rc::new(fields)
        };
        Rc::clone(self.fields.borrow_mut().entry(message).or_insert_with(collect))
    }

    fn message_of(&self, scope: &Scope<'a>, field: &'a Field) -> Container<'a> {
        let find = || scope.get(&scope.resolve(&field.kind, scope.package())?)?.message();
        let message = *self.messages.borrow_mut().entry(field).or_insert_with(find);
        message.map_or(Container::Unknown, Container::Message)
    }
}

/// One list of all values and of those in lists, each once; a list of one is the one, as it is where it was written so.
fn gathered(values: Vec<OptionValue>) -> OptionValue {
    let mut all = Vec::new();
    for value in values {
        match value {
            OptionValue::List(list) => all.extend(list),
            value => all.push(value),
        }
    }
    let mut seen = BTreeSet::new();
    let first: Vec<bool> = all.iter().map(|value| seen.insert(value)).collect();
    let unique = all.into_iter().zip(first).filter_map(|(value, first)| first.then_some(value));
    match <[OptionValue; 1]>::try_from(unique.collect::<Vec<_>>()) {
        Ok([only]) => only,
        Err(several) => OptionValue::List(several),
    }
}
