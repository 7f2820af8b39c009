//! The simulated disk keeps what it promises, and little else.

use std::path::Path;

use super::*;

fn write(disk: &SimDisk, path: &str, bytes: &[u8]) {
    disk.open(path.as_ref(), Open::Create).unwrap().write_all_at(bytes, 0).unwrap();
}

fn sync(disk: &SimDisk, path: &str) {
    disk.open(path.as_ref(), Open::Write).unwrap().sync_data().unwrap();
}

#[test]
fn what_was_synced_is_there_after_every_crash() {
    for seed in 0..200 {
        let disk = SimDisk::new();
        disk.create_dir_all("/a/b".as_ref()).unwrap();
        write(&disk, "/a/b/f", &[1; 2000]);
        sync(&disk, "/a/b/f");
        for dir in ["/", "/a", "/a/b"] {
            disk.sync_dir(dir.as_ref()).unwrap();
        }
        write(&disk, "/a/b/f", &[2; 1000]);
        disk.crash(seed);
        let bytes = disk.read("/a/b/f".as_ref()).unwrap();
        assert_eq!(bytes.len(), 2000);
        assert_eq!(bytes[1024..], [1; 976]);
        for sector in bytes[..1000].chunks(512) {
            assert!(sector.iter().all(|byte| *byte == sector[0]), "sectors do not tear");
        }
    }
}

#[test]
fn what_was_not_synced_takes_every_form() {
    let mut forms = std::collections::BTreeSet::new();
    for seed in 0..300 {
        let disk = SimDisk::new();
        write(&disk, "/f", &[]);
        disk.sync_dir("/".as_ref()).unwrap();
        write(&disk, "/f", &[1; 1024]);
        disk.rename("/f".as_ref(), "/g".as_ref()).unwrap();
        disk.crash(seed);
        let name = if disk.exists("/g".as_ref()).unwrap() { "/g" } else { "/f" };
        let bytes = disk.read(Path::new(name)).unwrap();
        forms.insert((name, bytes.len(), bytes.first().copied(), bytes.last().copied()));
    }
    for form in [
        ("/f", 0, None, None),
        ("/g", 0, None, None),
        ("/f", 1024, Some(1), Some(1)),
        ("/g", 1024, Some(1), Some(1)),
        ("/g", 1024, Some(0), Some(1)),
        ("/f", 1024, Some(1), Some(0)),
    ] {
        assert!(forms.contains(&form), "{form:?} in {forms:?}");
    }
}

#[test]
fn a_failed_sync_loses_what_it_should_have_kept() {
    let disk = SimDisk::new();
    write(&disk, "/f", b"x");
    disk.sync_dir("/".as_ref()).unwrap();
    disk.set_faults(|operation, _| match operation {
        Operation::Sync => Fault::Error(ErrorKind::Other),
        _ => Fault::None,
    });
    let file = disk.open("/f".as_ref(), Open::Write).unwrap();
    assert!(file.sync_data().is_err());
    disk.clear_faults();
    file.sync_data().unwrap();
    disk.crash(1);
    assert_eq!(disk.read("/f".as_ref()).unwrap(), b"");
    assert!(file.len().is_err(), "handles do not outlive a crash");
}

#[test]
fn power_and_room_end_where_they_are_told_to() {
    let disk = SimDisk::new();
    disk.set_capacity(10);
    write(&disk, "/f", &[1; 10]);
    let file = disk.open("/f".as_ref(), Open::Write).unwrap();
    assert_eq!(file.write_at(&[1], 10).unwrap_err().kind(), ErrorKind::StorageFull);
    disk.cut_power_at(disk.operations() + 1);
    file.write_at(&[2], 0).unwrap();
    assert!(file.write_at(&[3], 0).is_err() && file.sync_data().is_err());
    disk.kill();
    assert_eq!(disk.read("/f".as_ref()).unwrap()[0], 2);
}

#[test]
fn locks_are_held_until_let_go() {
    let disk = SimDisk::new();
    let held = disk.lock("/l".as_ref()).unwrap();
    assert!(held.is_some() && disk.lock("/l".as_ref()).unwrap().is_none());
    drop(held);
    assert!(disk.lock("/l".as_ref()).unwrap().is_some());
}
