//! Faults on request: which operation on which file fails, and how.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

/// What a process asks of the disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Operation {
    /// Opening what is there.
    Open,
    /// A new file or folder.
    Create,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Syncing a file.
    Sync,
    /// Syncing a folder's names.
    SyncDir,
    /// Syncing everything.
    SyncFilesystem,
    /// Cutting a file.
    Truncate,
    /// Reserving blocks.
    Allocate,
    /// Renaming.
    Rename,
    /// Removing.
    Remove,
    /// Listing a folder.
    List,
}

impl Operation {
    /// Whether the disk, or what of it is durable, is another afterwards: the moments at which a power loss makes a difference.
    #[must_use]
    pub const fn changes(self) -> bool {
        !matches!(self, Self::Open | Self::Read | Self::List | Self::Allocate)
    }
}

/// The fate of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// It succeeds.
    None,
    /// It fails and changes nothing (a sync that fails loses what it should have made durable).
    Error(ErrorKind),
    /// Only so many bytes are read or written, at least one.
    Short(usize),
}

/// What a file is to a log directory, by its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FileClass {
    /// Batches.
    Segment,
    /// Offset, time and transaction indexes.
    Index,
    /// Producer snapshots.
    Snapshot,
    /// The commit log.
    CommitLog,
    /// Checkpoints of partitions and epochs.
    Checkpoint,
    /// `meta.properties`, `partition.metadata`, the lock and the mark of a clean stop.
    Metadata,
    /// A folder.
    Folder,
    /// Anything else.
    Other,
}

impl FileClass {
    /// The class of a path. Names tell files apart; a folder is one by the operation on it.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let plain = [".deleted", ".cleaned", ".swap", ".tmp"]
            .into_iter()
            .find_map(|suffix| name.strip_suffix(suffix))
            .unwrap_or(name);
        let ending = plain.rsplit_once('.').map_or("", |(_, ending)| ending);
        match ending {
            "log" => Self::Segment,
            "index" | "timeindex" | "txnindex" => Self::Index,
            "snapshot" => Self::Snapshot,
            _ if plain.starts_with("mekong-commit-") => Self::CommitLog,
            _ if plain.ends_with("checkpoint") => Self::Checkpoint,
            "properties" | "metadata" | "lock" | "kafka_cleanshutdown" => Self::Metadata,
            _ => Self::Other,
        }
    }
}

type Decide = Box<dyn FnMut(Operation, &Path) -> Fault + Send>;

/// Who decides.
#[derive(Default)]
pub(super) struct Faults(Option<Decide>);

impl Faults {
    pub fn deciding(decide: impl FnMut(Operation, &Path) -> Fault + Send + 'static) -> Self {
        Self(Some(Box::new(decide)))
    }

    pub fn decide(&mut self, operation: Operation, path: &Path) -> Fault {
        self.0.as_mut().map_or(Fault::None, |decide| decide(operation, path))
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Faults(on request)" } else { "Faults(none)" })
    }
}
