//! A clean segment takes the place of those it was made of, so that a crash at any moment leaves the old ones or the new one.
//!
//! Names are durable only after a sync of the folder, and between two syncs they change in any order. So each step is synced
//! before the next:
//!
//! ```text
//! 1  .index .timeindex .txnindex   .cleaned → .swap
//! 2  .log                          .cleaned → .swap      from here on the new one counts
//! 3  all files of the old segments → .deleted            (the first one's .snapshot stays)
//! 4  .index                        .swap → final         from here on step 3 is known to be over
//! 5  .timeindex .txnindex          .swap → final
//! 6  .log                          .swap → final         done
//! ```
//!
//! After a crash [`finish`] goes on: without a `.log.swap` the round never was; with it, an `.index.swap` means step 3, none
//! means step 5. Which segments are old is read off the new one: all that begin within its offsets. One that begins behind
//! its last batch stays, since of it nothing was kept: the round was not over, and the next one goes over it again.

use std::path::{Path, PathBuf};

use env::{Disk, Entry, Open};
use records::HEADER_SIZE;

use crate::batch;
use crate::error::{Context, LogError, Result};
use crate::names::{self, CLEANED, Kind, SWAP};
use crate::segment::Segment;

/// Steps 1 and 2.
pub(crate) fn commit(disk: &dyn Disk, dir: &Path, cleaned: &Segment) -> Result<()> {
    let base = cleaned.base_offset().0;
    for kind in [Kind::Index, Kind::TimeIndex, Kind::TxnIndex] {
        rename(disk, dir, (base, kind), CLEANED, SWAP)?;
    }
    sync(disk, dir)?;
    rename(disk, dir, (base, Kind::Log), CLEANED, SWAP)?;
    sync(disk, dir)
}

/// Steps 4 to 6.
pub(crate) fn settle(disk: &dyn Disk, dir: &Path, base: i64) -> Result<()> {
    rename(disk, dir, (base, Kind::Index), SWAP, "")?;
    sync(disk, dir)?;
    rename(disk, dir, (base, Kind::TimeIndex), SWAP, "")?;
    rename(disk, dir, (base, Kind::TxnIndex), SWAP, "")?;
    sync(disk, dir)?;
    rename(disk, dir, (base, Kind::Log), SWAP, "")?;
    sync(disk, dir)
}

/// Brings a folder back in order after a crash; whether anything was to do. `entries` is what is in it.
pub(crate) fn finish(disk: &dyn Disk, dir: &Path, entries: &[Entry]) -> Result<bool> {
    let files: Vec<_> = entries.iter().filter_map(|entry| names::parse_segment_file(&entry.name)).collect();
    let is_swap = |base, kind| files.contains(&(base, kind, SWAP));
    let mut found = false;
    for (base, kind, suffix) in &files {
        let aborted = *suffix == CLEANED || (*suffix == SWAP && !is_swap(*base, Kind::Log));
        if aborted {
            found = true;
            remove(disk, &names::with_suffix(&names::segment_file(dir, *base, *kind), suffix))?;
        }
    }
    for (base, ..) in files.iter().filter(|(_, kind, suffix)| *kind == Kind::Log && *suffix == SWAP) {
        found = true;
        if is_swap(*base, Kind::Index) {
            let end =
                end_of(disk, &names::with_suffix(&names::segment_file(dir, *base, Kind::Log), SWAP), *base)?;
            remove_old(disk, dir, &files, *base, end)?;
        }
        settle(disk, dir, *base)?;
    }
    Ok(found)
}

/// Step 3 after a crash, when nobody reads the old files.
fn remove_old(disk: &dyn Disk, dir: &Path, files: &[(i64, Kind, &str)], base: i64, end: i64) -> Result<()> {
    for (old, kind, suffix) in files {
        let keeps_state = *old == base && *kind == Kind::Snapshot;
        if suffix.is_empty() && (base..end).contains(old) && !keeps_state {
            remove(disk, &names::segment_file(dir, *old, *kind))?;
        }
    }
    sync(disk, dir)
}

/// The offset behind the last batch of a file.
fn end_of(disk: &dyn Disk, path: &Path, base: i64) -> Result<i64> {
    let file = disk.open(path, Open::Read).during("open", path)?;
    let len = file.len().during("look at", path)?;
    let mut position = 0;
    let mut end = base + 1;
    while position < len {
        let mut bytes = [0; HEADER_SIZE];
        file.read_exact_at(&mut bytes, position).during("read", path)?;
        let corrupt =
            |reason| LogError::Corrupt { path: path.to_owned(), position, offset: base::Offset(end), reason };
        let header = batch::header(&bytes).map_err(corrupt)?;
        end = header.next_offset().0;
        position += header.size() as u64;
    }
    Ok(end)
}

fn rename(disk: &dyn Disk, dir: &Path, (base, kind): (i64, Kind), from: &str, to: &str) -> Result<()> {
    let plain = names::segment_file(dir, base, kind);
    let name =
        |suffix: &str| if suffix.is_empty() { plain.clone() } else { names::with_suffix(&plain, suffix) };
    let from: PathBuf = name(from);
    match disk.rename(&from, &name(to)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.during("rename", &from),
    }
}

fn remove(disk: &dyn Disk, path: &Path) -> Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.during("remove", path),
    }
}

fn sync(disk: &dyn Disk, dir: &Path) -> Result<()> {
    disk.sync_dir(dir).during("sync", dir)
}
