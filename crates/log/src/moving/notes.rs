//! Which partitions moved into a directory and are not certain to be gone from where they were.
//!
//! ```text
//! mekong-moves: magic "MKMOVING" │ version u32 = 1 │ count u32 │ entries │ crc64 u64 of all before
//! entry: topic id 16 │ partition i32 │ id of the directory it came from 16 │ name's length u16 │ folder's name
//! ```
//!
//! An entry counts only where the directory has the folder: it is written before the folder gets its name.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::{Offset, TopicId, TopicIdPartition, Uuid};
use env::Disk;

use crate::commit::crc64;
use crate::error::{Context, LogError, Result};

const NAME: &str = "mekong-moves";
const MAGIC: [u8; 8] = *b"MKMOVING";
const VERSION: u32 = 1;

/// One partition that moved in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct MoveNote {
    /// The directory that it came from.
    pub from: Uuid,
    /// Its folder's name.
    pub folder: String,
}

type Notes = BTreeMap<TopicIdPartition, MoveNote>;

/// The notes of one directory.
#[derive(Debug, Default)]
pub(crate) struct MoveNotes(Mutex<Notes>);

impl MoveNotes {
    pub fn read(disk: &dyn Disk, dir: &Path) -> Result<Self> {
        let path = dir.join(NAME);
        let bytes = match disk.read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            other => other.during("read", &path)?,
        };
        let corrupt =
            |reason| LogError::Corrupt { path: path.clone(), position: 0, offset: Offset(-1), reason };
        Ok(Self(Mutex::new(decode(&bytes).map_err(corrupt)?)))
    }

    pub fn all(&self) -> Notes {
        self.lock().clone()
    }

    pub fn has(&self, key: TopicIdPartition) -> bool {
        self.lock().contains_key(&key)
    }

    /// Adds a note, durably.
    pub fn add(&self, disk: &dyn Disk, dir: &Path, key: TopicIdPartition, note: MoveNote) -> Result<()> {
        let mut notes = self.lock();
        notes.insert(key, note);
        let written = write(disk, dir, &notes);
        if written.is_err() {
            notes.remove(&key);
        }
        written
    }

    /// Removes notes, durably.
    pub fn remove(&self, disk: &dyn Disk, dir: &Path, keys: &[TopicIdPartition]) -> Result<()> {
        let mut notes = self.lock();
        let before = notes.len();
        notes.retain(|key, _| !keys.contains(key));
        if notes.len() == before { Ok(()) } else { write(disk, dir, &notes) }
    }

    fn lock(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(disk: &dyn Disk, dir: &Path, notes: &Notes) -> Result<()> {
    let path = dir.join(NAME);
    disk.replace(&path, &encode(notes)).during("write", &path)
}

fn encode(notes: &Notes) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_be_bytes());
    bytes.extend_from_slice(&(notes.len() as u32).to_be_bytes());
    for (key, note) in notes {
        bytes.extend_from_slice(&key.topic.0.0);
        bytes.extend_from_slice(&key.partition.to_be_bytes());
        bytes.extend_from_slice(&note.from.0);
        bytes.extend_from_slice(&(note.folder.len() as u16).to_be_bytes());
        bytes.extend_from_slice(note.folder.as_bytes());
    }
    let check = crc64(&bytes);
    bytes.extend_from_slice(&check.to_be_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Result<Notes, &'static str> {
    let (before, check) = bytes.split_last_chunk().ok_or("it is cut off")?;
    if crc64(before) != u64::from_be_bytes(*check) {
        return Err("its checksum does not match");
    }
    let rest = before.strip_prefix(&MAGIC).ok_or("it is of another kind")?;
    let (version, rest) = rest.split_first_chunk().ok_or("it is cut off")?;
    if u32::from_be_bytes(*version) != VERSION {
        return Err("a later version of Mekong wrote it");
    }
    let (count, mut rest) = rest.split_first_chunk().ok_or("it is cut off")?;
    let mut notes = Notes::new();
    for _ in 0..u32::from_be_bytes(*count) {
        let (key, note) = decode_entry(&mut rest).ok_or("an entry is cut off")?;
        notes.insert(key, note);
    }
    Ok(notes)
}

fn decode_entry(rest: &mut &[u8]) -> Option<(TopicIdPartition, MoveNote)> {
    let topic = TopicId(Uuid(take(rest)?));
    let partition = i32::from_be_bytes(take(rest)?);
    let from = Uuid(take(rest)?);
    let len = u16::from_be_bytes(take(rest)?);
    let (folder, behind) = rest.split_at_checked(usize::from(len))?;
    *rest = behind;
    let folder = String::from_utf8(folder.to_vec()).ok()?;
    Some((TopicIdPartition { topic, partition }, MoveNote { from, folder }))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (field, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*field)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_come_back_and_notice_every_change() {
        let key = |partition| TopicIdPartition { topic: TopicId(Uuid([3; 16])), partition };
        let note = |folder: &str| MoveNote { from: Uuid([7; 16]), folder: folder.into() };
        let notes = BTreeMap::from([(key(0), note("orders-0")), (key(9), note("ö-9"))]);
        let bytes = encode(&notes);
        assert_eq!(decode(&bytes), Ok(notes));
        for place in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[place] ^= 2;
            assert!(decode(&bad).is_err() && decode(&bytes[..place]).is_err());
        }
    }
}
