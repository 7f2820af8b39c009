//! What a connection does with good and bad bytes.

mod common;

use common::{Raw, broker};
use std::time::Duration;

use wire::messages::api_versions::ApiVersionsRequest;
use wire::messages::create_topics::{CreatableTopic, CreateTopicsRequest};
use wire::messages::describe_configs::{DescribeConfigsRequest, DescribeConfigsResource};
use wire::messages::metadata::MetadataRequest;
use wire::messages::sasl_authenticate::SaslAuthenticateRequest;
use wire::messages::sasl_handshake::SaslHandshakeRequest;
use wire::{ApiKey, ErrorCode};

/// Answers of some 100 KiB each, far more than sockets hold.
const ASKED: i32 = 300;

fn api_versions() -> ApiVersionsRequest {
    ApiVersionsRequest { client_software_name: "raw".into(), client_software_version: "1".into() }
}

#[tokio::test]
async fn api_versions_answers_in_every_version_and_in_none() {
    let broker = broker(&[]).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    for version in 0..=4 {
        let answer = raw.call(version, &api_versions()).await;
        assert_eq!(answer.error_code, ErrorCode::NONE);
        let own = answer.api_keys.iter().find(|key| key.api_key == ApiKey::ApiVersions.code()).unwrap();
        assert_eq!((own.min_version, own.max_version), (0, 4));
    }
    raw.send_bytes(&[0, 0, 0, 11, 0, 18, 0, 99, 0, 0, 0, 5, 0xff, 0xff, 0]).await;
    let answer = raw.receive_frame().await.unwrap();
    assert_eq!(answer[..6], [0, 0, 0, 5, 0, 35], "correlation id, UNSUPPORTED_VERSION, in version 0");
    assert_eq!(raw.call(3, &api_versions()).await.error_code, ErrorCode::NONE, "the connection goes on");
}

#[tokio::test]
async fn a_client_that_wants_sasl_is_told_that_there_is_none_here() {
    let broker = broker(&[]).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    for version in 0..=1 {
        let answer = raw.call(version, &SaslHandshakeRequest { mechanism: "PLAIN".into() }).await;
        assert_eq!((answer.error_code, answer.mechanisms.len()), (ErrorCode::ILLEGAL_SASL_STATE, 0));
    }
    for version in 0..=2 {
        let answer = raw.call(version, &SaslAuthenticateRequest::default()).await;
        assert_eq!(answer.error_code, ErrorCode::ILLEGAL_SASL_STATE);
    }
    assert_eq!(raw.call(3, &api_versions()).await.error_code, ErrorCode::NONE, "the connection goes on");
}

#[tokio::test]
async fn malformed_client_software_is_refused() {
    let broker = broker(&[]).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    let answer = raw.call(3, &ApiVersionsRequest::default()).await;
    assert_eq!(answer.error_code, ErrorCode::INVALID_REQUEST);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let broker = broker(&[]).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    for _ in 0..200 {
        raw.send(3, &api_versions()).await;
    }
    for back in (0..200).rev() {
        raw.receive::<ApiVersionsRequest>(3, back).await;
    }
}

/// A peer once made the broker hold gigabytes of answers: whatever was in the read buffer ran, read or not.
#[tokio::test]
async fn what_is_asked_by_a_peer_that_does_not_read_waits() {
    let broker = broker(&[("node.id", "1")]).await;
    let (mut deaf, mut other) =
        (Raw::connect(broker.address().unwrap()).await, Raw::connect(broker.address().unwrap()).await);
    let resource =
        DescribeConfigsResource { resource_type: 4, resource_name: "1".into(), ..Default::default() };
    let configs = DescribeConfigsRequest {
        resources: vec![resource],
        include_documentation: true,
        ..Default::default()
    };
    let topic = CreatableTopic {
        name: "late".into(),
        num_partitions: 1,
        replication_factor: 1,
        ..Default::default()
    };
    let create = CreateTopicsRequest { topics: vec![topic], timeout_ms: 10_000, ..Default::default() };
    let mut bytes = Vec::new();
    for _ in 0..ASKED {
        bytes.extend_from_slice(&deaf.encode(4, &configs));
    }
    bytes.extend_from_slice(&deaf.encode(7, &create));
    assert!(bytes.len() < 16 * 1024, "one read takes all of it");
    deaf.send_bytes(&bytes).await;
    let exists = async |other: &mut Raw| {
        let all = MetadataRequest { topics: None, ..Default::default() };
        other.call(12, &all).await.topics.iter().any(|topic| topic.name.as_deref() == Some("late"))
    };
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!exists(&mut other).await, "it was carried out before what was asked earlier was read");
    }
    let mut read = 0;
    for back in (1..=ASKED).rev() {
        read += deaf.receive::<DescribeConfigsRequest>(4, back).await.results.len();
    }
    deaf.receive::<CreateTopicsRequest>(7, 0).await;
    assert_eq!(read, ASKED as usize);
    assert!(exists(&mut other).await);
}

#[tokio::test]
async fn bytes_that_are_no_request_end_their_connection_and_no_other() {
    let broker = broker(&[("socket.request.max.bytes", "1000")]).await;
    let mut good = Raw::connect(broker.address().unwrap()).await;
    for bad in [
        &[0xff, 0xff, 0xff, 0xff][..],                             // negative size
        &[0, 0, 4, 0],                                             // larger than allowed
        &[0, 0, 0, 0],                                             // empty
        &[0, 0, 0, 3, 0, 18, 0],                                   // shorter than a header
        &[0, 0, 0, 10, 0x7f, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff],     // unknown API
        &[0, 0, 0, 10, 0, 4, 0, 0, 0, 0, 0, 1, 0xff, 0xff],        // API of the past
        &[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0, 9],             // client id longer than the frame
        &[0, 0, 0, 12, 0, 18, 0, 3, 0, 0, 0, 1, 0xff, 0xff, 0, 9], // text longer than the frame
    ] {
        let mut raw = Raw::connect(broker.address().unwrap()).await;
        raw.send_bytes(bad).await;
        assert!(raw.receive_frame().await.is_none(), "{bad:?}");
        assert_eq!(good.call(3, &api_versions()).await.error_code, ErrorCode::NONE);
    }
}

#[tokio::test]
async fn a_trickled_request_is_served() {
    let broker = broker(&[]).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    for byte in [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff] {
        raw.send_bytes(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(raw.receive_frame().await.unwrap()[..6], [0, 0, 0, 7, 0, 0]);
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let broker = broker(&[("connections.max.idle.ms", "50")]).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    assert_eq!(raw.call(3, &api_versions()).await.error_code, ErrorCode::NONE);
    assert!(raw.receive_frame().await.is_none());
}

#[tokio::test]
async fn a_stop_closes_what_is_open() {
    let broker = broker(&[]).await;
    let mut raw = Raw::connect(broker.address().unwrap()).await;
    raw.call(3, &api_versions()).await;
    broker.stop().await;
    assert!(raw.receive_frame().await.is_none());
}
