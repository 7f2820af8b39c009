//! From an HTTP request to an answer.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use schema::json::Json;
use tokio::time::Instant;

use crate::election::Leader;
use crate::error::RestError;
use crate::jobs::Kind;
use crate::service::Registry;

use super::answer::{Answer, error_body};
use super::forward::{Failed, Forwarded};
use super::query::Query;
use super::route::{Route, route};
use super::{body, held, negotiate, reads, search, writes};

/// How long what takes time waits for its turn.
const JOB_PATIENCE: Duration = Duration::from_secs(5);

/// How long to rest before a leader that cannot be reached is tried again, or another has been elected.
const FORWARD_PAUSE: Duration = Duration::from_millis(200);

pub(super) async fn handle(registry: Arc<Registry>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let text = |name: header::HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let id = request_id(&parts.headers);
    let access = &registry.settings().access;
    let authorization = parts.headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    if let Err(error) = access.admits(parts.uri.path(), authorization) {
        let unknown = error.status == 401;
        let mut response = respond("application/json", &id, Err(error));
        if let Ok(challenge) = HeaderValue::from_str(&access.challenge())
            && unknown
        {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        return response;
    }
    let media_type = negotiate::produced(text(header::ACCEPT));
    let answer = dispatch(&registry, &parts, body, media_type.is_some()).await;
    let tells_methods =
        parts.method == Method::OPTIONS || matches!(&answer, Err(error) if error.status == 405);
    let mut response = respond(media_type.unwrap_or("application/json"), &id, answer);
    if tells_methods && let Ok(route) = route(parts.uri.path(), &mut Query::default()) {
        response.headers_mut().insert(header::ALLOW, methods(&route));
    }
    response
}

/// The methods of a resource, as `Allow` lists them.
fn methods(route: &Route) -> HeaderValue {
    let all = [Method::HEAD, Method::DELETE, Method::POST, Method::GET, Method::OPTIONS, Method::PUT];
    let allowed: Vec<&str> =
        all.iter().filter(|method| is_allowed(route, method)).map(Method::as_str).collect();
    HeaderValue::from_str(&allowed.join(",")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

/// The caller's `X-Request-ID`, or a UUID of ours.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    if let Some(id) = headers.get("x-request-id") {
        return id.clone();
    }
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let (high, low) = (KEYS.hash_one((count, 0_u8)), KEYS.hash_one((count, 1_u8)));
    let text = format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    );
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("-"))
}

fn respond(media_type: &'static str, id: &HeaderValue, answer: Result<Answer, RestError>) -> Response {
    let coded = |status: u16| StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (status, body) = match answer {
        Ok(Answer::Json(json)) => (StatusCode::OK, Some(Body::from(json.to_text()))),
        Ok(Answer::Raw(text)) => (StatusCode::OK, Some(Body::from(text))),
        Ok(Answer::Held(text, place)) => (StatusCode::OK, Some(held::body(text, place))),
        Ok(Answer::Passed(status, body)) => (coded(status), (!body.is_empty()).then(|| Body::from(body))),
        Ok(Answer::Empty) => (StatusCode::NO_CONTENT, None),
        Err(error) => (coded(error.status), Some(Body::from(error_body(&error).to_text()))),
    };
    let typed = body.is_some();
    let mut response = Response::new(body.unwrap_or_else(Body::empty));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if typed {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    headers.insert("x-request-id", id.clone());
    response
}

async fn dispatch(
    registry: &Arc<Registry>,
    parts: &Parts,
    body: Body,
    is_acceptable: bool,
) -> Result<Answer, RestError> {
    let method = &parts.method;
    let mut query = Query::parse(parts.uri.query().unwrap_or_default());
    let route = route(parts.uri.path(), &mut query)?;
    let has_body = matches!(*method, Method::POST | Method::PUT) && route != Route::Root;
    let content_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if !is_allowed(&route, method) {
        return Err(RestError::http(405, "Method Not Allowed"));
    }
    if *method == Method::OPTIONS {
        return Ok(Answer::Passed(200, String::new()));
    }
    if has_body && !negotiate::is_consumed(content_type) {
        return Err(RestError::http(415, "Unsupported Media Type"));
    }
    if !is_acceptable {
        return Err(RestError::http(406, "Not Acceptable"));
    }
    let received = if has_body { Some(Arc::new(body::read(registry, body).await?)) } else { None };
    let body = match &received {
        Some(received) => body::json(received).await?,
        None => Json::Null,
    };
    if changes(&route, method) {
        let raw = received.as_ref().map(|received| received.bytes.clone()).unwrap_or_default();
        return write(registry, route, parts, &query, raw, body).await;
    }
    let asked = Asked { route, query, body: Arc::new(body), _room: received };
    let bytes = match looked(registry, &asked).await? {
        Made::Whole(answer) => return Ok(answer),
        Made::Aside(bytes) => bytes,
    };
    let place = registry.room().answers.wait(bytes).await?;
    match look(registry, &asked, Some(place)).await? {
        Made::Whole(answer) => Ok(answer),
        Made::Aside(_) => Err(RestError::http(503, "Service Unavailable")),
    }
}

/// An answer written out, which has its place from where it was made: nothing large goes on to wait for a thread without one.
enum Made {
    Whole(Answer),
    /// There was no room for so many bytes; it is not kept while it waits for some.
    Aside(usize),
}

impl Made {
    fn of(registry: &Registry, answer: Answer, place: Option<held::Place>) -> Self {
        let answer = answer.written();
        match place.or_else(|| registry.room().answers.place(answer.bytes())) {
            Some(place) => Self::Whole(answer.held(place)),
            None => Self::Aside(answer.bytes()),
        }
    }
}

/// A request that changes nothing. It keeps its body's room until what is done for it ends, whether somebody waits for that or not.
#[derive(Clone)]
struct Asked {
    route: Route,
    query: Query,
    body: Arc<Json>,
    _room: Option<Arc<body::Received>>,
}

async fn looked(registry: &Arc<Registry>, asked: &Asked) -> Result<Made, RestError> {
    match look(registry, asked, None).await {
        // What this registry does not know, another may just have written.
        Err(error) if (40400..40500).contains(&error.code) => {
            registry.catch_up().await?;
            look(registry, asked, None).await
        }
        answer => answer,
    }
}

/// Carries a change out if this registry writes, and hands it to the one that does if not.
async fn write(
    registry: &Arc<Registry>,
    route: Route,
    parts: &Parts,
    query: &Query,
    raw: Bytes,
    body: Json,
) -> Result<Answer, RestError> {
    let deadline = Instant::now() + registry.settings().timeout;
    let was_forwarded = parts.headers.get("x-forward").is_some_and(|value| value == "true");
    loop {
        match registry.writer(deadline, was_forwarded).await? {
            Leader::This => return change(registry, route, &parts.method, query, body).await,
            Leader::Other(url) => {
                if let Route::Versions(name) = &route
                    && let Some(answer) = writes::already(registry, name, &body, query)
                {
                    return Ok(answer);
                }
                let request = Forwarded {
                    method: parts.method.clone(),
                    target: parts.uri.path_and_query().map_or("/", |target| target.as_str()).to_owned(),
                    headers: parts.headers.clone(),
                    body: raw.clone(),
                };
                match registry.forwarder().send(&url, &request).await {
                    Ok((status, body)) => return passed_on(registry, status, &body).await,
                    Err(Failed::NotSent(reason)) if Instant::now() < deadline => {
                        tracing::debug!(reason, "the leader could not be reached; it is tried again");
                        tokio::time::sleep(FORWARD_PAUSE).await;
                    }
                    Err(Failed::NotSent(reason) | Failed::Broken(reason)) => {
                        tracing::warn!(reason, "a request could not be forwarded");
                        return Err(RestError::not_forwarded(operation(&route, &parts.method)));
                    }
                }
            }
            Leader::Unknown => return Err(RestError::no_leader()),
        }
    }
}

/// The leader's answer; what it wrote is to be seen here too.
async fn passed_on(registry: &Registry, status: u16, body: &Bytes) -> Result<Answer, RestError> {
    if (200..300).contains(&status) {
        registry.catch_up().await?;
    }
    Ok(Answer::Passed(status, String::from_utf8_lossy(body).into_owned()))
}

/// What a change is called in errors.
fn operation(route: &Route, method: &Method) -> &'static str {
    let deletes = *method == Method::DELETE;
    match route {
        Route::Versions(_) => "register schema",
        Route::Tags(..) => "modify schema tags",
        Route::Subject(_) => "delete subject",
        Route::Version(..) => "delete schema version",
        Route::Config(_) if deletes => "delete config",
        Route::Config(_) => "update config",
        Route::Mode(_) if deletes => "delete mode",
        Route::Mode(_) => "update mode",
        _ => "delete context",
    }
}

pub(super) fn is_allowed(route: &Route, method: &Method) -> bool {
    let allowed: &[Method] = match route {
        Route::Root => &[Method::GET, Method::POST],
        Route::Subject(_) => &[Method::POST, Method::DELETE],
        Route::Versions(_) => &[Method::GET, Method::POST],
        Route::Version(..) => &[Method::GET, Method::DELETE],
        Route::Tags(..) | Route::CheckAll(_) | Route::CheckVersion(..) => &[Method::POST],
        Route::Config(_) | Route::Mode(_) => &[Method::GET, Method::PUT, Method::DELETE],
        Route::Context(_) => &[Method::DELETE],
        _ => &[Method::GET],
    };
    let follows = *method == Method::OPTIONS || (*method == Method::HEAD && allowed.contains(&Method::GET));
    follows || allowed.contains(method)
}

fn changes(route: &Route, method: &Method) -> bool {
    match route {
        Route::Versions(_) | Route::Tags(..) => *method == Method::POST,
        Route::Subject(_) | Route::Version(..) | Route::Context(_) => *method == Method::DELETE,
        Route::Config(_) | Route::Mode(_) => matches!(*method, Method::PUT | Method::DELETE),
        _ => false,
    }
}

async fn change(
    registry: &Arc<Registry>,
    route: Route,
    method: &Method,
    query: &Query,
    body: Json,
) -> Result<Answer, RestError> {
    let meant = |name: &str| writes::meant(registry, name);
    let deleting = *method == Method::DELETE;
    match route {
        Route::Versions(name) => writes::register_version(registry, meant(&name), &body, query).await,
        Route::Tags(name, number) => writes::tags(registry, meant(&name), &number, body).await,
        Route::Subject(name) => writes::subject(registry, meant(&name), query).await,
        Route::Version(name, number) => writes::version(registry, meant(&name), &number, query).await,
        Route::Context(name) => writes::context(registry, name).await,
        Route::Config(scope) => {
            let scope = scope.map(|name| crate::subject::canonical(&name)).filter(|name| !name.is_empty());
            if deleting {
                writes::unset_config(registry, scope).await
            } else {
                writes::set_config(registry, scope, body).await
            }
        }
        Route::Mode(scope) => {
            let scope = scope.map(|name| meant(&name)).filter(|name| !name.is_empty());
            if deleting {
                writes::unset_mode(registry, scope, query).await
            } else {
                writes::set_mode(registry, scope, body, query).await
            }
        }
        _ => Err(RestError::http(405, "Method Not Allowed")),
    }
}

/// Answers a request that changes nothing; those that parse schemas or list all of them do so apart from the threads that serve
/// connections.
async fn look(
    registry: &Arc<Registry>,
    asked: &Asked,
    place: Option<held::Place>,
) -> Result<Made, RestError> {
    let Some(kind) = kind_of(asked) else {
        let answer =
            registry.read(|store| answer(registry, store, &asked.route, &asked.query, &asked.body))?;
        return Ok(Made::of(registry, answer, place));
    };
    let (of, asked) = (Arc::clone(registry), asked.clone());
    let work = move || {
        // On a copy, which costs little: what takes long holds up nobody.
        let store = of.read(crate::store::Store::clone);
        let answer = answer(&of, &store, &asked.route, &asked.query, &asked.body)?;
        Ok(Made::of(&of, answer, place))
    };
    let task = registry.room().jobs.begin(kind, Instant::now() + JOB_PATIENCE, work).await;
    let task = task.ok_or_else(|| RestError::http(503, "Service Unavailable"))?;
    task.await.map_err(|_| RestError::store("An answer was broken off"))?
}

/// What work a request is; none if it takes no time.
fn kind_of(asked: &Asked) -> Option<Kind> {
    let prints = ["format", "findTags"].iter().any(|key| asked.query.get(key).is_some());
    match asked.route {
        Route::Subject(_) => Some(Kind::LookUp),
        Route::CheckAll(_) | Route::CheckVersion(..) | Route::Schemas | Route::Subjects => Some(Kind::Check),
        _ => prints.then_some(Kind::Check),
    }
}

fn answer(
    registry: &Registry,
    store: &crate::store::Store,
    route: &Route,
    query: &Query,
    body: &Json,
) -> Result<Answer, RestError> {
    let meant = |name: &str| {
        let name = crate::subject::canonical(name);
        store.unaliased(&name).unwrap_or(name)
    };
    match route {
        Route::Root => Ok(crate::json::Members::default().build().into()),
        Route::Types => Ok(reads::types()),
        Route::Schemas => search::schemas(registry, store, query),
        Route::Id(id) => reads::id(registry, store, *id, query),
        Route::IdSchema(id) => reads::id_schema(registry, store, *id, query),
        Route::IdSubjects(id) => reads::id_subjects(store, *id, query),
        Route::IdVersions(id) => reads::id_versions(store, *id, query),
        Route::Guid(guid) => reads::guid(registry, store, guid, query),
        Route::GuidIds(guid) => reads::guid_ids(store, guid),
        Route::Subjects => search::subjects(store, query),
        Route::Subject(name) => reads::lookup(registry, store, &meant(name), body, query),
        Route::SubjectMetadata(name) => reads::subject_metadata(registry, store, &meant(name), query),
        Route::Versions(name) => reads::versions(store, &meant(name), query),
        Route::Version(name, v) => reads::version(registry, store, &meant(name), v, query),
        Route::VersionSchema(name, v) => reads::version_schema(registry, store, &meant(name), v, query),
        Route::ReferencedBy(name, v) => reads::referenced_by(store, &meant(name), v, query),
        Route::CheckVersion(name, v) => reads::check(registry, store, &meant(name), Some(v), body, query),
        Route::CheckAll(name) => reads::check(registry, store, &meant(name), None, body, query),
        Route::Config(scope) => {
            let scope = scope.as_deref().map(crate::subject::canonical).filter(|name| !name.is_empty());
            reads::config(registry, store, scope.as_deref(), query)
        }
        Route::Mode(scope) => {
            let scope = scope.as_deref().map(meant).filter(|name| !name.is_empty());
            reads::mode(store, scope.as_deref(), query)
        }
        Route::Contexts => reads::contexts(store, query),
        Route::ServerId => Ok(reads::server_id(registry)),
        Route::ServerVersion => Ok(reads::server_version(registry)),
        Route::Deployment => {
            let none = Json::Array(Vec::new());
            Ok(crate::json::Members::default().put("attributes", none).build().into())
        }
        Route::Tags(..) | Route::Context(_) => Err(RestError::http(405, "Method Not Allowed")),
    }
}
