//! What an answer looks like.

use schema::json::Json;
use schema::{Finding, Metadata, RuleSet};

use crate::error::RestError;
use crate::json::Members;
use crate::record::{Content, references_json};
use crate::settings::Settings;
use crate::store::Version;

/// The body of an answer.
#[derive(Debug)]
pub(super) enum Answer {
    Json(Json),
    /// A schema's own text.
    Raw(String),
    /// 204.
    Empty,
}

impl From<Json> for Answer {
    fn from(json: Json) -> Self {
        Self::Json(json)
    }
}

/// The body of an error.
pub(super) fn error_body(error: &RestError) -> Json {
    let reasons = (!error.findings.is_empty()).then(|| findings(&error.findings));
    Members::default()
        .int("error_code", error.code)
        .text("message", &error.message)
        .some("reasons", reasons)
        .build()
}

/// Our addition to Confluent's answers: every reason with the change that would mend it.
pub(super) fn findings(findings: &[Finding]) -> Json {
    let one = |finding: &Finding| {
        Members::default()
            .text("errorType", finding.kind.unwrap_or("UNCOMPARABLE"))
            .text("path", &finding.path)
            .text("description", &finding.description)
            .text("remedy", &finding.remedy)
            .build()
    };
    Json::Array(findings.iter().map(one).collect())
}

fn type_name(settings: &Settings, content: &Content) -> Option<Json> {
    let named = settings.profile.is_whole() || content.language != schema::Language::Avro;
    named.then(|| Json::from(content.language.name()))
}

fn guid(settings: &Settings, content: &Content) -> Option<Json> {
    settings.profile.tells_guids().then(|| Json::from(content.guid.to_string().as_str()))
}

/// A version of a subject.
pub(super) fn version(
    settings: &Settings,
    subject: &str,
    number: i32,
    version: &Version,
    text: &str,
) -> Members {
    let content = &version.content;
    let whole = settings.profile.is_whole();
    Members::default()
        .text("subject", subject)
        .int("version", number)
        .int("id", version.id)
        .some("guid", guid(settings, content))
        .some("schemaType", type_name(settings, content))
        .some("references", references_json(&content.references))
        .some("metadata", content.metadata.as_ref().map(Metadata::to_json))
        .some("ruleSet", content.rules.as_ref().map(RuleSet::to_json))
        .text("schema", text)
        .some("ts", whole.then(|| Json::Number(version.timestamp.into())))
        .some("deleted", (whole && version.deleted).then_some(Json::Bool(true)))
}

/// A schema by its id.
pub(super) fn schema_string(settings: &Settings, content: &Content, text: &str) -> Members {
    Members::default()
        .some("schemaType", type_name(settings, content))
        .text("schema", text)
        .some("references", references_json(&content.references))
        .some("metadata", content.metadata.as_ref().map(Metadata::to_json))
        .some("ruleSet", content.rules.as_ref().map(RuleSet::to_json))
        .some("guid", guid(settings, content))
}
