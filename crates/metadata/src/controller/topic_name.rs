//! Which names topics may have.

use alloc::format;
use alloc::string::String;

use base::limits::TOPIC_NAME_LEN_MAX;
use wire::ErrorCode;

use super::ApiError;

/// Topics that Kafka keeps for itself.
const INTERNAL: [&str; 3] = ["__consumer_offsets", "__transaction_state", "__share_group_state"];

/// Whether Kafka keeps this topic for itself.
pub fn is_internal_topic(name: &str) -> bool {
    INTERNAL.contains(&name)
}

/// Whether a topic may have this name, in Kafka's words.
pub fn check_topic_name(name: &str) -> Result<(), ApiError> {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let why = if name.is_empty() {
        String::from("the empty string is not allowed")
    } else if name == "." || name == ".." {
        format!("'{name}' is not allowed")
    } else if name.len() > TOPIC_NAME_LEN_MAX {
        format!("the length of '{name}' is longer than the max allowed length {TOPIC_NAME_LEN_MAX}")
    } else if !name.bytes().all(is_legal) {
        format!("'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")
    } else {
        return Ok(());
    };
    Err(ApiError::new(ErrorCode::INVALID_TOPIC_EXCEPTION, format!("Topic name is invalid: {why}")))
}
