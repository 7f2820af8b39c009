"""Producing, fetching, offsets."""

import struct
import time
import uuid

from codec import batch
from script_topics import NOWHERE, create, every


def topic(b, name, partitions=1, **configs):
    made = b.quietly("CreateTopics", 7, create(b, name, partitions, configs=[{"name": k, "value": v} for k, v in configs.items()]))
    identity = made["topics"][0]["topicId"]
    b.names[("id", identity)] = f"id of {name}"
    for _ in range(200):
        found = b.quietly("Metadata", 12, {"topics": [{"name": name, "topicId": uuid.UUID(int=0)}]})["topics"][0]
        if not found["errorCode"] and len(found["partitions"]) == partitions:
            break
        time.sleep(0.05)
    return identity


def produce(b, what, name, identity, data, version=9, acks=-1, partition=0, **more):
    body = {"acks": acks, "timeoutMs": 10000, "topicData": [{"name": name, "topicId": identity,
            "partitionData": [{"index": partition, "records": data}]}], **more}
    return b.ask(what, "Produce", version, body)


def producing(b):
    one = topic(b, "produced")
    for version in (0, 1, 2):
        # Advertised so that old librdkafka finds the newest codecs, and refused (KAFKA-18659).
        b.ask_refused("Produce", version)
    for version in every(b, "Produce"):
        produce(b, "one batch", "produced", one, batch([b"a", b"b"]), version)
    for acks in (1, 2, -2):
        produce(b, f"acks {acks}", "produced", one, batch([b"a"]), acks=acks)
    wrong = {
        "crc": batch([b"a"], crc=1),
        "magic 1": batch([b"a"], magic=1),
        "magic 3": batch([b"a"], magic=3),
        "count": batch([b"a", b"b"], count=3),
        "count too low": batch([b"a", b"b"], count=1),
        "last delta": batch([b"a", b"b"], last_delta=5),
        "control": batch([b"a"], attributes=32),
        "transactional": batch([b"a"], attributes=16, producer=1, epoch=0, sequence=0),
        "two batches": batch([b"a"]) + batch([b"b"]),
        "empty batch": batch([]),
        "no bytes": b"",
        "null": None,
        "torn": batch([b"a"])[:-1],
        "short": b"\0" * 20,
        "unknown codec": batch([b"a"], attributes=7),
        "not gzip": batch([b"a"], attributes=1),
        "from the future": batch([b"a"], timestamp=int(time.time() * 1000) + 10 * 3600 * 1000),
        "no sequence": batch([b"a"], producer=5, epoch=0, sequence=-1),
    }
    for what, data in wrong.items():
        produce(b, what, "produced", one, data)
    produce(b, "unknown topic", "nobody", one, batch([b"a"]))
    produce(b, "illegal topic", "a b", one, batch([b"a"]))
    produce(b, "unknown partition", "produced", one, batch([b"a"]), partition=7)
    produce(b, "unknown id", "produced", NOWHERE, batch([b"a"]), version=13)
    produce(b, "transactional id", "produced", one, batch([b"a"]), transactionalId="")
    small = topic(b, "small", **{"max.message.bytes": "1000"})
    produce(b, "too large", "small", small, batch([b"x" * 2000]))
    keyed = topic(b, "keyed", **{"cleanup.policy": "compact"})
    produce(b, "no key", "keyed", keyed, batch([b"a", b"b"]))
    produce(b, "key", "keyed", keyed, batch([b"a"], key=b"k"))
    stamped = topic(b, "stamped", **{"message.timestamp.type": "LogAppendTime"})
    produce(b, "append time", "stamped", stamped, batch([b"a"]))
    past = topic(b, "past", **{"message.timestamp.before.max.ms": "1000"})
    produce(b, "from the past", "past", past, batch([b"a"]))
    b.ask("several", "Produce", 9, {"acks": -1, "timeoutMs": 10000, "topicData": [
        {"name": "produced", "partitionData": [{"index": 0, "records": batch([b"a"])}, {"index": 3, "records": batch([b"a"])}]},
        {"name": "nobody", "partitionData": [{"index": 0, "records": batch([b"a"])}]}]})


def idempotence(b):
    asked = {"transactionalId": None, "transactionTimeoutMs": 60000, "producerId": -1, "producerEpoch": -1}
    for _ in range(200):
        # The first block of ids comes from the controller; until then brokers answer 14.
        if not b.quietly("InitProducerId", 4, asked)["errorCode"]:
            break
        time.sleep(0.05)
    for version in every(b, "InitProducerId"):
        b.ask("producer id", "InitProducerId", version, {"transactionalId": None, "transactionTimeoutMs": 60000, "producerId": -1, "producerEpoch": -1})
    b.ask("id without epoch", "InitProducerId", 4, {"transactionalId": None, "transactionTimeoutMs": 60000, "producerId": 5, "producerEpoch": -1})
    identity = topic(b, "idempotent")
    producer = b.quietly("InitProducerId", 4, {"transactionalId": None, "transactionTimeoutMs": 60000, "producerId": -1, "producerEpoch": -1})["producerId"]
    steps = [("first", 0, 0), ("second", 1, 0), ("first again", 0, 0), ("gap", 9, 0), ("third", 2, 0), ("fourth", 3, 0), ("fifth", 4, 0),
             ("sixth", 5, 0), ("first, forgotten", 0, 0), ("new epoch not from 0", 3, 2), ("new epoch", 0, 2), ("old epoch", 6, 0)]
    for what, sequence, epoch in steps:
        produce(b, what, "idempotent", identity, batch([b"x"], producer=producer, epoch=epoch, sequence=sequence))
    produce(b, "unknown producer, late sequence", "idempotent", identity, batch([b"x"], producer=producer + 500, epoch=3, sequence=77))
    b.ask("producers", "DescribeProducers", 0, {"topics": [{"name": "idempotent", "partitionIndexes": [0]}]})
    b.ask("producers of nobody", "DescribeProducers", 0, {"topics": [{"name": "nobody", "partitionIndexes": [0]}]})


def fetch_body(name, identity, offset, **more):
    partition = {"partition": 0, "fetchOffset": offset, "partitionMaxBytes": 1 << 20, "currentLeaderEpoch": -1, **more.pop("partition", {})}
    return {"replicaId": -1, "maxWaitMs": 100, "minBytes": 1, "maxBytes": 1 << 20, "isolationLevel": 0, "sessionId": 0, "sessionEpoch": -1,
            "topics": [{"topic": name, "topicId": identity, "partitions": [partition]}], **more}


def fetching(b):
    identity = topic(b, "fetched")
    for start in range(3):
        produce(b, "to fetch", "fetched", identity, batch([b"0", b"1", b"2"]))
    for version in every(b, "Fetch"):
        b.ask("from 0", "Fetch", version, fetch_body("fetched", identity, 0))
    cases = {
        "middle of a batch": fetch_body("fetched", identity, 4),
        "end": fetch_body("fetched", identity, 9),
        "beyond": fetch_body("fetched", identity, 10),
        "before": fetch_body("fetched", identity, -1),
        "one byte": fetch_body("fetched", identity, 0, maxBytes=1, partition={"partitionMaxBytes": 1}),
        "one batch and a bit": fetch_body("fetched", identity, 0, partition={"partitionMaxBytes": 100}),
        "committed": fetch_body("fetched", identity, 0, isolationLevel=1),
        "unknown isolation": fetch_body("fetched", identity, 0, isolationLevel=7),
        "unknown topic": fetch_body("nobody", identity, 0),
        "unknown partition": fetch_body("fetched", identity, 0, partition={"partition": 9}),
        "future epoch": fetch_body("fetched", identity, 0, partition={"currentLeaderEpoch": 9}),
        "this epoch": fetch_body("fetched", identity, 0, partition={"currentLeaderEpoch": 0}),
        "no such session": fetch_body("fetched", identity, 0, sessionId=12345, sessionEpoch=3),
        "diverging": fetch_body("fetched", identity, 9, partition={"lastFetchedEpoch": 0}),
    }
    for what, body in cases.items():
        b.ask(what, "Fetch", 12, body)
    b.ask("unknown id", "Fetch", 13, fetch_body("", NOWHERE, 0))
    b.ask("as a follower", "Fetch", 12, fetch_body("fetched", identity, 0, replicaId=9))
    opened = b.ask("session opened", "Fetch", 12, fetch_body("fetched", identity, 0, sessionEpoch=0))
    session = lambda epoch, **more: {**fetch_body("fetched", identity, 9), "topics": [], "sessionId": opened["sessionId"], "sessionEpoch": epoch, **more}
    b.ask("session continued", "Fetch", 12, session(1))
    b.ask("session moved on", "Fetch", 12, {**session(2), "topics": fetch_body("fetched", identity, 9)["topics"]})
    produce(b, "to the session", "fetched", identity, batch([b"new"]))
    b.ask("session sees it", "Fetch", 12, session(3))
    b.ask("session epoch skipped", "Fetch", 12, session(9))
    b.ask("session forgets", "Fetch", 12, session(4, forgottenTopicsData=[{"topic": "fetched", "partitions": [0]}]))
    b.ask("session closed", "Fetch", 12, session(-1))
    b.ask("session gone", "Fetch", 12, session(5))


def offsets(b):
    identity = topic(b, "offsets")
    for start in range(0, 6, 2):
        produce(b, "to look up", "offsets", identity, batch([b"a", b"b"], timestamp=1_700_000_000_000 + start * 1000, step=1000))
    look = lambda stamp, isolation=0, name="offsets", **more: {"replicaId": -1, "isolationLevel": isolation, "timeoutMs": 5000, "topics": [
        {"name": name, "partitions": [{"partitionIndex": 0, "timestamp": stamp, "currentLeaderEpoch": -1, **more}]}]}
    for version in every(b, "ListOffsets"):
        for stamp in (-1, -2, 1_700_000_003_000, 1_800_000_000_000) + ((-3,) if version >= 7 else ()) + ((-4,) if version >= 8 else ()) + ((-5,) if version >= 9 else ()):
            b.ask(f"at {stamp}", "ListOffsets", version, look(stamp))
    for what, body in {"between": look(1_700_000_002_500), "first": look(0), "committed": look(-1, 1), "unknown": look(-1, name="nobody"),
                       "future epoch": look(-1, currentLeaderEpoch=9), "strange": look(-9)}.items():
        b.ask(what, "ListOffsets", 6, body)
    epoch = lambda asked, name="offsets", current=-1: {"replicaId": -1, "topics": [{"topic": name, "partitions": [
        {"partition": 0, "currentLeaderEpoch": current, "leaderEpoch": asked}]}]}
    for version in every(b, "OffsetForLeaderEpoch"):
        b.ask("epoch 0", "OffsetForLeaderEpoch", version, epoch(0))
    for what, body in {"epoch 5": epoch(5), "no epoch": epoch(-1), "unknown": epoch(0, "nobody"), "fenced": epoch(0, current=9)}.items():
        b.ask(what, "OffsetForLeaderEpoch", 4, body)
    cut = lambda offset, name="offsets", partition=0: {"topics": [{"name": name, "partitions": [{"partitionIndex": partition, "offset": offset}]}], "timeoutMs": 10000}
    for version in every(b, "DeleteRecords"):
        b.ask("cut", "DeleteRecords", version, cut(1 + version))
    for what, body in {"cut again": cut(1), "beyond": cut(99), "all": cut(-1), "strange": cut(-5), "unknown": cut(1, "nobody"),
                       "unknown partition": cut(1, partition=4)}.items():
        b.ask(what, "DeleteRecords", 2, body)
    b.ask("earliest now", "ListOffsets", 6, look(-2))
    b.ask("fetch what was cut", "Fetch", 12, fetch_body("offsets", identity, 0))
    keyed = topic(b, "cut-compacted", **{"cleanup.policy": "compact"})
    produce(b, "key", "cut-compacted", keyed, batch([b"a"], key=b"k"))
    b.ask("compacted", "DeleteRecords", 2, cut(1, "cut-compacted"))


SCRIPT = [producing, idempotence, fetching, offsets]
