//! Starting a registry: where it listens, which cluster it stands on, and settings under Confluent's names.

mod security;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use client::{Client, GroupOptions};
use schema::Level;
use tokio::net::TcpListener;

use crate::access::Tls;
use crate::candidate::Candidate;
use crate::election::Instance;
use crate::http::{Bound, Handle, Opened, serve_bound, serve_later};
use crate::kafka::{KafkaLog, Place};
use crate::log::{LogError, SchemasLog};
use crate::settings::{Profile, Settings};
use crate::validator::Validator;
use security::{is_security, plaintext, refusal};

/// Where Confluent's registry listens.
pub const DEFAULT_PORT: u16 = 8081;

/// How many ports beside a busy one are tried.
const PORTS_TRIED: u16 = 20;

/// How a registry is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen.
    pub listeners: Vec<Listen>,
    /// The host that other registries reach this one at (`host.name`).
    pub host: Option<String>,
    /// The host that other nodes reach this machine at, for a listener at every address; without it, the machine's name.
    pub machine: Option<String>,
    /// Whether this registry may be elected to write (`leader.eligibility`).
    pub eligible: bool,
    /// When the registries of a group elect who writes.
    pub elect: Elect,
    /// How long a registry that is silent keeps its place in the group (`kafkagroup.session.timeout.ms`).
    pub session_timeout: Duration,
    /// Who asks this registry about records, in the same process.
    pub validator: Validator,
    /// What https listeners need (`ssl.…`).
    pub tls: Tls,
    /// Which listener other registries are told of (`inter.instance.protocol`); without it, the first.
    pub peers_by_https: Option<bool>,
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

/// When registries elect who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elect {
    /// As one of a group of registries, Confluent's among them.
    Always,
    /// Once the cluster has several brokers, each with a registry; a single broker's registry writes alone.
    InClusters,
}

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// `host:port`.
    pub address: String,
    /// Whether by https.
    pub secure: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listeners: vec![Listen { address: format!("127.0.0.1:{DEFAULT_PORT}"), secure: false }],
            host: None,
            machine: None,
            eligible: true,
            elect: Elect::Always,
            session_timeout: Duration::from_secs(10),
            validator: Validator::default(),
            tls: Tls::default(),
            peers_by_https: None,
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
            "listeners" => self.listeners = listeners(value)?,
            "kafkastore.bootstrap.servers" => self.bootstrap = plaintext(name, value)?,
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
            "schema.search.default.limit" => match value.parse() {
                Ok(limit) => self.settings.search_limit = limit,
                Err(_) => return wrong("a number"),
            },
            "schema.search.max.limit" => match value.parse() {
                Ok(limit) => self.settings.search_limit_max = limit,
                Err(_) => return wrong("a number"),
            },
            "leader.eligibility" | "master.eligibility" => {
                self.eligible = !value.eq_ignore_ascii_case("false");
            }
            "read.only" => self.settings.read_only = value.eq_ignore_ascii_case("true"),
            "host.name" => self.host = Some(value.to_owned()),
            "kafkagroup.session.timeout.ms" => match value.parse() {
                Ok(millis) => self.session_timeout = Duration::from_millis(millis),
                Err(_) => return wrong("a number of milliseconds"),
            },
            "idle.timeout.ms" => match value.parse() {
                Ok(millis) => self.settings.idle_timeout = Duration::from_millis(millis),
                Err(_) => return wrong("a number of milliseconds"),
            },
            "inter.instance.protocol" => match value.to_ascii_lowercase().as_str() {
                "http" => self.peers_by_https = Some(false),
                "https" => self.peers_by_https = Some(true),
                _ => return wrong("http or https"),
            },
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
            name if name.starts_with("ssl.") => self.tls.set(name, value)?,
            name if name.starts_with("authentication.") => self.settings.access.set(name, value)?,
            "kafkastore.security.protocol" if value.eq_ignore_ascii_case("PLAINTEXT") => {}
            name if is_security(name) && !value.is_empty() => return Err(refusal(name, value)),
            name => self.notes.push(format!("{name} has no effect on this registry")),
        }
        Ok(())
    }

    fn timeout(&mut self, timeout: Duration) {
        self.place.timeout = timeout;
        self.settings.timeout = timeout;
    }
}

/// The addresses of a list of URLs; no host is every address of this machine.
fn listeners(value: &str) -> Result<Vec<Listen>, String> {
    let urls: Vec<&str> = value.split(',').map(str::trim).filter(|url| !url.is_empty()).collect();
    if urls.is_empty() {
        return Err(format!("listeners={value}: a URL such as http://127.0.0.1:8081 is wanted"));
    }
    urls.into_iter().map(|url| listener(url).map_err(|error| format!("listeners={value}: {error}"))).collect()
}

fn listener(url: &str) -> Result<Listen, String> {
    let (secure, address) = match url.split_once("://") {
        Some(("http", address)) => (false, address),
        Some(("https", address)) => (true, address),
        Some((scheme, _)) => return Err(format!("{scheme} is not supported; http and https are")),
        None => (false, url),
    };
    let address = address.trim_end_matches('/');
    let (host, port) = address.rsplit_once(':').unwrap_or((address, "8081"));
    if port.parse::<u16>().is_err() {
        return Err("a URL such as http://127.0.0.1:8081 is wanted".to_owned());
    }
    let host = if host.is_empty() { "0.0.0.0" } else { host };
    Ok(Listen { address: format!("{host}:{port}"), secure })
}

/// Listens at once, and serves as soon as the cluster is reached and the records are replayed; requests that come before
/// wait.
pub async fn serve(options: Options) -> io::Result<Handle> {
    let bound = listen(&options).await?;
    let peers = options.tls.peers().map_err(io::Error::other)?;
    let settings = Settings { peers, ..options.settings.clone() };
    let instance = instance(&options, &bound)?;
    let validator = options.validator.clone();
    let open = move || {
        let (options, instance) = (options.clone(), instance.clone());
        let opened: crate::log::BoxFuture<'static, Result<_, LogError>> =
            Box::pin(async move { open(&options, instance).await });
        opened
    };
    serve_later(bound, settings, validator, open, now)
}

/// Serves from a log that is there already.
pub async fn serve_on(options: Options, log: Box<dyn SchemasLog>) -> io::Result<Handle> {
    let bound = listen(&options).await?;
    serve_bound(bound, log, options.settings, now).await
}

async fn listen(options: &Options) -> io::Result<Vec<Bound>> {
    options.settings.access.check().map_err(io::Error::other)?;
    let mut bound = Vec::new();
    for listen in &options.listeners {
        let identity = listen.secure.then(|| options.tls.identity()).transpose().map_err(io::Error::other)?;
        let listener = bind(&listen.address, options.moves).await?;
        bound.push(Bound { listener, identity });
    }
    Ok(bound)
}

async fn bind(address: &str, moves: bool) -> io::Result<TcpListener> {
    let first = match TcpListener::bind(address).await {
        Err(error) if moves && error.kind() == io::ErrorKind::AddrInUse => error,
        bound => return bound,
    };
    let asked: SocketAddr =
        tokio::net::lookup_host(address).await?.next().ok_or_else(|| io::Error::other("no such host"))?;
    for step in 1..=PORTS_TRIED {
        let address = SocketAddr::new(asked.ip(), asked.port().saturating_add(step));
        if let Ok(listener) = TcpListener::bind(address).await {
            return Ok(listener);
        }
    }
    // Many registries on one machine are none's fault: any port will do.
    TcpListener::bind(SocketAddr::new(asked.ip(), 0)).await.map_err(|_| first)
}

async fn open(options: &Options, instance: Instance) -> Result<Opened, LogError> {
    let failed =
        |reason: String| LogError { reason, possibly_written: false, too_large: false, fenced: false };
    let connecting = Client::options(&options.bootstrap).client_id("schema-registry").connect();
    let client = connecting.await.map_err(|error| failed(error.to_string()))?;
    let cluster = client.admin().describe_cluster().await.map_err(|error| failed(error.to_string()))?;
    let log = KafkaLog::open(client.clone(), options.place.clone()).await?;
    let candidate = (!options.settings.read_only).then(|| {
        let in_broker = options.elect == Elect::InClusters;
        let candidate = Candidate::alone(client, group(options), instance, in_broker);
        if !in_broker || cluster.brokers.len() > 1 {
            candidate.join(cluster.brokers.iter().map(|broker| &*broker.address.host));
        }
        Arc::new(candidate)
    });
    Ok(Opened { log: Box::new(log), cluster_id: cluster.id.to_string(), candidate })
}

/// The group of registries.
fn group(options: &Options) -> GroupOptions {
    GroupOptions {
        group: options.settings.group_id.as_str().into(),
        protocol_type: "sr".into(),
        protocol: "v0".into(),
        session_timeout: options.session_timeout,
        rebalance_timeout: options.session_timeout * 3,
        heartbeat_interval: (options.session_timeout / 3).min(Duration::from_secs(3)),
    }
}

/// How other registries reach this one: by its first listener of the protocol that they are to use.
fn instance(options: &Options, bound: &[Bound]) -> io::Result<Instance> {
    let fits = |one: &&Bound| options.peers_by_https.is_none_or(|secure| secure == one.identity.is_some());
    let first = bound.iter().find(fits);
    let first = first.ok_or_else(|| io::Error::other("no listener of inter.instance.protocol"))?;
    let address = first.address()?;
    let host = match &options.host {
        Some(host) => host.clone(),
        None if address.ip().is_unspecified() => options.machine.clone().unwrap_or_else(|| {
            let name = std::fs::read_to_string("/proc/sys/kernel/hostname");
            name.map_or_else(|_| "localhost".to_owned(), |name| name.trim().to_owned())
        }),
        None => address.ip().to_string(),
    };
    let scheme = if first.identity.is_some() { "https" } else { "http" };
    Ok(Instance { scheme: scheme.to_owned(), host, port: address.port(), eligible: options.eligible })
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
            ("listeners", "http://0.0.0.0:8085,https://x:1", true),
            ("kafkastore.bootstrap.servers", "PLAINTEXT://a:9092,PLAINTEXT://b:9092", true),
            ("schema.compatibility.level", "full", true),
            ("schema.compatibility.level", "sideways", false),
            ("mode.mutability", "false", true),
            ("compat.profile", "8.2", true),
            ("compat.profile", "9", false),
            ("schema.search.max.limit", "20", true),
            ("schema.search.default.limit", "10", true),
            ("schema.search.max.limit", "many", false),
            ("kafkastore.timeout.ms", "500", true),
            ("kafkastore.timeout.ms", "soon", false),
            ("debug", "true", true),
            ("ssl.keystore.location", "no such file", false),
            ("ssl.keystore.type", "PEM", true),
            ("ssl.keystore.type", "JKS", false),
            ("ssl.cipher.suites", "x", false),
            ("authentication.method", "BASIC", true),
            ("authentication.method", "BEARER", false),
            ("kafkastore.sasl.mechanism", "PLAIN", false),
            ("kafkastore.security.protocol", "plaintext", true),
            ("kafkastore.security.protocol", "SASL_SSL", false),
            ("kafkastore.sasl.jaas.config", "secret", false),
            ("kafkastore.ssl.truststore.location", "x", false),
            ("kafkastore.bootstrap.servers", "SSL://a:9093", false),
            ("kafkastore.bootstrap.servers", "PLAINTEXT://a:9092,SASL_SSL://b:9094", false),
            ("security.protocol", "SSL", false),
            ("resource.extension.class", "io.confluent.X", false),
            ("resource.extension.class", "", true),
            ("confluent.schema.registry.auth.mechanism", "SSL", false),
            ("listeners", "ftp://x:1", false),
            ("schema.providers.json.fetch.remote.schemas", "true", false),
        ];
        for (name, value, good) in table {
            assert_eq!(options.set(name, value).is_ok(), good, "{name}={value}");
        }
        let address = |n: usize| (options.listeners[n].address.as_str(), options.listeners[n].secure);
        assert_eq!((address(0), address(1)), (("0.0.0.0:8085", false), ("x:1", true)));
        assert_eq!(options.bootstrap, "a:9092,b:9092");
        assert_eq!(options.settings.level, Level::Full);
        assert_eq!(options.settings.profile, Profile::V82);
        assert_eq!(options.settings.timeout, Duration::from_millis(500));
        assert_eq!((options.settings.search_limit, options.settings.search_limit_max), (10, 20));
        assert_eq!(options.notes.len(), 2);
        assert_eq!(listener("http://:8081").unwrap().address, "0.0.0.0:8081");
        let refusal = options.set("kafkastore.sasl.jaas.config", "secret").unwrap_err();
        assert!(refusal.contains("PLAINTEXT") && !refusal.contains("secret"), "{refusal}");
    }
}
