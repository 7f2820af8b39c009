//! Where brokers are, and what a bootstrap list may say.
//!
//! ```text
//! host:port,[::1]:9092,host                 as bootstrap.servers; 9092 where no port stands
//! kafka://host:port,host?client_id=app      the same as a URL with options
//! ```

use std::fmt;
use std::str::FromStr;

/// Kafka's port by custom.
pub const DEFAULT_PORT: u16 = 9092;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// A name or an IP address, without brackets.
    pub host: String,
    /// The TCP port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// A bootstrap list that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBootstrap {
    /// Nothing in it.
    #[error("the bootstrap list is empty; name at least one broker as host:port")]
    Empty,
    /// One entry is no address.
    #[error("`{0}` is no broker address; write host:port, such as localhost:9092 or [::1]:9092")]
    Address(String),
    /// A URL of something else.
    #[error("`{0}` is not a scheme of Kafka; write kafka://host:port")]
    Scheme(String),
    /// Credentials in a URL.
    #[error(
        "user names and passwords are not supported yet: this client speaks plaintext without authentication only"
    )]
    Credentials,
    /// An option of a URL that nobody knows.
    #[error("`{0}` is not an option of a kafka:// URL; known are client_id and security")]
    Option(String),
    /// TLS or SASL.
    #[error("security `{0}` is not supported yet; this client speaks plaintext only")]
    Security(String),
}

impl FromStr for Address {
    type Err = BadBootstrap;

    fn from_str(text: &str) -> Result<Self, BadBootstrap> {
        let bad = || BadBootstrap::Address(text.to_owned());
        let text = text.trim();
        if let Some(rest) = text.strip_prefix('[') {
            let (host, rest) = rest.split_once(']').ok_or_else(bad)?;
            let port = match rest.strip_prefix(':') {
                Some(port) => port.parse().map_err(|_| bad())?,
                None if rest.is_empty() => DEFAULT_PORT,
                None => return Err(bad()),
            };
            return Ok(Self { host: host.to_owned(), port });
        }
        match text.matches(':').count() {
            0 if !text.is_empty() => Ok(Self { host: text.to_owned(), port: DEFAULT_PORT }),
            1 => {
                let (host, port) = text.split_once(':').ok_or_else(bad)?;
                let port = port.parse().map_err(|_| bad())?;
                if host.is_empty() { Err(bad()) } else { Ok(Self { host: host.to_owned(), port }) }
            }
            // An IPv6 address without brackets, and so without a port.
            2.. if text.parse::<std::net::Ipv6Addr>().is_ok() => {
                Ok(Self { host: text.to_owned(), port: DEFAULT_PORT })
            }
            _ => Err(bad()),
        }
    }
}

/// A bootstrap text, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bootstrap {
    /// The brokers to ask first, at least one.
    pub addresses: Vec<Address>,
    /// The `client_id` option of a URL.
    pub client_id: Option<String>,
}

impl FromStr for Bootstrap {
    type Err = BadBootstrap;

    fn from_str(text: &str) -> Result<Self, BadBootstrap> {
        let (list, query) = match text.split_once("://") {
            Some(("kafka", rest)) => rest.split_once('?').unwrap_or((rest, "")),
            Some(("kafka+tls" | "kafkas", _)) => return Err(BadBootstrap::Security("tls".to_owned())),
            Some((scheme, _)) => return Err(BadBootstrap::Scheme(scheme.to_owned())),
            None => (text, ""),
        };
        if list.contains('@') {
            return Err(BadBootstrap::Credentials);
        }
        let list = list.trim_end_matches('/').split(',').filter(|entry| !entry.trim().is_empty());
        let mut bootstrap =
            Self { addresses: list.map(str::parse).collect::<Result<_, _>>()?, client_id: None };
        for option in query.split('&').filter(|option| !option.is_empty()) {
            bootstrap.set_option(option)?;
        }
        if bootstrap.addresses.is_empty() { Err(BadBootstrap::Empty) } else { Ok(bootstrap) }
    }
}

impl Bootstrap {
    fn set_option(&mut self, option: &str) -> Result<(), BadBootstrap> {
        match option.split_once('=') {
            Some(("client_id", id)) => self.client_id = Some(id.to_owned()),
            Some(("security", "plaintext" | "PLAINTEXT")) => {}
            Some(("security", other)) => return Err(BadBootstrap::Security(other.to_owned())),
            _ => return Err(BadBootstrap::Option(option.to_owned())),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_urls() {
        for (text, expected) in [
            ("localhost:9092", "localhost:9092"),
            ("a, b:1 ,[::1]:9093", "a:9092 b:1 [::1]:9093"),
            ("::1", "[::1]:9092"),
            ("kafka://a:1,b:2/?client_id=x", "a:1 b:2"),
            ("kafka://a?security=plaintext", "a:9092"),
        ] {
            let bootstrap: Bootstrap = text.parse().unwrap();
            let addresses: Vec<String> = bootstrap.addresses.iter().map(Address::to_string).collect();
            assert_eq!(addresses.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn what_is_refused() {
        for (text, expected) in [
            ("", BadBootstrap::Empty),
            (":9092", BadBootstrap::Address(":9092".into())),
            ("a:b", BadBootstrap::Address("a:b".into())),
            ("a:70000", BadBootstrap::Address("a:70000".into())),
            ("http://a", BadBootstrap::Scheme("http".into())),
            ("kafka://u:p@a", BadBootstrap::Credentials),
            ("kafka://a?security=sasl_ssl", BadBootstrap::Security("sasl_ssl".into())),
            ("kafka://a?x=1", BadBootstrap::Option("x=1".into())),
        ] {
            assert_eq!(text.parse::<Bootstrap>(), Err(expected), "{text}");
        }
    }
}
