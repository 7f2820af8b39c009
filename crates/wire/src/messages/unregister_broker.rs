//! UnregisterBroker: removes a broker's registration (KIP-631).

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request UnregisterBrokerRequest [UnregisterBroker => UnregisterBrokerResponse, versions 0..=0, flexible 0..] {
        broker_id: i32 [0..],
    }

    /// The answer.
    response UnregisterBrokerResponse [UnregisterBroker, versions 0..=0, flexible 0..] {
        throttle_time_ms: i32         [0..],
        error_code:       ErrorCode   [0..],
        error_message:    Option<Str> [0.., nullable 0..] = Some(Str::default()),
    }
}
