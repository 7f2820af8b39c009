//! Handing a write to the registry that writes, as Confluent's followers do: the same request with `X-Forward: true`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, header};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long connecting may take, and as long again the handshake of https.
const CONNECT: Duration = Duration::from_secs(2);

/// How long the registry that writes may take to answer.
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);

/// Bytes of an answer that are passed on.
const ANSWER_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Connections that are kept for the next request.
const IDLE_MAX: usize = 64;

/// The headers that travel along.
const PASSED_ON: [header::HeaderName; 3] = [header::ACCEPT, header::CONTENT_TYPE, header::AUTHORIZATION];

/// A write on its way to another registry.
#[derive(Clone, Debug)]
pub(crate) struct Forwarded {
    pub method: Method,
    /// Path and query as they came.
    pub target: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Why a request was not answered.
#[derive(Debug)]
pub(crate) enum Failed {
    /// It did not leave: it may be sent elsewhere.
    NotSent(String),
    /// It may have been carried out.
    Broken(String),
}

/// Open connections to other registries, by their URLs.
#[derive(Debug, Default)]
pub(crate) struct Forwarder {
    idle: Mutex<HashMap<String, Vec<SendRequest<Body>>>>,
    /// Whose certificates are trusted, where https is spoken.
    tls: Option<Arc<ClientConfig>>,
}

impl Forwarder {
    /// One that speaks https to who has a certificate that this trusts.
    pub fn new(tls: Option<Arc<ClientConfig>>) -> Self {
        Self { idle: Mutex::default(), tls }
    }

    /// Sends a request to the registry at `url`; status and body come back.
    pub async fn send(&self, url: &str, request: &Forwarded) -> Result<(u16, Bytes), Failed> {
        let wrong = |why: &str| Failed::NotSent(format!("{url}: {why}"));
        let (scheme, host) = url.split_once("://").ok_or_else(|| wrong("no URL"))?;
        let tls = match (scheme, &self.tls) {
            ("http", _) => None,
            ("https", Some(tls)) => Some(Arc::clone(tls)),
            ("https", None) => return Err(wrong("https between registries needs ssl.truststore.location")),
            _ => return Err(wrong("only http and https are spoken between registries")),
        };
        let mut sender = match self.take(url) {
            Some(sender) => sender,
            None => open(host, tls).await?,
        };
        let wanted = build(host, request).map_err(|error| Failed::NotSent(error.to_string()))?;
        let late = || Failed::Broken(format!("{host} did not answer within {} s", ANSWER_PATIENCE.as_secs()));
        let (status, body) =
            timeout(ANSWER_PATIENCE, exchange(&mut sender, wanted)).await.map_err(|_| late())??;
        if sender.ready().await.is_ok() {
            self.put(url, sender);
        }
        Ok((status, body))
    }

    fn take(&self, url: &str) -> Option<SendRequest<Body>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let known = idle.get_mut(url)?;
        while let Some(sender) = known.pop() {
            if sender.is_ready() {
                return Some(sender);
            }
        }
        None
    }

    fn put(&self, url: &str, sender: SendRequest<Body>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|known, _| known == url);
        let known = idle.entry(url.to_owned()).or_default();
        if known.len() < IDLE_MAX {
            known.push(sender);
        }
    }
}

async fn open(host: &str, tls: Option<Arc<ClientConfig>>) -> Result<SendRequest<Body>, Failed> {
    let failed = |error: String| Failed::NotSent(format!("{host}: {error}"));
    let stream = timeout(CONNECT, TcpStream::connect(host)).await;
    let stream = stream.map_err(|_| failed("no connection in time".to_owned()))?;
    let stream = stream.map_err(|error| failed(error.to_string()))?;
    stream.set_nodelay(true).map_err(|error| failed(error.to_string()))?;
    let Some(tls) = tls else { return speak(stream).await.map_err(failed) };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let name = name.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(name).map_err(|error| failed(error.to_string()))?;
    let stream = timeout(CONNECT, TlsConnector::from(tls).connect(name, stream)).await;
    let stream = stream.map_err(|_| failed("no handshake in time".to_owned()))?;
    speak(stream.map_err(|error| failed(error.to_string()))?).await.map_err(failed)
}

async fn speak<S>(stream: S) -> Result<SendRequest<Body>, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to another registry ended");
        }
    });
    Ok(sender)
}

fn build(host: &str, request: &Forwarded) -> Result<Request<Body>, axum::http::Error> {
    let mut wanted = Request::builder().method(request.method.clone()).uri(&request.target);
    wanted = wanted.header(header::HOST, host).header("x-forward", "true");
    for name in PASSED_ON {
        if let Some(value) = request.headers.get(&name) {
            wanted = wanted.header(name, value);
        }
    }
    if let Some(id) = request.headers.get("x-request-id") {
        wanted = wanted.header("x-request-id", id);
    }
    wanted.body(Body::from(request.body.clone()))
}

/// Sends a request and takes the answer in.
async fn exchange(sender: &mut SendRequest<Body>, wanted: Request<Body>) -> Result<(u16, Bytes), Failed> {
    let answer = match sender.send_request(wanted).await {
        Ok(answer) => answer,
        Err(error) if error.is_canceled() => return Err(Failed::NotSent(error.to_string())),
        Err(error) => return Err(Failed::Broken(error.to_string())),
    };
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(Body::new(answer.into_body()), ANSWER_BYTES_MAX).await;
    body.map(|body| (status, body)).map_err(|error| Failed::Broken(error.to_string()))
}
