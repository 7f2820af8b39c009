//! Fetch (1), versions 4–18: records, by long poll.
//!
//! - Sessions (version 7, KIP-227): epoch 0 makes one, -1 ends it, a mismatch is INVALID_FETCH_SESSION_EPOCH, an unknown one
//!   FETCH_SESSION_ID_NOT_FOUND; an incremental answer leaves out what did not change.
//! - The first batch comes whole however large (KIP-74); partitions are read in the order asked, those that gave records last time
//!   behind the others.
//! - Version 9 fences by leader epoch (KIP-320), 12 tells where logs diverge (KIP-595), 13 names topics by id (KIP-516), 16 tells
//!   new leaders (KIP-951).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base::{BrokerId, LeaderEpoch, Str, Uuid};
use wire::ErrorCode;
use wire::messages::fetch::{
    FetchRequest, FetchResponse, FetchableTopicResponse, LeaderIdAndEpoch, NodeEndpoint, PartitionData,
};

use crate::Broker;
use crate::fetch::{
    FromReplica, Isolation, Limits, Name, Opened, Reading, Session, Wanted, Watch, failure, poll, register,
};
use crate::request::{Operation, RequestContext, ResourceType};

/// The session epochs that say something else than "go on".
const NEW_SESSION: i32 = 0;
const NO_SESSION: i32 = -1;

/// Consumers tell their rack since this version (KIP-392).
const RACKS_SINCE: i16 = 11;

/// What kind of fetch this is.
enum Kind {
    /// Everything is answered; whether a session is made of it.
    Full { make_session: bool },
    /// Only what changed is answered.
    Incremental(Arc<Session>),
}

/// Reads what is asked, and waits for it if need be.
pub(crate) async fn handle(ctx: &RequestContext, mut request: FetchRequest) -> FetchResponse {
    let broker = ctx.broker();
    let rack = std::mem::take(&mut request.rack_id);
    let limits = limits(ctx, &request, &rack);
    let is_replica = limits.replica.is_some();
    let (kind, mut watch, refused) = match open(ctx, request, is_replica) {
        Ok(opened) => opened,
        Err(error_code) => return FetchResponse { error_code, ..Default::default() },
    };
    let limits = if refused.is_empty() { limits } else { Limits { max_wait: Duration::ZERO, ..limits } };
    let (mut readings, memory) = poll(broker, &mut watch, limits, &ctx.connection).await;
    ctx.hold(memory);
    let mut response = FetchResponse::default();
    if let Kind::Incremental(session) = &kind {
        response.session_id = session.id;
        readings.retain(|place, reading| changed(&mut watch, *place, reading));
    }
    remember(&mut watch, &readings);
    response.responses = lay_out(&watch, readings, refused);
    if ctx.version >= 12 {
        point_to_leaders(&mut response, ctx);
    }
    match kind {
        Kind::Incremental(session) => {
            register(broker, &mut watch, is_replica);
            session.put_back(watch);
        }
        Kind::Full { make_session: false } => {}
        Kind::Full { make_session: true } => {
            register(broker, &mut watch, is_replica);
            let made = broker.sessions.create(watch, is_replica, ctx.version >= 13, broker.uptime_ms());
            response.session_id = made.unwrap_or_default();
        }
    }
    response
}

fn limits<'a>(ctx: &RequestContext, request: &FetchRequest, rack: &'a Str) -> Limits<'a> {
    let (replica, epoch) = match ctx.version >= 15 {
        true => (request.replica_state.replica_id, request.replica_state.replica_epoch),
        false => (request.replica_id, -1),
    };
    let config = &ctx.broker().config.fetch;
    let max_bytes = usize::try_from(request.max_bytes).unwrap_or_default().min(config.max_bytes);
    let isolation = match (replica, request.isolation_level) {
        (-1, 1) => Isolation::Committed,
        (-1, _) => Isolation::Uncommitted,
        _ => Isolation::LogEnd,
    };
    let may_be_sent = config.rack_aware && replica == -1 && ctx.version >= RACKS_SINCE && !rack.is_empty();
    Limits {
        isolation,
        rack: may_be_sent.then_some(rack),
        replica: (replica >= 0).then_some(FromReplica { id: BrokerId(replica), epoch }),
        max_wait: Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or_default()),
        min_bytes: usize::try_from(request.min_bytes).unwrap_or_default().min(max_bytes),
        max_bytes,
        version: ctx.version,
    }
}

/// Partitions that are refused before they are read.
type Refused = Vec<(Name, ErrorCode)>;

/// Finds or makes the set of partitions to read.
fn open(
    ctx: &RequestContext,
    request: FetchRequest,
    is_replica: bool,
) -> Result<(Kind, Watch, Refused), ErrorCode> {
    let broker = ctx.broker();
    let (id, epoch) = (request.session_id, request.session_epoch);
    let (wanted, refused) = wanted(ctx, &request, is_replica);
    if epoch == NEW_SESSION || epoch == NO_SESSION {
        if id != 0 {
            broker.sessions.remove(id);
        }
        let mut watch = Watch::default();
        wanted.into_iter().for_each(|one| watch.want(one));
        let make_session = epoch == NEW_SESSION && watch.len() > 0;
        return Ok((Kind::Full { make_session }, watch, refused));
    }
    let opened = broker.sessions.open(id, epoch, ctx.version >= 13, broker.uptime_ms(), |watch| {
        for topic in &request.forgotten_topics_data {
            for partition in &topic.partitions {
                watch.forget(&Name {
                    topic: topic.topic.clone(),
                    topic_id: topic.topic_id,
                    partition: *partition,
                });
            }
        }
        wanted.into_iter().for_each(|one| watch.want(one));
    })?;
    Ok(match opened {
        Opened::Session(session, watch) => (Kind::Incremental(session), watch, refused),
        Opened::Emptied => (Kind::Full { make_session: false }, Watch::default(), refused),
    })
}

fn wanted(ctx: &RequestContext, request: &FetchRequest, is_replica: bool) -> (Vec<Wanted>, Refused) {
    let (mut wanted, mut refused) = (Vec::new(), Vec::new());
    for topic in &request.topics {
        let known = if ctx.version >= 13 { ctx.broker().topics.by_id(topic.topic_id.into()) } else { None };
        let name = known.as_ref().map_or(&topic.topic, |known| known.name());
        let allowed = match is_replica {
            true => ctx.authorize(Operation::ClusterAction, ResourceType::Cluster, ""),
            false => ctx.authorize(Operation::Read, ResourceType::Topic, name),
        };
        let (topic_name, topic_id) = (topic.topic.detached(), topic.topic_id);
        for partition in &topic.partitions {
            let name = Name { topic: topic_name.clone(), topic_id, partition: partition.partition };
            match allowed {
                false => refused.push((name, ErrorCode::TOPIC_AUTHORIZATION_FAILED)),
                true => wanted.push(Wanted {
                    name,
                    fetch_offset: partition.fetch_offset,
                    current_leader_epoch: partition.current_leader_epoch,
                    last_fetched_epoch: partition.last_fetched_epoch,
                    max_bytes: partition.partition_max_bytes,
                    log_start: partition.log_start_offset,
                    durable_end: partition.durable_end,
                }),
            }
        }
    }
    (wanted, refused)
}

/// Whether an incremental answer must name this partition.
fn changed(watch: &mut Watch, place: usize, reading: &Reading) -> bool {
    let data = &reading.data;
    let told = watch.get_mut(place).map(|known| (known.high_watermark, known.log_start));
    reading.bytes > 0
        || data.preferred_read_replica >= 0
        || data.error_code != ErrorCode::NONE
        || data.diverging_epoch.epoch >= 0
        || told != Some((data.high_watermark, data.log_start_offset))
}

/// Notes what the client is told; an error clears it, so that the partition is told again once it is well.
fn remember(watch: &mut Watch, readings: &BTreeMap<usize, Reading>) {
    for (place, reading) in readings {
        if let Some(known) = watch.get_mut(*place) {
            let failed = reading.data.error_code != ErrorCode::NONE;
            known.high_watermark = if failed { -1 } else { reading.data.high_watermark };
            known.log_start = if failed { -1 } else { reading.data.log_start_offset };
        }
    }
}

/// Groups the readings by topic, in the order in which topics first appear.
fn lay_out(
    watch: &Watch,
    readings: BTreeMap<usize, Reading>,
    refused: Refused,
) -> Vec<FetchableTopicResponse> {
    let read =
        readings.into_iter().filter_map(|(place, reading)| Some((watch.name(place)?.clone(), reading.data)));
    let refused = refused.into_iter().map(|(name, error)| {
        let data = failure(name.partition, error, i16::MAX).data;
        (name, data)
    });
    let mut topics: Vec<FetchableTopicResponse> = Vec::new();
    let mut places: std::collections::HashMap<(Str, Uuid), usize> = std::collections::HashMap::new();
    for (name, data) in read.chain(refused) {
        let place = *places.entry((name.topic.clone(), name.topic_id)).or_insert_with(|| {
            topics.push(FetchableTopicResponse {
                topic: name.topic,
                topic_id: name.topic_id,
                partitions: Vec::new(),
            });
            topics.len() - 1
        });
        if let Some(topic) = topics.get_mut(place) {
            topic.partitions.push(data);
        }
    }
    topics
}

/// Tells the leader of each partition that is led elsewhere or in another epoch, and where that leader listens (KIP-951).
fn point_to_leaders(response: &mut FetchResponse, ctx: &RequestContext) {
    if ctx.version < 16 {
        return;
    }
    let broker: &Broker = ctx.broker();
    let mut leaders = Vec::new();
    for topic in &mut response.responses {
        let id = broker.topic_id(&topic.topic, topic.topic_id);
        for partition in topic.partitions.iter_mut().filter(|partition| is_about_leaders(partition)) {
            if let Some((leader_id, leader_epoch)) = broker.leader_of(id, partition.partition_index) {
                partition.current_leader =
                    LeaderIdAndEpoch { leader_id, leader_epoch: LeaderEpoch(leader_epoch).0 };
                leaders.push(leader_id);
            }
        }
    }
    if !leaders.is_empty() {
        let endpoints =
            broker.endpoints_for(&ctx.connection).into_iter().filter(|node| leaders.contains(&node.id));
        response.node_endpoints = endpoints
            .map(|node| NodeEndpoint { node_id: node.id, host: node.host, port: node.port, rack: node.rack })
            .collect();
    }
}

fn is_about_leaders(partition: &PartitionData) -> bool {
    [ErrorCode::NOT_LEADER_OR_FOLLOWER, ErrorCode::FENCED_LEADER_EPOCH].contains(&partition.error_code)
}
