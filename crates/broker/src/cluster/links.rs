//! Connections to other nodes' controller listeners: one for each purpose, opened when needed.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use client::{Address, CallError, Connection};
use quorum::{Lane, Peer, Pending, Transport, TransportError};
use tokio::net::TcpStream;

use super::{FORWARD, QUORUM};

/// How long a connection may take to come up.
const CONNECT_WITHIN: Duration = Duration::from_millis(1000);
/// How long to wait for the machine of a node that may be gone to say so.
const GONE_WITHIN: Duration = Duration::from_millis(300);

/// A node that leaves this many messages without an answer is connected to anew.
const WAITING_MAX: usize = 256;

/// What a connection is for: a message waits only for its like.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Purpose {
    /// Messages of the quorum.
    Quorum(Lane),
    /// Heartbeats.
    Heartbeats,
    /// Commands for the active controller.
    Commands,
    /// What the quorum's leader answers itself, which may take long.
    Members,
}

type Place = Arc<tokio::sync::Mutex<Option<Arc<Connection>>>>;

/// The open connections.
#[derive(Debug, Default)]
pub(crate) struct Links {
    open: Mutex<HashMap<(Address, Purpose), Place>>,
}

impl Links {
    async fn connection(&self, to: &Peer, purpose: Purpose) -> Result<Arc<Connection>, CallError> {
        let address = Address { host: to.host.clone(), port: to.port };
        let place = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(open.entry((address.clone(), purpose)).or_default())
        };
        let mut place = place.lock().await;
        if let Some(connection) = place.as_ref().filter(|connection| !connection.is_closed()) {
            if matches!(purpose, Purpose::Commands | Purpose::Members) || connection.waiting() < WAITING_MAX {
                return Ok(Arc::clone(connection));
            }
            connection.close();
        }
        let opened = Connection::open(address, "mekong-node", CONNECT_WITHIN, CONNECT_WITHIN).await;
        let connection = Arc::new(opened?);
        *place = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Sends a command to the active controller.
    pub async fn command(
        &self,
        to: &Peer,
        purpose: Purpose,
        body: &Bytes,
        within: Duration,
    ) -> Result<Bytes, CallError> {
        self.connection(to, purpose).await?.exchange(FORWARD, body, within).await
    }
}

/// Whether a machine refuses to connect: then nobody listens there any more.
pub(crate) async fn refuses(host: &str, port: u16) -> bool {
    match tokio::time::timeout(GONE_WITHIN, TcpStream::connect((host, port))).await {
        Ok(Err(error)) => error.kind() == ErrorKind::ConnectionRefused,
        Ok(Ok(_)) | Err(_) => false,
    }
}

/// The quorum's way to other nodes.
#[derive(Debug)]
pub(crate) struct QuorumTransport(pub Arc<Links>);

impl Transport for QuorumTransport {
    fn exchange(
        &self,
        to: Peer,
        lane: Lane,
        message: Bytes,
        within: Duration,
    ) -> Pending<'static, Result<Bytes, TransportError>> {
        let links = Arc::clone(&self.0);
        Box::pin(async move {
            let failed = |error: CallError| TransportError(error.to_string());
            let connection = links.connection(&to, Purpose::Quorum(lane)).await.map_err(failed)?;
            connection.exchange(QUORUM, &message, within).await.map_err(failed)
        })
    }

    fn is_gone(&self, peer: Peer) -> Pending<'static, bool> {
        Box::pin(async move { refuses(&peer.host, peer.port).await })
    }
}
