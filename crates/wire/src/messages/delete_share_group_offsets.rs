//! DeleteShareGroupOffsets: deletes a share group's start offsets (KIP-932).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request DeleteShareGroupOffsetsRequest [DeleteShareGroupOffsets => DeleteShareGroupOffsetsResponse, versions 0..=0, flexible 0..] {
        group_id: Str                                      [0..],
        topics:   Vec<DeleteShareGroupOffsetsRequestTopic> [0..],
    }

    /// One of [`DeleteShareGroupOffsetsRequest::topics`].
    struct DeleteShareGroupOffsetsRequestTopic {
        topic_name: Str [0..],
    }

    /// The answer.
    response DeleteShareGroupOffsetsResponse [DeleteShareGroupOffsets, versions 0..=0, flexible 0..] {
        throttle_time_ms: i32                                       [0..],
        error_code:       ErrorCode                                 [0..],
        error_message:    Option<Str>                               [0.., nullable 0..] = None,
        responses:        Vec<DeleteShareGroupOffsetsResponseTopic> [0..],
    }

    /// One of [`DeleteShareGroupOffsetsResponse::responses`].
    struct DeleteShareGroupOffsetsResponseTopic {
        topic_name:    Str         [0..],
        topic_id:      Uuid        [0..],
        error_code:    ErrorCode   [0..],
        error_message: Option<Str> [0.., nullable 0..] = None,
    }
}
