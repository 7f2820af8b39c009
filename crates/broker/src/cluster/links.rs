//! Connections to other nodes' controller listeners: one for each purpose, opened when needed.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use client::{Address, CallError, Connection};
use quorum::{Lane, Peer, Pending, Transport, TransportError};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::{FORWARD, QUORUM};

/// How long a connection may take to come up.
const CONNECT_WITHIN: Duration = Duration::from_millis(1000);
/// How long to wait for the machine of a node that may be gone to say so.
const GONE_WITHIN: Duration = Duration::from_millis(300);

/// How long after a connection that came up and ended it is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(5);

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

/// Whether a machine refuses to connect: then nobody listens there any more. A process that is killed loses one socket after the other, and
/// may still listen when the first connection ends: one that comes up is watched, and when that ends, too, the machine is asked again.
pub(crate) async fn refuses(host: &str, port: u16) -> bool {
    let asked = async {
        loop {
            match TcpStream::connect((host, port)).await {
                Ok(mut stream) => drop(stream.read(&mut [0; 1]).await),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
                Err(error) => return error.kind() == ErrorKind::ConnectionRefused,
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    };
    tokio::time::timeout(GONE_WITHIN, asked).await.unwrap_or(false)
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

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn who_listens_a_moment_longer_while_it_dies_is_gone_and_who_goes_on_is_not() {
        for (dies, gone) in [(true, true), (false, false)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let listening = tokio::spawn(async move {
                tokio::time::sleep(if dies { Duration::from_millis(50) } else { Duration::from_secs(60) })
                    .await;
                drop(listener);
            });
            assert_eq!(refuses("127.0.0.1", port).await, gone);
            listening.abort();
        }
    }
}
