//! Open listeners: accepting, and which address a client is told.

use std::net::SocketAddr;
use std::sync::Arc;

use base::Str;
use net::{AcceptPause, Bound, accept_error_pause};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use wire::messages::broker_registration::Listener as Registered;

use crate::Broker;
use crate::blocking::Pace;
use crate::config::ListenerConfig;
use crate::connection::{self, End};
use crate::request::ConnectionInfo;

/// A listener that is open.
#[derive(Debug)]
pub struct Listener {
    /// What was configured.
    pub config: ListenerConfig,
    /// The port it got.
    pub port: u16,
}

/// An address that clients are told to use.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// Host name or address.
    pub host: Str,
    /// Port.
    pub port: u16,
}

impl Listener {
    /// What a client that reached us at `local` is told: `advertised.listeners` or, without, the very address it used.
    pub fn advertised_to(&self, local: SocketAddr) -> Endpoint {
        match &self.config.advertised {
            Some((host, port)) => Endpoint { host: host.as_str().into(), port: *port },
            None => Endpoint { host: local.ip().to_canonical().to_string().into(), port: local.port() },
        }
    }

    /// What the cluster is told of it. Without an advertised address that is the host it is bound to and, where it is bound to all,
    /// the machine's name, as Kafka has it; one that leads nowhere helps nobody, and nobody else asks who is alone.
    pub(crate) fn registered(&self, is_alone: bool) -> Registered {
        let config = &self.config;
        let (host, port) = match &config.advertised {
            Some((host, port)) => (host.as_str(), *port),
            None if config.host.is_empty() && is_alone => ("localhost", self.port),
            None if config.host.is_empty() => (env::machine_name().unwrap_or("localhost"), self.port),
            None => (config.host.as_str(), self.port),
        };
        Registered {
            name: config.name.as_str().into(),
            host: host.into(),
            port,
            security_protocol: config.protocol.code(),
        }
    }
}

/// Accepts on every socket of a listener until told to stop.
pub(crate) fn accept_on(
    broker: &Arc<Broker>,
    bound: Bound,
    listener: &Arc<Listener>,
    stop: &watch::Receiver<bool>,
) {
    for socket in bound.sockets {
        let (broker, listener, mut stop) = (Arc::clone(broker), Arc::clone(listener), stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = accept(&broker, &socket, &listener) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        });
    }
}

async fn accept(broker: &Arc<Broker>, socket: &TcpListener, listener: &Arc<Listener>) {
    let mut complained = false;
    let is_protected = broker.config.is_protected(&listener.config);
    loop {
        if !is_protected {
            broker.connections.wait_for_room().await;
        }
        match socket.accept().await {
            Ok((stream, peer)) => {
                complained = false;
                if is_protected {
                    broker.connections.make_room().await;
                }
                take_in(broker, listener, stream, (peer, is_protected));
            }
            Err(error) => {
                if let AcceptPause::For(pause) = accept_error_pause(&error) {
                    if !std::mem::replace(&mut complained, true) {
                        tracing::warn!(%error, connections = broker.connections.count(), "cannot accept connections for now");
                    }
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
}

fn take_in(
    broker: &Arc<Broker>,
    listener: &Arc<Listener>,
    stream: TcpStream,
    (peer, is_protected): (SocketAddr, bool),
) {
    let Ok(local) = stream.local_addr() else { return };
    let network = &broker.config.network;
    if net::tune_accepted(&stream, network.send_buffer_bytes, network.receive_buffer_bytes).is_err() {
        return;
    }
    let stream = Arc::new(stream);
    let Some(slot) = broker.connections.admit(&stream, peer, is_protected) else {
        tracing::info!(%peer, "connection refused: its address has max.connections.per.ip open, or the broker stops");
        return;
    };
    let info = Arc::new(ConnectionInfo {
        broker: Arc::clone(broker),
        listener: Arc::clone(listener),
        peer,
        local,
        principal: Str::from_static("User:ANONYMOUS"),
        software: std::sync::OnceLock::new(),
        node: std::sync::OnceLock::new(),
        slot,
        parked: crate::request::Parked::default(),
        checks: Pace::default(),
    });
    tokio::spawn(async move {
        let end = connection::serve(stream, Arc::clone(&info)).await;
        if let Some(node) = info.node.get() {
            info.broker.lost_connection(*node);
        }
        match end {
            End::Closed => {}
            End::Failed(error) => tracing::debug!(%peer, %error, "connection failed"),
            End::Refused(reason) => tracing::info!(%peer, reason, "connection closed"),
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Origin, Properties};

    #[test]
    fn others_are_told_an_address_that_leads_here() {
        let machine = env::machine_name().unwrap_or("localhost");
        for (listeners, advertised, is_alone, host) in [
            ("PLAINTEXT://:9092", None, false, machine),
            ("PLAINTEXT://0.0.0.0:9092", None, false, machine),
            ("PLAINTEXT://:9092", None, true, "localhost"),
            ("PLAINTEXT://10.1.2.3:9092", None, false, "10.1.2.3"),
            ("PLAINTEXT://:9092", Some("PLAINTEXT://outside:1"), false, "outside"),
        ] {
            let mut properties = Properties::default();
            properties.set("listeners", listeners, Origin::Embedder);
            if let Some(advertised) = advertised {
                properties.set("advertised.listeners", advertised, Origin::Embedder);
            }
            let config = Config::new(properties).unwrap().listeners.remove(0);
            let listener = Listener { config, port: 9092 };
            assert_eq!(listener.registered(is_alone).host, host, "{listeners} {advertised:?}");
        }
    }
}
