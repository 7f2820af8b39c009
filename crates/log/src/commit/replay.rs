//! Replaying the commit log after a crash: frames go, in order, over whatever segment files survived.
//!
//! Nothing is checked here but the frames themselves. The partitions are recovered when they are opened, with what the replay
//! learned of them: see [`crate::PartitionLog::open`].

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use base::{Offset, TopicIdPartition};
use env::{Disk, Open};

use super::file::{HEADER_BYTES, HeaderError, NAMES, read_header};
use super::frame::{FRAME_BYTES, Frame, Kind};
use crate::error::{Context, LogError, Result};
use crate::names;
use crate::planted::{self, Bug};

/// What the commit log knew of a partition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Known {
    /// Its folder.
    pub folder: String,
    /// Everything below was committed.
    pub durable_end: Option<Offset>,
    /// Where the log starts, if that moved.
    pub log_start: Option<Offset>,
    /// The furthest that it was truncated back to.
    pub truncated: Option<Offset>,
    /// It was emptied and began anew, so that its start may be less than what was noted before.
    pub restarted: bool,
}

/// What a replay did.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// The partitions that had frames, but for those that were deleted.
    pub known: BTreeMap<TopicIdPartition, Known>,
    /// Frames that were taken.
    pub frames: u64,
    /// Bytes of batches that were written again.
    pub bytes: u64,
    /// Partitions whose deletion was found.
    pub deleted: Vec<(TopicIdPartition, String)>,
    /// The last generation there was.
    pub generation: u64,
}

/// Replays what is in the commit files of `dir`, and makes it durable in the segments. The files stay as they are.
pub(crate) fn replay(disk: &dyn Disk, dir: &Path) -> Result<Replayed> {
    let mut replay = Replay {
        disk,
        dir,
        replayed: Replayed::default(),
        touched: BTreeSet::new(),
        folders: BTreeSet::new(),
        owned: BTreeMap::new(),
    };
    let mut found = generations(disk, dir)?;
    if planted::has(Bug::OldGenerationForgotten) && found.len() > 1 {
        found.remove(0);
    }
    for (generation, seed, bytes) in found {
        replay.replayed.generation = generation;
        replay.generation(seed, bytes.get(HEADER_BYTES..).unwrap_or_default())?;
    }
    replay.settle()?;
    let Replay { mut replayed, owned, .. } = replay;
    replayed.known.retain(|key, _| owned.get(key).is_none_or(|owned| *owned));
    Ok(replayed)
}

/// The files that count, oldest generation first.
fn generations(disk: &dyn Disk, dir: &Path) -> Result<Vec<(u64, u64, Vec<u8>)>> {
    let mut found = Vec::new();
    for name in NAMES {
        let path = dir.join(name);
        let bytes = match disk.read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            other => other.during("read", &path)?,
        };
        let corrupt =
            |reason| LogError::Corrupt { path: path.clone(), position: 0, offset: Offset(-1), reason };
        match read_header(&bytes) {
            Ok((generation, seed)) => found.push((generation, seed, bytes)),
            Err(HeaderError::Released) => {}
            Err(HeaderError::Future(_)) => return Err(corrupt("a later version of Mekong wrote it")),
            Err(HeaderError::Rotten) => return Err(corrupt("its header is not what was written")),
        }
    }
    found.sort_by_key(|(generation, ..)| *generation);
    Ok(found)
}

struct Replay<'a> {
    disk: &'a dyn Disk,
    dir: &'a Path,
    replayed: Replayed,
    /// Files that were written to.
    touched: BTreeSet<PathBuf>,
    /// Folders that names went from.
    folders: BTreeSet<PathBuf>,
    /// Whether the folder that a partition's frames name is still that partition's.
    owned: BTreeMap<TopicIdPartition, bool>,
}

impl Replay<'_> {
    /// Takes frames until one does not continue the chain: behind it there is a torn write, or an earlier generation.
    fn generation(&mut self, seed: u64, bytes: &[u8]) -> Result<()> {
        let mut chain = seed;
        let mut rest = bytes;
        while let Some((header, behind)) = rest.split_first_chunk::<FRAME_BYTES>() {
            let Some((frame, check)) = Frame::decode(header) else { break };
            let Some((payload, behind)) = behind.split_at_checked(frame.len as usize) else { break };
            let torn = Frame::check_of(header, chain, payload) != check;
            if torn && !planted::has(Bug::ReplayPastATornTail) && !planted::has(Bug::NoChain) {
                break;
            }
            self.take(&frame, payload)?;
            (chain, rest) = (check, behind);
            self.replayed.frames += 1;
        }
        Ok(())
    }

    fn take(&mut self, frame: &Frame, payload: &[u8]) -> Result<()> {
        if frame.kind == Kind::Name {
            let known = self.replayed.known.entry(frame.key).or_default();
            known.folder = String::from_utf8_lossy(payload).into_owned();
            return Ok(());
        }
        let Some(known) = self.replayed.known.get(&frame.key) else { return Ok(()) };
        let dir = self.dir.join(&known.folder);
        if frame.kind != Kind::Delete && !self.owns(frame.key, &dir)? {
            // The folder is that of a namesake: this partition was deleted, whether or not a frame says so.
            return Ok(());
        }
        let Some(known) = self.replayed.known.get_mut(&frame.key) else { return Ok(()) };
        match frame.kind {
            Kind::Name => {}
            Kind::Data => {
                known.durable_end = known.durable_end.max(Some(Offset(frame.next_offset)));
                self.write(frame, &dir, payload)?;
            }
            Kind::Durable => known.durable_end = known.durable_end.max(Some(Offset(frame.next_offset))),
            Kind::Truncate => {
                let end = Offset(frame.next_offset);
                known.durable_end = known.durable_end.map(|durable| durable.min(end));
                known.truncated = Some(known.truncated.map_or(end, |before| before.min(end)));
                if frame.segment < 0 {
                    (known.log_start, known.restarted) = (Some(end), true);
                }
                self.truncate(frame, &dir)?;
            }
            Kind::LogStart => known.log_start = known.log_start.max(Some(Offset(frame.first_offset))),
            Kind::Delete => self.delete(frame.key)?,
        }
        Ok(())
    }

    fn write(&mut self, frame: &Frame, dir: &Path, payload: &[u8]) -> Result<()> {
        let path = names::segment_file(dir, frame.segment, names::Kind::Log);
        if self.touched.insert(dir.join(names::PARTITION_METADATA)) {
            self.disk.create_dir_all(dir).during("create", dir)?;
            // A sound file is not replaced: another crash might leave less.
            if crate::dir::read_topic_id(self.disk, dir)?.is_none() {
                crate::dir::write_topic_id_durably(self.disk, dir, frame.key.topic)?;
            }
        }
        let file = self.disk.open(&path, Open::Create).during("open", &path)?;
        file.write_all_at(payload, u64::from(frame.position)).during("write", &path)?;
        self.replayed.bytes += payload.len() as u64;
        self.touched.insert(path);
        Ok(())
    }

    fn owns(&mut self, key: TopicIdPartition, dir: &Path) -> Result<bool> {
        if let Some(owned) = self.owned.get(&key) {
            return Ok(*owned);
        }
        if planted::has(Bug::ReplayIntoANamesake) {
            return Ok(true);
        }
        let owned = crate::dir::read_topic_id(self.disk, dir)?.is_none_or(|topic| topic == key.topic);
        self.owned.insert(key, owned);
        Ok(owned)
    }

    fn truncate(&mut self, frame: &Frame, dir: &Path) -> Result<()> {
        let entries = match self.disk.list(dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => other.during("list", dir)?,
        };
        // This frame stands for the intent from here on.
        crate::intent::remove(self.disk, dir, frame.first_offset)?;
        self.folders.insert(dir.to_owned());
        for entry in entries {
            let Some((base, kind, "")) = names::parse_segment_file(&entry.name) else { continue };
            let path = dir.join(&entry.name);
            let beyond = match kind {
                // Of a log that began anew no producer is known, wherever it begins.
                names::Kind::Snapshot => frame.segment < 0 || base > frame.next_offset,
                _ => base > frame.segment,
            };
            if beyond {
                self.disk.remove(&path).during("remove", &path)?;
                self.touched.remove(&path);
            } else if base == frame.segment && kind == names::Kind::Log {
                let file = self.disk.open(&path, Open::Write).during("open", &path)?;
                if file.len().during("look at", &path)? > u64::from(frame.position) {
                    file.truncate(u64::from(frame.position)).during("truncate", &path)?;
                }
                // Also where it is short already: a process that was killed may have cut it, and the power would undo that.
                self.touched.insert(path);
            }
        }
        Ok(())
    }

    fn delete(&mut self, key: TopicIdPartition) -> Result<()> {
        let Some(known) = self.replayed.known.remove(&key) else { return Ok(()) };
        let name = known.folder.rsplit_once('.').filter(|_| known.folder.ends_with(names::DELETE_DIR));
        let name = name.map_or(known.folder.clone(), |(name, _)| name.to_owned());
        let dir = self.dir.join(&name);
        // The name may belong to a topic that was created since.
        if crate::dir::read_topic_id(self.disk, &dir)? == Some(key.topic) {
            self.disk.remove_dir_all(&dir).during("remove", &dir)?;
            self.touched.retain(|path| !path.starts_with(&dir));
            self.folders.remove(&dir);
        }
        self.replayed.deleted.push((key, name));
        Ok(())
    }

    /// Makes everything that was touched durable.
    fn settle(&mut self) -> Result<()> {
        const ONE_BY_ONE_MAX: usize = 64;
        if planted::has(Bug::ReplayNotSynced) {
            return Ok(());
        }
        if self.touched.len() > ONE_BY_ONE_MAX {
            return self.disk.sync_filesystem(self.dir).during("sync", self.dir);
        }
        let mut folders: BTreeSet<_> = self.folders.iter().map(PathBuf::as_path).chain([self.dir]).collect();
        for path in &self.touched {
            let file = self.disk.open(path, Open::Write).during("open", path)?;
            file.sync_data().during("sync", path)?;
            folders.extend(path.parent());
        }
        folders.into_iter().try_for_each(|dir| self.disk.sync_dir(dir).during("sync", dir))
    }
}
