//! One call fails, of one kind on one class of files, with an error of the disk or for want of room: what was acknowledged stays
//! readable, a failed sync fences the directory, want of room passes without a restart, and a restart finds everything.

use std::io::ErrorKind;

use env::FileClass::{self, Checkpoint, CommitLog, Index, Metadata, Segment, Snapshot};
use env::Operation::{
    self, Create, Open, Read, Remove, Rename, Sync, SyncDir, SyncFilesystem, Truncate, Write,
};

use crate::world::World;

/// A call that fails once.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub operation: Operation,
    /// On which files; `None` is any.
    pub class: Option<FileClass>,
    pub error: ErrorKind,
}

impl Row {
    /// Whether nothing may be believed of the directory afterwards.
    pub fn is_sync(self) -> bool {
        matches!(self.operation, Sync | SyncDir | SyncFilesystem)
    }
}

const CALLS: [(Operation, Option<FileClass>); 24] = [
    (Write, Some(Segment)),
    (Write, Some(Index)),
    (Write, Some(Snapshot)),
    (Write, Some(CommitLog)),
    (Write, Some(Checkpoint)),
    (Write, Some(Metadata)),
    (Sync, Some(Segment)),
    (Sync, Some(Index)),
    (Sync, Some(CommitLog)),
    (Sync, Some(Checkpoint)),
    (Sync, Some(Metadata)),
    (SyncDir, None),
    (SyncFilesystem, None),
    (Create, Some(Segment)),
    (Create, Some(Checkpoint)),
    (Create, Some(Metadata)),
    (Open, Some(Segment)),
    (Open, Some(Index)),
    (Read, Some(Segment)),
    (Read, Some(Index)),
    (Rename, Some(Segment)),
    (Rename, Some(Checkpoint)),
    (Truncate, Some(Segment)),
    (Remove, Some(Segment)),
];

/// How often each row must bite …
const BITES: u64 = 3;
/// … within so many lives.
const LIVES_MAX: u64 = 400;

#[test]
fn each_call_on_each_class_of_files_may_fail_once() {
    for (operation, class) in CALLS {
        for error in [ErrorKind::Other, ErrorKind::StorageFull] {
            let row = Row { operation, class, error };
            let mut bites = 0;
            for seed in 0..LIVES_MAX {
                let lived = std::panic::catch_unwind(|| World::new(seed).live_with_one_fault(row, seed % 40));
                match lived {
                    Ok(bit) => bites += u64::from(bit),
                    Err(panic) => {
                        eprintln!("{row:?}, seed {seed} failed");
                        std::panic::resume_unwind(panic);
                    }
                }
                if bites == BITES {
                    break;
                }
            }
            assert!(bites > 0, "{row:?} never happened");
        }
    }
}
