//! Binding listeners by Kafka's address forms and Mekong's port rules.
//!
//! An empty host means every interface, IPv6 and IPv4 by one socket where the kernel allows it. A host name binds every address
//! it resolves to, so that clients which try `::1` before `127.0.0.1` reach the broker at once.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpListener;

/// How far from a busy default port a free one is looked for.
const PORTS_TRIED_MAX: u16 = 100;

/// What to do when a port is busy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PortRule {
    /// The user asked for this port (0: any free one): busy is an error.
    Exactly(u16),
    /// Nobody asked: take the next free port after this one.
    From(u16),
}

/// A listener that could not be bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The host name has no address.
    #[error("host '{host}' does not resolve: {source}")]
    Unresolvable {
        /// The name as configured.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The kernel refused.
    #[error("cannot listen on {address}: {source}")]
    Refused {
        /// The address tried.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// The sockets of one listener, all on one port.
#[derive(Debug)]
pub struct Bound {
    /// One socket per address of the host.
    pub sockets: Vec<TcpListener>,
    /// The port taken.
    pub port: u16,
    /// Whether a busy default port made the listener move on.
    pub moved: bool,
}

/// Binds `host` (empty: all interfaces) under the port rule. Must run inside a tokio runtime.
pub fn bind(host: &str, rule: PortRule, backlog: i32) -> Result<Bound, BindError> {
    match rule {
        PortRule::Exactly(port) => bind_port(host, port, backlog),
        PortRule::From(first) => {
            let mut outcome = bind_port(host, first, backlog);
            for step in 1..PORTS_TRIED_MAX {
                if !matches!(&outcome, Err(BindError::Refused { source, .. }) if source.kind() == io::ErrorKind::AddrInUse)
                {
                    break;
                }
                outcome = bind_port(host, first.saturating_add(step), backlog)
                    .map(|bound| Bound { moved: true, ..bound });
            }
            outcome
        }
    }
}

/// Binds every address of the host on one port; addresses after the first may be missing (no IPv6, say).
fn bind_port(host: &str, port: u16, backlog: i32) -> Result<Bound, BindError> {
    let mut bound = Bound { sockets: Vec::new(), port, moved: false };
    let mut refused = None;
    for ip in addresses(host)? {
        let address = SocketAddr::new(ip, bound.port);
        match open(address, backlog) {
            Ok(socket) => {
                bound.port = socket.local_addr().map_or(bound.port, |local| local.port());
                bound.sockets.push(socket);
                if ip.is_unspecified() {
                    return Ok(bound); // One dual-stack socket serves all.
                }
            }
            Err(source) if source.kind() == io::ErrorKind::AddrInUse => {
                return Err(BindError::Refused { address, source });
            }
            Err(source) => refused = refused.or(Some(BindError::Refused { address, source })),
        }
    }
    match refused {
        Some(error) if bound.sockets.is_empty() => Err(error),
        _ => Ok(bound),
    }
}

fn addresses(host: &str) -> Result<Vec<IpAddr>, BindError> {
    if host.is_empty() {
        return Ok(vec![IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)]);
    }
    let unresolvable = |source| BindError::Unresolvable { host: host.to_owned(), source };
    let mut ips: Vec<IpAddr> = (host, 0).to_socket_addrs().map_err(unresolvable)?.map(|a| a.ip()).collect();
    ips.sort_by_key(IpAddr::is_ipv6);
    ips.dedup();
    if ips.is_empty() {
        return Err(unresolvable(io::ErrorKind::NotFound.into()));
    }
    Ok(ips)
}

fn open(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    TcpListener::from_std(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_busy_default_port_moves_on_and_an_explicit_one_fails() {
        let first = bind("127.0.0.1", PortRule::Exactly(0), 16).unwrap();
        let moved = bind("127.0.0.1", PortRule::From(first.port), 16).unwrap();
        assert!(moved.moved && moved.port > first.port);
        let refused = bind("127.0.0.1", PortRule::Exactly(first.port), 16).unwrap_err();
        assert!(refused.to_string().contains(&first.port.to_string()), "{refused}");
    }

    #[tokio::test]
    async fn localhost_takes_every_address_on_one_port() {
        let bound = bind("localhost", PortRule::Exactly(0), 16).unwrap();
        for socket in &bound.sockets {
            assert_eq!(socket.local_addr().unwrap().port(), bound.port);
        }
    }

    #[tokio::test]
    async fn an_unknown_host_is_named() {
        let error = bind("no-such-host.invalid", PortRule::Exactly(0), 16).unwrap_err();
        assert!(error.to_string().contains("no-such-host.invalid"), "{error}");
    }
}
