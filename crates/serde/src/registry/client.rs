//! The requests.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use schema::Guid;
use serde_json::{Value, json};

use super::cache::Cache;
use super::model::reasons;
use super::{Check, Registered, RegistryOptions, Resolved, Schema, VersionSpec};
use crate::http::{Http, encoded};
use crate::{Refusal, RegistryError, SchemaId, SerdeError};

/// A client of the registry; clones share connections and what was learned.
#[derive(Clone)]
pub struct RegistryClient {
    inner: Arc<Inner>,
}

struct Inner {
    http: Http,
    cache: Cache,
    latest_ttl: Duration,
}

type Answer<T> = Result<T, RegistryError>;

impl RegistryClient {
    /// A client of the registry at that URL; several are separated by commas. Connects with the first request.
    pub fn new(url: impl Into<String>) -> Answer<Self> {
        Self::with(&RegistryOptions::new(url))
    }

    /// A client with these settings.
    pub fn with(options: &RegistryOptions) -> Answer<Self> {
        let inner =
            Inner { http: Http::new(options)?, cache: Cache::default(), latest_ttl: options.latest_ttl };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Any request: the path begins with a slash and is encoded already. 204 answers null.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Answer<Value> {
        let body = body.map(|body| Bytes::from(body.to_string()));
        let (status, bytes) = self.inner.http.exchange(&method, path, body).await?;
        let answer: Option<Value> =
            if bytes.is_empty() { Some(Value::Null) } else { serde_json::from_slice(&bytes).ok() };
        if status.is_success() {
            return answer.ok_or_else(|| malformed(&bytes));
        }
        let told = |name: &str| answer.as_ref().and_then(|answer| answer.get(name));
        let message = told("message").and_then(Value::as_str);
        Err(RegistryError::Refused(Refusal {
            status: status.as_u16(),
            code: told("error_code").and_then(Value::as_i64).unwrap_or(i64::from(status.as_u16())),
            message: message.map_or_else(|| format!("HTTP {status}"), str::to_owned),
            reasons: answer.as_ref().map(reasons).unwrap_or_default(),
        }))
    }

    async fn get(&self, path: &str) -> Answer<Value> {
        self.call(Method::GET, path, None).await
    }

    /// The subjects that begin with `prefix`; `:*:` are those of all contexts.
    pub async fn subjects(&self, prefix: &str, deleted: bool) -> Answer<Vec<String>> {
        let path = format!("/subjects?subjectPrefix={}&deleted={deleted}", encoded(prefix));
        list(&self.get(&path).await?, |value| Some(value.as_str()?.to_owned()))
    }

    /// The versions of a subject.
    pub async fn versions(&self, subject: &str, deleted: bool) -> Answer<Vec<i32>> {
        let path = format!("/subjects/{}/versions?deleted={deleted}", encoded(subject));
        list(&self.get(&path).await?, number)
    }

    /// A version of a subject.
    pub async fn version(&self, subject: &str, version: VersionSpec) -> Answer<Registered> {
        self.version_where(subject, version, false).await
    }

    /// A version of a subject, be it deleted.
    pub(super) async fn deleted_version_too(
        &self,
        subject: &str,
        version: VersionSpec,
    ) -> Answer<Registered> {
        self.version_where(subject, version, true).await
    }

    async fn version_where(&self, subject: &str, version: VersionSpec, deleted: bool) -> Answer<Registered> {
        let path = format!("/subjects/{}/versions/{version}?deleted={deleted}", encoded(subject));
        let answer = self.get(&path).await?;
        Ok(Registered::read(&answer, Schema::read(&answer)?))
    }

    /// A version of a subject by its number, which is asked for once: it never changes.
    pub async fn version_known(&self, subject: &str, number: i32) -> Answer<Arc<Registered>> {
        // No body begins so.
        let key = format!("\0{number}\0{subject}");
        if let Some(known) = self.inner.cache.registered(&key) {
            return Ok(known);
        }
        let found = Arc::new(self.version(subject, VersionSpec::Number(number)).await?);
        self.inner.cache.keep_registered(key, &found);
        Ok(found)
    }

    /// The latest version of a subject, as it was not long ago.
    pub async fn latest(&self, subject: &str) -> Answer<Arc<Registered>> {
        let inner = &self.inner;
        if let Some(known) = inner.cache.latest(subject, inner.latest_ttl) {
            return Ok(known);
        }
        let found = Arc::new(self.version(subject, VersionSpec::Latest).await?);
        inner.cache.keep_latest(subject, &found);
        Ok(found)
    }

    /// The schema that a record names, with all that it refers to; ids are meant in the context of `subject`.
    pub async fn schema(&self, id: SchemaId, subject: Option<&str>) -> Result<Arc<Resolved>, SerdeError> {
        let key = match id {
            SchemaId::Id(id) => format!("{}{id}", context(subject)),
            SchemaId::Guid(guid) => guid.to_string(),
        };
        if let Some(known) = self.inner.cache.schema(&key) {
            return Ok(known);
        }
        let path = match id {
            SchemaId::Id(id) => {
                let subject = subject.map(|s| format!("?subject={}", encoded(s))).unwrap_or_default();
                format!("/schemas/ids/{id}{subject}")
            }
            SchemaId::Guid(guid) => format!("/schemas/guids/{guid}"),
        };
        let answer = self.get(&path).await?;
        let mut registered = Registered::read(&answer, Schema::read(&answer)?);
        match id {
            SchemaId::Id(id) => {
                registered.id = id;
                registered.subject = registered.subject.or_else(|| subject.map(str::to_owned));
            }
            SchemaId::Guid(guid) => registered.guid = Some(guid),
        }
        self.resolve(key, registered).await
    }

    /// A registered schema with all that it refers to.
    pub async fn resolved(&self, registered: &Registered) -> Result<Arc<Resolved>, SerdeError> {
        let key = format!("{}{}", context(registered.subject.as_deref()), registered.id);
        if let Some(known) = self.inner.cache.schema(&key) {
            return Ok(known);
        }
        self.resolve(key, registered.clone()).await
    }

    async fn resolve(&self, key: String, registered: Registered) -> Result<Arc<Resolved>, SerdeError> {
        let resolved = Arc::new(Resolved::fetch(self, registered).await?);
        self.inner.cache.keep_schema(key, &resolved);
        Ok(resolved)
    }

    /// A schema that is not registered, with all that it refers to.
    pub async fn unregistered(&self, schema: &Schema) -> Result<Resolved, SerdeError> {
        let registered =
            Registered { id: -1, guid: None, subject: None, version: None, schema: schema.clone() };
        Resolved::fetch(self, registered).await
    }

    /// Registers a schema, or finds it where it is registered already.
    pub async fn register(&self, subject: &str, schema: &Schema, normalize: bool) -> Answer<Arc<Registered>> {
        let path = format!("/subjects/{}/versions?normalize={normalize}", encoded(subject));
        self.found(&path, subject, schema, normalize).await
    }

    /// Finds a schema that is registered under the subject.
    pub async fn lookup(&self, subject: &str, schema: &Schema, normalize: bool) -> Answer<Arc<Registered>> {
        let path = format!("/subjects/{}?normalize={normalize}", encoded(subject));
        self.found(&path, subject, schema, normalize).await
    }

    async fn found(
        &self,
        path: &str,
        subject: &str,
        schema: &Schema,
        normalize: bool,
    ) -> Answer<Arc<Registered>> {
        let body = Value::Object(schema.body());
        let key = format!("{path} {body}");
        if let Some(known) = self.inner.cache.registered(&key) {
            return Ok(known);
        }
        let answer = self.call(Method::POST, path, Some(&body)).await?;
        let mut registered = Registered::read(&answer, schema.clone());
        registered.subject = Some(subject.to_owned());
        if registered.id < 0 {
            return Err(RegistryError::Malformed(answer.to_string()));
        }
        if normalize {
            registered.schema = self.normalized(registered.id, subject).await?;
        }
        let registered = Arc::new(registered);
        self.inner.cache.keep_registered(key, &registered);
        Ok(registered)
    }

    /// What the registry has of a schema that it normalized: messages may stand at other places there.
    async fn normalized(&self, id: i32, subject: &str) -> Answer<Schema> {
        Schema::read(&self.get(&format!("/schemas/ids/{id}?subject={}", encoded(subject))).await?)
    }

    /// The GUID of a schema; asked for if the registry did not tell it when the schema was registered.
    pub async fn guid(&self, registered: &Registered) -> Result<Option<Guid>, SerdeError> {
        if registered.guid.is_some() {
            return Ok(registered.guid);
        }
        let known = self.schema(SchemaId::Id(registered.id), registered.subject.as_deref()).await?;
        Ok(known.registered.guid)
    }

    /// Whether the schema may follow in the subject: after all that its level names, or after one version.
    pub async fn check(
        &self,
        subject: &str,
        version: Option<VersionSpec>,
        schema: &Schema,
        normalize: bool,
    ) -> Answer<Check> {
        let version = version.map(|version| format!("/{version}")).unwrap_or_default();
        let subject = encoded(subject);
        let path =
            format!("/compatibility/subjects/{subject}/versions{version}?verbose=true&normalize={normalize}");
        Check::read(&self.call(Method::POST, &path, Some(&Value::Object(schema.body()))).await?)
    }

    /// Deletes a subject: softly, or for good what was deleted softly before. Tells the versions.
    pub async fn delete_subject(&self, subject: &str, permanent: bool) -> Answer<Vec<i32>> {
        self.inner.cache.forget_subjects();
        let path = format!("/subjects/{}?permanent={permanent}", encoded(subject));
        list(&self.call(Method::DELETE, &path, None).await?, number)
    }

    /// Deletes one version: softly, or for good what was deleted softly before.
    pub async fn delete_version(&self, subject: &str, version: VersionSpec, permanent: bool) -> Answer<i32> {
        self.inner.cache.forget_subjects();
        let path = format!("/subjects/{}/versions/{version}?permanent={permanent}", encoded(subject));
        let answer = self.call(Method::DELETE, &path, None).await?;
        number(&answer).ok_or_else(|| RegistryError::Malformed(answer.to_string()))
    }

    /// The config of a subject, or of all; with `inherited`, what holds for it from elsewhere.
    pub async fn config(&self, subject: Option<&str>, inherited: bool) -> Answer<Value> {
        self.get(&format!("{}?defaultToGlobal={inherited}", scoped("/config", subject))).await
    }

    /// Changes the settings named; others stay.
    pub async fn set_config(&self, subject: Option<&str>, change: &Value) -> Answer<Value> {
        self.call(Method::PUT, &scoped("/config", subject), Some(change)).await
    }

    /// Deletes the config, so that the next wider one holds.
    pub async fn delete_config(&self, subject: Option<&str>) -> Answer<Value> {
        self.call(Method::DELETE, &scoped("/config", subject), None).await
    }

    /// The mode of a subject, or of all.
    pub async fn mode(&self, subject: Option<&str>, inherited: bool) -> Answer<Value> {
        self.get(&format!("{}?defaultToGlobal={inherited}", scoped("/mode", subject))).await
    }

    /// Sets the mode: READWRITE, READONLY, IMPORT, FORWARD.
    pub async fn set_mode(&self, subject: Option<&str>, mode: &str, force: bool) -> Answer<Value> {
        let path = format!("{}?force={force}", scoped("/mode", subject));
        self.call(Method::PUT, &path, Some(&json!({ "mode": mode }))).await
    }

    /// Deletes the mode, so that the next wider one holds.
    pub async fn delete_mode(&self, subject: Option<&str>) -> Answer<Value> {
        self.call(Method::DELETE, &scoped("/mode", subject), None).await
    }

    /// Every version of every subject that begins with `prefix`, page by page.
    pub async fn all(&self, prefix: &str, latest: bool, deleted: bool) -> Answer<Vec<Value>> {
        const PAGE: usize = 500;
        let mut all = Vec::new();
        loop {
            let path = format!(
                "/schemas?subjectPrefix={}&latestOnly={latest}&deleted={deleted}&offset={}&limit={PAGE}",
                encoded(prefix),
                all.len()
            );
            let page = self.get(&path).await?;
            let Value::Array(page) = page else { return Err(RegistryError::Malformed(page.to_string())) };
            // A registry's own limit may be lower, so that only an empty page is the last; one that knows no pages gives all
            // at once, and again.
            if page.is_empty() || (!all.is_empty() && all.first() == page.first()) {
                return Ok(all);
            }
            all.extend(page);
        }
    }
}

/// The context of a subject, `:.name:` or nothing.
pub(super) fn context(subject: Option<&str>) -> &str {
    let Some(subject) = subject.filter(|subject| subject.starts_with(":.")) else { return "" };
    let end = subject.get(1..).and_then(|rest| rest.find(':'));
    end.and_then(|end| subject.get(..end + 2)).unwrap_or("")
}

fn scoped(path: &str, subject: Option<&str>) -> String {
    match subject {
        Some(subject) => format!("{path}/{}", encoded(subject)),
        None => path.to_owned(),
    }
}

fn number(value: &Value) -> Option<i32> {
    value.as_i64().and_then(|number| i32::try_from(number).ok())
}

fn list<T>(answer: &Value, one: impl Fn(&Value) -> Option<T>) -> Answer<Vec<T>> {
    let all = answer.as_array().and_then(|all| all.iter().map(one).collect());
    all.ok_or_else(|| RegistryError::Malformed(answer.to_string()))
}

fn malformed(bytes: &[u8]) -> RegistryError {
    let text = String::from_utf8_lossy(bytes);
    RegistryError::Malformed(text.chars().take(200).collect())
}

#[cfg(test)]
mod tests {
    use super::context;

    #[test]
    fn contexts_of_subjects() {
        for (subject, expected) in [
            (None, ""),
            (Some("plain"), ""),
            (Some(":.a:s"), ":.a:"),
            (Some(":.a:"), ":.a:"),
            (Some(":.a"), ""),
            (Some(":x:s"), ""),
        ] {
            assert_eq!(context(subject), expected);
        }
    }
}
