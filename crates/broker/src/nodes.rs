//! Who the brokers are and who leads what, as one client is told.

use base::{Str, TopicId, Uuid};

use crate::Broker;
use crate::request::ConnectionInfo;

/// A broker with its address on the listener that a client came in by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Node {
    /// Its id.
    pub id: i32,
    /// Its host.
    pub host: Str,
    /// Its port.
    pub port: i32,
    /// Its rack.
    pub rack: Option<Str>,
}

impl Broker {
    /// All live brokers, with their addresses on the connection's listener.
    pub fn endpoints_for(&self, connection: &ConnectionInfo) -> Vec<Node> {
        let image = self.image();
        let listener = connection.listener.config.name.as_str();
        let others =
            image.brokers().values().filter(|broker| !broker.fenced && broker.id != self.config.node_id);
        let mut nodes: Vec<_> = others
            .filter_map(|broker| {
                let endpoint = broker.endpoint(listener)?;
                let (host, port) = (endpoint.host.clone(), i32::from(endpoint.port));
                Some(Node { id: broker.id, host, port, rack: broker.rack.clone() })
            })
            .collect();
        let own = connection.listener.advertised_to(connection.local);
        let rack = self.config.rack.as_deref().map(Str::from);
        nodes.push(Node { id: self.config.node_id, host: own.host, port: i32::from(own.port), rack });
        nodes.sort_by_key(|node| node.id);
        nodes
    }

    /// The topic's identity, by whichever of the two a request gave.
    pub fn topic_id(&self, name: &str, id: Uuid) -> TopicId {
        match id.is_zero() {
            false => TopicId(id),
            true => self.image().topic_names().get(name).copied().unwrap_or(TopicId::ZERO),
        }
    }

    /// A partition's leader and its epoch.
    pub fn leader_of(&self, topic: TopicId, partition: i32) -> Option<(i32, i32)> {
        let image = self.image();
        let state = image.partition(topic, partition)?;
        Some((state.leader, state.leader_epoch))
    }

    /// The cluster's identity.
    pub fn cluster_id(&self) -> Option<Str> {
        self.image().cluster_id().cloned()
    }

    /// A broker that takes what is for the controller: any one does.
    pub fn controller_id(&self) -> i32 {
        self.config.node_id
    }
}
