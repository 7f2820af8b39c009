//! What a start finds and believes, each case found by a fuzzer or the simulator.

use super::*;

/// Seed 954 of the recovery fuzzing: such an index once hid the last batches, and what came next took their offsets.
#[test]
fn an_index_that_names_no_batch_is_made_anew_after_a_clean_stop() {
    let one_segment = LogConfig { segment_bytes: 1 << 20, ..small() };
    let index = |home: &Home| home.dir.join("orders-0/00000000000000000000.index");
    let breaks: &[fn(&mut Vec<u8>)] = &[
        |bytes| bytes.extend([0x7f; 234]),
        |bytes| bytes.extend([0x00, 0x7f, 0, 0, 0x7f, 0, 0, 0]),
        |bytes| bytes.iter_mut().for_each(|byte| *byte ^= 0x55),
        |bytes| bytes.truncate(bytes.len() - 3),
    ];
    for wrong in breaks {
        let home = Home::new(0, one_segment.clone());
        let mut log = home.open(&Load::clean(NOW)).log;
        let all = fill(&mut log);
        log.close().unwrap();
        let sound = std::fs::read(index(&home)).unwrap();
        assert!(sound.len() > 40);
        let mut bytes = sound.clone();
        wrong(&mut bytes);
        std::fs::write(index(&home), bytes).unwrap();
        let mut loaded = home.open(&Load::clean(NOW)).log;
        assert_eq!(loaded.log_end(), log.log_end());
        assert_eq!(read_all(&loaded, 0, 5000), all);
        loaded.close().unwrap();
        assert_eq!(std::fs::read(index(&home)).unwrap(), sound);
    }
}

/// A start recovers what no commit had told of, its sync fails, the next start succeeds, and then the power goes: what the
/// second start found is durable (simulator, seed 8799).
#[test]
fn what_a_start_recovers_is_synced_though_the_start_before_failed_to() {
    (0..16).for_each(recover_twice_and_lose_power);
}

fn recover_twice_and_lose_power(seed: u64) {
    let disk = env::SimDisk::new();
    let open = || {
        let files = Arc::new(FileCache::new(Arc::new(disk.clone()), 4));
        let context = LogContext::new(&files, &HotBudget::new(0), Arc::new(SeededRandom::new(1)));
        let load = Load::unclean(NOW);
        PartitionLog::open(&Arc::new(context), KEY, Path::new("/orders-0"), Arc::new(small()), &load)
    };
    let mut log = open().unwrap().log;
    let all = fill(&mut log);
    drop(log);
    disk.kill();
    disk.set_faults(|operation, path| {
        let is_log = path.extension().is_some_and(|name| name == "log");
        if operation == env::Operation::Sync && is_log {
            env::Fault::Error(std::io::ErrorKind::Other)
        } else {
            env::Fault::None
        }
    });
    open().unwrap_err();
    disk.kill();
    let end = open().unwrap().log.log_end();
    assert_eq!(end.0, all.len() as i64);
    disk.crash(seed);
    let log = open().unwrap().log;
    assert_eq!((log.log_end(), read_all(&log, 0, 5000)), (end, all), "seed {seed}");
}

/// Seed 3196 of the failing calls: all records were deleted, and the last batch of them had never reached its file.
#[test]
fn what_is_missing_before_the_start_of_the_log_is_no_rot() {
    let home = Home::new(0, LogConfig { segment_bytes: 1 << 20, ..small() });
    let mut log = home.open(&Load::clean(NOW)).log;
    let all = fill(&mut log);
    log.close().unwrap();
    let end = log.log_end();
    let path = home.dir.join("orders-0/00000000000000000000.log");
    let bytes = std::fs::read(&path).unwrap();
    let first = Batches::new(&bytes).next().unwrap().unwrap().header.size();
    std::fs::write(&path, &bytes[..first]).unwrap();
    let load = Load { durable_end: end, log_start: end, log_start_is_certain: true, ..Load::unclean(NOW) };
    let loaded = home.open(&load);
    assert!(loaded.report.rot.is_empty(), "{:?}", loaded.report);
    assert_eq!((loaded.log.log_start(), loaded.log.log_end()), (end, end));
    assert_eq!(end.0, all.len() as i64);
    let kept = Load { log_start: Offset(1), ..load };
    assert!(!home.open(&kept).report.rot.is_empty(), "records that are there to be read are missed");
}

/// Seed 8322 of the failing calls: the power took the first bytes of a batch that nobody was told of, and with them its offset.
/// Taken for one of those below the durable end, it made a retry of itself a duplicate: acknowledged and never written.
#[test]
fn a_torn_batch_without_its_offset_is_none_of_those_below() {
    let home = Home::new(0, LogConfig::default());
    let mut log = home.open(&Load::clean(NOW)).log;
    for sequence in [0, 2] {
        log.append(batch(&[NOW, NOW], Some((7, 0, sequence))), &how(0)).unwrap();
    }
    let (end, position) = (log.log_end(), log.size());
    let (producers, epochs) = (log.producers().collect::<Vec<_>>(), log.epoch_starts().to_vec());
    log.append(batch(&[NOW], Some((7, 0, 4))), &how(1)).unwrap();
    drop(log);
    let folder = home.dir.join("orders-0");
    let file = folder.join("00000000000000000000.log");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[position as usize..][..8].fill(0);
    for without_epochs in [false, true] {
        std::fs::write(&file, &bytes).unwrap();
        if without_epochs {
            std::fs::remove_file(folder.join(crate::names::LEADER_EPOCHS)).unwrap();
        }
        let load = Load { recovery_point: end, durable_end: end, ..Load::unclean(NOW) };
        let Loaded { mut log, report } = home.open(&load);
        assert_eq!((report.cut.map(|cut| cut.position), log.log_end()), (Some(position), end));
        assert_eq!(log.producers().collect::<Vec<_>>(), producers);
        assert_eq!(log.epoch_starts(), epochs);
        let retry = log.append(batch(&[NOW], Some((7, 0, 4))), &how(1)).unwrap();
        assert!(!retry.duplicate && retry.first_offset == end, "{retry:?}");
        drop(log);
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "snapshot") {
                std::fs::remove_file(path).unwrap();
            }
        }
    }
}

#[test]
fn producers_behind_rot_are_known_after_a_crash() {
    let home = Home::new(0, LogConfig::default());
    let mut log = home.open(&Load::clean(NOW)).log;
    let first = batch(&[NOW, NOW], Some((7, 0, 0)));
    let second = log.append(first, &how(0)).map(|_| log.size()).unwrap();
    for (producer, sequence) in [(7, 2), (8, 0)] {
        log.append(batch(&[NOW], Some((producer, 0, sequence))), &how(0)).unwrap();
    }
    let (end, behind) = (log.log_end(), log.producers().last());
    drop(log);
    let file = home.dir.join("orders-0/00000000000000000000.log");
    let sound = std::fs::read(&file).unwrap();
    // The first batch's magic, and the second one's offset, which goes back.
    for place in [16, second as usize + 7] {
        let mut bytes = sound.clone();
        bytes[place] = 0;
        std::fs::write(&file, &bytes).unwrap();
        let load = Load { recovery_point: end, durable_end: end, ..Load::unclean(NOW) };
        let mut log = home.open(&load).log;
        assert_eq!(log.producers().last(), behind, "{place}");
        let retry = log.append(batch(&[NOW], Some((8, 0, 0))), &how(0)).unwrap();
        assert!(retry.duplicate, "{retry:?}");
    }
}

/// The file of leader epochs is not synced with every append: whatever is read at the start brings it back.
#[test]
fn leader_epochs_that_a_crash_took_are_read_off_the_batches() {
    let home = Home::new(0, small());
    let mut log = home.open(&Load::clean(NOW)).log;
    fill(&mut log);
    log.close().unwrap();
    let (end, epochs) = (log.log_end(), log.epoch_starts().to_vec());
    assert!(epochs.len() > 3 && log.view().segments.len() > 2);
    drop(log);
    let file = home.dir.join("orders-0").join(crate::names::LEADER_EPOCHS);
    let middle = epochs[2].start;
    for load in [
        Load::clean(NOW),
        Load::unclean(NOW),
        Load { recovery_point: middle, ..Load::unclean(NOW) },
        Load { recovery_point: end, durable_end: end, ..Load::unclean(NOW) },
    ] {
        for lost in [|file: &Path| std::fs::remove_file(file), |file: &Path| std::fs::write(file, "")] {
            lost(&file).unwrap();
            assert_eq!(home.open(&load).log.epoch_starts(), epochs, "{load:?}");
            assert_eq!(home.open(&Load::clean(NOW)).log.epoch_starts(), epochs, "it was not written again");
        }
    }
}

#[test]
fn snapshots_of_earlier_stops_do_not_stay() {
    let home = Home::new(0, small());
    fill(&mut home.open(&Load::clean(NOW)).log);
    let (mut bases, mut snapshots) = (Vec::new(), Vec::new());
    let mut load = Load::clean(NOW);
    for round in 0..5 {
        let mut log = home.open(&load).log;
        let info = log.append(batch(&[NOW], Some((7, 0, round))), &how(9)).unwrap();
        assert!(!info.duplicate);
        log.close().unwrap();
        load = Load { clean: round != 2, recovery_point: log.log_end(), ..load };
        bases = log.view().segments.iter().map(|segment| segment.base_offset().0).collect();
        bases.extend([info.first_offset.0, info.last_offset.0 + 1]);
        let names = std::fs::read_dir(home.dir.join("orders-0")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let parsed = names
            .filter_map(|name| crate::names::parse_segment_file(&name).map(|(base, kind, _)| (base, kind)));
        snapshots =
            parsed.filter(|(_, kind)| *kind == crate::names::Kind::Snapshot).map(|(base, _)| base).collect();
    }
    assert!(snapshots.iter().all(|base| bases.contains(base)), "{snapshots:?}, but {bases:?}");
    assert!(snapshots.len() > 2);
}
