//! From an HTTP request to an answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use schema::json::{Json, parse};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::error::RestError;
use crate::log::{BoxFuture, LogError, SchemasLog};
use crate::service::Registry;
use crate::settings::Settings;

use super::answer::{Answer, error_body};
use super::listen::Bound;
use super::query::Query;
use super::route::{Route, route};
use super::{negotiate, reads, search, writes};

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A registry that serves, until it is stopped.
pub struct Handle {
    /// Where it listens first.
    pub address: SocketAddr,
    secure: bool,
    stop: watch::Sender<bool>,
    ready: watch::Receiver<bool>,
    task: JoinHandle<()>,
}

impl Handle {
    /// The URL of the first listener.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.address)
    }

    /// Waits until the records are replayed and requests are answered.
    pub async fn ready(&mut self) {
        // A registry that was stopped before will not be ready any more.
        let _ = self.ready.wait_for(|ready| *ready).await;
    }

    /// Takes no more requests, and waits until those under way are answered.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // A task that panicked has nothing left to wait for.
        let _ = self.task.await;
    }
}

/// Opens a log, and says which cluster it is on.
pub(crate) trait Open:
    Fn() -> BoxFuture<'static, Result<(Box<dyn SchemasLog>, String), LogError>> + Send + Sync + 'static
{
}

impl<F> Open for F where
    F: Fn() -> BoxFuture<'static, Result<(Box<dyn SchemasLog>, String), LogError>> + Send + Sync + 'static
{
}

/// How long to wait before a cluster that cannot be reached is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Replays the log and serves.
pub async fn serve(
    listener: TcpListener,
    log: Box<dyn SchemasLog>,
    settings: Settings,
    clock: fn() -> i64,
) -> std::io::Result<Handle> {
    serve_bound(vec![Bound { listener, identity: None }], log, settings, clock).await
}

/// As [`serve`], on several listeners.
pub(crate) async fn serve_bound(
    listeners: Vec<Bound>,
    log: Box<dyn SchemasLog>,
    settings: Settings,
    clock: fn() -> i64,
) -> std::io::Result<Handle> {
    let registry = Registry::start(log, settings, clock).await.map_err(|error| {
        std::io::Error::other(format!("the registry cannot read its log: {}", error.reason))
    })?;
    let (address, secure) = first_of(&listeners)?;
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(run(listeners, registry, stopped));
    Ok(Handle { address, secure, stop, ready: watch::Sender::new(true).subscribe(), task })
}

fn first_of(listeners: &[Bound]) -> std::io::Result<(SocketAddr, bool)> {
    let first = listeners.first().ok_or_else(|| std::io::Error::other("no listener"))?;
    Ok((first.address()?, first.identity.is_some()))
}

/// Opens the log, trying until it can be opened, replays it, and serves; requests that arrive before wait for that.
pub(crate) fn serve_later(
    listeners: Vec<Bound>,
    settings: Settings,
    open: impl Open,
    clock: fn() -> i64,
) -> std::io::Result<Handle> {
    let (address, secure) = first_of(&listeners)?;
    let (stop, mut stopped) = watch::channel(false);
    let (is_ready, ready) = watch::channel(false);
    let task = tokio::spawn(async move {
        let opening = async {
            loop {
                let opened = async {
                    let (log, cluster_id) = open().await?;
                    Registry::start(log, Settings { cluster_id, ..settings.clone() }, clock).await
                };
                match opened.await {
                    Ok(registry) => return registry,
                    Err(error) => {
                        tracing::warn!(error = %error.reason, "the schema registry cannot open its log; it tries again");
                        tokio::time::sleep(RETRY).await;
                    }
                }
            }
        };
        let registry = tokio::select! {
            registry = opening => registry,
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        is_ready.send_replace(true);
        run(listeners, registry, stopped).await;
    });
    Ok(Handle { address, secure, stop, ready, task })
}

/// Serves on all listeners until told to stop.
async fn run(listeners: Vec<Bound>, registry: Arc<Registry>, stopped: watch::Receiver<bool>) {
    let mut tasks = tokio::task::JoinSet::new();
    for bound in listeners {
        tasks.spawn(bound.run(Arc::clone(&registry), stopped.clone()));
    }
    tasks.join_all().await;
}

/// The service of a registry.
pub fn router(registry: Arc<Registry>) -> Router {
    let service = |State(registry): State<Arc<Registry>>, request: Request| handle(registry, request);
    Router::new().fallback(service).with_state(registry)
}

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
    let Some(media_type) = negotiate::produced(text(header::ACCEPT)) else {
        let error = RestError::http(406, "Not Acceptable");
        return respond("application/json", &id, Err(error));
    };
    let query = parts.uri.query().unwrap_or_default();
    let content_type = text(header::CONTENT_TYPE);
    let answer = dispatch(&registry, &parts.method, parts.uri.path(), query, content_type, body).await;
    respond(media_type, &id, answer)
}

/// The caller's `X-Request-ID`, or one of ours.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    if let Some(id) = headers.get("x-request-id") {
        return id.clone();
    }
    // Unlike any other of this process, and unlike those of others as far as addresses differ between them.
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let place = core::ptr::from_ref(&COUNTER).addr() as u64;
    let low = (count ^ place.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let text = format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        low as u32,
        (low >> 32) as u16,
        (low >> 48) as u16 & 0xfff,
        count & 0xfff,
        count
    );
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("-"))
}

fn respond(media_type: &'static str, id: &HeaderValue, answer: Result<Answer, RestError>) -> Response {
    let (status, body) = match answer {
        Ok(Answer::Json(json)) => (StatusCode::OK, Some(json.to_text())),
        Ok(Answer::Raw(text)) => (StatusCode::OK, Some(text)),
        Ok(Answer::Empty) => (StatusCode::NO_CONTENT, None),
        Err(error) => {
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, Some(error_body(&error).to_text()))
        }
    };
    let typed = body.is_some();
    let mut response = Response::new(body.map_or_else(Body::empty, Body::from));
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
    method: &Method,
    path: &str,
    query: &str,
    content_type: Option<&str>,
    body: Body,
) -> Result<Answer, RestError> {
    let mut query = Query::parse(query);
    let route = route(path, &mut query)?;
    let has_body = matches!(*method, Method::POST | Method::PUT) && route != Route::Root;
    if has_body && !negotiate::is_consumed(content_type) {
        return Err(RestError::http(415, "Unsupported Media Type"));
    }
    if !is_allowed(&route, method) {
        return Err(RestError::http(405, "Method Not Allowed"));
    }
    let body = if has_body { read_body(registry, body).await? } else { Json::Null };
    if changes(&route, method) {
        return change(registry, route, method, &query, body).await;
    }
    let body = Arc::new(body);
    match look(registry, &route, &query, &body).await {
        // What this registry does not know, another may just have written.
        Err(error) if (40400..40500).contains(&error.code) => {
            registry.catch_up().await?;
            look(registry, &route, &query, &body).await
        }
        answer => answer,
    }
}

async fn read_body(registry: &Registry, body: Body) -> Result<Json, RestError> {
    let limit = registry.settings().body_bytes_max;
    let reading = axum::body::to_bytes(body, limit);
    let bytes: Bytes = match tokio::time::timeout(BODY_TIMEOUT, reading).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return Err(RestError::http(413, "Request Entity Too Large")),
        Err(_) => return Err(RestError::http(408, "Request Timeout")),
    };
    if bytes.is_empty() {
        return Err(RestError::unprocessable("The request body must not be empty"));
    }
    let text =
        core::str::from_utf8(&bytes).map_err(|_| RestError::bad_request("Invalid UTF-8 in the body"))?;
    parse(text).map_err(|error| RestError::bad_request(format!("Malformed JSON: {error}")))
}

fn is_allowed(route: &Route, method: &Method) -> bool {
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
    allowed.contains(method) || (*method == Method::HEAD && allowed.contains(&Method::GET))
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
            let scope = scope.map(|name| crate::subject::canonical(&name));
            if deleting {
                writes::unset_config(registry, scope).await
            } else {
                writes::set_config(registry, scope, body).await
            }
        }
        Route::Mode(scope) => {
            let scope = scope.map(|name| meant(&name));
            if deleting {
                writes::unset_mode(registry, scope, query).await
            } else {
                writes::set_mode(registry, scope, body, query).await
            }
        }
        _ => Err(RestError::http(405, "Method Not Allowed")),
    }
}

/// Answers a request that changes nothing; those that parse schemas do so apart from the threads that serve connections.
async fn look(
    registry: &Arc<Registry>,
    route: &Route,
    query: &Query,
    body: &Arc<Json>,
) -> Result<Answer, RestError> {
    let parses = matches!(route, Route::Subject(_) | Route::CheckAll(_) | Route::CheckVersion(..));
    if !parses && query.get("format").is_none() {
        return registry.read(|store| answer(registry, store, route, query, body));
    }
    let (registry, route, body) = (Arc::clone(registry), route.clone(), Arc::clone(body));
    let query = query.clone();
    let task = tokio::task::spawn_blocking(move || {
        registry.read(|store| answer(&registry, store, &route, &query, &body))
    });
    task.await.map_err(|_| RestError::store("An answer was broken off"))?
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
            let scope = scope.as_deref().map(crate::subject::canonical);
            reads::config(registry, store, scope.as_deref(), query)
        }
        Route::Mode(scope) => {
            let scope = scope.as_deref().map(meant);
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
