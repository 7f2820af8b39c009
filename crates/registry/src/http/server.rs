//! A registry that serves: started, waited for, stopped.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::candidate::Candidate;
use crate::log::{BoxFuture, LogError, SchemasLog};
use crate::service::Registry;
use crate::settings::Settings;
use crate::validator::Validator;

use super::dispatch::handle;
use super::listen::Bound;

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

/// A log that was opened.
pub(crate) struct Opened {
    pub log: Box<dyn SchemasLog>,
    /// The cluster that it is on.
    pub cluster_id: String,
    /// This registry's place among those that may write, unless it never does.
    pub candidate: Option<Arc<Candidate>>,
}

/// Opens a log.
pub(crate) trait Open:
    Fn() -> BoxFuture<'static, Result<Opened, LogError>> + Send + Sync + 'static
{
}

impl<F> Open for F where F: Fn() -> BoxFuture<'static, Result<Opened, LogError>> + Send + Sync + 'static {}

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

async fn open_and_replay(
    open: &impl Open,
    settings: &Settings,
    clock: fn() -> i64,
) -> Result<(Arc<Registry>, Option<Arc<Candidate>>), LogError> {
    let Opened { log, cluster_id, candidate } = open().await?;
    let settings = Settings { cluster_id, ..settings.clone() };
    Ok((Registry::start_elected(log, settings, clock, candidate.clone()).await?, candidate))
}

fn first_of(listeners: &[Bound]) -> std::io::Result<(SocketAddr, bool)> {
    let first = listeners.first().ok_or_else(|| std::io::Error::other("no listener"))?;
    Ok((first.address()?, first.identity.is_some()))
}

/// Opens the log, trying until it can be opened, replays it, and serves; requests that arrive before wait for that.
pub(crate) fn serve_later(
    listeners: Vec<Bound>,
    settings: Settings,
    validator: Validator,
    open: impl Open,
    clock: fn() -> i64,
) -> std::io::Result<Handle> {
    let (address, secure) = first_of(&listeners)?;
    let (stop, mut stopped) = watch::channel(false);
    let (is_ready, ready) = watch::channel(false);
    let task = tokio::spawn(async move {
        let opening = async {
            loop {
                match open_and_replay(&open, &settings, clock).await {
                    Ok(opened) => return opened,
                    Err(error) => {
                        tracing::warn!(error = %error.reason, "the schema registry cannot open its log; it tries again");
                        tokio::time::sleep(RETRY).await;
                    }
                }
            }
        };
        let (registry, candidate) = tokio::select! {
            opened = opening => opened,
            _ = stopped.wait_for(|stop| *stop) => return,
        };
        is_ready.send_replace(true);
        validator.attach(Some(Arc::clone(&registry)));
        run(listeners, registry, stopped).await;
        validator.attach(None);
        if let Some(candidate) = candidate {
            candidate.leave().await;
        }
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
