//! What a shard does when its log fails, or takes long.

use std::time::Duration;

use base::Str;
use coordinator::group::{Call, Live};
use wire::messages::offset_commit::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};

use super::*;
use crate::config::{Config, Origin as From, Properties};
use crate::serve;

fn list() -> Request {
    Request::List { states: Vec::new(), types: Vec::new() }
}

fn commit() -> Request {
    let partitions = vec![OffsetCommitRequestPartition { committed_offset: 7, ..Default::default() }];
    let topics = vec![OffsetCommitRequestTopic { name: "t".into(), partitions, ..Default::default() }];
    let request = OffsetCommitRequest {
        group_id: "g".into(),
        generation_id_or_member_epoch: -1,
        topics,
        ..Default::default()
    };
    Request::OffsetCommit(Call { version: 8, ..Default::default() }, request)
}

/// The committer, cleaners and movers have no runtime, and hear of what failed first.
#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_fails_on_a_thread_without_a_runtime_loads_the_shard_anew() {
    let folder = std::env::temp_dir().join(format!("mekong-test-shard-{}", std::process::id()));
    std::fs::remove_dir_all(&folder).ok();
    let mut all = Properties::default();
    all.set("log.dirs", folder.to_str().unwrap(), From::Embedder);
    all.set("listeners", "PLAINTEXT://127.0.0.1:0", From::Embedder);
    all.set("offsets.topic.num.partitions", "1", From::Embedder);
    let handle = serve(Config::new(all).unwrap()).await.unwrap();
    let broker = Arc::clone(handle.broker());
    broker.auto_create(&Str::from(crate::coordinators::OFFSETS_TOPIC)).await.unwrap();
    let serves = async || {
        while broker.coordinators.ask_shard(0, list()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), serves()).await.unwrap();
    let shard = broker.coordinators.shard(0).unwrap();
    let committer = std::thread::spawn(move || {
        shard.post(Job::Appended(1, WriteId(1), Err(ErrorCode::NOT_COORDINATOR)));
    });
    committer.join().unwrap();
    tokio::time::timeout(Duration::from_secs(60), serves()).await.unwrap();
    handle.stop().await;
    std::fs::remove_dir_all(&folder).ok();
}

#[test]
fn who_waits_for_what_is_not_committed_for_long_hears_so() {
    let mut core = GroupEngine::new(Live::new(Settings::default()));
    assert!(core.loaded(0).records.is_empty());
    let mut state = State {
        core: Core::Serving(Box::new(core)),
        life: 1,
        waiting: HashMap::new(),
        next_waiter: 0,
        uncommitted: None,
        gone: Vec::new(),
    };
    let mut asked = |request: Request, now_ms: i64, committed: Option<WriteId>| {
        let (mut written, (reply, answer)) = (Written::default(), oneshot::channel());
        if let Some(write) = committed {
            state.committed(write, now_ms);
        }
        state.ask(request, Some(reply), now_ms, &mut written);
        state.written(written.last, now_ms);
        (written.last, answer, state.patience_ends(5_000, now_ms), state.waiting.len())
    };
    let (write, mut commit, ends, _) = asked(commit(), 10, None);
    assert_eq!(ends, Some(5_010));
    let (_, mut early, ends, waiting) = asked(list(), 5_009, None);
    assert_eq!((ends, waiting), (Some(5_010), 2));
    assert!(commit.try_recv().is_err() && early.try_recv().is_err(), "they wait for the write");
    // All of them, and whoever comes later, at once.
    let (_, mut late, ends, waiting) = asked(list(), 5_010, None);
    assert_eq!((ends, waiting), (None, 0));
    for answer in [&mut commit, &mut early, &mut late] {
        assert_eq!(answer.try_recv().unwrap(), Err(ErrorCode::COORDINATOR_NOT_AVAILABLE));
    }
    // Until it is committed.
    let (_, mut after, ends, _) = asked(list(), 9_000, write);
    assert!(matches!(after.try_recv().unwrap(), Ok(Response::List(_))));
    assert_eq!(ends, None);
}
