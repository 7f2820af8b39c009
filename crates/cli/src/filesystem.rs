//! Names file systems that keep nothing through a restart of the machine, or of the container: an acknowledgement there is not durable.

use std::path::Path;

/// Why data in `dir`, or where it would be made, are not durable; `None` where nothing is known against it. Types are those of
/// statfs(2).
pub fn not_durable(dir: &Path) -> Option<&'static str> {
    let dir = std::path::absolute(dir).ok()?;
    let found = dir.ancestors().find_map(|place| rustix::fs::statfs(place).ok())?;
    named(found.f_type as u64)
}

fn named(kind: u64) -> Option<&'static str> {
    match kind {
        0x0102_1994 => Some("tmpfs: in memory, gone when the machine stops"),
        0x8584_58f6 => Some("ramfs: in memory, gone when the machine stops"),
        0x794c_7630 => Some("overlay: the writable layer of a container, gone with it; mount a volume"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_keeps_nothing_is_named() {
        for (kind, name) in [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs"), (0x794c_7630, "overlay")] {
            assert!(named(kind).is_some_and(|text| text.starts_with(name)), "{name}");
        }
        // ext4, XFS, btrfs
        assert!([0xef53, 0x5846_5342, 0x9123_683e].into_iter().all(|kind| named(kind).is_none()));
        let shared = Path::new("/dev/shm/mekong/not/made/yet");
        if Path::new("/dev/shm").is_dir() {
            assert_eq!(not_durable(shared), not_durable(Path::new("/dev/shm")));
        }
    }
}
