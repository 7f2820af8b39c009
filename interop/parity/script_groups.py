"""Classic consumer groups."""

import time
import uuid

from codec import batch
from script_records import produce, topic
from script_topics import NOWHERE, every

RANGE = [{"name": "range", "metadata": b"\0\1\0\0\0\0\xff\xff\xff\xff"}]


def join(group, member="", **more):
    return {"groupId": group, "sessionTimeoutMs": 10000, "rebalanceTimeoutMs": 10000, "memberId": member, "groupInstanceId": None,
            "protocolType": "consumer", "protocols": RANGE, **more}


def sync(group, generation, member, assignments=(), **more):
    return {"groupId": group, "generationId": generation, "memberId": member, "protocolType": "consumer", "protocolName": "range",
            "assignments": [{"memberId": m, "assignment": a} for m, a in assignments], **more}


def beat(group, generation, member, **more):
    return {"groupId": group, "generationId": generation, "memberId": member, **more}


def commit(group, generation, member, name, identity=uuid.UUID(int=0), offset=5, metadata="m", **more):
    return {"groupId": group, "generationIdOrMemberEpoch": generation, "memberId": member, "retentionTimeMs": -1, "topics": [
        {"name": name, "topicId": identity, "partitions": [{"partitionIndex": 0, "committedOffset": offset, "committedLeaderEpoch": -1,
                                                            "committedMetadata": metadata}]}], **more}


def fetched(group, name, identity=uuid.UUID(int=0), **more):
    topics = [{"name": name, "topicId": identity, "partitionIndexes": [0, 9]}] if name is not None else None
    old = [{"name": name, "partitionIndexes": [0, 9]}] if name is not None else None
    return {"groupId": group, "topics": old, "groups": [{"groupId": group, "topics": topics, "memberId": None, "memberEpoch": -1}], **more}


def coordinators(b):
    ready = lambda: b.quietly("FindCoordinator", 4, {"keyType": 0, "coordinatorKeys": ["warm"]})["coordinators"][0]["errorCode"] == 0
    for _ in range(400):
        if ready() and b.quietly("OffsetFetch", 8, fetched("warm", "x"))["groups"][0]["errorCode"] == 0:
            break
        time.sleep(0.05)
    for version in every(b, "FindCoordinator"):
        b.ask("group", "FindCoordinator", version, {"key": "g", "keyType": 0, "coordinatorKeys": ["g", "h"]})
    b.ask("unknown type", "FindCoordinator", 4, {"keyType": 9, "coordinatorKeys": ["g"]})
    b.ask("empty key", "FindCoordinator", 4, {"keyType": 0, "coordinatorKeys": [""]})


def member(b, group, version=9, quiet=True, **more):
    """Joins alone and syncs: a stable group of one."""
    ask = (lambda what, *rest: b.quietly(*rest)) if quiet else b.ask
    joined = ask("join", "JoinGroup", version, join(group, **more))
    if joined["errorCode"] == 79:
        joined = ask("join with the id", "JoinGroup", version, join(group, joined["memberId"], **more))
    return joined


def life(b):
    for version in every(b, "JoinGroup"):
        group = f"life-{version}"
        joined = member(b, group, version, quiet=False)
        me, generation = joined["memberId"], joined["generationId"]
        at = min(version, 5)
        b.ask("sync", "SyncGroup", at, sync(group, generation, me, [(me, b"mine")]))
        b.ask("heartbeat", "Heartbeat", min(version, 4), beat(group, generation, me))
        b.ask("described", "DescribeGroups", min(version, 6), {"groups": [group], "includeAuthorizedOperations": False})
        b.ask("leave", "LeaveGroup", at, {"groupId": group, "memberId": me, "members": [{"memberId": me, "groupInstanceId": None}]})
        b.ask("described empty", "DescribeGroups", min(version, 6), {"groups": [group], "includeAuthorizedOperations": False})
    b.ask("described unknown", "DescribeGroups", 5, {"groups": ["nobody"]})
    b.ask("described unknown", "DescribeGroups", 6, {"groups": ["nobody"]})
    for version in every(b, "ListGroups"):
        b.ask("listed", "ListGroups", version, {"statesFilter": ["Empty"] if version >= 4 else [], "typesFilter": ["classic"] if version >= 5 else []})
    b.ask("listed stable", "ListGroups", 5, {"statesFilter": ["Stable"], "typesFilter": []})
    b.ask("listed by nonsense", "ListGroups", 5, {"statesFilter": ["Asleep"], "typesFilter": []})


def nameless(b):
    prefix = lambda answer: {"errorCode": answer["errorCode"], "prefix": answer["memberId"][:-36]}
    b.ask_namelessly("a new member without a client id", "JoinGroup", 9, join("nameless"), prefix)


def refusals(b):
    joined = member(b, "strict")
    me, generation = joined["memberId"], joined["generationId"]
    b.quietly("SyncGroup", 5, sync("strict", generation, me, [(me, b"x")]))
    for what, api, version, body in [
        ("join no group", "JoinGroup", 9, join("")),
        ("join unknown member", "JoinGroup", 9, join("strict", "stranger")),
        ("join short session", "JoinGroup", 9, join("strict", sessionTimeoutMs=10)),
        ("join long session", "JoinGroup", 9, join("strict", sessionTimeoutMs=10_000_000)),
        ("join other type", "JoinGroup", 3, join("strict", protocolType="connect")),
        ("join other protocol", "JoinGroup", 3, join("strict", protocols=[{"name": "other", "metadata": b""}])),
        ("join no protocol", "JoinGroup", 3, join("strict", protocols=[])),
        ("join no type", "JoinGroup", 3, join("fresh", protocolType="")),
        ("sync stranger", "SyncGroup", 5, sync("strict", generation, "stranger")),
        ("sync old generation", "SyncGroup", 5, sync("strict", generation - 1, me)),
        ("sync other protocol", "SyncGroup", 5, sync("strict", generation, me, protocolName="sticky")),
        ("sync no group", "SyncGroup", 5, sync("nobody", 1, "x")),
        ("sync again", "SyncGroup", 5, sync("strict", generation, me)),
        ("heartbeat stranger", "Heartbeat", 4, beat("strict", generation, "stranger")),
        ("heartbeat old generation", "Heartbeat", 4, beat("strict", generation - 1, me)),
        ("heartbeat no group", "Heartbeat", 4, beat("nobody", 1, "x")),
        ("heartbeat empty group", "Heartbeat", 4, beat("", 1, "x")),
        ("leave stranger", "LeaveGroup", 5, {"groupId": "strict", "members": [{"memberId": "stranger", "groupInstanceId": None}]}),
        ("leave stranger", "LeaveGroup", 1, {"groupId": "strict", "memberId": "stranger"}),
        ("leave no group", "LeaveGroup", 5, {"groupId": "nobody", "members": [{"memberId": "x", "groupInstanceId": None}]}),
        ("leave unknown instance", "LeaveGroup", 5, {"groupId": "strict", "members": [{"memberId": "", "groupInstanceId": "i"}]}),
        ("delete while alive", "DeleteGroups", 2, {"groupsNames": ["strict", "nobody", ""]}),
    ]:
        b.ask(what, api, version, body)
    b.ask("describe operations", "DescribeGroups", 5, {"groups": ["strict"], "includeAuthorizedOperations": True})
    b.quietly("LeaveGroup", 5, {"groupId": "strict", "members": [{"memberId": me, "groupInstanceId": None}]})


def static_members(b):
    joined = member(b, "static", groupInstanceId="one")
    me, generation = joined["memberId"], joined["generationId"]
    b.quietly("SyncGroup", 5, sync("static", generation, me, [(me, b"x")], groupInstanceId="one"))
    again = b.ask("rejoin", "JoinGroup", 9, join("static", groupInstanceId="one"))
    b.ask("old one beats", "Heartbeat", 4, beat("static", generation, me, groupInstanceId="one"))
    b.ask("old one syncs", "SyncGroup", 5, sync("static", generation, me, groupInstanceId="one"))
    b.ask("old one commits", "OffsetCommit", 9, commit("static", generation, me, "x", groupInstanceId="one"))
    b.ask("unknown instance beats", "Heartbeat", 4, beat("static", generation, me, groupInstanceId="two"))
    b.ask("new one beats", "Heartbeat", 4, beat("static", again["generationId"], again["memberId"], groupInstanceId="one"))
    b.ask("removed by instance", "LeaveGroup", 5, {"groupId": "static", "members": [{"memberId": "", "groupInstanceId": "one"}]})


def committed_offsets(b):
    name, identity = "committed", topic(b, "committed")
    for version in every(b, "OffsetCommit"):
        b.ask("simple", "OffsetCommit", version, commit("simple", -1, "", name, identity, offset=version))
        b.ask("back", "OffsetFetch", min(version, 10), fetched("simple", name, identity))
    b.ask("back", "OffsetFetch", 1, fetched("simple", name))
    for version in range(2, 10):
        b.ask("all", "OffsetFetch", version, fetched("simple", None))
    b.ask("stable only", "OffsetFetch", 9, fetched("simple", name, requireStable=True))
    b.ask("nobody's", "OffsetFetch", 8, fetched("nobody", name))
    joined = member(b, "members-only")
    me, generation = joined["memberId"], joined["generationId"]
    b.ask("before the sync", "OffsetCommit", 9, commit("members-only", generation, me, name))
    b.quietly("SyncGroup", 5, sync("members-only", generation, me, [(me, b"\0\1\0\0\0\0\xff\xff\xff\xff")]))
    for what, body in {
        "member": commit("members-only", generation, me, name),
        "no member": commit("members-only", -1, "", name),
        "stranger": commit("members-only", generation, "stranger", name),
        "old generation": commit("members-only", generation - 1, me, name),
        "generation without a group": commit("unheard-of", 3, "x", name),
        "long metadata": commit("simple", -1, "", name, metadata="m" * 5000),
        "null metadata": commit("simple", -1, "", name, metadata=None),
        "unknown topic": commit("simple", -1, "", "nobody"),
        "empty group": commit("", -1, "", name),
    }.items():
        b.ask(what, "OffsetCommit", 9, body)
    b.ask("unknown id", "OffsetCommit", 10, commit("simple", -1, "", "", NOWHERE))
    b.ask("unknown id", "OffsetFetch", 10, fetched("simple", "x", NOWHERE))
    forget = lambda group: {"groupId": group, "topics": [{"name": name, "partitions": [{"partitionIndex": 0}, {"partitionIndex": 9}]}]}
    for group in ("simple", "nobody", "members-only"):
        b.ask(f"forget of {group}", "OffsetDelete", 0, forget(group))
    b.quietly("LeaveGroup", 5, {"groupId": "members-only", "members": [{"memberId": me, "groupInstanceId": None}]})
    for version in every(b, "DeleteGroups"):
        b.ask("delete", "DeleteGroups", version, {"groupsNames": [["simple", "members-only", "life-9"][version % 3]]})
    b.ask("delete again", "DeleteGroups", 2, {"groupsNames": ["simple"]})


SCRIPT = [coordinators, life, nameless, refusals, static_members, committed_offsets]
