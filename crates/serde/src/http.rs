//! HTTP/1.1 to a list of registries: connections are kept and used again, failures tried again, the next registry asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
pub use hyper::Method;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::RegistryError;
use crate::registry::RegistryOptions;
use crate::tls::Tls;

/// The type of bodies in both directions.
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/vnd.schemaregistry.v1+json");

/// The largest answer that is read.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Connections kept when nobody uses them.
const IDLE_MAX: usize = 16;

/// Where a registry is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// As it was given.
    url: String,
    /// Whether it speaks TLS.
    secure: bool,
    host: String,
    port: u16,
    /// What stands before every path, without a slash at its end.
    path: String,
    /// `user:password`, if the URL has them.
    credentials: Option<String>,
}

impl Origin {
    pub(crate) fn parse(url: &str) -> Result<Self, RegistryError> {
        let wrong = |what: &str| RegistryError::Setting(format!("the registry's URL `{url}`: {what}"));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| wrong("write http://HOST:PORT"))?;
        let secure = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(wrong("write http:// or https://")),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (credentials, address) = match authority.rsplit_once('@') {
            Some((credentials, address)) => (Some(credentials), address),
            None => (None, authority),
        };
        let has_port = address.rfind(':').filter(|at| address.rfind(']').is_none_or(|end| end < *at));
        let (host, port) = match has_port {
            Some(at) => (address.get(..at).unwrap_or_default(), address.get(at + 1..).unwrap_or_default()),
            None => (address, if secure { "443" } else { "80" }),
        };
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        Ok(Self {
            url: url.to_owned(),
            secure,
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: port.parse().map_err(|_| wrong("the port is no number"))?,
            path: path.trim_end_matches('/').to_owned(),
            credentials: credentials.map(str::to_owned),
        })
    }

    fn host_header(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

type Connection = SendRequest<Full<Bytes>>;

/// The registries, and connections to them.
pub(crate) struct Http {
    origins: Vec<Origin>,
    authorization: Option<HeaderValue>,
    /// There if any of the registries speaks TLS.
    tls: Option<Tls>,
    timeout: Duration,
    attempts: u32,
    idle: Mutex<Vec<(usize, Connection)>>,
    /// The registry that answered last.
    preferred: AtomicUsize,
}

/// How one try ended without an answer.
struct Failed {
    reason: String,
    /// Whether the registry may have acted on it.
    was_sent: bool,
}

impl Http {
    pub(crate) fn new(options: &RegistryOptions) -> Result<Self, RegistryError> {
        let urls = options.url.split(',').map(str::trim).filter(|url| !url.is_empty());
        let origins: Vec<Origin> = urls.map(Origin::parse).collect::<Result<_, _>>()?;
        let first = origins.first().ok_or_else(|| RegistryError::Setting("no registry is named".into()))?;
        let credentials = options.credentials.clone().or_else(|| first.credentials.clone());
        let authorization = credentials.map(|credentials| {
            let mut value = HeaderValue::from_str(&format!("Basic {}", base64(credentials.as_bytes())))
                .map_err(|_| RegistryError::Setting("the credentials cannot stand in a header".into()))?;
            value.set_sensitive(true);
            Ok(value)
        });
        let secure = origins.iter().any(|origin| origin.secure);
        Ok(Self {
            tls: secure.then(|| Tls::new(options.trusted.as_deref())).transpose()?,
            authorization: authorization.transpose()?,
            timeout: options.timeout,
            attempts: options.attempts.max(1),
            origins,
            idle: Mutex::default(),
            preferred: AtomicUsize::new(0),
        })
    }

    /// One exchange. What may have been done is tried again only if doing it twice is the same as once.
    pub(crate) async fn exchange(
        &self,
        method: &Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<(StatusCode, Bytes), RegistryError> {
        let mut last = Failed { reason: String::new(), was_sent: false };
        for attempt in 0..self.attempts {
            if attempt > 0 {
                tokio::time::sleep(Duration::from_millis(100 << attempt.min(6))).await;
            }
            for step in 0..self.origins.len() {
                let at = (self.preferred.load(Ordering::Relaxed) + step) % self.origins.len();
                let Some(origin) = self.origins.get(at) else { continue };
                match self.attempt(at, origin, method, path, body.clone()).await {
                    Ok((status, _)) if is_repeatable(method, status) && attempt + 1 < self.attempts => {
                        last = Failed { reason: status.to_string(), was_sent: false };
                    }
                    Ok(answer) => {
                        self.preferred.store(at, Ordering::Relaxed);
                        return Ok(answer);
                    }
                    Err(failed) => {
                        let is_final = failed.was_sent && *method == Method::DELETE;
                        last = failed;
                        if is_final {
                            return Err(self.unreachable(last));
                        }
                    }
                }
            }
        }
        Err(self.unreachable(last))
    }

    fn unreachable(&self, failed: Failed) -> RegistryError {
        let urls: Vec<&str> = self.origins.iter().map(|origin| origin.url.as_str()).collect();
        RegistryError::Unreachable { url: urls.join(","), reason: failed.reason }
    }

    async fn attempt(
        &self,
        at: usize,
        origin: &Origin,
        method: &Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<(StatusCode, Bytes), Failed> {
        let exchange = async {
            // A kept connection may have been closed meanwhile: then a fresh one is made.
            while let Some(mut connection) = self.kept(at) {
                if connection.ready().await.is_ok() {
                    return self.send(at, connection, origin, method, path, body).await;
                }
            }
            let connection =
                self.connect(origin).await.map_err(|reason| Failed { reason, was_sent: false })?;
            self.send(at, connection, origin, method, path, body).await
        };
        match tokio::time::timeout(self.timeout, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(Failed { reason: format!("no answer within {:?}", self.timeout), was_sent: true }),
        }
    }

    async fn send(
        &self,
        at: usize,
        mut connection: Connection,
        origin: &Origin,
        method: &Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<(StatusCode, Bytes), Failed> {
        let request = self
            .request(origin, method, path, body)
            .map_err(|error| Failed { reason: error.to_string(), was_sent: false })?;
        let failed = |reason: String| Failed { reason, was_sent: true };
        let response = connection.send_request(request).await.map_err(|error| failed(error.to_string()))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let bytes = body.map_err(|error| failed(error.to_string()))?.to_bytes();
        self.keep(at, connection);
        Ok((status, bytes))
    }

    fn request(
        &self,
        origin: &Origin,
        method: &Method,
        path: &str,
        body: Option<Bytes>,
    ) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", origin.path))
            .header(HOST, origin.host_header())
            .header(ACCEPT, MEDIA_TYPE);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, MEDIA_TYPE);
        }
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        request.body(Full::new(body.unwrap_or_default()))
    }

    async fn connect(&self, origin: &Origin) -> Result<Connection, String> {
        let stream = TcpStream::connect((origin.host.as_str(), origin.port)).await;
        let stream = stream.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        match &self.tls {
            Some(tls) if origin.secure => handshake(tls.connect(&origin.host, stream).await?).await,
            _ => handshake(stream).await,
        }
    }

    fn kept(&self, at: usize) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let place = idle.iter().rposition(|(origin, _)| *origin == at)?;
        Some(idle.swap_remove(place).1)
    }

    fn keep(&self, at: usize, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX && !connection.is_closed() {
            idle.push((at, connection));
        }
    }
}

/// Whether to ask again after that answer. A deletion that timed out may have been done: doing it again would say that there is
/// nothing to delete, or delete the version that is the latest now.
fn is_repeatable(method: &Method, status: StatusCode) -> bool {
    let is_undone = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    is_passing(status) && (*method != Method::DELETE || is_undone)
}

/// What a registry answers while it starts or changes hands, or when it has too much to do.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// HTTP over a connection.
async fn handshake<S>(stream: S) -> Result<Connection, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // It ends with the sender; what goes wrong on it, the exchange under way tells.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// Percent-encodes what may not stand in a path's segment or a query's value.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Standard base64 with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |word, byte| (word << 8) | u32::from(*byte));
        let word = word << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS.get((word >> (18 - 6 * place)) as usize & 0x3f).copied().unwrap_or(b'A');
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_as_people_write_them() {
        let origin = Origin::parse("http://me:s@cret@host:81/registry/").unwrap();
        assert_eq!((origin.host.as_str(), origin.port, origin.path.as_str()), ("host", 81, "/registry"));
        assert_eq!(origin.credentials.as_deref(), Some("me:s@cret"));
        let origin = Origin::parse("http://[::1]:8081").unwrap();
        assert_eq!((origin.host.as_str(), origin.host_header().as_str()), ("::1", "[::1]:8081"));
        assert_eq!(Origin::parse("http://host").unwrap().port, 80);
        assert_eq!(Origin::parse("https://host/x").unwrap().port, 443);
        for wrong in ["host:8081", "ftp://host", "http://", "http://host:x"] {
            assert!(Origin::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn deletions_that_may_have_been_done_are_not_repeated() {
        for (method, status, expected) in [
            (Method::DELETE, 500, false),
            (Method::DELETE, 504, false),
            (Method::DELETE, 503, true),
            (Method::DELETE, 429, true),
            (Method::POST, 500, true),
            (Method::GET, 504, true),
            (Method::GET, 404, false),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(is_repeatable(&method, status), expected, "{method} {status}");
        }
    }

    #[test]
    fn subjects_in_contexts_stand_in_paths() {
        assert_eq!(encoded(":.a:s/t é"), "%3A.a%3As%2Ft%20%C3%A9");
        assert_eq!(base64(b"user:pass"), "dXNlcjpwYXNz");
    }
}
