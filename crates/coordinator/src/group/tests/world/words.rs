//! The words of a script's commands, and what they stand for on the wire.

use std::vec;
use std::vec::Vec;

use base::Str;
use wire::messages::join_group::JoinGroupRequestProtocol;

/// The words of a command: what it is about, and `key=value` pairs.
pub struct Words<'a> {
    pub plain: Vec<&'a str>,
    pub pairs: Vec<(&'a str, &'a str)>,
}

impl<'a> Words<'a> {
    pub fn of(words: impl Iterator<Item = &'a str>) -> Self {
        let mut parsed = Self { plain: Vec::new(), pairs: Vec::new() };
        for word in words {
            match word.split_once('=') {
                Some(pair) => parsed.pairs.push(pair),
                None => parsed.plain.push(word),
            }
        }
        parsed
    }

    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.pairs.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    pub fn number<T: core::str::FromStr>(&self, key: &str, default: T) -> T {
        self.get(key).map_or(default, |value| value.parse().ok().unwrap_or_else(|| panic!("{key}={value}")))
    }

    pub fn text(&self, key: &str, default: &str) -> Str {
        Str::from(self.get(key).unwrap_or(default))
    }

    /// `topic/partition`, with what stands after `=`.
    pub fn places(&self) -> Vec<(&'a str, i32, &'a str)> {
        let plain = self.plain.iter().map(|word| (*word, ""));
        let all = self.pairs.iter().copied().chain(plain);
        all.filter_map(|(place, value)| {
            let (topic, partition) = place.split_once('/')?;
            Some((topic, partition.parse().unwrap(), value))
        })
        .collect()
    }
}

pub fn protocol(text: &str, kind: &Str) -> JoinGroupRequestProtocol {
    let (name, what) = text.split_once(':').unwrap_or((text, ""));
    let metadata = if *kind == "consumer" { subscription(what) } else { what.as_bytes().to_vec() };
    JoinGroupRequestProtocol { name: name.into(), metadata: metadata.into() }
}

/// A consumer's subscription, version 0; `!` is one that cannot be read.
fn subscription(topics: &str) -> Vec<u8> {
    let topics: Vec<&str> = topics.split('+').filter(|topic| !topic.is_empty()).collect();
    if topics == ["!"] {
        return vec![0];
    }
    let mut bytes = vec![0, 0];
    bytes.extend((topics.len() as u32).to_be_bytes());
    for topic in topics {
        bytes.extend((topic.len() as u16).to_be_bytes());
        bytes.extend(topic.bytes());
    }
    bytes.extend([0xff; 4]);
    bytes
}
