//! Every cap of the system, in one place: whatever a peer or a user can make grow stops at a number written here.
//!
//! Kafka's own configurable limits are configuration, not caps; their defaults stand in the configuration tables.

/// Decoding a message may allocate this many times the bytes received …
pub const DECODE_EXPANSION_MAX: usize = 8;

/// … plus this many bytes, so that small messages with many short strings pass.
pub const DECODE_SLACK_BYTES: usize = 64 * 1024;

/// The longest topic name (Kafka's own rule, which leaves room for `-<partition>` in a folder's name).
pub const TOPIC_NAME_LEN_MAX: usize = 249;
