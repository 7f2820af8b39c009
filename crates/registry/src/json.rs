//! Building JSON in a given order, and reading members leniently.

use schema::json::{Json, Number, Object};

/// An object being built. Members that say nothing are left out, as the registry's answers leave them out.
#[derive(Default)]
pub(crate) struct Members(Vec<(String, Json)>);

impl Members {
    pub fn put(mut self, key: &str, value: Json) -> Self {
        self.0.push((key.to_owned(), value));
        self
    }

    pub fn text(self, key: &str, value: &str) -> Self {
        self.put(key, Json::from(value))
    }

    pub fn int(self, key: &str, value: impl Into<i64>) -> Self {
        self.put(key, Json::Number(Number::from(value.into())))
    }

    pub fn bool(self, key: &str, value: bool) -> Self {
        self.put(key, Json::Bool(value))
    }

    /// The member, if there is a value for it.
    pub fn some(self, key: &str, value: Option<Json>) -> Self {
        match value {
            Some(value) => self.put(key, value),
            None => self,
        }
    }

    pub fn build(self) -> Json {
        Json::Object(Object::from_entries(self.0))
    }
}

/// A list of numbers.
pub(crate) fn numbers(list: impl IntoIterator<Item = i32>) -> Json {
    Json::Array(list.into_iter().map(|n| Json::Number(Number::from(i64::from(n)))).collect())
}

/// A list of texts.
pub(crate) fn texts<T: AsRef<str>>(list: impl IntoIterator<Item = T>) -> Json {
    Json::Array(list.into_iter().map(|text| Json::from(text.as_ref())).collect())
}

/// A member that is there and not null.
pub(crate) fn member<'a>(json: &'a Json, key: &str) -> Option<&'a Json> {
    json.get(key).filter(|value| **value != Json::Null)
}

/// A member that is text.
pub(crate) fn text<'a>(json: &'a Json, key: &str) -> Option<&'a str> {
    member(json, key).and_then(Json::as_str)
}

/// A member that is a whole number of 32 bits, be it written as text: the Java registry reads that too.
pub(crate) fn int(json: &Json, key: &str) -> Option<i32> {
    match member(json, key)? {
        Json::Number(number) => number.as_i64().and_then(|n| i32::try_from(n).ok()),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// What the Java registry reads as text: text, and numbers and booleans as they are written.
pub(crate) fn scalar(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.literal().to_owned()),
        Json::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

/// What the Java registry reads as a boolean: `true`, "true", and numbers, of which 0 is false.
pub(crate) fn boolean(json: &Json) -> Option<bool> {
    match json {
        Json::Bool(value) => Some(*value),
        Json::String(text) => match text.trim() {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        },
        Json::Number(number) => number.as_i64().map(|number| number != 0),
        _ => None,
    }
}
