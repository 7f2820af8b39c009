//! DeleteTopics: deletes topics.
//!
//! Versions: 0 is gone (4.0); 4 is flexible; 5 returns messages and a quota's error (KIP-599); 6 deletes by
//! topic id (KIP-516).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DeleteTopicsRequest [DeleteTopics => DeleteTopicsResponse, versions 1..=6, flexible 4..] {
        topics:      Vec<DeleteTopicState> [6..],
        topic_names: Vec<Str>              [0..=5, ignorable],
        timeout_ms:  i32                   [0..],
    }

    /// One of [`DeleteTopicsRequest::topics`].
    struct DeleteTopicState {
        name:     Option<Str> [6.., nullable 6..] = None,
        topic_id: Uuid        [6..],
    }

    /// The answer.
    response DeleteTopicsResponse [DeleteTopics, versions 1..=6, flexible 4..] {
        throttle_time_ms: i32                       [1.., ignorable],
        responses:        Vec<DeletableTopicResult> [0..],
    }

    /// One of [`DeleteTopicsResponse::responses`].
    struct DeletableTopicResult {
        name:          Option<Str> [0.., nullable 6..] = Some(Str::default()),
        topic_id:      Uuid        [6.., ignorable],
        error_code:    ErrorCode   [0..],
        error_message: Option<Str> [5.., nullable 5.., ignorable] = None,
    }
}
