//! JSON as schemas need it: keys keep their order, numbers keep their spelling, depth is bounded.
//!
//! A duplicate key takes the last value and keeps the first place, as the Java registry's parser does.

mod double;
mod number;
mod object;
mod parse;
mod print;
#[cfg(test)]
mod tests;

pub use double::{java_double, java_float};
pub use number::{Decimal, Number};
pub use object::Object;
pub use parse::{Dialect, JsonError, parse, parse_with};
pub use print::{Spelling, escape_into};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, by its literal.
    Number(Number),
    /// A string, unescaped.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object, keys in their order.
    Object(Object),
}

impl Json {
    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Json::String(text) = self { Some(text) } else { None }
    }

    /// The members of an object.
    pub fn as_object(&self) -> Option<&Object> {
        if let Json::Object(object) = self { Some(object) } else { None }
    }

    /// The elements of an array.
    pub fn as_array(&self) -> Option<&[Json]> {
        if let Json::Array(items) = self { Some(items) } else { None }
    }

    /// A truth value.
    pub fn as_bool(&self) -> Option<bool> {
        if let Json::Bool(value) = self { Some(*value) } else { None }
    }

    /// A number.
    pub fn as_number(&self) -> Option<&Number> {
        if let Json::Number(number) = self { Some(number) } else { None }
    }

    /// The member of that name, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.as_object()?.get(key)
    }

    /// As [`Self::get`], to be changed in its place.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        if let Json::Object(object) = self { object.get_mut(key) } else { None }
    }

    /// A text that equal values share and others do not: numbers by value, objects in any order.
    pub fn value_key(&self) -> String {
        self.sorted().spelled(Spelling::Value)
    }

    /// The same value with the keys of every object sorted by code point.
    #[must_use]
    pub fn sorted(&self) -> Json {
        match self {
            Json::Array(items) => Json::Array(items.iter().map(Json::sorted).collect()),
            Json::Object(object) => {
                let mut entries: Vec<(String, Json)> =
                    object.iter().map(|(key, value)| (key.to_owned(), value.sorted())).collect();
                entries.sort_by(|a, b| utf16_order(&a.0, &b.0));
                Json::Object(Object::from_unique(entries))
            }
            other => other.clone(),
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Json::String(text.to_owned())
    }
}

/// Java's order of strings: by UTF-16 code unit.
pub fn utf16_order(a: &str, b: &str) -> core::cmp::Ordering {
    a.encode_utf16().cmp(b.encode_utf16())
}
