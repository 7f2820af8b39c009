//! Truncations that are under way: what is to go, written durably before the first byte does.
//!
//! A truncation takes committed records away, in several files. Were the power to go in the middle, what is left would look like
//! rot, or old records would stand behind new ones. So the partition's folder says first how far the log is to go back; the first
//! opening after a crash finishes that. The file goes once the truncation's frame is no longer needed (see [`crate::Committer`]);
//! a frame that is found at replay stands for its file.
//!
//! ```text
//! <16 hex digits>.truncating: magic "MKTRUNCA" │ version u32 = 1 │ restart u32 (0, 1) │ offset i64 │ crc64 u64 of all before
//! ```

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use base::Offset;
use env::{Disk, Random};

use crate::commit::crc64;
use crate::error::{Context, LogError, Result};
use crate::planted::{self, Bug};

const ENDING: &str = ".truncating";
const MAGIC: [u8; 8] = *b"MKTRUNCA";
const VERSION: u32 = 1;

/// A truncation that was decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Intent {
    /// What its frame names it by; positive.
    pub id: i64,
    /// The log's new end.
    pub offset: i64,
    /// Everything goes, and the log begins anew at the offset.
    pub restart: bool,
}

impl Intent {
    /// Decides a truncation, durably.
    pub fn write(
        disk: &dyn Disk,
        dir: &Path,
        random: &dyn Random,
        offset: i64,
        restart: bool,
    ) -> Result<Self> {
        let intent = Self { id: (random.next_u64() >> 1) as i64, offset, restart };
        if planted::has(Bug::NoTruncationIntent) {
            return Ok(intent);
        }
        let path = path(dir, intent.id);
        disk.replace(&path, &intent.encode()).during("write", &path)?;
        Ok(intent)
    }

    fn encode(&self) -> Vec<u8> {
        let (version, restart) = (VERSION.to_be_bytes(), u32::from(self.restart).to_be_bytes());
        let mut bytes = [&MAGIC[..], &version, &restart, &self.offset.to_be_bytes()].concat();
        bytes.extend_from_slice(&crc64(&bytes).to_be_bytes());
        bytes
    }

    fn decode(id: i64, bytes: &[u8]) -> Option<Self> {
        let (before, check) = bytes.split_last_chunk()?;
        let rest = before.strip_prefix(&MAGIC)?.strip_prefix(&VERSION.to_be_bytes())?;
        let (restart, rest) = rest.split_first_chunk()?;
        let offset = i64::from_be_bytes(rest.try_into().ok()?);
        let sound = u64::from_be_bytes(*check) == crc64(before);
        sound.then_some(Self { id, offset, restart: u32::from_be_bytes(*restart) == 1 })
    }
}

fn path(dir: &Path, id: i64) -> PathBuf {
    dir.join(format!("{id:016x}{ENDING}"))
}

/// The truncations that are under way in a folder.
pub(crate) fn all(disk: &dyn Disk, dir: &Path) -> Result<Vec<Intent>> {
    let mut intents = Vec::new();
    for entry in disk.list(dir).during("list", dir)? {
        let id = entry.name.strip_suffix(ENDING).and_then(|id| i64::from_str_radix(id, 16).ok());
        let Some(id) = id else { continue };
        let path = dir.join(&entry.name);
        let bytes = disk.read(&path).during("read", &path)?;
        let intent = Intent::decode(id, &bytes).ok_or(LogError::Corrupt {
            path,
            position: 0,
            offset: Offset(-1),
            reason: "it does not say which truncation was under way",
        })?;
        intents.push(intent);
    }
    Ok(intents)
}

/// A truncation is no longer under way; durable with the folder's next sync. Whether it was until now.
pub(crate) fn remove(disk: &dyn Disk, dir: &Path, id: i64) -> Result<bool> {
    let path = path(dir, id);
    match disk.remove(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(LogError::io("remove", &path, error)),
    }
}

/// A log begins anew: what was under way in its folder before does not matter any more, and must not be taken for what is.
pub(crate) fn supersede(disk: &dyn Disk, dir: &Path, by: i64) -> Result<()> {
    let earlier: Vec<_> = all(disk, dir)?.into_iter().filter(|intent| intent.id != by).collect();
    if earlier.is_empty() {
        return Ok(());
    }
    earlier.iter().try_for_each(|intent| remove(disk, dir, intent.id).map(|_| ()))?;
    disk.sync_dir(dir).during("sync", dir)
}

#[cfg(test)]
mod tests {
    use super::*;
    use env::{SeededRandom, SimDisk};

    #[test]
    fn truncations_under_way_are_found_until_they_are_removed() {
        let disk = SimDisk::new();
        let (dir, random) = (Path::new("/p"), SeededRandom::new(1));
        disk.create_dir_all(dir).unwrap();
        disk.sync_dir("/".as_ref()).unwrap();
        let cut = Intent::write(&disk, dir, &random, 50, false).unwrap();
        let restart = Intent::write(&disk, dir, &random, 900, true).unwrap();
        disk.crash(3);
        let found = all(&disk, dir).unwrap();
        assert!(found.len() == 2 && found.contains(&cut) && found.contains(&restart), "{found:?}");
        assert!(remove(&disk, dir, cut.id).unwrap() && !remove(&disk, dir, cut.id).unwrap());
        assert_eq!(all(&disk, dir).unwrap(), [restart]);
        disk.rot(&path(dir, restart.id), 20, 1);
        assert!(matches!(all(&disk, dir), Err(LogError::Corrupt { .. })));
    }
}
