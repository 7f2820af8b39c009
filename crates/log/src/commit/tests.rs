//! Starting after a crash, with power that fails at every step of it.

use std::path::Path;
use std::sync::Arc;

use env::{Disk, SeededRandom, SimDisk};

use super::bounds::Bounds;
use super::file::{CommitFile, NAMES, read_header};
use super::{CommitQueue, Committer, Policy};
use crate::context::LogContext;
use crate::files::FileCache;
use crate::hot::HotBudget;

const DIR: &str = "/data";
const OLDER: u64 = 6;

/// A disk whose commit files hold two generations, the younger one in the file with this number.
fn two_generations(younger: usize) -> SimDisk {
    let disk = SimDisk::new();
    disk.create_dir_all(DIR.as_ref()).unwrap();
    disk.sync_dir("/".as_ref()).unwrap();
    for (place, name) in NAMES.iter().enumerate() {
        let mut file = CommitFile::open(&disk, DIR.as_ref(), name).unwrap();
        file.begin(OLDER + u64::from(place == younger), 1).unwrap();
        file.sync().unwrap();
    }
    disk.sync_dir(DIR.as_ref()).unwrap();
    disk
}

fn open(disk: &SimDisk) -> bool {
    let files = Arc::new(FileCache::new(Arc::new(disk.clone()), 16));
    let context = LogContext::new(&files, &HotBudget::new(0), Arc::new(SeededRandom::new(1)));
    let (context, bounds) = (Arc::new(context), Arc::new(Bounds::of_new()));
    let queue = CommitQueue::new();
    Committer::open(Path::new(DIR), &context, &queue, &bounds, Policy::default(), OLDER + 2).is_ok()
}

#[test]
fn no_power_loss_amid_a_start_leaves_the_older_generation_alone() {
    for younger in [0, 1] {
        for step in 0.. {
            let disk = two_generations(younger);
            disk.cut_power_at(disk.operations() + step);
            let is_whole = open(&disk);
            disk.crash(step);
            let headers = NAMES.map(|name| disk.read(&Path::new(DIR).join(name)).unwrap());
            let left: Vec<u64> =
                headers.iter().filter_map(|bytes| read_header(bytes).ok()).map(|header| header.0).collect();
            assert_ne!(left, [OLDER], "the younger one in file {younger}, step {step}");
            if is_whole {
                assert!(step > 3, "it did something");
                break;
            }
        }
    }
}
