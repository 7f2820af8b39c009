//! Listening: connections taken in, with TLS where the listener has it, served by HTTP/1.1, and let go when it is time.
//!
//! A connection that sends no whole head within `idle.timeout.ms` is closed, and so is one that begins no request, or takes nothing of its
//! answer, for as long.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::access::Identity;
use crate::service::Registry;

use super::patience::Patient;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long requests under way may take when the registry stops.
const LAST_ANSWERS: Duration = Duration::from_secs(10);

/// How many connections are served; more wait to be accepted.
const CONNECTIONS_MAX: usize = 8192;

/// How long to rest when no connection can be accepted, for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A socket that is bound, with what it needs for TLS.
pub(crate) struct Bound {
    pub listener: TcpListener,
    pub identity: Option<Identity>,
}

impl Bound {
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until it is told to stop, and until the last answers have left.
    pub async fn run(self, registry: Arc<Registry>, mut stopped: watch::Receiver<bool>) {
        let acceptor = self.identity.map(TlsAcceptor::from);
        let graceful = Arc::new(GracefulShutdown::new());
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let accepting = async {
            loop {
                let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
                let stream = match self.listener.accept().await {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::debug!(%error, "a connection could not be accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                };
                let (registry, watcher) = (Arc::clone(&registry), graceful.watcher());
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    serve_stream(stream, acceptor, registry, watcher).await;
                    drop(place);
                });
            }
        };
        tokio::select! {
            () = accepting => {}
            // The sender is gone when the handle is: then serving ends as well.
            _ = stopped.wait_for(|stop| *stop) => {}
        }
        drop(self.listener);
        if let Some(graceful) = Arc::into_inner(graceful) {
            // Who does not take an answer by then will not have it.
            let _ = timeout(LAST_ANSWERS, graceful.shutdown()).await;
        }
    }
}

type Watcher = hyper_util::server::graceful::Watcher;

async fn serve_stream(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    registry: Arc<Registry>,
    watcher: Watcher,
) {
    // Answers are written whole: waiting for more would only delay them.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    match acceptor {
        None => serve_io(stream, registry, watcher).await,
        Some(acceptor) => match timeout(HANDSHAKE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => serve_io(stream, registry, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
            Err(_) => tracing::debug!("a TLS handshake took too long"),
        },
    }
}

async fn serve_io<S>(stream: S, registry: Arc<Registry>, watcher: Watcher)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let idle = registry.settings().idle_timeout;
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let registry = Arc::clone(&registry);
        async move {
            Ok::<_, std::convert::Infallible>(super::dispatch::handle(registry, request.map(Body::new)).await)
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(idle);
    let connection =
        watcher.watch(builder.serve_connection(TokioIo::new(Patient::new(stream, idle)), service));
    if let Err(error) = connection.await {
        tracing::trace!(%error, "a connection ended");
    }
}
