//! Kafka's checkpoint files: text, replaced as a whole.
//!
//! ```text
//! 0                      version
//! 2                      lines that follow
//! orders 0 4711          <topic> <partition> <offset>
//! orders 1 1234
//! ```

use std::fmt::Write;
use std::path::Path;

use base::Offset;
use env::{Disk, Open};

use crate::error::{Context, LogError, Result};

/// Below which offset all is durable in the segments.
pub const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
/// The high watermarks.
pub const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";
/// The first offsets that may be read.
pub const LOG_STARTS: &str = "log-start-offset-checkpoint";
/// Up to where the cleaner has been.
pub const CLEANED: &str = "cleaner-offset-checkpoint";

/// One line of the files that speak of partitions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionOffset {
    /// The topic's name.
    pub topic: String,
    /// The partition's index.
    pub partition: i32,
    /// What the file says of it.
    pub offset: Offset,
}

/// The lines of a checkpoint file, without its head; none when the file is not there.
pub fn read(disk: &dyn Disk, path: &Path) -> Result<Vec<String>> {
    let bytes = match disk.read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.during("read", path)?,
    };
    let corrupt =
        |reason| LogError::Corrupt { path: path.to_owned(), position: 0, offset: Offset(-1), reason };
    let text = str::from_utf8(&bytes).map_err(|_| corrupt("it is not text"))?;
    let mut lines = text.lines().map(str::trim);
    if lines.next() != Some("0") {
        return Err(corrupt("its version is not 0"));
    }
    let count: usize =
        lines.next().and_then(|line| line.parse().ok()).ok_or_else(|| corrupt("it has no count"))?;
    let lines: Vec<_> = lines.filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if lines.len() == count { Ok(lines) } else { Err(corrupt("its lines are not as many as it says")) }
}

/// The text of a checkpoint file.
pub fn text(lines: impl Iterator<Item = String>) -> String {
    let mut body = String::new();
    let mut count = 0;
    for line in lines {
        body.push_str(&line);
        body.push('\n');
        count += 1;
    }
    let mut text = String::new();
    // Writing into a string cannot fail.
    let _ = write!(text, "0\n{count}\n{body}");
    text
}

/// The partitions of a checkpoint file.
pub fn read_partitions(disk: &dyn Disk, path: &Path) -> Result<Vec<PartitionOffset>> {
    let parse = |line: &String| {
        let mut words = line.split(' ');
        let entry = PartitionOffset {
            topic: words.next()?.to_owned(),
            partition: words.next()?.parse().ok()?,
            offset: Offset(words.next()?.parse().ok()?),
        };
        words.next().is_none().then_some(entry)
    };
    let bad = || LogError::Corrupt {
        path: path.to_owned(),
        position: 0,
        offset: Offset(-1),
        reason: "a line is not a topic, a partition and an offset",
    };
    read(disk, path)?.iter().map(|line| parse(line).ok_or_else(bad)).collect()
}

/// Replaces a checkpoint file, durably.
pub fn write_partitions(disk: &dyn Disk, path: &Path, entries: &[PartitionOffset]) -> Result<()> {
    let lines = entries.iter().map(|entry| format!("{} {} {}", entry.topic, entry.partition, entry.offset));
    disk.replace(path, text(lines).as_bytes()).during("write", path)
}

/// Replaces a small file that need not be durable yet: after a crash the old, the new, or (without power) neither is there.
pub(crate) fn replace_lazily(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<()> {
    let aside = crate::names::with_suffix(path, ".tmp");
    let file = disk.open(&aside, Open::Truncate).during("create", &aside)?;
    file.write_all_at(bytes, 0).during("write", &aside)?;
    disk.rename(&aside, path).during("rename", &aside)
}
