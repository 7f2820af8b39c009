//! Replication throttles (KIP-73): who is not in sync is copied as slowly as asked by `leader.replication.throttled.rate` and
//! `follower.replication.throttled.rate`, for what `leader.replication.throttled.replicas` and `follower.replication.throttled.replicas` name.

use std::time::{Duration, Instant};

use base::Offset;
use wire::ErrorCode;

use super::{Cluster, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttled_replica_that_is_not_in_sync_is_copied_as_slowly_as_asked_and_holds_nobody_up() {
    const BYTES: &[u8] = &[b'x'; 100_000];
    const LARGE: &str = match str::from_utf8(BYTES) {
        Ok(text) => text,
        Err(_) => unreachable!(),
    };
    for (side, throttled, [rate, replicas]) in [
        ("leader", "1", ["leader.replication.throttled.rate", "leader.replication.throttled.replicas"]),
        ("follower", "3", ["follower.replication.throttled.rate", "follower.replication.throttled.replicas"]),
    ] {
        let mut cluster = Cluster::begin(&[("replica.fetch.max.bytes", "131072")], &[1, 2]).await;
        for _ in 0..40 {
            assert_eq!(cluster.produce(1, -1, LARGE).await.error_code, ErrorCode::NONE);
        }
        cluster.configure(4, throttled, rate.into(), Some("400000"));
        cluster.configure(2, "t", replicas.into(), Some("*"));
        cluster.tell(&[1, 2, 3]).await;
        let (begun, copied) =
            (Instant::now(), |end| cluster.replica(3).reader().view().log_end >= Offset(end));
        eventually("3 copies", || copied(4)).await;
        let before = Instant::now();
        assert_eq!(cluster.produce(1, -1, "small").await.error_code, ErrorCode::NONE);
        assert!(before.elapsed() < Duration::from_secs(1), "who is in sync waits: {:?}", before.elapsed());
        eventually("3 copies more", || copied(9)).await;
        let took = begun.elapsed();
        // Eight before the last one, four a second; half a second may have been saved up.
        assert!(took > Duration::from_millis(1300) && took < Duration::from_secs(30), "{side}: {took:?}");
        cluster.configure(4, throttled, rate.into(), None);
        cluster.tell(&[1, 2, 3]).await;
        let lifted = Instant::now();
        eventually("3 has all", || cluster.replica(3).reader().view().log_end == Offset(41)).await;
        assert!(
            lifted.elapsed() < Duration::from_secs(6),
            "{side}: {:?} after the limit was lifted",
            lifted.elapsed()
        );
        cluster.stop().await;
    }
}
