//! Frames as requests: which row serves them, who is charged, what travels with them.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use base::limits::QUORUM_FRAME_BYTES_MAX;
use bytes::Bytes;
use wire::{ApiKey, Decoder, frame};

use super::receive::UNCOUNTED_FRAME_BYTES;
use super::ticket::Ticket;
use super::{Connection, End};
use crate::accounting::{Account, Party};
use crate::cluster;
use crate::dispatch::{self, Row};
use crate::metrics::Stamps;
use crate::request::RequestContext;

/// A request parsed, not started.
pub(super) struct Parsed {
    pub row: &'static Row,
    pub ctx: RequestContext,
    pub decoder: Decoder,
    pub ticket: Ticket,
}

impl Connection {
    /// The largest frame. What voters send each other is not bound by what clients may send (`socket.request.max.bytes`).
    pub(super) fn frame_max_bytes(&self) -> usize {
        let of_clients = self.info.broker.config.network.request_max_bytes;
        let is_controllers = self.info.listener.config.is_controllers;
        if is_controllers { of_clients.max(QUORUM_FRAME_BYTES_MAX) } else { of_clients }
    }

    /// The next request that is there whole.
    pub(super) fn next_request(&mut self) -> Result<Option<Parsed>, End> {
        let max = self.frame_max_bytes();
        match self.frames.next_frame(max) {
            Ok(None) => Ok(None),
            Ok(Some(body)) => {
                // It is there: who sends slowly is seen by what follows.
                self.info.slot.receives(false);
                self.info.slot.receives(self.frames.len() > UNCOUNTED_FRAME_BYTES);
                self.parse(body).map(Some)
            }
            Err(error) => Err(End::Refused(error.to_string())),
        }
    }

    fn parse(&mut self, body: Bytes) -> Result<Parsed, End> {
        let bytes_in = body.len();
        if self.info.listener.config.is_controllers && cluster::is_own(&body) {
            return self.parse_own(body);
        }
        let (header, key, decoder) = frame::decode_request_header(body)
            .map_err(|error| End::Refused(format!("cannot read header: {error}")))?;
        let refused = || {
            let (api, version) = (header.request_api_key, header.request_api_version);
            End::Refused(format!(
                "Received request for api with key {api} ({key:?}) and unsupported version {version}"
            ))
        };
        let row = dispatch::row_on(&self.info.listener.config, key).ok_or_else(refused)?;
        let version_is_served = row.versions.contains(&header.request_api_version);
        if !version_is_served && key != ApiKey::ApiVersions {
            return Err(refused());
        }
        let client_id = header.client_id.unwrap_or_default();
        let (ticket, mut ctx) = self.admit(row, client_id, header.correlation_id, bytes_in);
        (ctx.version, ctx.version_is_served) = (header.request_api_version, version_is_served);
        Ok(Parsed { row, ctx, decoder, ticket })
    }

    /// A message between nodes of the cluster.
    fn parse_own(&mut self, body: Bytes) -> Result<Parsed, End> {
        let row = cluster::row(&body)
            .ok_or_else(|| End::Refused("a message of a later Mekong's between nodes".to_owned()))?;
        let (ticket, ctx) = self.admit(row, base::Str::default(), cluster::correlation_id(&body), body.len());
        Ok(Parsed { row, ctx, decoder: Decoder::new(cluster::body(body)), ticket })
    }

    /// What goes with a request of version 0 until its answer has left.
    fn admit(
        &mut self,
        row: &'static Row,
        client_id: base::Str,
        correlation_id: i32,
        bytes_in: usize,
    ) -> (Ticket, RequestContext) {
        let account = self.account(&client_id);
        let ticket = Ticket {
            stamps: Stamps::received(self.received),
            key: row.key,
            uncounted: if self.memory.is_empty() { bytes_in } else { 0 },
            _memory: std::mem::take(&mut self.memory),
        };
        let ctx = RequestContext {
            connection: Arc::clone(&self.info),
            key: row.key,
            version: 0,
            correlation_id,
            client_id,
            received: self.received,
            started: self.received,
            waited: OnceLock::new(),
            account,
            is_exempt: AtomicBool::new(false),
            bytes_in,
            memory: Default::default(),
            version_is_served: true,
            needs: row.needs,
        };
        (ticket, ctx)
    }

    /// The account of the client id; looked up when it changes, which it does not.
    fn account(&mut self, client_id: &base::Str) -> Arc<Account> {
        match &self.account {
            Some((party, account)) if party.client_id == *client_id => Arc::clone(account),
            _ => {
                let party = Party { principal: self.info.principal.clone(), client_id: client_id.detached() };
                let account = self.info.broker.accounts.of(&party);
                self.account = Some((party, Arc::clone(&account)));
                account
            }
        }
    }
}
