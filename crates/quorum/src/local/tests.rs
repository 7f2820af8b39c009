//! Proposals are committed in order, together, and reach followers.

use env::RealDisk;
use metadata::record::FeatureLevelRecord;

use super::*;

fn record(level: i16) -> Record {
    FeatureLevelRecord { name: "f".into(), level }.into()
}

fn open(dir: &Path) -> Local {
    Local::open(Arc::new(RealDisk), dir, 1, Uuid([1; 16])).unwrap()
}

#[tokio::test]
async fn proposals_are_committed_in_order_and_followed() {
    let dir = std::env::temp_dir().join(format!("mekong-quorum-local-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let log = open(&dir);
    let pending: Vec<_> = (0..500).map(|level| log.propose(1, vec![record(level)])).collect();
    for (place, proposal) in pending.into_iter().enumerate() {
        assert_eq!(proposal.await, Ok(place as u64 + 1));
    }
    assert_eq!(followed(&log, 0, 500).await, (0..500).map(record).collect::<Vec<_>>());
    assert_eq!(log.voters().high_watermark, 500);

    // An image that was long in the making: something came behind it meanwhile.
    assert_eq!(log.propose(1, vec![record(500)]).await, Ok(501));
    log.snapshot(500, vec![record(499)]);
    assert_eq!(log.propose(1, vec![record(501)]).await, Ok(502));
    assert_eq!(followed(&log, 500, 502).await, [record(500), record(501)]);
    drop(log);
    let log = open(&dir);
    match log.next(0).await.unwrap() {
        Committed::Snapshot { end_offset: 500, records } => assert_eq!(*records, [record(499)]),
        other => panic!("{other:?}"),
    }
    assert_eq!(followed(&log, 500, 502).await, [record(500), record(501)]);
    std::fs::remove_dir_all(&dir).unwrap();
}

async fn followed(log: &Local, mut from: u64, to: u64) -> Vec<Record> {
    let mut records = Vec::new();
    while from < to {
        match log.next(from).await.unwrap() {
            Committed::Batch { end_offset, batch } => {
                records.extend(batch.records.clone());
                from = end_offset;
            }
            Committed::Snapshot { .. } => panic!("no snapshot was made"),
        }
    }
    records
}
