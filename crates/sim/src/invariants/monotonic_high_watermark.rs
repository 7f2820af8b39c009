//! MonotonicHighWatermark: a leader's high watermark never goes back within its epoch.

use super::{Shadow, Verdict};

pub(super) fn check(shadow: &mut Shadow, epoch: i32, offset: i64) -> Verdict {
    match shadow.high_watermarks.insert(epoch, offset) {
        Some(before) if before > offset => Err(format!("{before} and then {offset} in epoch {epoch}")),
        _ => Ok(()),
    }
}
