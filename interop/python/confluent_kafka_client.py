"""confluent-kafka: librdkafka through Python."""

from confluent_kafka import (OFFSET_BEGINNING, Consumer, ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer, TopicPartition)
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource,
                                   NewPartitions, NewTopic, OffsetSpec, ResourceType)

from checks import BOOTSTRAP, CODECS, run, topic, until

BASE = {"bootstrap.servers": BOOTSTRAP}


ADMIN = AdminClient(BASE)


def admin():
    return ADMIN


def create(name, partitions=1, config=None):
    futures = admin().create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1, config=config or {})])
    futures[name].result(30)
    return name


def produce(name, values, **settings):
    errors, offsets = [], []

    def done(error, message):
        errors.append(error) if error else offsets.append((message.partition(), message.offset()))

    producer = Producer({**BASE, **settings})
    for value in values:
        producer.produce(name, value, key=value, on_delivery=done)
    assert producer.flush(60) == 0
    assert not errors, errors
    return offsets


def consume(consumer, count, seconds=60):
    got = []

    def step():
        message = consumer.poll(0.2)
        if message is not None:
            assert not message.error(), message.error()
            got.append(message)
        return len(got) >= count

    until(f"{count} records, got {len(got)}", step, seconds)
    return got


def every_codec_comes_back():
    for codec in CODECS:
        name = create(topic(f"codec-{codec}"))
        values = [f"{codec}-{number}-".encode() * 50 for number in range(500)]
        produce(name, values, **{"compression.type": codec, "linger.ms": 20})
        consumer = Consumer({**BASE, "group.id": topic("g"), "auto.offset.reset": "earliest"})
        consumer.subscribe([name])
        assert [m.value() for m in consume(consumer, 500)] == values
        consumer.close()


def idempotent_producer_keeps_order():
    name = create(topic("idempotent"))
    values = [str(number).encode() for number in range(5000)]
    offsets = produce(name, values, **{"enable.idempotence": True, "linger.ms": 1})
    assert [offset for _, offset in offsets] == list(range(5000))


def headers_timestamps_and_nulls():
    name = create(topic("headers"))
    producer = Producer(BASE)
    producer.produce(name, None, key="k", headers=[("a", b"1"), ("a", b"2"), ("n", None)], timestamp=1700000000123)
    assert producer.flush(30) == 0
    consumer = Consumer({**BASE, "group.id": topic("g"), "auto.offset.reset": "earliest"})
    consumer.subscribe([name])
    message, = consume(consumer, 1)
    assert message.value() is None and message.headers() == [("a", b"1"), ("a", b"2"), ("n", None)]
    assert message.timestamp()[1] == 1700000000123
    consumer.close()


def commits_are_found_again():
    name, group = create(topic("commit")), topic("g")
    produce(name, [b"1", b"2", b"3", b"4"])
    settings = {**BASE, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False}
    first = Consumer(settings)
    first.subscribe([name])
    messages = consume(first, 2)
    first.commit(message=messages[1], asynchronous=False)
    first.close()
    second = Consumer(settings)
    second.subscribe([name])
    assert consume(second, 1)[0].value() == b"3"
    committed = second.committed([TopicPartition(name, 0)], timeout=10)
    assert committed[0].offset == 2
    second.close()


def _members_share_partitions(strategy):
    name, group = create(topic("rebalance"), partitions=4), topic("g")
    settings = {**BASE, "group.id": group, "auto.offset.reset": "earliest", "session.timeout.ms": 6000,
                "partition.assignment.strategy": strategy}
    members = [Consumer(settings) for _ in range(2)]
    for member in members:
        member.subscribe([name])

    def shared():
        for member in members:
            member.poll(0.1)
        return sorted(len(member.assignment()) for member in members) == [2, 2]

    until("two partitions each", shared)
    members[0].close()
    until("all four at the one that stays", lambda: members[1].poll(0.1) or len(members[1].assignment()) == 4)
    members[1].close()


def range_members_share_partitions():
    _members_share_partitions("range")


def cooperative_members_share_partitions():
    _members_share_partitions("cooperative-sticky")


def static_member_returns_without_rebalance():
    name, group = create(topic("static"), partitions=2), topic("g")
    settings = {**BASE, "group.id": group, "group.instance.id": "one", "session.timeout.ms": 30000}
    first = Consumer(settings)
    first.subscribe([name])
    until("an assignment", lambda: first.poll(0.1) or len(first.assignment()) == 2)
    first.close()
    again = Consumer(settings)
    again.subscribe([name])
    until("the same assignment", lambda: again.poll(0.1) or len(again.assignment()) == 2, seconds=20)
    again.close()


def watermarks_and_times():
    name = create(topic("times"))
    producer = Producer(BASE)
    for number in range(10):
        producer.produce(name, str(number), timestamp=1700000000000 + number * 1000)
    assert producer.flush(30) == 0
    consumer = Consumer({**BASE, "group.id": topic("g")})
    assert consumer.get_watermark_offsets(TopicPartition(name, 0), timeout=10) == (0, 10)
    found = consumer.offsets_for_times([TopicPartition(name, 0, 1700000004500)], timeout=10)
    assert found[0].offset == 5, found
    none = consumer.offsets_for_times([TopicPartition(name, 0, 1900000000000)], timeout=10)
    assert none[0].offset == -1, none
    consumer.close()
    newest = admin().list_offsets({TopicPartition(name, 0): OffsetSpec.max_timestamp()})
    assert list(newest.values())[0].result(10).offset == 9


def topics_are_administered():
    name, client = create(topic("admin"), 2, {"retention.ms": "3600000"}), admin()
    list(client.create_partitions([NewPartitions(name, 5)]).values())[0].result(30)
    until("five partitions", lambda: len(client.list_topics(name, timeout=10).topics[name].partitions) == 5)
    resource = ConfigResource(ResourceType.TOPIC, name)
    entries = client.describe_configs([resource])[resource].result(30)
    assert entries["retention.ms"].value == "3600000" and len(entries) > 25
    resource.add_incremental_config(ConfigEntry("cleanup.policy", "compact", incremental_operation=AlterConfigOpType.APPEND))
    client.incremental_alter_configs([resource])[resource].result(30)
    entries = client.describe_configs([ConfigResource(ResourceType.TOPIC, name)])[resource].result(30)
    assert sorted(entries["cleanup.policy"].value.split(",")) == ["compact", "delete"]
    assert client.describe_cluster().result(30).controller is not None
    try:
        create(name)
        raise AssertionError("a topic was created twice")
    except KafkaException as error:
        assert error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS
    client.delete_topics([name])[name].result(30)
    until("its end", lambda: name not in client.list_topics(timeout=10).topics)


def records_are_deleted():
    name = create(topic("delete-records"))
    produce(name, [b"1", b"2", b"3"])
    client = admin()
    result = client.delete_records([TopicPartition(name, 0, 2)])
    assert list(result.values())[0].result(30).low_watermark == 2
    consumer = Consumer({**BASE, "group.id": topic("g")})
    consumer.assign([TopicPartition(name, 0, OFFSET_BEGINNING)])
    assert consume(consumer, 1)[0].offset() == 2
    consumer.close()


def groups_are_administered():
    name, group, client = create(topic("group-admin")), topic("g"), admin()
    produce(name, [b"1", b"2"])
    consumer = Consumer({**BASE, "group.id": group, "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.subscribe([name])
    consume(consumer, 2)
    consumer.commit(asynchronous=False)
    assert group in [g.group_id for g in client.list_consumer_groups().result(30).valid]
    described = client.describe_consumer_groups([group])[group].result(30)
    assert len(described.members) == 1 and described.state.name == "STABLE", described.state
    consumer.close()
    asked = ConsumerGroupTopicPartitions(group)
    offsets = client.list_consumer_group_offsets([asked])[group].result(30)
    assert offsets.topic_partitions[0].offset == 2
    moved = ConsumerGroupTopicPartitions(group, [TopicPartition(name, 0, 1)])
    client.alter_consumer_group_offsets([moved])[group].result(30)
    assert client.list_consumer_group_offsets([asked])[group].result(30).topic_partitions[0].offset == 1
    client.delete_consumer_groups([group])[group].result(30)
    assert group not in [g.group_id for g in client.list_consumer_groups().result(30).valid]


def too_large_is_refused():
    name = create(topic("large"), config={"max.message.bytes": "10000"})
    try:
        produce(name, [b"x" * 200000], **{"message.max.bytes": 1000000})
        raise AssertionError("a record above max.message.bytes was taken")
    except AssertionError as error:
        assert "MSG_SIZE_TOO_LARGE" in str(error), error


def unknown_topics_are_created_on_demand():
    name = topic("auto")
    (_, offset), = produce(name, [b"hello"])
    assert offset == 0
    until("the topic", lambda: name in admin().list_topics(timeout=10).topics)


run("confluent-kafka", [
    every_codec_comes_back, idempotent_producer_keeps_order, headers_timestamps_and_nulls, commits_are_found_again,
    range_members_share_partitions, cooperative_members_share_partitions, static_member_returns_without_rebalance,
    watermarks_and_times, topics_are_administered, records_are_deleted, groups_are_administered, too_large_is_refused,
    unknown_topics_are_created_on_demand,
])
