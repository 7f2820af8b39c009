"""Topics, configurations, cluster: what an administrator asks."""

import time
import uuid

NOWHERE = uuid.UUID(int=7)


def every(b, api):
    return [version for version in b.definitions.requests[api]["valid"] if version < 100]


def api_versions(b):
    for version in every(b, "ApiVersions"):
        b.ask("api versions", "ApiVersions", version, {"clientSoftwareName": "parity", "clientSoftwareVersion": "1.0"})
    b.ask("bad software name", "ApiVersions", 3, {"clientSoftwareName": "no spaces", "clientSoftwareVersion": "1"})
    b.connect()


def sasl(b):
    """On a listener without SASL."""
    for version in every(b, "SaslHandshake"):
        b.ask("sasl handshake", "SaslHandshake", version, {"mechanism": "PLAIN"})
    for version in every(b, "SaslAuthenticate"):
        b.ask("sasl authenticate", "SaslAuthenticate", version, {"authBytes": b"\0a\0b"})


def create(b, name, partitions=1, **more):
    return {"topics": [{"name": name, "numPartitions": partitions, "replicationFactor": 1, **more}], "timeoutMs": 30000}


def create_topics(b):
    for version in range(2, 8):
        b.ask("create", "CreateTopics", version, create(b, f"made-{version}", 2, configs=[{"name": "retention.ms", "value": "3600000"}]))
    assignment = lambda *brokers: [{"partitionIndex": 0, "brokerIds": list(brokers)}]
    refused = {
        "exists": create(b, "made-7"),
        "empty name": create(b, ""),
        "dots": create(b, ".."),
        "slash": create(b, "a/b"),
        "long": create(b, "x" * 250),
        "collision": create(b, "made.7"),
        "no partitions": create(b, "none", 0),
        "minus two partitions": create(b, "none", -2),
        "too many replicas": {"topics": [{"name": "none", "numPartitions": 1, "replicationFactor": 3}], "timeoutMs": 1000},
        "no replicas": {"topics": [{"name": "none", "numPartitions": 1, "replicationFactor": 0}], "timeoutMs": 1000},
        "unknown config": create(b, "none", configs=[{"name": "no.such.thing", "value": "1"}]),
        "bad config": create(b, "none", configs=[{"name": "retention.ms", "value": "soon"}]),
        "config out of range": create(b, "none", configs=[{"name": "segment.bytes", "value": "1"}]),
        "null config": create(b, "none", configs=[{"name": "retention.ms", "value": None}]),
        "bad policy": create(b, "none", configs=[{"name": "cleanup.policy", "value": "burn"}]),
        "assigned and counted": create(b, "none", 1, assignments=assignment(1)),
        "assigned to nobody": {"topics": [{"name": "none", "numPartitions": -1, "replicationFactor": -1, "assignments": assignment(99)}], "timeoutMs": 1000},
        "assigned twice": {"topics": [{"name": "none", "numPartitions": -1, "replicationFactor": -1, "assignments": assignment(1, 1)}], "timeoutMs": 1000},
        "twice in one": {"topics": [{"name": "twin", "numPartitions": 1, "replicationFactor": 1}] * 2, "timeoutMs": 1000},
        "only asked": {**create(b, "asked"), "validateOnly": True},
    }
    for what, body in refused.items():
        b.ask(what, "CreateTopics", 7, body)
    b.ask("defaults", "CreateTopics", 7, create(b, "defaults", -1))
    b.ask("assigned", "CreateTopics", 5, {"topics": [{"name": "assigned", "numPartitions": -1, "replicationFactor": -1, "assignments": assignment(1)}], "timeoutMs": 1000})


def create_partitions(b):
    more = lambda name, count, **rest: {"topics": [{"name": name, "count": count, "assignments": None, **rest}], "timeoutMs": 30000, "validateOnly": False}
    for version in range(4):
        b.ask("more", "CreatePartitions", version, more("made-7", 3 + version))
    b.ask("fewer", "CreatePartitions", 3, more("made-7", 1))
    b.ask("same", "CreatePartitions", 3, more("made-7", 6))
    b.ask("unknown", "CreatePartitions", 3, more("nobody", 3))
    b.ask("wrong assignment", "CreatePartitions", 3, more("made-7", 7, assignments=[{"brokerIds": [42]}]))
    b.ask("too few assignments", "CreatePartitions", 3, more("made-7", 9, assignments=[{"brokerIds": [1]}]))
    b.ask("only asked", "CreatePartitions", 3, {**more("made-7", 50), "validateOnly": True})


def metadata(b):
    named = lambda *names: {"topics": [{"name": name, "topicId": uuid.UUID(int=0)} for name in names], "allowAutoTopicCreation": False}
    for version in every(b, "Metadata"):
        if version >= 4:
            b.ask("one", "Metadata", version, named("made-2"))
            b.ask("unknown", "Metadata", version, named("nobody"))
        else:
            b.ask("one", "Metadata", version, {"topics": [{"name": "made-2"}]})
    b.ask("illegal", "Metadata", 9, named("a b"))
    b.ask("none", "Metadata", 9, {"topics": []})
    b.ask("all", "Metadata", 12, {"topics": None})
    b.ask("by unknown id", "Metadata", 12, {"topics": [{"topicId": NOWHERE, "name": None}]})
    b.ask("operations", "Metadata", 9, {**named("made-2"), "includeTopicAuthorizedOperations": True, "includeClusterAuthorizedOperations": True})
    for version in (4, 13):
        b.ask("auto-created", "Metadata", version, {"topics": [{"name": f"auto-{version}"}], "allowAutoTopicCreation": True})
    b.ask("auto-create illegal", "Metadata", 12, {"topics": [{"name": "no way"}], "allowAutoTopicCreation": True})
    b.ask("partitions", "DescribeTopicPartitions", 0, {"topics": [{"name": "made-2"}, {"name": "made-7"}], "responsePartitionLimit": 4})
    b.ask("partitions from a cursor", "DescribeTopicPartitions", 0,
          {"topics": [{"name": "made-7"}], "cursor": {"topicName": "made-7", "partitionIndex": 2}})
    b.ask("partitions of nobody", "DescribeTopicPartitions", 0, {"topics": [{"name": "nobody"}]})


def configs(b):
    topic, broker, logger, group = 2, 4, 8, 32
    resource = lambda kind, name, keys=None: {"resources": [{"resourceType": kind, "resourceName": name, "configurationKeys": keys}],
                                              "includeSynonyms": True, "includeDocumentation": False}
    for version in every(b, "DescribeConfigs"):
        b.ask("topic", "DescribeConfigs", version, resource(topic, "made-2"))
        b.ask("two keys", "DescribeConfigs", version, resource(topic, "made-2", ["retention.ms", "cleanup.policy"]))
    for what, kind, name in [("unknown topic", topic, "nobody"), ("illegal topic", topic, "a b"), ("other broker", broker, "77"),
                             ("broker by word", broker, "one"), ("unknown kind", 99, "x"), ("other logger", logger, "77")]:
        b.ask(what, "DescribeConfigs", 4, resource(kind, name))
    b.ask("broker default", "DescribeConfigs", 4, resource(broker, ""))
    b.ask("broker keys", "DescribeConfigs", 4, resource(broker, "1", ["message.max.bytes", "log.retention.ms", "log.retention.hours",
          "num.partitions", "log.cleaner.threads", "min.insync.replicas", "log.segment.bytes", "auto.create.topics.enable"]))
    alter = lambda name, *pairs, kind=topic: {"resources": [{"resourceType": kind, "resourceName": name,
                                              "configs": [{"name": k, "value": v} for k, v in pairs]}], "validateOnly": False}
    for version in every(b, "AlterConfigs"):
        b.ask("replace", "AlterConfigs", version, alter("made-3", ("segment.ms", "600000")))
    b.ask("replaced", "DescribeConfigs", 1, resource(topic, "made-3", ["segment.ms", "retention.ms"]))
    b.ask("replace with nonsense", "AlterConfigs", 2, alter("made-3", ("segment.ms", "x")))
    b.ask("replace unknown", "AlterConfigs", 2, alter("nobody", ("segment.ms", "600000")))
    step = lambda name, *steps, kind=topic: {"resources": [{"resourceType": kind, "resourceName": name,
        "configs": [{"name": k, "configOperation": op, "value": v} for k, op, v in steps]}], "validateOnly": False}
    SET, DELETE, APPEND, SUBTRACT = range(4)
    steps = {
        "set": step("made-4", ("segment.ms", SET, "700000")),
        "append": step("made-4", ("cleanup.policy", APPEND, "compact")),
        "append again": step("made-4", ("cleanup.policy", APPEND, "compact")),
        "subtract": step("made-4", ("cleanup.policy", SUBTRACT, "delete")),
        "subtract the absent": step("made-4", ("cleanup.policy", SUBTRACT, "delete")),
        "delete": step("made-4", ("segment.ms", DELETE, None)),
        "delete the absent": step("made-4", ("segment.ms", DELETE, None)),
        "delete the unknown": step("made-4", ("no.such", DELETE, None)),
        "append to a number": step("made-4", ("segment.ms", APPEND, "1")),
        "set to null": step("made-4", ("segment.ms", SET, None)),
        "same key twice": step("made-4", ("segment.ms", SET, "1"), ("segment.ms", SET, "2")),
        "unknown operation": step("made-4", ("segment.ms", 9, "1")),
        "unknown key": step("made-4", ("no.such", SET, "1")),
        "unknown topic": step("nobody", ("segment.ms", SET, "600000")),
        "negative": step("made-4", ("segment.ms", SET, "-5")),
        "broker": step("1", ("log.cleaner.threads", SET, "2"), kind=broker),
        "all brokers": step("", ("log.cleaner.threads", SET, "2"), kind=broker),
        "read-only": step("1", ("log.dirs", SET, "/x"), kind=broker),
        "other broker": step("77", ("log.cleaner.threads", SET, "2"), kind=broker),
        "unknown kind": step("1", ("x", SET, "2"), kind=99),
        "group": step("some-group", ("consumer.session.timeout.ms", SET, "50000"), kind=group),
    }
    for what, body in steps.items():
        b.ask(what, "IncrementalAlterConfigs", 1, body)
    b.ask("set", "IncrementalAlterConfigs", 0, step("made-4", ("segment.ms", SET, "800000")))
    # Kafka answers before it has applied the change itself.
    time.sleep(0.5)
    b.ask("after the steps", "DescribeConfigs", 4, resource(topic, "made-4", ["segment.ms", "cleanup.policy"]))
    for version in every(b, "ListConfigResources"):
        b.ask("resources", "ListConfigResources", version, {"resourceTypes": [topic] if version else []})


def cluster(b):
    for version in every(b, "DescribeCluster"):
        b.ask("cluster", "DescribeCluster", version, {"endpointType": 1})
    b.ask("controllers at a broker", "DescribeCluster", 1, {"endpointType": 2})
    b.ask("unknown endpoint type", "DescribeCluster", 1, {"endpointType": 9})
    for version in every(b, "DescribeLogDirs"):
        b.ask("log dirs", "DescribeLogDirs", version, {"topics": [{"topic": "made-2", "partitions": [0]}]})
    b.ask("log dirs of nobody", "DescribeLogDirs", 4, {"topics": [{"topic": "nobody", "partitions": [0]}]})
    for version in every(b, "AlterReplicaLogDirs"):
        b.ask("to nowhere", "AlterReplicaLogDirs", version, {"dirs": [{"path": "/nowhere", "topics": [{"name": "made-2", "partitions": [0]}]}]})
    folder = b.quietly("DescribeLogDirs", 4, {"topics": None})["results"][0]["logDir"]
    to = lambda path, name, *partitions: {"dirs": [{"path": path, "topics": [{"name": name, "partitions": list(partitions)}]}]}
    b.ask("to where it is", "AlterReplicaLogDirs", 2, to(folder, "made-2", 0))
    b.ask("of nobody", "AlterReplicaLogDirs", 2, to(folder, "nobody", 0))
    b.ask("of nobody to nowhere", "AlterReplicaLogDirs", 2, to("/nowhere", "nobody", 0))
    b.ask("no such partition", "AlterReplicaLogDirs", 2, to(folder, "made-2", 0, 77, -1))
    b.ask("to a relative path", "AlterReplicaLogDirs", 2, to("data", "made-2", 0))
    b.ask("a name too long", "AlterReplicaLogDirs", 2, to(folder, "x" * 240, 0))
    b.ask("nothing", "AlterReplicaLogDirs", 2, {"dirs": []})
    cordon = lambda value: {"resources": [{"resourceType": 4, "resourceName": "1", "configs": [{"name": "cordoned.log.dirs", "configOperation": 0 if value else 1, "value": value}]}], "validateOnly": False}
    b.ask("cordon", "IncrementalAlterConfigs", 1, cordon("*"))
    time.sleep(1)
    b.ask("to a cordoned one", "AlterReplicaLogDirs", 2, to(folder, "made-2", 0))
    b.ask("uncordon", "IncrementalAlterConfigs", 1, cordon(None))
    time.sleep(1)
    for version in every(b, "ElectLeaders"):
        b.ask("not needed", "ElectLeaders", version, {"electionType": 0, "topicPartitions": [{"topic": "made-2", "partitions": [0]}], "timeoutMs": 10000})
    b.ask("of nobody", "ElectLeaders", 2, {"electionType": 0, "topicPartitions": [{"topic": "nobody", "partitions": [0]}], "timeoutMs": 10000})
    b.ask("of another kind", "ElectLeaders", 2, {"electionType": 7, "topicPartitions": None, "timeoutMs": 10000})
    move = lambda name, replicas: {"timeoutMs": 10000, "topics": [{"name": name, "partitions": [{"partitionIndex": 0, "replicas": replicas}]}]}
    for version in every(b, "AlterPartitionReassignments"):
        b.ask("nothing to cancel", "AlterPartitionReassignments", version, move("made-2", None))
        b.ask("to where it is", "AlterPartitionReassignments", version, move("made-2", [1]))
    b.ask("to nobody", "AlterPartitionReassignments", 0, move("made-2", [42]))
    b.ask("of nobody", "AlterPartitionReassignments", 0, move("nobody", [1]))
    b.ask("to nothing", "AlterPartitionReassignments", 0, move("made-2", []))
    b.ask("reassigning", "ListPartitionReassignments", 0, {"timeoutMs": 10000, "topics": None})
    for version in every(b, "DescribeAcls"):
        b.ask("acls", "DescribeAcls", version, {"resourceTypeFilter": 1, "resourceNameFilter": None, "patternTypeFilter": 1,
              "principalFilter": None, "hostFilter": None, "operation": 1, "permissionType": 1})
    creation = {"resourceType": 2, "resourceName": "x", "resourcePatternType": 3, "principal": "User:a", "host": "*", "operation": 3, "permissionType": 3}
    for version in every(b, "CreateAcls"):
        b.ask("acls", "CreateAcls", version, {"creations": [creation]})
    for version in every(b, "DeleteAcls"):
        b.ask("acls", "DeleteAcls", version, {"filters": [{"resourceTypeFilter": 2, "resourceNameFilter": "x", "patternTypeFilter": 3,
              "principalFilter": None, "hostFilter": None, "operation": 1, "permissionType": 1}]})
    for version in (0, 1, 2):
        b.ask("unknown feature", "UpdateFeatures", version, {"timeoutMs": 10000, "featureUpdates": [{"feature": "no.such", "maxVersionLevel": 1, "upgradeType": 1}]})
    b.ask("no updates", "UpdateFeatures", 1, {"timeoutMs": 10000, "featureUpdates": []})
    b.ask("of nobody", "UnregisterBroker", 0, {"brokerId": 77})


def running_broker(b):
    """What a broker takes while it runs; undone at the end."""
    def change(what, broker, name, value, operation=0):
        changes = [{"name": name, "configOperation": operation, "value": value}]
        body = {"resources": [{"resourceType": 4, "resourceName": broker, "configs": changes}], "validateOnly": False}
        b.ask(what, "IncrementalAlterConfigs", 1, body)

    refused = [
        ("1", "follower.replication.throttled.rate", "-1"),
        ("1", "replica.alter.log.dirs.io.max.bytes.per.second", "x"),
        ("1", "log.cleaner.dedupe.buffer.size", "1"),
        ("", "log.cleaner.dedupe.buffer.size", "1048576"),
        ("1", "metric.reporters", "foo"),
        ("1", "principal.builder.class", "x"),
        ("", "principal.builder.class", "x"),
        ("1", "remote.log.manager.copier.thread.pool.size", "3"),
        ("1", "remote.log.manager.expiration.thread.pool.size", "100"),
        ("1", "num.io.threads", "1"),
        ("1", "num.replica.fetchers", "100"),
        ("1", "log.cleaner.threads", "100"),
        ("1", "cordoned.log.dirs", "/nowhere"),
        ("", "listener.name.plaintext.ssl.keystore.location", "/x"),
    ]
    for broker, name, value in refused:
        change(f"to be refused: {name}", broker, name, value)
    taken = [
        ("1", "leader.replication.throttled.rate", "1000"),
        ("", "follower.replication.throttled.rate", "2000"),
        ("", "listener.name.plaintext.max.connections", "1000"),
        ("1", "foo.bar", "1"),
    ]
    for broker, name, value in taken:
        change(f"taken: {name}", broker, name, value)
    time.sleep(1)
    names = [name for _, name, _ in taken]
    for broker in ("1", ""):
        resource = {"resourceType": 4, "resourceName": broker, "configurationKeys": names}
        b.ask("of a running broker", "DescribeConfigs", 4, {"resources": [resource], "includeSynonyms": True, "includeDocumentation": True})
    for broker, name, _ in taken:
        change(f"taken back: {name}", broker, name, None, 1)


def quorum(b):
    asked = {"topics": [{"topicName": "__cluster_metadata", "partitions": [{"partitionIndex": 0}]}]}
    for version in every(b, "DescribeQuorum"):
        b.ask("quorum", "DescribeQuorum", version, asked)


def voters(b):
    listener = {"name": "CONTROLLER", "host": "127.0.0.1", "port": 9}
    voter = {"timeoutMs": 3000, "voterId": 7, "voterDirectoryId": NOWHERE, "listeners": [listener]}
    for version in every(b, "AddRaftVoter"):
        b.ask("of another cluster", "AddRaftVoter", version, {"clusterId": "another", **voter})
        b.ask("that listens nowhere", "AddRaftVoter", version, {"clusterId": None, **voter, "listeners": []})
        b.ask("that does not answer", "AddRaftVoter", version, {"clusterId": None, **voter})
    for version in every(b, "RemoveRaftVoter"):
        b.ask("of another cluster", "RemoveRaftVoter", version, {"clusterId": "another", "voterId": 7, "voterDirectoryId": NOWHERE})
        b.ask("that is none", "RemoveRaftVoter", version, {"clusterId": None, "voterId": 7, "voterDirectoryId": NOWHERE})


def delete_topics(b):
    for version in range(1, 6):
        b.ask("delete", "DeleteTopics", version, {"topicNames": [f"made-{version}" if version > 1 else "assigned"], "timeoutMs": 30000})
    by = lambda name=None, topic=uuid.UUID(int=0): {"topics": [{"name": name, "topicId": topic}], "timeoutMs": 30000}
    b.ask("by name", "DeleteTopics", 6, by("made-6"))
    b.ask("unknown", "DeleteTopics", 6, by("nobody"))
    b.ask("by unknown id", "DeleteTopics", 6, by(topic=NOWHERE))
    b.ask("by both", "DeleteTopics", 6, by("made-7", NOWHERE))
    b.ask("by neither", "DeleteTopics", 6, by())


SCRIPT = [api_versions, sasl, create_topics, create_partitions, metadata, configs, running_broker, cluster, quorum, voters, delete_topics]
