//! Syncs the segments of a round side by side: the waits for the disk overlap, and syncs that meet share one commit of the file
//! system's journal where there is one.
//!
//! Invariant: [`Syncers::sync`] returns when every sync has ended, and succeeds only if each of them did.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use crate::error::{LogError, Result};
use crate::segment::Segment;

/// Segments for one helper, and where to say how it went.
#[derive(Debug)]
struct Job {
    segments: Vec<Arc<Segment>>,
    done: Sender<Result<usize>>,
}

/// The threads that sync beside the committer's own. There are none until a round has several segments to sync; they end when
/// this is dropped.
#[derive(Debug)]
pub(super) struct Syncers {
    /// Syncs at once, the committer's own included.
    at_once: usize,
    helpers: Vec<Sender<Job>>,
}

impl Syncers {
    /// At most so many syncs at once.
    pub fn new(at_once: usize) -> Self {
        Self { at_once, helpers: Vec::new() }
    }

    /// Makes the batches of all these segments durable; returns how often the disk was waited for.
    pub fn sync(&mut self, mut segments: Vec<Arc<Segment>>) -> Result<usize> {
        let lanes = self.lanes(segments.len());
        let (done, outcomes) = channel();
        let mut given = 0;
        for (place, helper) in self.helpers.iter().take(lanes - 1).enumerate() {
            let share = segments.len() / (lanes - place);
            let job = Job { segments: segments.split_off(segments.len() - share), done: done.clone() };
            match helper.send(job) {
                Ok(()) => given += 1,
                Err(back) => segments.extend(back.0.segments),
            }
        }
        drop(done);
        let own = sync_each(&segments);
        let mut outcomes: Vec<_> = outcomes.iter().collect();
        if outcomes.len() != given {
            let error = io::Error::other("a thread that synced has panicked");
            return Err(LogError::io("sync", Path::new("segments"), error));
        }
        outcomes.push(own);
        // What may pass must not hide a failed sync: that one would be tried again, into a success that proves nothing.
        outcomes.sort_by_key(|outcome| outcome.as_ref().err().map(LogError::may_pass).map_or(2, u8::from));
        outcomes.into_iter().sum()
    }

    /// How many syncs run at once for so many segments, with the threads for it.
    fn lanes(&mut self, segments: usize) -> usize {
        let wanted = segments.min(self.at_once).max(1);
        while self.helpers.len() + 1 < wanted {
            let (sender, jobs) = channel();
            let thread = thread::Builder::new().name("syncer".to_owned());
            // Without more threads it takes longer.
            if thread.spawn(move || help(&jobs)).is_err() {
                break;
            }
            self.helpers.push(sender);
        }
        wanted.min(self.helpers.len() + 1)
    }
}

fn help(jobs: &Receiver<Job>) {
    for job in jobs {
        // The committer waits for it.
        job.done.send(sync_each(&job.segments)).ok();
    }
}

fn sync_each(segments: &[Arc<Segment>]) -> Result<usize> {
    segments.iter().try_fold(0, |syncs, segment| Ok(syncs + segment.sync_batches()?))
}

#[cfg(test)]
mod tests {
    use env::{Disk, Fault, Operation, SimDisk};

    use super::*;
    use crate::files::FileCache;
    use crate::names::Kind;
    use crate::segment::Place;

    const BYTES: [u8; 3_000] = [7; 3_000];

    /// So many segments whose names are durable, and whose bytes are not.
    fn segments(disk: &SimDisk, count: i64) -> Vec<Arc<Segment>> {
        let files = Arc::new(FileCache::new(Arc::new(disk.clone()), 64));
        let dir = Path::new("/t-0");
        disk.create_dir_all(dir).unwrap();
        let place = Place::new(dir);
        let of = |base| {
            let segment = Segment::load(&place, base, BYTES.len() as u64, &files);
            segment.file(Kind::Log).unwrap().write_all_at(&BYTES, 0).unwrap();
            Arc::new(segment)
        };
        let segments = (0..count).map(of).collect();
        disk.sync_dir(dir).unwrap();
        disk.sync_dir(Path::new("/")).unwrap();
        segments
    }

    #[test]
    fn every_segment_is_durable_whatever_the_number_of_threads() {
        for count in 0..=9 {
            for at_once in 1..=5 {
                let disk = SimDisk::new();
                let all = segments(&disk, count);
                let mut syncers = Syncers::new(at_once);
                assert_eq!(syncers.sync(all.clone()).unwrap(), all.len());
                assert!(syncers.helpers.len() < at_once);
                disk.crash(count as u64);
                for segment in all {
                    assert_eq!(disk.read(&segment.path(Kind::Log)).unwrap(), BYTES, "{count} with {at_once}");
                }
            }
        }
    }

    #[test]
    fn one_sync_that_fails_fails_all_of_them() {
        for bad in 0..6 {
            let disk = SimDisk::new();
            let all = segments(&disk, 6);
            let path = all[bad].path(Kind::Log);
            disk.set_faults(move |operation, at| match operation {
                Operation::Sync if at == path => Fault::Error(io::ErrorKind::Other),
                _ => Fault::None,
            });
            assert!(Syncers::new(4).sync(all).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_failed_sync_is_not_hidden_by_a_call_that_may_be_tried_again() {
        for (bad, full) in [(0, 5), (5, 0), (2, 5), (5, 2), (1, 3)] {
            let disk = SimDisk::new();
            let all = segments(&disk, 6);
            let (bad_path, full_path) = (all[bad].path(Kind::Log), all[full].path(Kind::Log));
            all[full].close_files();
            disk.set_faults(move |operation, at| match operation {
                Operation::Sync if at == bad_path => Fault::Error(io::ErrorKind::Other),
                Operation::Open if at == full_path => Fault::Error(io::ErrorKind::StorageFull),
                _ => Fault::None,
            });
            let error = Syncers::new(6).sync(all).unwrap_err();
            assert!(error.is_storage_failure() && !error.may_pass(), "{bad}, {full}: {error}");
        }
    }
}
