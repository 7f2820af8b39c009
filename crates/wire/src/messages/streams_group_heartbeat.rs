//! StreamsGroupHeartbeat: joins, stays in and leaves a streams group (KIP-1071).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request StreamsGroupHeartbeatRequest [StreamsGroupHeartbeat => StreamsGroupHeartbeatResponse, versions 0..=0, flexible 0..] {
        group_id:                   Str                     [0..],
        member_id:                  Str                     [0..],
        member_epoch:               i32                     [0..],
        endpoint_information_epoch: i32                     [0..],
        instance_id:                Option<Str>             [0.., nullable 0..] = None,
        rack_id:                    Option<Str>             [0.., nullable 0..] = None,
        rebalance_timeout_ms:       i32                     [0..] = -1,
        topology:                   Option<Topology>        [0.., nullable 0..] = None,
        active_tasks:               Option<Vec<TaskIds>>    [0.., nullable 0..] = None,
        standby_tasks:              Option<Vec<TaskIds>>    [0.., nullable 0..] = None,
        warmup_tasks:               Option<Vec<TaskIds>>    [0.., nullable 0..] = None,
        process_id:                 Option<Str>             [0.., nullable 0..] = None,
        user_endpoint:              Option<Endpoint>        [0.., nullable 0..] = None,
        client_tags:                Option<Vec<KeyValue>>   [0.., nullable 0..] = None,
        task_offsets:               Option<Vec<TaskOffset>> [0.., nullable 0..] = None,
        task_end_offsets:           Option<Vec<TaskOffset>> [0.., nullable 0..] = None,
        shutdown_application:       bool                    [0..],
    }

    /// What [`StreamsGroupHeartbeatRequest::topology`] holds.
    struct Topology {
        epoch:         i32              [0..],
        subtopologies: Vec<Subtopology> [0..],
    }

    /// One of [`Topology::subtopologies`].
    struct Subtopology {
        subtopology_id:            Str                   [0..],
        source_topics:             Vec<Str>              [0..],
        source_topic_regex:        Vec<Str>              [0..],
        state_changelog_topics:    Vec<TopicInfo>        [0..],
        repartition_sink_topics:   Vec<Str>              [0..],
        repartition_source_topics: Vec<TopicInfo>        [0..],
        copartition_groups:        Vec<CopartitionGroup> [0..],
    }

    /// One of [`Subtopology::copartition_groups`].
    struct CopartitionGroup {
        source_topics:             Vec<i16> [0..],
        source_topic_regex:        Vec<i16> [0..],
        repartition_source_topics: Vec<i16> [0..],
    }

    /// A part that several structs of [`StreamsGroupHeartbeatRequest`] share.
    struct KeyValue {
        key:   Str [0..],
        value: Str [0..],
    }

    /// A part that several structs of [`StreamsGroupHeartbeatRequest`] share.
    struct TopicInfo {
        name:               Str           [0..],
        partitions:         i32           [0..],
        replication_factor: i16           [0..],
        topic_configs:      Vec<KeyValue> [0..],
    }

    /// A part that several structs of [`StreamsGroupHeartbeatRequest`] share.
    struct Endpoint {
        host: Str [0..],
        port: u16 [0..],
    }

    /// A part that several structs of [`StreamsGroupHeartbeatRequest`] share.
    struct TaskOffset {
        subtopology_id: Str [0..],
        partition:      i32 [0..],
        offset:         i64 [0..],
    }

    /// A part that several structs of [`StreamsGroupHeartbeatRequest`] share.
    struct TaskIds {
        subtopology_id: Str      [0..],
        partitions:     Vec<i32> [0..],
    }

    /// The answer.
    response StreamsGroupHeartbeatResponse [StreamsGroupHeartbeat, versions 0..=0, flexible 0..] {
        throttle_time_ms:            i32                               [0..],
        error_code:                  ErrorCode                         [0..],
        error_message:               Option<Str>                       [0.., nullable 0..] = None,
        member_id:                   Str                               [0..],
        member_epoch:                i32                               [0..],
        heartbeat_interval_ms:       i32                               [0..],
        acceptable_recovery_lag:     i32                               [0..],
        task_offset_interval_ms:     i32                               [0..],
        status:                      Option<Vec<Status>>               [0.., nullable 0..] = Some(Vec::new()),
        active_tasks:                Option<Vec<TaskIdsResponse>>      [0.., nullable 0..] = None,
        standby_tasks:               Option<Vec<TaskIdsResponse>>      [0.., nullable 0..] = None,
        warmup_tasks:                Option<Vec<TaskIdsResponse>>      [0.., nullable 0..] = None,
        endpoint_information_epoch:  i32                               [0..],
        partitions_by_user_endpoint: Option<Vec<EndpointToPartitions>> [0.., nullable 0..] = None,
    }

    /// One of [`StreamsGroupHeartbeatResponse::partitions_by_user_endpoint`].
    struct EndpointToPartitions {
        user_endpoint:      EndpointResponse    [0..],
        active_partitions:  Vec<TopicPartition> [0..],
        standby_partitions: Vec<TopicPartition> [0..],
    }

    /// A part that several structs of [`StreamsGroupHeartbeatResponse`] share.
    struct Status {
        status_code:   i8  [0..],
        status_detail: Str [0..],
    }

    /// A part that several structs of [`StreamsGroupHeartbeatResponse`] share.
    struct TopicPartition {
        topic:      Str      [0..],
        partitions: Vec<i32> [0..],
    }

    /// A part that several structs of [`StreamsGroupHeartbeatResponse`] share.
    struct TaskIdsResponse {
        subtopology_id: Str      [0..],
        partitions:     Vec<i32> [0..],
    }

    /// A part that several structs of [`StreamsGroupHeartbeatResponse`] share.
    struct EndpointResponse {
        host: Str [0..],
        port: u16 [0..],
    }
}
