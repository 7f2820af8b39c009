//! StreamsGroupDescribe: describes streams groups (KIP-1071).

use alloc::vec::Vec;

use base::Str;

use crate::ErrorCode;

crate::message! {
    /// The request.
    request StreamsGroupDescribeRequest [StreamsGroupDescribe => StreamsGroupDescribeResponse, versions 0..=0, flexible 0..] {
        group_ids:                     Vec<Str> [0..],
        include_authorized_operations: bool     [0..],
    }

    /// The answer.
    response StreamsGroupDescribeResponse [StreamsGroupDescribe, versions 0..=0, flexible 0..] {
        throttle_time_ms: i32                 [0..],
        groups:           Vec<DescribedGroup> [0..],
    }

    /// One of [`StreamsGroupDescribeResponse::groups`].
    struct DescribedGroup {
        error_code:            ErrorCode        [0..],
        error_message:         Option<Str>      [0.., nullable 0..] = None,
        group_id:              Str              [0..],
        group_state:           Str              [0..],
        group_epoch:           i32              [0..],
        assignment_epoch:      i32              [0..],
        topology:              Option<Topology> [0.., nullable 0..] = None,
        members:               Vec<Member>      [0..],
        authorized_operations: i32              [0..] = i32::MIN,
    }

    /// What [`DescribedGroup::topology`] holds.
    struct Topology {
        epoch:         i32                      [0..],
        subtopologies: Option<Vec<Subtopology>> [0.., nullable 0..] = None,
    }

    /// One of [`Topology::subtopologies`].
    struct Subtopology {
        subtopology_id:            Str            [0..],
        source_topics:             Vec<Str>       [0..],
        repartition_sink_topics:   Vec<Str>       [0..],
        state_changelog_topics:    Vec<TopicInfo> [0..],
        repartition_source_topics: Vec<TopicInfo> [0..],
    }

    /// One of [`DescribedGroup::members`].
    struct Member {
        member_id:         Str              [0..],
        member_epoch:      i32              [0..],
        instance_id:       Option<Str>      [0.., nullable 0..] = None,
        rack_id:           Option<Str>      [0.., nullable 0..] = None,
        client_id:         Str              [0..],
        client_host:       Str              [0..],
        topology_epoch:    i32              [0..],
        process_id:        Str              [0..],
        user_endpoint:     Option<Endpoint> [0.., nullable 0..] = None,
        client_tags:       Vec<KeyValue>    [0..],
        task_offsets:      Vec<TaskOffset>  [0..],
        task_end_offsets:  Vec<TaskOffset>  [0..],
        assignment:        Assignment       [0..],
        target_assignment: Assignment       [0..],
        is_classic:        bool             [0..],
    }

    /// A part that several structs of [`StreamsGroupDescribeResponse`] share.
    struct Endpoint {
        host: Str [0..],
        port: u16 [0..],
    }

    /// A part that several structs of [`StreamsGroupDescribeResponse`] share.
    struct TaskOffset {
        subtopology_id: Str [0..],
        partition:      i32 [0..],
        offset:         i64 [0..],
    }

    /// A part that several structs of [`StreamsGroupDescribeResponse`] share.
    struct Assignment {
        active_tasks:  Vec<TaskIds> [0..],
        standby_tasks: Vec<TaskIds> [0..],
        warmup_tasks:  Vec<TaskIds> [0..],
    }

    /// A part that several structs of [`StreamsGroupDescribeResponse`] share.
    struct TaskIds {
        subtopology_id: Str      [0..],
        partitions:     Vec<i32> [0..],
    }

    /// A part that several structs of [`StreamsGroupDescribeResponse`] share.
    struct KeyValue {
        key:   Str [0..],
        value: Str [0..],
    }

    /// A part that several structs of [`StreamsGroupDescribeResponse`] share.
    struct TopicInfo {
        name:               Str           [0..],
        partitions:         i32           [0..],
        replication_factor: i16           [0..],
        topic_configs:      Vec<KeyValue> [0..],
    }
}
