//! What a comparison has found, bounded in bytes: paths hold names of any length.

use crate::SchemaError;

use super::{ProtoDifference, ProtoDifferenceKind as Kind};

/// So many bytes of paths are collected before the comparison gives up.
const PATH_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Copying so many bytes counts as one step.
const BYTES_A_STEP: usize = 64;

/// Differences in the order in which they were found.
#[derive(Default)]
pub(super) struct Findings {
    pub list: Vec<ProtoDifference>,
    bytes: usize,
}

impl Findings {
    /// An error if there were more than are collected.
    pub fn check(&self) -> Result<(), SchemaError> {
        match self.bytes > PATH_BYTES_MAX {
            true => Err(SchemaError::new("schemas too complex to compare")),
            false => Ok(()),
        }
    }

    /// Beyond the bound they are counted only.
    pub fn add(&mut self, path: &str, kind: Kind) {
        self.bytes += path.len();
        if self.bytes <= PATH_BYTES_MAX {
            self.list.push(ProtoDifference { kind, path: format!("#/{path}") });
        }
    }

    /// As [`Self::add`], for a name in `path`; beyond the bound nothing is written of it either.
    pub fn add_in(&mut self, path: &str, name: &str, kind: Kind) {
        match self.bytes + path.len() + name.len() < PATH_BYTES_MAX {
            true => self.add(&format!("{path}/{name}"), kind),
            false => self.bytes += path.len() + name.len() + 1,
        }
    }

    pub fn take_over(&mut self, found: Vec<ProtoDifference>) {
        self.bytes += found.iter().map(|one| one.path.len()).sum::<usize>();
        if self.bytes <= PATH_BYTES_MAX {
            self.list.extend(found);
        }
    }
}

/// What it costs to copy them, in steps.
pub(super) fn weight(found: &[ProtoDifference]) -> usize {
    found.iter().map(|one| 1 + one.path.len() / BYTES_A_STEP).sum()
}
