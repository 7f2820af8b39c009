//! Starting a registry: where it listens, which cluster it stands on, and settings under Confluent's names.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use client::Client;
use schema::Level;
use tokio::net::TcpListener;

use crate::http::{Handle, serve_later};
use crate::kafka::{KafkaLog, Place};
use crate::log::{LogError, SchemasLog};
use crate::settings::{Profile, Settings};

/// Where Confluent's registry listens.
const DEFAULT_PORT: u16 = 8081;

/// How many ports beside a busy one are tried.
const PORTS_TRIED: u16 = 20;

/// How a registry is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// The address to listen on, `host:port`.
    pub listener: String,
    /// Whether to take the next free port where the one asked for is busy.
    pub moves: bool,
    /// The cluster (`kafkastore.bootstrap.servers`).
    pub bootstrap: String,
    /// Where the records are kept there.
    pub place: Place,
    /// How it behaves.
    pub settings: Settings,
    /// Properties that have no effect here, with the reason.
    pub notes: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listener: format!("127.0.0.1:{DEFAULT_PORT}"),
            moves: false,
            bootstrap: "localhost:9092".to_owned(),
            place: Place::default(),
            settings: Settings::default(),
            notes: Vec::new(),
        }
    }
}

impl Options {
    /// Sets a property of Confluent's registry, or one of ours (`compat.profile`). What would weaken security if it were
    /// passed over is refused; other unknown names are noted.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let value = value.trim();
        let wrong = |wanted: &str| Err(format!("{name}={value}: {wanted} is wanted"));
        match name {
            "listeners" => self.listener = listener(value)?,
            "kafkastore.bootstrap.servers" => self.bootstrap = value.replace("PLAINTEXT://", ""),
            "kafkastore.topic" => self.place.topic = value.to_owned(),
            "kafkastore.topic.replication.factor" => match value.parse() {
                Ok(factor) => self.place.replication_factor = factor,
                Err(_) => return wrong("a number"),
            },
            "kafkastore.timeout.ms" | "kafkastore.write.timeout.ms" => match value.parse() {
                Ok(millis) => self.timeout(Duration::from_millis(millis)),
                Err(_) => return wrong("a number of milliseconds"),
            },
            "schema.compatibility.level" | "avro.compatibility.level" => match Level::of_name(value) {
                Some(level) => self.settings.level = level,
                None => return wrong("a compatibility level"),
            },
            "mode.mutability" => self.settings.mode_mutability = value.eq_ignore_ascii_case("true"),
            "schema.registry.group.id" => self.settings.group_id = value.to_owned(),
            "schema.search.max.limit" | "schema.search.default.limit" => match value.parse() {
                Ok(limit) => self.settings.search_limit = limit,
                Err(_) => return wrong("a number"),
            },
            "leader.eligibility" | "master.eligibility" => {
                self.settings.read_only = value.eq_ignore_ascii_case("false");
            }
            "schema.providers.json.normalize" | "schema.normalize" => {
                self.settings.normalize = value.eq_ignore_ascii_case("true");
            }
            "compat.profile" => match Profile::of_name(value) {
                Some(profile) => self.settings.profile = profile,
                None => return wrong("7, current, 8.1 or 8.2"),
            },
            "schema.providers.json.fetch.remote.schemas" if value.eq_ignore_ascii_case("false") => {}
            "schema.providers.json.fetch.remote.schemas" => {
                return Err("remote schemas are never fetched; register them and refer to them".to_owned());
            }
            name if is_security(name) => return Err(format!("{name} is not supported yet")),
            name => self.notes.push(format!("{name} has no effect on this registry")),
        }
        Ok(())
    }

    fn timeout(&mut self, timeout: Duration) {
        self.place.timeout = timeout;
        self.settings.timeout = timeout;
    }
}

fn is_security(name: &str) -> bool {
    [
        "ssl.",
        "authentication.",
        "kafkastore.ssl.",
        "kafkastore.sasl.",
        "confluent.schema.registry.authorizer.",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
        || matches!(name, "kafkastore.security.protocol" | "inter.instance.protocol" | "security.protocol")
}

/// The first address of a list of URLs; no host is every address of this machine.
fn listener(value: &str) -> Result<String, String> {
    let first = value.split(',').map(str::trim).find(|url| !url.is_empty()).unwrap_or_default();
    let address = match first.split_once("://") {
        Some(("http", address)) => address,
        Some((scheme, _)) => {
            return Err(format!("listeners={value}: {scheme} is not supported yet; http is"));
        }
        None => first,
    };
    let address = address.trim_end_matches('/');
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "8081"));
    if port.parse::<u16>().is_err() {
        return Err(format!("listeners={value}: a URL such as http://127.0.0.1:8081 is wanted"));
    }
    Ok(format!("{}:{port}", if host.is_empty() { "0.0.0.0" } else { host }))
}

/// Listens at once, and serves as soon as the cluster is reached and the records are replayed; requests that come before
/// wait.
pub async fn serve(options: Options) -> io::Result<Handle> {
    let listener = bind(&options).await?;
    let settings = options.settings.clone();
    let open = move || {
        let options = options.clone();
        let opened: crate::log::BoxFuture<'static, Result<_, LogError>> =
            Box::pin(async move { open(&options).await });
        opened
    };
    serve_later(listener, settings, open, now)
}

async fn bind(options: &Options) -> io::Result<TcpListener> {
    let first = match TcpListener::bind(&options.listener).await {
        Err(error) if options.moves && error.kind() == io::ErrorKind::AddrInUse => error,
        bound => return bound,
    };
    let asked: SocketAddr = options.listener.parse().map_err(|_| io::Error::other("an address is wanted"))?;
    for step in 1..=PORTS_TRIED {
        let address = SocketAddr::new(asked.ip(), asked.port().saturating_add(step));
        if let Ok(listener) = TcpListener::bind(address).await {
            return Ok(listener);
        }
    }
    // Many registries on one machine are none's fault: any port will do.
    TcpListener::bind(SocketAddr::new(asked.ip(), 0)).await.map_err(|_| first)
}

async fn open(options: &Options) -> Result<(Box<dyn SchemasLog>, String), LogError> {
    let failed = |reason: String| LogError { reason, possibly_written: false, too_large: false };
    let connecting = Client::options(&options.bootstrap).client_id("schema-registry").connect();
    let client = connecting.await.map_err(|error| failed(error.to_string()))?;
    let cluster = client.admin().describe_cluster().await.map_err(|error| failed(error.to_string()))?;
    let log = KafkaLog::open(client, options.place.clone()).await?;
    Ok((Box::new(log), cluster.id.to_string()))
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confluents_properties_are_understood() {
        let mut options = Options::default();
        let table = [
            ("listeners", "http://0.0.0.0:8085,http://x:1", true),
            ("kafkastore.bootstrap.servers", "PLAINTEXT://a:9092,PLAINTEXT://b:9092", true),
            ("schema.compatibility.level", "full", true),
            ("schema.compatibility.level", "sideways", false),
            ("mode.mutability", "false", true),
            ("compat.profile", "8.2", true),
            ("compat.profile", "9", false),
            ("kafkastore.timeout.ms", "500", true),
            ("kafkastore.timeout.ms", "soon", false),
            ("debug", "true", true),
            ("ssl.keystore.location", "x", false),
            ("listeners", "https://x:1", false),
            ("schema.providers.json.fetch.remote.schemas", "true", false),
        ];
        for (name, value, good) in table {
            assert_eq!(options.set(name, value).is_ok(), good, "{name}={value}");
        }
        assert_eq!(options.listener, "0.0.0.0:8085");
        assert_eq!(options.bootstrap, "a:9092,b:9092");
        assert_eq!(options.settings.level, Level::Full);
        assert_eq!(options.settings.profile, Profile::V82);
        assert_eq!(options.settings.timeout, Duration::from_millis(500));
        assert_eq!(options.notes.len(), 1);
        assert_eq!(listener("http://:8081").as_deref(), Ok("0.0.0.0:8081"));
    }
}
