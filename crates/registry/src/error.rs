//! What the registry answers when it refuses: Confluent's codes and texts.

use schema::Finding;
use schema::json::Json;

/// An error answer: HTTP status, code and text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestError {
    /// The HTTP status.
    pub status: u16,
    /// The `error_code` of the body.
    pub code: u32,
    /// The `message` of the body.
    pub message: String,
    /// Why schemas are incompatible, where that is the matter: an addition of our own to the body.
    pub findings: Vec<Finding>,
}

impl RestError {
    fn new(status: u16, code: u32, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), findings: Vec::new() }
    }

    /// An error of the HTTP layer, whose code is the status.
    pub fn http(status: u16, reason: &str) -> Self {
        Self::new(status, u32::from(status), format!("HTTP {status} {reason}"))
    }

    /// 400 for a body that is not JSON or has a wrong shape, or a context name that is none.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, 400, message)
    }

    /// 422 for a body that is missing.
    pub fn unprocessable(message: impl Into<String>) -> Self {
        Self::new(422, 422, message)
    }

    /// 400 for a body that is not an object, 422 for none.
    pub fn object(body: &Json) -> Result<(), Self> {
        match body {
            Json::Object(_) => Ok(()),
            Json::Null => Err(Self::unprocessable("The request body must not be empty")),
            _ => Err(Self::bad_request("The request body must be a JSON object")),
        }
    }

    /// 400 for a member of a body that cannot be read as what it should be.
    pub fn wrong_type(member: &str) -> Self {
        Self::bad_request(format!("The field '{member}' has a wrong type"))
    }

    /// 404 of the HTTP layer.
    pub fn no_such_path() -> Self {
        Self::http(404, "Not Found")
    }

    /// 40401
    pub fn subject_not_found(subject: &str) -> Self {
        Self::new(404, 40401, format!("Subject '{subject}' not found."))
    }

    /// 40402; the latest version is printed as -1.
    pub fn version_not_found(version: i32) -> Self {
        Self::new(404, 40402, format!("Version {version} not found."))
    }

    /// 40403 without an id.
    pub fn schema_not_found() -> Self {
        Self::new(404, 40403, "Schema not found")
    }

    /// 40403 with an id or a GUID.
    pub fn no_schema(id: impl core::fmt::Display) -> Self {
        Self::new(404, 40403, format!("Schema {id} not found"))
    }

    /// 40404
    pub fn subject_soft_deleted(subject: &str) -> Self {
        let message =
            format!("Subject '{subject}' was soft deleted.Set permanent=true to delete permanently");
        Self::new(404, 40404, message)
    }

    /// 40405
    pub fn subject_not_soft_deleted(subject: &str) -> Self {
        let message = format!("Subject '{subject}' was not deleted first before being permanently deleted");
        Self::new(404, 40405, message)
    }

    /// 40406
    pub fn version_soft_deleted(subject: &str, version: i32) -> Self {
        let what = format!("Subject '{subject}' Version {version}");
        Self::new(404, 40406, format!("{what} was soft deleted.Set permanent=true to delete permanently"))
    }

    /// 40407
    pub fn version_not_soft_deleted(subject: &str, version: i32) -> Self {
        let what = format!("Subject '{subject}' Version {version}");
        Self::new(404, 40407, format!("{what} was not deleted first before being permanently deleted"))
    }

    /// 40408
    pub fn no_subject_config(subject: &str) -> Self {
        let message = format!("Subject '{subject}' does not have subject-level compatibility configured");
        Self::new(404, 40408, message)
    }

    /// 40409
    pub fn no_subject_mode(subject: &str) -> Self {
        Self::new(404, 40409, format!("Subject '{subject}' does not have subject-level mode configured"))
    }

    /// 409, or 40901 for registries since 8.1.2.
    pub fn incompatible(code: u32, subject: &str, messages: &[String], findings: Vec<Finding>) -> Self {
        let details = messages.join(", ");
        let message = format!(
            "Schema being registered is incompatible with an earlier schema for subject \"{subject}\", details: \
             [{details}]"
        );
        Self { findings, ..Self::new(409, code, message) }
    }

    /// 42201
    pub fn invalid_schema(message: impl Into<String>) -> Self {
        Self::new(422, 42201, message)
    }

    /// 42202
    pub fn invalid_version(version: &str) -> Self {
        let message = format!(
            "The specified version '{version}' is not a valid version id. Allowed values are between [1, 2^31-1] and \
             the string \"latest\""
        );
        Self::new(422, 42202, message)
    }

    /// 42203
    pub fn invalid_level() -> Self {
        let message = "Invalid compatibility level. Valid values are none, backward, forward, full, \
                       backward_transitive, forward_transitive, and full_transitive";
        Self::new(422, 42203, message)
    }

    /// 42204
    pub fn invalid_mode(message: &str) -> Self {
        Self::new(422, 42204, message)
    }

    /// 42205
    pub fn not_permitted(message: impl Into<String>) -> Self {
        Self::new(422, 42205, message)
    }

    /// 42206
    pub fn referenced(subject: &str, version: i32) -> Self {
        let key = format!("{{magic=1,keytype=SCHEMA,subject={subject},version={version}}}");
        Self::new(422, 42206, format!("One or more references exist to the schema {key}."))
    }

    /// 42208
    pub fn invalid_subject(subject: &str) -> Self {
        Self::new(422, 42208, format!("The specified subject '{subject}' is not a valid."))
    }

    /// 42209
    pub fn schema_too_large(message: impl Into<String>) -> Self {
        Self::new(422, 42209, message)
    }

    /// 42210
    pub fn invalid_rule_set(message: impl Into<String>) -> Self {
        Self::new(422, 42210, message)
    }

    /// 42211
    pub fn context_not_empty(context: &str) -> Self {
        Self::new(422, 42211, format!("The specified context '{context}' is not empty."))
    }

    /// 50001
    pub fn store(message: impl Into<String>) -> Self {
        Self::new(500, 50001, message)
    }

    /// 50003
    pub fn not_forwarded(operation: &str) -> Self {
        Self::new(500, 50003, format!("Error while forwarding {operation} request to the leader"))
    }

    /// 50004
    pub fn no_leader() -> Self {
        Self::new(500, 50004, "Leader not known.")
    }

    /// 50002
    pub fn timed_out(operation: &str) -> Self {
        Self::new(500, 50002, format!("{operation} operation timed out"))
    }
}
