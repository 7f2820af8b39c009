//! ApiVersions (18), versions 0–4: what this broker serves.
//!
//! - An unknown version is answered in version 0 with UNSUPPORTED_VERSION and the versions of this API (KIP-511).
//! - Version 3 tells the client software's name and version; malformed ones are INVALID_REQUEST.
//! - Produce is advertised from 0, though 0–2 are refused: librdkafka derives its codecs from that number (KAFKA-18659).

use wire::messages::api_versions::{
    ApiVersion, ApiVersionsRequest, ApiVersionsResponse, FinalizedFeatureKey, SupportedFeatureKey,
};
use wire::{ApiKey, ErrorCode};

use crate::controller::features;
use crate::dispatch;
use crate::request::RequestContext;

/// Answers with the dispatch table.
pub(crate) async fn handle(ctx: &RequestContext, request: ApiVersionsRequest) -> ApiVersionsResponse {
    if ctx.version >= 3 {
        let (name, version) = (&request.client_software_name, &request.client_software_version);
        if !is_software_word(name) || !is_software_word(version) {
            return ApiVersionsResponse { error_code: ErrorCode::INVALID_REQUEST, ..Default::default() };
        }
        // Repeats on one connection change nothing.
        let _ = ctx.connection.software.set((name.detached(), version.detached()));
    }
    let image = ctx.broker().image();
    let supported = features().into_iter().map(|range| SupportedFeatureKey {
        name: range.name,
        min_version: range.min,
        max_version: range.max,
    });
    let finalized = image.features().iter().map(|(name, level)| FinalizedFeatureKey {
        name: name.clone(),
        min_version_level: *level,
        max_version_level: *level,
    });
    let offset = ctx.broker().quorum().map_or(-1, |voters| voters.high_watermark as i64);
    ApiVersionsResponse {
        api_keys: dispatch::rows()
            .filter(|row| dispatch::is_served_on(&ctx.connection.listener.config, row.key))
            .map(advertised)
            .collect(),
        supported_features: supported.collect(),
        finalized_features_epoch: offset,
        finalized_features: finalized.collect(),
        ..Default::default()
    }
}

/// The answer to a version nobody knows, to be written in version 0.
pub(crate) fn unsupported() -> ApiVersionsResponse {
    let own = dispatch::rows().filter(|row| row.key == ApiKey::ApiVersions).map(advertised).collect();
    ApiVersionsResponse { error_code: ErrorCode::UNSUPPORTED_VERSION, api_keys: own, ..Default::default() }
}

fn advertised(row: &dispatch::Row) -> ApiVersion {
    let min_version = if row.key == ApiKey::Produce { 0 } else { *row.versions.start() };
    ApiVersion { api_key: row.key.code(), min_version, max_version: *row.versions.end() }
}

/// Kafka's pattern: `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?`.
fn is_software_word(word: &str) -> bool {
    let bytes = word.as_bytes();
    let ends = [bytes.first(), bytes.last()];
    ends.into_iter().all(|end| end.is_some_and(u8::is_ascii_alphanumeric))
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_words_are_kafkas() {
        for (word, ok) in [
            ("apache-kafka-java", true),
            ("4.3.1", true),
            ("a", true),
            ("", false),
            ("-a", false),
            ("a.", false),
            ("a b", false),
            ("a_b", false),
        ] {
            assert_eq!(is_software_word(word), ok, "{word:?}");
        }
    }
}
