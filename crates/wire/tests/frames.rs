//! Whole frames against bytes written down by hand.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use base::{Str, Uuid};
use bytes::Bytes;
use wire::messages::produce::{PartitionProduceData, TopicProduceData};
use wire::messages::{
    ApiVersionsRequest, ApiVersionsResponse, FetchResponse, MetadataRequest, ProduceRequest,
};
use wire::{
    ApiKey, DecodeErrorKind, Decoder, EncodeErrorKind, Encoder, ErrorCode, Message, Records, Request,
    Segment, frame,
};

fn hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

#[test]
fn api_versions_request_v3() {
    let body =
        ApiVersionsRequest { client_software_name: "mekong".into(), client_software_version: "1".into() };
    let rope = frame::encode_request(7, Some(Str::from("c")), 3, &body).unwrap();
    let expected = hex("00000016 0012 0003 00000007 0001 63 00  07 6d656b6f6e67 02 31 00");
    assert_eq!(rope.read().unwrap(), expected);

    let (header, key, mut decoder) = frame::decode_request_header(expected.slice(4..)).unwrap();
    assert_eq!((header.correlation_id, header.client_id, key), (7, Some("c".into()), ApiKey::ApiVersions));
    assert_eq!(ApiVersionsRequest::decode(&mut decoder, 3).unwrap(), body);
}

#[test]
fn api_versions_response_keeps_header_0() {
    let body = ApiVersionsResponse { error_code: ErrorCode::UNSUPPORTED_VERSION, ..Default::default() };
    let rope = frame::encode_response(ApiVersionsRequest::KEY, 3, 7, &body).unwrap();
    assert_eq!(rope.read().unwrap(), hex("0000000c 00000007 0023 01 00000000 00"));
}

#[test]
fn records_are_shared_not_copied() {
    let batch = Bytes::from(vec![7; 4096]);
    let partition = PartitionProduceData { index: 3, records: Some(Records::from(batch.clone())) };
    let topic =
        TopicProduceData { topic_id: Uuid([9; 16]), partition_data: vec![partition], ..Default::default() };
    let body = ProduceRequest { acks: -1, timeout_ms: 30, topic_data: vec![topic], ..Default::default() };
    let rope = frame::encode_request(1, None, 13, &body).unwrap();
    let shared = rope
        .segments()
        .filter(|segment| matches!(segment, Segment::Bytes(bytes) if bytes.as_ptr() == batch.as_ptr()));
    assert_eq!(shared.count(), 1);

    let bytes = rope.read().unwrap();
    let (_, _, mut decoder) = frame::decode_request_header(bytes.slice(4..)).unwrap();
    let decoded = ProduceRequest::decode(&mut decoder, 13).unwrap();
    assert_eq!(decoded, body);
    let decoded = decoded.topic_data[0].partition_data[0].records.clone().unwrap().to_bytes();
    assert!(bytes.as_ptr_range().contains(&decoded.as_ptr()));
}

#[test]
fn a_count_beyond_the_message_names_its_field() {
    let error = MetadataRequest::decode(&mut Decoder::new(hex("7fffffff")), 0).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::CountBeyondMessage { count: 0x7fff_ffff, left: 0 });
    assert_eq!(
        error.to_string(),
        "MetadataRequest v0: MetadataRequest.topics: 2147483647 elements do not fit in the 0 bytes left"
    );
}

#[test]
fn a_value_in_a_field_the_version_lacks_is_refused() {
    let body = FetchResponse { session_id: 5, ..Default::default() };
    let error = body.encode(&mut Encoder::new(), 4).unwrap_err();
    assert_eq!((error.field, error.kind), ("FetchResponse.session_id", EncodeErrorKind::NotInVersion));
    let ignorable = FetchResponse { error_code: ErrorCode::INVALID_REQUEST, ..Default::default() };
    assert!(ignorable.encode(&mut Encoder::new(), 4).is_ok());
}

#[test]
fn unknown_tagged_fields_are_skipped() {
    let bytes = hex("02 61 02 62 01 05 03 010203");
    let decoded = ApiVersionsRequest::decode(&mut Decoder::new(bytes), 3).unwrap();
    assert_eq!((decoded.client_software_name, decoded.client_software_version), ("a".into(), "b".into()));
}
