//! What an answer looks like.

use schema::json::Json;
use schema::{Finding, Metadata, Reference, RuleSet};

use crate::core::found_tags;
use crate::error::RestError;
use crate::json::Members;
use crate::record::{Content, references_json};
use crate::settings::Settings;
use crate::store::Version;
use crate::subject;

use super::held::Place;
use super::query::Query;

/// The body of an answer.
pub(super) enum Answer {
    Json(Json),
    /// A schema's own text.
    Raw(String),
    /// Written, with its place among the large ones.
    Held(String, Place),
    /// Status and body of another registry's answer.
    Passed(u16, String),
    /// 204.
    Empty,
}

impl Answer {
    /// As the text that it will be.
    pub fn written(self) -> Self {
        match self {
            Self::Json(json) => Self::Raw(json.to_text()),
            other => other,
        }
    }

    /// The size of that text.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Raw(text) | Self::Held(text, _) | Self::Passed(_, text) => text.len(),
            Self::Json(_) | Self::Empty => 0,
        }
    }

    /// With its place.
    pub fn held(self, place: Place) -> Self {
        match self {
            Self::Raw(text) => Self::Held(text, place),
            other => other,
        }
    }
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

/// What an answer about a schema is asked to say of it, beside its text.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    /// The context whose name references are given with (`referenceFormat=qualified`).
    pub qualify: Option<String>,
    /// The tags to list (`findTags`).
    pub tags: Option<Json>,
}

impl Shown {
    pub fn of(query: &Query, context: &str, content: &Content) -> Self {
        let qualified = query.get("referenceFormat").is_some_and(|f| f.eq_ignore_ascii_case("qualified"));
        let wanted: Vec<&str> = query.all("findTags").filter(|tag| !tag.is_empty()).collect();
        let tags = (!wanted.is_empty()).then(|| found_tags(content.language, &content.text, &wanted));
        Self { qualify: qualified.then(|| context.to_owned()), tags: tags.flatten() }
    }

    fn references(&self, content: &Content) -> Option<Json> {
        let Some(context) = &self.qualify else { return references_json(&content.references) };
        let qualified = |reference: &Reference| Reference {
            subject: subject::inherited(&reference.subject, context),
            ..reference.clone()
        };
        references_json(&content.references.iter().map(qualified).collect::<Vec<_>>())
    }
}

/// A version of a subject.
pub(super) fn version(
    settings: &Settings,
    subject: &str,
    number: i32,
    version: &Version,
    text: &str,
    shown: Shown,
) -> Members {
    let content = &version.content;
    let whole = settings.profile.is_whole();
    Members::default()
        .text("subject", subject)
        .int("version", number)
        .int("id", version.id)
        .some("guid", guid(settings, content))
        .some("schemaType", type_name(settings, content))
        .some("references", shown.references(content))
        .some("metadata", content.metadata.as_ref().map(Metadata::to_json))
        .some("ruleSet", content.rules.as_ref().map(RuleSet::to_json))
        .text("schema", text)
        .some("schemaTags", shown.tags)
        .some("ts", whole.then(|| Json::Number(version.timestamp.into())))
        .some("deleted", (whole && version.deleted).then_some(Json::Bool(true)))
}

/// A schema by its id.
pub(super) fn schema_string(settings: &Settings, content: &Content, text: &str, shown: Shown) -> Members {
    Members::default()
        .some("schemaType", type_name(settings, content))
        .text("schema", text)
        .some("references", shown.references(content))
        .some("metadata", content.metadata.as_ref().map(Metadata::to_json))
        .some("ruleSet", content.rules.as_ref().map(RuleSet::to_json))
        .some("schemaTags", shown.tags)
        .some("guid", guid(settings, content))
}
