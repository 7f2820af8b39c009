//! FindCoordinator: tells which broker coordinates a group, a transactional id or a share partition.
//!
//! Versions: 1 adds the key's type (KIP-98); 3 is flexible; 4 asks for many keys (KIP-699); 5 may answer
//! TRANSACTION_ABORTABLE (KIP-890); 6 knows share partitions (KIP-932).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request FindCoordinatorRequest [FindCoordinator => FindCoordinatorResponse, versions 0..=6, flexible 3..] {
        key:              Str      [0..=3],
        key_type:         i8       [1..],
        coordinator_keys: Vec<Str> [4..],
    }

    /// The answer.
    response FindCoordinatorResponse [FindCoordinator, versions 0..=6, flexible 3..] {
        throttle_time_ms: i32              [1.., ignorable],
        error_code:       ErrorCode        [0..=3],
        error_message:    Option<Str>      [1..=3, nullable 1..=3, ignorable] = Some(Str::default()),
        node_id:          i32              [0..=3],
        host:             Str              [0..=3],
        port:             i32              [0..=3],
        coordinators:     Vec<Coordinator> [4..],
    }

    /// One of [`FindCoordinatorResponse::coordinators`].
    struct Coordinator {
        key:           Str         [4..],
        node_id:       i32         [4..],
        host:          Str         [4..],
        port:          i32         [4..],
        error_code:    ErrorCode   [4..],
        error_message: Option<Str> [4.., nullable 4.., ignorable] = Some(Str::default()),
    }
}
