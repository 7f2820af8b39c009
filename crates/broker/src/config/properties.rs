//! Java's `.properties` format, as `server.properties` is written in.
//!
//! `key=value`, `key: value` or `key value`; `#` and `!` start a comment; a backslash at a line's end continues it; `\t`, `\n`, `\r`,
//! `\f` and `\uXXXX` are escapes, any other escaped character stands for itself. A later key replaces an earlier one.

use std::collections::BTreeMap;
use std::fmt;
use std::iter::Peekable;
use std::path::Path;
use std::str::Chars;

/// Where a value was set, for messages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A line of a file, counted from 1.
    File {
        /// The file as named by the user.
        path: String,
        /// The line its key starts on.
        line: usize,
    },
    /// `--set key=value`.
    CommandLine,
    /// Set by the program that embeds the broker.
    Embedder,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::CommandLine => f.write_str("--set"),
            Self::Embedder => f.write_str("embedding program"),
        }
    }
}

/// One property: its text and where it came from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Property {
    /// The value, unescaped; trailing blanks kept, as Java keeps them.
    pub value: String,
    /// Where it was set.
    pub origin: Origin,
}

/// All properties set, by key.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Properties(BTreeMap<String, Property>);

impl Properties {
    /// Reads the text of the file at `path`.
    pub fn parse(text: &str, path: &Path) -> Self {
        let mut properties = Self::default();
        for (line, logical) in logical_lines(text) {
            let (key, value) = split(&logical);
            let origin = Origin::File { path: path.display().to_string(), line };
            properties.0.insert(key, Property { value, origin });
        }
        properties
    }

    /// Sets one property, replacing any earlier.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<String>, origin: Origin) {
        self.0.insert(key.into(), Property { value: value.into(), origin });
    }

    /// The property of this key.
    pub fn get(&self, key: &str) -> Option<&Property> {
        self.0.get(key)
    }

    /// All, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Property)> {
        self.0.iter().map(|(key, property)| (key.as_str(), property))
    }
}

/// Lines with continuations joined, comments and blanks dropped, each with the number of its first line.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut logical = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let mut joined = line.trim_start().to_owned();
        if joined.is_empty() || joined.starts_with(['#', '!']) {
            continue;
        }
        while ends_in_odd_backslashes(&joined) {
            joined.pop();
            let Some((_, next)) = lines.next() else { break };
            joined.push_str(next.trim_start());
        }
        logical.push((index + 1, joined));
    }
    logical
}

fn ends_in_odd_backslashes(line: &str) -> bool {
    line.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1
}

fn split(line: &str) -> (String, String) {
    let mut chars = line.chars().peekable();
    let mut key = String::new();
    while let Some(next) = chars.next_if(|next| !matches!(next, '=' | ':') && !next.is_whitespace()) {
        key.push(unescape(next, &mut chars));
    }
    while chars.next_if(|next| next.is_whitespace()).is_some() {}
    if chars.next_if(|next| matches!(next, '=' | ':')).is_some() {
        while chars.next_if(|next| next.is_whitespace()).is_some() {}
    }
    let mut value = String::new();
    while let Some(next) = chars.next() {
        value.push(unescape(next, &mut chars));
    }
    (key, value)
}

fn unescape(first: char, rest: &mut Peekable<Chars<'_>>) -> char {
    if first != '\\' {
        return first;
    }
    match rest.next() {
        Some('t') => '\t',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('f') => '\u{c}',
        Some('u') => {
            let digits: String = (0..4).map_while(|_| rest.next_if(char::is_ascii_hexdigit)).collect();
            u32::from_str_radix(&digits, 16)
                .ok()
                .and_then(char::from_u32)
                .unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        Some(other) => other,
        None => '\\',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_java_reads() {
        for (text, expected) in [
            ("a=b", vec![("a", "b")]),
            ("a = b \n", vec![("a", "b ")]),
            ("a: b\nc d", vec![("a", "b"), ("c", "d")]),
            ("# no\n  ! no\n\n a=1", vec![("a", "1")]),
            ("a=x\\\n   y", vec![("a", "xy")]),
            ("a=x\\\\\nb=2", vec![("a", "x\\"), ("b", "2")]),
            ("a\\ b=c\\u0041\\t", vec![("a b", "cA\t")]),
            ("listeners=A://h:1,B://:2", vec![("listeners", "A://h:1,B://:2")]),
            ("a=1\na=2", vec![("a", "2")]),
            ("empty", vec![("empty", "")]),
            ("a=\\", vec![("a", "")]),
            ("a=\\uzz", vec![("a", "\u{fffd}zz")]),
        ] {
            let properties = Properties::parse(text, Path::new("f"));
            let read: Vec<_> =
                properties.iter().map(|(key, property)| (key, property.value.as_str())).collect();
            assert_eq!(read, expected, "{text:?}");
        }
    }

    #[test]
    fn remembers_the_line() {
        let properties = Properties::parse("\n# c\na=1\\\n2\nb=3", Path::new("server.properties"));
        assert_eq!(properties.get("a").unwrap().origin.to_string(), "server.properties:3");
        assert_eq!(properties.get("b").unwrap().origin.to_string(), "server.properties:5");
    }
}
