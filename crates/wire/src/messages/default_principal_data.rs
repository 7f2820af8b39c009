//! DefaultPrincipalData: a principal as brokers forward it to the controller (KIP-590).

use base::Str;

crate::message! {
    /// The message.
    data DefaultPrincipalData [versions 0..=0, flexible 0..] {
        r#type:              Str  [0..],
        name:                Str  [0..],
        token_authenticated: bool [0..],
    }
}
