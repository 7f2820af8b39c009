//! The list of duties, and what comes on it.

use std::path::Path;

use base::{LeaderEpoch, TopicId};
use env::{Disk, Fault, Operation, SeededRandom, SimDisk};
use log::{Append, Durability, FileCache, HotBudget, Load, LogConfig, LogContext, Origin, PartitionLog};
use records::{BatchBuilder, BatchOptions, NewRecord};

use super::*;
use crate::logs::tests::{append_one, broker, partition};
use crate::partition::Surroundings;

fn count(house: &Housekeeping, of: impl Fn(&Duty) -> bool) -> usize {
    house.lock().due.values().filter(|duty| of(duty)).count()
}

#[test]
fn duties_come_at_their_time_in_their_order() {
    let house = Housekeeping::default();
    assert!(matches!(house.take(0), Err(None)));
    house.add(10, Duty::Sweep);
    house.add(10, Duty::CloseIdle);
    house.add(5, Duty::CloseIdle);
    assert!(matches!(house.take(4), Err(Some(wait)) if wait == Duration::from_millis(1)));
    assert!(matches!(house.take(10), Ok(Duty::CloseIdle)));
    assert!(matches!(house.take(10), Ok(Duty::Sweep)));
    assert!(matches!(house.take(10), Ok(Duty::CloseIdle)));
    assert!(matches!(house.take(10), Err(None)));
}

#[test]
fn sweeps_and_checkpoints_come_as_the_configs_say() {
    let image = metadata::MetadataImage::default();
    let statics = metadata::config::StaticConfigs::from([
        ("log.initial.task.delay.ms".to_owned(), "700".to_owned()),
        ("replica.high.watermark.checkpoint.interval.ms".to_owned(), "40".to_owned()),
    ]);
    let configs = BrokerConfigs { node_id: 1, statics: &statics, image: &image };
    assert_eq!((first_sweep_ms(&configs, 1000), first_sweep_ms(&configs, 600)), (700, 600));
    assert_eq!(checkpoint_ms(&configs), 40);
}

#[tokio::test]
async fn a_duty_that_panics_comes_again() {
    let house = Housekeeping::default();
    for duty in [Duty::Sweep, Duty::CloseIdle, Duty::Checkpoint] {
        attempt(&house, 5, duty.again(), || panic!("a bug")).await;
        assert!(matches!(house.take(5), Err(Some(wait)) if wait == Duration::from_millis(RETRY_MS)));
        let again = house.take(5 + RETRY_MS).unwrap();
        assert_eq!(std::mem::discriminant(&again), std::mem::discriminant(&duty));
    }
    attempt(&house, 5, Duty::Sweep.again(), || ()).await;
    assert!(matches!(house.take(u64::MAX), Err(None)), "one that is done adds itself");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partitions_files_are_removed_by_one_duty_however_often_some_are_let_go_of() {
    let folder = std::env::temp_dir().join(format!("mekong-remove-files-{}", std::process::id()));
    let handle = broker(&[&folder], &[]).await;
    let (broker, partition) = (Arc::clone(handle.broker()), partition(&handle).await);
    for _ in 0..3 {
        append_one(&partition).await;
        let now_ms = broker.clock.wall_ms();
        partition.with_log(|log| log.truncate_fully(log.log_end(), now_ms)).unwrap();
        broker.remove_files_later(&partition, 0);
    }
    let removals = || count(&broker.housekeeping, |duty| matches!(duty, Duty::RemoveFiles(_)));
    assert_eq!(removals(), 1);
    perform(&broker, Duty::RemoveFiles(Arc::clone(&partition)));
    assert_eq!(removals(), 1, "what is done early leaves the one that is armed");
    drop(partition);
    handle.stop().await;
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Of `flush.messages` and `flush.ms`, whichever comes first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relaxed_partition_has_one_deadline_that_goes_with_its_oldest_unsynced_record() {
    let folder = std::env::temp_dir().join(format!("mekong-sync-{}", std::process::id()));
    let relaxed = [("log.flush.interval.messages", "2"), ("log.flush.interval.ms", "3600000")];
    let handle = broker(&[&folder], &relaxed).await;
    let (broker, partition) = (Arc::clone(handle.broker()), partition(&handle).await);
    let deadlines = || count(&broker.housekeeping, |duty| matches!(duty, Duty::Sync(_)));
    for _ in 0..7 {
        append_one(&partition).await;
    }
    assert_eq!(deadlines(), 1);
    // As where it was armed for a record that was synced since, by its count.
    let mut all = std::iter::from_fn(|| broker.housekeeping.take(u64::MAX).ok());
    perform(&broker, all.find(|duty| matches!(duty, Duty::Sync(_))).unwrap());
    assert!(partition.with_log(holds_unsynced), "the deadline of what is there now is an hour away");
    assert_eq!(deadlines(), 1, "and is waited for");
    drop(partition);
    handle.stop().await;
    std::fs::remove_dir_all(&folder).unwrap();
}

fn holds_unsynced(log: &mut PartitionLog) -> bool {
    let durability = Durability::Relaxed { flush_messages: 1, flush_ms: i64::MAX };
    log.set_config(Arc::new(LogConfig { durability, ..(**log.config()).clone() })).unwrap();
    log.flush_will_sync()
}

/// A log with a record, in a folder of this disk.
fn log_on(disk: &SimDisk) -> PartitionLog {
    let files = Arc::new(FileCache::new(Arc::new(disk.clone()), 4));
    let context = LogContext::new(&files, &HotBudget::new(0), Arc::new(SeededRandom::new(1)));
    let key = TopicIdPartition { topic: TopicId::default(), partition: 0 };
    disk.create_dir_all(Path::new("/data")).unwrap();
    let (config, load) = (Arc::new(LogConfig::default()), Load::clean(1));
    let mut log =
        PartitionLog::open(&Arc::new(context), key, Path::new("/data/t-0"), config, &load).unwrap().log;
    let mut builder = BatchBuilder::new(BatchOptions::default());
    builder.append(NewRecord { timestamp: 1, key: None, value: Some(b"x"), headers: &[] }).unwrap();
    let how = Append { leader_epoch: LeaderEpoch(0), origin: Origin::Client, now_ms: 1 };
    log.append(builder.build().into(), &how).unwrap();
    log
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_cannot_be_removed_now_is_removed_later() {
    let folder = std::env::temp_dir().join(format!("mekong-remove-folder-{}", std::process::id()));
    let handle = broker(&[&folder], &[]).await;
    let (broker, other) = (Arc::clone(handle.broker()), partition(&handle).await);
    let surroundings = Surroundings {
        housekeeping: Arc::clone(&broker.housekeeping),
        waiters: Arc::clone(&broker.waiters),
        dirty: Arc::clone(broker.compaction.dirty()),
        shared: Arc::clone(&broker.replication),
        dir: other.dir(),
    };
    let disk = SimDisk::new();
    let gone = Arc::new(Partition::new("gone".into(), log_on(&disk), other.settings(), surroundings));
    gone.with_log(|log| log.mark_deleted()).unwrap();
    disk.set_faults(|operation, _| match operation {
        Operation::Remove => Fault::Error(std::io::ErrorKind::StorageFull),
        _ => Fault::None,
    });
    perform(&broker, Duty::RemoveFolder(Arc::clone(&gone)));
    let removals = || count(&broker.housekeeping, |duty| matches!(duty, Duty::RemoveFolder(_)));
    assert_eq!(removals(), 1);
    disk.clear_faults();
    let mut all = std::iter::from_fn(|| broker.housekeeping.take(u64::MAX).ok());
    perform(&broker, all.find(|duty| matches!(duty, Duty::RemoveFolder(_))).unwrap());
    assert_eq!((removals(), disk.list(Path::new("/data")).unwrap()), (0, vec![]));
    drop((gone, other));
    handle.stop().await;
    std::fs::remove_dir_all(&folder).unwrap();
}
