//! `listeners`, `advertised.listeners`, `listener.security.protocol.map`.

use std::collections::BTreeMap;

use net::PortRule;
use records::Mode;

use super::{ConfigError, QuorumConfig};

/// The port of Kafka's first listener.
pub const DEFAULT_PORT: u16 = 9092;

/// How a listener's bytes are protected and its clients known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SecurityProtocol {
    /// Neither encrypted nor authenticated.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL without encryption.
    SaslPlaintext,
    /// SASL over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    /// Kafka's number.
    pub const fn code(self) -> i16 {
        match self {
            Self::Plaintext => 0,
            Self::Ssl => 1,
            Self::SaslPlaintext => 2,
            Self::SaslSsl => 3,
        }
    }

    /// By Kafka's name, in any case.
    pub fn by_name(name: &str) -> Option<Self> {
        let all = [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl];
        all.into_iter().find(|protocol| protocol.name().eq_ignore_ascii_case(name))
    }
}

/// One listener to open.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListenerConfig {
    /// Its name, in upper case.
    pub name: String,
    /// The host to bind; empty: all interfaces.
    pub host: String,
    /// The port, and whether it may move.
    pub port: PortRule,
    /// Its security protocol.
    pub protocol: SecurityProtocol,
    /// What `advertised.listeners` says for it; without it the address a client reached is advertised.
    pub advertised: Option<(String, u16)>,
    /// Whether `controller.listener.names` names it: other nodes come in by it, and tools that ask the controllers.
    pub is_controllers: bool,
    /// How closely what is produced by it is looked at, where the topic does not say:
    /// `listener.name.<name>.mekong.produce.validation`.
    pub produce_validation: Option<Mode>,
}

/// One `NAME://host:port`.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Endpoint {
    name: String,
    host: String,
    port: u16,
}

/// The listeners of these three properties; the error says what is wrong and what is allowed.
pub fn parse(
    listeners: Option<&str>,
    advertised: Option<&str>,
    protocols: Option<&str>,
) -> Result<Vec<ListenerConfig>, String> {
    let protocols = protocol_map(protocols)?;
    let mut advertised = endpoints(advertised.unwrap_or_default())?;
    let mut parsed = Vec::new();
    for endpoint in endpoints(listeners.unwrap_or_default())? {
        let place = advertised.iter().position(|one| one.name == endpoint.name);
        let advertised = place.map(|place| advertised.remove(place)).map(|one| (one.host, one.port));
        let protocol = protocol_of(&endpoint.name, &protocols)?;
        let port = PortRule::Exactly(endpoint.port);
        parsed.push(ListenerConfig {
            name: endpoint.name,
            host: endpoint.host,
            port,
            protocol,
            advertised,
            is_controllers: false,
            produce_validation: None,
        });
    }
    if parsed.is_empty() {
        let place = advertised.iter().position(|one| one.name == "PLAINTEXT");
        let advertised = place.map(|place| advertised.remove(place)).map(|one| (one.host, one.port));
        let (name, port) = ("PLAINTEXT".to_owned(), PortRule::From(DEFAULT_PORT));
        parsed.push(ListenerConfig {
            name,
            host: String::new(),
            port,
            protocol: SecurityProtocol::Plaintext,
            advertised,
            is_controllers: false,
            produce_validation: None,
        });
    }
    match advertised.first() {
        Some(stray) => Err(format!("advertised.listeners names '{}', which listeners does not", stray.name)),
        None => Ok(parsed),
    }
}

fn protocol_map(text: Option<&str>) -> Result<BTreeMap<String, SecurityProtocol>, String> {
    let mut map = BTreeMap::new();
    for entry in text.unwrap_or_default().split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (name, protocol) =
            entry.split_once(':').ok_or_else(|| format!("'{entry}' is not NAME:PROTOCOL"))?;
        let protocol = SecurityProtocol::by_name(protocol.trim()).ok_or_else(|| {
            format!("'{protocol}' is no security protocol; allowed: PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL")
        })?;
        map.insert(name.trim().to_uppercase(), protocol);
    }
    Ok(map)
}

fn protocol_of(name: &str, map: &BTreeMap<String, SecurityProtocol>) -> Result<SecurityProtocol, String> {
    map.get(name).copied().or_else(|| SecurityProtocol::by_name(name)).ok_or_else(|| {
        format!("listener '{name}' has no security protocol: add {name}:PLAINTEXT to listener.security.protocol.map")
    })
}

fn endpoints(text: &str) -> Result<Vec<Endpoint>, String> {
    let mut parsed: Vec<Endpoint> = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let endpoint = endpoint(entry)
            .ok_or_else(|| format!("'{entry}' is not NAME://host:port with a port of at most 65535"))?;
        if parsed.iter().any(|earlier| earlier.name == endpoint.name) {
            return Err(format!("listener '{}' is given twice", endpoint.name));
        }
        if endpoint.port != 0
            && parsed.iter().any(|one| one.port == endpoint.port && one.host == endpoint.host)
        {
            return Err(format!("two listeners are given port {}", endpoint.port));
        }
        parsed.push(endpoint);
    }
    Ok(parsed)
}

fn endpoint(entry: &str) -> Option<Endpoint> {
    let (name, address) = entry.split_once("://")?;
    let (host, port) = address.rsplit_once(':')?;
    let host = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.strip_suffix(']')?,
        None if host.contains(':') => return None,
        None => host,
    };
    let host = if host == "0.0.0.0" || host == "::" { "" } else { host };
    if name.is_empty() {
        return None;
    }
    Some(Endpoint { name: name.to_uppercase(), host: host.to_owned(), port: port.parse().ok()? })
}

impl super::Reader<'_> {
    /// Whether the listeners are those of the node's roles; refuses what Kafka refuses.
    pub(super) fn check_listeners(
        &self,
        quorum: &QuorumConfig,
        parsed: &[ListenerConfig],
    ) -> Result<(), ConfigError> {
        let names = "controller.listener.names";
        let of_controllers = parsed.iter().filter(|listener| listener.is_controllers).count();
        let is_named = self.text(names).is_some_and(|text| !text.is_empty());
        let (key, problem) = match (quorum.roles.broker, quorum.roles.controller) {
            (true, false) if !is_named => {
                (names, "must contain at least one value when process.roles contains just the broker role")
            }
            (true, false) if of_controllers > 0 => (
                "listeners",
                "must not contain a listener of controller.listener.names when process.roles contains just the broker role",
            ),
            (false, true) if of_controllers < parsed.len() => (
                "listeners",
                "must only contain listeners of controller.listener.names when process.roles=controller",
            ),
            (_, true) if !quorum.is_alone() && of_controllers == 0 => {
                (names, "must name one of listeners, by which the other nodes reach this one")
            }
            (true, true) if of_controllers == parsed.len() => {
                ("listeners", "must name a listener for clients")
            }
            _ => return Ok(()),
        };
        Err(self.wrong(key, problem.to_owned()))
    }
}

impl super::Config {
    /// The name of the listener by which brokers reach each other: `inter.broker.listener.name`, else the first listener of
    /// `security.inter.broker.protocol`, else the first.
    pub fn inter_broker_listener(&self) -> String {
        let property = |key: &str| self.properties.get(key).map(|one| one.value.trim());
        if let Some(name) = property("inter.broker.listener.name") {
            return name.to_uppercase();
        }
        let protocol = property("security.inter.broker.protocol").unwrap_or("PLAINTEXT");
        let clients = || self.listeners.iter().filter(|one| !one.is_controllers);
        let of_protocol = clients().find(|one| one.protocol.name().eq_ignore_ascii_case(protocol));
        let found = of_protocol.or(clients().next()).map(|one| one.name.clone());
        // A node that is no broker has none; by Kafka's default brokers call it like its protocol.
        found.unwrap_or_else(|| protocol.to_uppercase())
    }

    /// Whether connections to a listener are of the cluster's own, and come before clients': the controllers' and, where it is not
    /// the only one for clients, the brokers'.
    pub(crate) fn is_protected(&self, listener: &ListenerConfig) -> bool {
        let for_clients = self.listeners.iter().filter(|one| !one.is_controllers).count();
        listener.is_controllers || for_clients > 1 && listener.name == self.inter_broker_listener()
    }

    /// The name of the controllers' listener: the first of `controller.listener.names`.
    pub fn controller_listener(&self) -> String {
        let named = self.properties.get("controller.listener.names").map(|one| one.value.as_str());
        named.and_then(|names| names.split(',').next()).unwrap_or("CONTROLLER").trim().to_uppercase()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(listeners: &str, advertised: &str, map: &str) -> String {
        let some = |text: &'static str| (!text.is_empty()).then_some(text);
        let leak = |text: &str| some(Box::leak(text.to_owned().into_boxed_str()));
        match parse(leak(listeners), leak(advertised), leak(map)) {
            Ok(parsed) => parsed
                .iter()
                .map(|one| {
                    format!(
                        "{} {}|{:?}|{}|{:?}",
                        one.name,
                        one.host,
                        one.port,
                        one.protocol.name(),
                        one.advertised
                    )
                })
                .collect::<Vec<_>>()
                .join("; "),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn listeners_are_read_as_kafka_reads_them() {
        for (listeners, advertised, map, expected) in [
            ("", "", "", "PLAINTEXT |From(9092)|PLAINTEXT|None"),
            ("", "PLAINTEXT://h:1", "", "PLAINTEXT |From(9092)|PLAINTEXT|Some((\"h\", 1))"),
            ("PLAINTEXT://:9092", "", "", "PLAINTEXT |Exactly(9092)|PLAINTEXT|None"),
            ("plaintext://0.0.0.0:0", "", "", "PLAINTEXT |Exactly(0)|PLAINTEXT|None"),
            ("PLAINTEXT://[::1]:1", "", "", "PLAINTEXT ::1|Exactly(1)|PLAINTEXT|None"),
            (
                "A://a:1,B://b:2",
                "B://x:3",
                "A:PLAINTEXT,B:SASL_SSL",
                "A a|Exactly(1)|PLAINTEXT|None; B b|Exactly(2)|SASL_SSL|Some((\"x\", 3))",
            ),
            (
                "A://a:1",
                "",
                "",
                "error: listener 'A' has no security protocol: add A:PLAINTEXT to listener.security.protocol.map",
            ),
            (
                "PLAINTEXT://a",
                "",
                "",
                "error: 'PLAINTEXT://a' is not NAME://host:port with a port of at most 65535",
            ),
            (
                "PLAINTEXT://a:1",
                "B://a:1",
                "",
                "error: advertised.listeners names 'B', which listeners does not",
            ),
            ("PLAINTEXT://a:1,PLAINTEXT://a:2", "", "", "error: listener 'PLAINTEXT' is given twice"),
        ] {
            assert_eq!(shown(listeners, advertised, map), expected, "{listeners:?} {advertised:?} {map:?}");
        }
    }
}
