//! What was appended is there again; a torn tail is cut, rot is named and nothing is thrown away for it.

use std::fs;

use env::RealDisk;
use metadata::record::FeatureLevelRecord;

use super::*;

/// A folder of its own for one test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mekong-quorum-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn open(&self) -> Result<(LogFile, Recovered), FileError> {
        LogFile::open(Arc::new(RealDisk), &self.0)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn record(level: i16) -> Record {
    FeatureLevelRecord { name: "f".into(), level }.into()
}

fn records(recovered: &Recovered) -> Vec<Record> {
    recovered.batches.iter().flat_map(|batch| batch.records.clone()).collect()
}

#[test]
fn what_was_appended_is_there_again() {
    let folder = Folder::new("again");
    let (mut log, recovered) = folder.open().unwrap();
    assert!(recovered.batches.is_empty() && recovered.snapshot.is_none());
    assert_eq!(log.append(&[record(1), record(2)]).unwrap(), 2);
    assert_eq!(log.append(&[record(3)]).unwrap(), 3);
    drop(log);
    let (mut log, recovered) = folder.open().unwrap();
    assert_eq!(records(&recovered), [record(1), record(2), record(3)]);
    assert_eq!(log.append(&[record(4)]).unwrap(), 4);
}

#[test]
fn a_snapshot_replaces_the_log_before_it() {
    let folder = Folder::new("snapshot");
    let (mut log, _) = folder.open().unwrap();
    log.append(&[record(1), record(2)]).unwrap();
    log.snapshot(2, &[record(2)], &[]).unwrap();
    log.append(&[record(3)]).unwrap();
    assert_eq!(folder.names(), ["log-00000000000000000002", "snapshot-00000000000000000002"]);
    let (log, recovered) = folder.open().unwrap();
    assert_eq!(log.end_offset(), 3);
    assert_eq!(recovered.snapshot, Some((2, vec![record(2)])));
    assert_eq!(records(&recovered), [record(3)]);
}

#[test]
fn a_crash_inside_a_snapshot_loses_nothing() {
    let folder = Folder::new("midway");
    let (mut log, _) = folder.open().unwrap();
    log.append(&[record(1), record(2)]).unwrap();
    let old_log = folder.0.join(log_name(0));
    let kept = fs::read(&old_log).unwrap();
    log.snapshot(2, &[record(2)], &[]).unwrap();
    // As if the old log had not been removed yet, and then as if the new one had not been created.
    fs::write(&old_log, kept).unwrap();
    let (_, recovered) = folder.open().unwrap();
    assert_eq!((recovered.snapshot, recovered.batches.len()), (Some((2, vec![record(2)])), 0));
    fs::remove_file(folder.0.join(log_name(2))).unwrap();
    let (mut log, recovered) = folder.open().unwrap();
    assert_eq!((recovered.snapshot, recovered.batches.len()), (Some((2, vec![record(2)])), 0));
    assert_eq!(log.append(&[record(3)]).unwrap(), 3);
    drop(log);
    assert_eq!(records(&folder.open().unwrap().1), [record(3)]);
}

#[test]
fn any_torn_tail_is_cut_and_any_rot_before_it_is_refused() {
    let folder = Folder::new("torn");
    let (mut log, _) = folder.open().unwrap();
    log.append(&[record(1)]).unwrap();
    let first_end = log.log_bytes() as usize;
    log.append(&[record(2)]).unwrap();
    let path = folder.0.join(log_name(0));
    let whole = fs::read(&path).unwrap();
    for end in first_end..whole.len() {
        fs::write(&path, &whole[..end]).unwrap();
        let (log, recovered) = folder.open().unwrap();
        assert_eq!(records(&recovered), [record(1)], "cut at {end}");
        assert_eq!((log.end_offset(), recovered.torn_bytes), (1, (end - first_end) as u64));
    }
    for place in frame::HEAD_BYTES..first_end {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x10;
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(folder.open(), Err(FileError::Frame { .. })), "changed at {place}");
        assert_eq!(fs::read(&path).unwrap(), bytes, "a refused log is left as it is");
    }
}

#[test]
fn foreign_and_later_files_are_refused() {
    let folder = Folder::new("foreign");
    drop(folder.open().unwrap());
    let path = folder.0.join(log_name(0));
    for (bytes, wanted) in [
        (b"something else altogether".to_vec(), FrameError::NotOurs),
        (b"MKMETLOG\0\0\0\x02\0\0\0\0\0\0\0\0".to_vec(), FrameError::Newer(2)),
        (b"MKMETLOG".to_vec(), FrameError::NotOurs),
    ] {
        fs::write(&path, bytes).unwrap();
        match folder.open() {
            Err(FileError::Frame { source, .. }) => assert_eq!(source, wanted),
            other => panic!("{other:?}"),
        }
    }
}
