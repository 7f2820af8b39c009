//! ControllerRegistration: registers a controller with the active one (KIP-919).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request ControllerRegistrationRequest [ControllerRegistration => ControllerRegistrationResponse, versions 0..=0, flexible 0..] {
        controller_id:      i32           [0..],
        incarnation_id:     Uuid          [0..],
        zk_migration_ready: bool          [0..],
        listeners:          Vec<Listener> [0..],
        features:           Vec<Feature>  [0..],
    }

    /// One of [`ControllerRegistrationRequest::listeners`].
    struct Listener {
        name:              Str [0..],
        host:              Str [0..],
        port:              u16 [0..],
        security_protocol: i16 [0..],
    }

    /// One of [`ControllerRegistrationRequest::features`].
    struct Feature {
        name:                  Str [0..],
        min_supported_version: i16 [0..],
        max_supported_version: i16 [0..],
    }

    /// The answer.
    response ControllerRegistrationResponse [ControllerRegistration, versions 0..=0, flexible 0..] {
        throttle_time_ms: i32         [0..],
        error_code:       ErrorCode   [0..],
        error_message:    Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }
}
