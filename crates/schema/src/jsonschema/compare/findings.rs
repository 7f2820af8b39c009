//! What the comparison of one pair has found, with paths relative to the pair.

use super::super::JsonDifference;
use super::super::JsonDifferenceKind as Kind;
use super::BYTES_A_STEP;

/// What a comparison of one pair collects.
#[derive(Default)]
pub(super) struct Findings(pub Vec<JsonDifference>);

/// What it costs to keep them, in steps: their paths hold names of any length.
pub(super) fn weight(found: &[JsonDifference]) -> usize {
    found.iter().map(|one| 1 + one.path.len() / BYTES_A_STEP).sum()
}

impl Findings {
    pub fn here(&mut self, kind: Kind) {
        self.at("", kind);
    }

    pub fn at(&mut self, path: &str, kind: Kind) {
        self.0.push(JsonDifference { kind, path: path.to_owned() });
    }

    pub fn under(&mut self, prefix: &str, found: &[JsonDifference]) {
        for difference in found {
            let path = match (prefix, difference.path.as_str()) {
                ("", path) => path.to_owned(),
                (prefix, "") => prefix.to_owned(),
                (prefix, path) => format!("{prefix}/{path}"),
            };
            self.0.push(JsonDifference { kind: difference.kind, path });
        }
    }

    /// A limit that may come, go, rise or fall; `kinds` in that order.
    pub fn limit<T: PartialOrd>(
        &mut self,
        path: &str,
        original: Option<&T>,
        update: Option<&T>,
        kinds: [Kind; 4],
    ) {
        let [added, removed, increased, decreased] = kinds;
        match (original, update) {
            (None, Some(_)) => self.at(path, added),
            (Some(_), None) => self.at(path, removed),
            (Some(a), Some(b)) if a < b => self.at(path, increased),
            (Some(a), Some(b)) if a > b => self.at(path, decreased),
            _ => {}
        }
    }
}
