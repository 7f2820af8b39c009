//! BrokerRegistration: registers a broker with the controller (KIP-631).
//!
//! Versions: 1 says whether it migrates from ZooKeeper (KIP-866); 2 adds log directories (KIP-858); 3 the
//! previous broker epoch (KIP-966); 4 features that begin at 0 (KIP-1022).

use alloc::vec::Vec;

use base::{Str, Uuid};

use crate::ErrorCode;

crate::message! {
    /// The request.
    request BrokerRegistrationRequest [BrokerRegistration => BrokerRegistrationResponse, versions 0..=4, flexible 0..] {
        broker_id:              i32           [0..],
        cluster_id:             Str           [0..],
        incarnation_id:         Uuid          [0..],
        listeners:              Vec<Listener> [0..],
        features:               Vec<Feature>  [0..],
        rack:                   Option<Str>   [0.., nullable 0..] = Some(Str::default()),
        is_migrating_zk_broker: bool          [1..],
        log_dirs:               Vec<Uuid>     [2.., ignorable],
        previous_broker_epoch:  i64           [3.., ignorable] = -1,
    }

    /// One of [`BrokerRegistrationRequest::listeners`].
    struct Listener {
        name:              Str [0..],
        host:              Str [0..],
        port:              u16 [0..],
        security_protocol: i16 [0..],
    }

    /// One of [`BrokerRegistrationRequest::features`].
    struct Feature {
        name:                  Str [0..],
        min_supported_version: i16 [0..],
        max_supported_version: i16 [0..],
    }

    /// The answer.
    response BrokerRegistrationResponse [BrokerRegistration, versions 0..=4, flexible 0..] {
        throttle_time_ms: i32       [0..],
        error_code:       ErrorCode [0..],
        broker_epoch:     i64       [0..] = -1,
    }
}
