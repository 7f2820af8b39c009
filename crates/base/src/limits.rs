//! Caps that several crates share: what a peer or a user can make grow stops at a number written here, or beside the one place that
//! keeps to it.
//!
//! Kafka's own configurable limits are configuration, not caps; their defaults stand in the configuration tables.

/// Decoding a message may allocate this many times the bytes received …
pub const DECODE_EXPANSION_MAX: usize = 8;

/// … plus this many bytes, so that small messages with many short strings pass.
pub const DECODE_SLACK_BYTES: usize = 1024 * 1024;

/// A connection starts no further request while so many bytes of its answers wait to be sent: a peer that asks and does not read
/// is worth no more memory than this and one answer.
pub const UNSENT_BYTES_MAX: usize = 1024 * 1024;

/// A frame between voters of the quorum: an entry of the metadata log, or a piece of a snapshot, and much more than either.
pub const QUORUM_FRAME_BYTES_MAX: usize = 128 * 1024 * 1024;

/// The partitions that consumers' fetch sessions remember, all together; a session that would go beyond is refused, and its client asks
/// for everything anew each time. Some 300 bytes each.
pub const FETCH_SESSION_PARTITIONS_MAX: usize = 500_000;

/// The longest topic name (Kafka's own rule, which leaves room for `-<partition>` in a folder's name).
pub const TOPIC_NAME_LEN_MAX: usize = 249;

/// A schema's text: longer ones are refused before they are parsed.
pub const SCHEMA_TEXT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// How deep a schema's JSON, or a Protobuf definition, may nest: the parsers recurse.
pub const SCHEMA_DEPTH_MAX: usize = 256;

/// How many values, one in another or side by side, the JSON of a schema or of a request to the registry may have.
pub const JSON_VALUES_MAX: usize = 1_000_000;

/// Subschemas that a JSON Schema may have, each counted as often as references lead into what it stands in.
pub const JSON_SCHEMA_PARTS_MAX: usize = 300_000;

/// Bytes that a JSON Schema's values, names and texts may take, about, each counted as often as it is loaded.
pub const JSON_SCHEMA_BYTES_MAX: usize = 192 * 1024 * 1024;

/// The bodies of all requests that the registry has under way, in bytes together; parsed they are some times as large.
pub const REGISTRY_BODIES_BYTES_MAX: usize = 32 * 1024 * 1024;

/// The answers above 64 KiB that the registry has under way, in bytes together.
pub const REGISTRY_ANSWERS_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Steps that one comparison of two schemas may take before it gives up with an error.
pub const SCHEMA_COMPARE_STEPS_MAX: usize = 500_000;

/// Bytes that one printed form of a schema may have (inlining references can multiply text).
pub const SCHEMA_PRINT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Bytes that the full names in a schema may have together, with the candidates that a search for each tries.
pub const SCHEMA_NAME_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The records of one batch may have this many bytes when decompressed: far above what honest producers send (a batch of
/// `max.message.bytes` that shrank a hundredfold), low enough to stop a decompression bomb.
pub const DECOMPRESSED_BATCH_BYTES_MAX: usize = 128 * 1024 * 1024;

/// Of the refused records of one batch, this many are named in the answer (KIP-467).
pub const RECORD_ERRORS_MAX: usize = 1_000;
