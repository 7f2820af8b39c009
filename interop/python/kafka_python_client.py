"""kafka-python: its own codec in Python."""

import threading

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError

from checks import BOOTSTRAP, CODECS, run, topic, until

# kafka-python 3.0.12 loses the assignment of a rejoin for new metadata when the poll that began it runs out of time: the metadata
# come 100 ms after the first join, so that no poll may be shorter than that by far.
POLL_MS = 2000


def admin():
    return KafkaAdminClient(bootstrap_servers=BOOTSTRAP)


def create(name, partitions=1):
    client = admin()
    client.create_topics([NewTopic(name, num_partitions=partitions, replication_factor=1)])
    client.close()
    return name


def consumer(*names, **settings):
    return KafkaConsumer(*names, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest", **settings)


def take(reader, count):
    got = []

    def step():
        for batch in reader.poll(timeout_ms=POLL_MS).values():
            got.extend(batch)
        return len(got) >= count

    until(f"{count} records", step)
    return got


def every_codec_comes_back():
    for codec in CODECS:
        name = create(topic(f"kp-{codec}"))
        values = [f"{codec}-{number}-".encode() * 20 for number in range(200)]
        producer = KafkaProducer(bootstrap_servers=BOOTSTRAP, compression_type=None if codec == "none" else codec, linger_ms=10)
        for value in values:
            producer.send(name, value)
        producer.flush(30)
        producer.close()
        reader = consumer(name, group_id=topic("g"))
        assert [record.value for record in take(reader, 200)] == values
        reader.close()


def commits_are_found_again():
    name, group = create(topic("kp-commit")), topic("g")
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP)
    assert [producer.send(name, str(n).encode()).get(30).offset for n in range(4)] == [0, 1, 2, 3]
    first = consumer(name, group_id=group, enable_auto_commit=False, max_poll_records=2)
    take(first, 2)
    first.commit()
    first.close()
    second = consumer(name, group_id=group, enable_auto_commit=False)
    assert take(second, 1)[0].offset == 2
    assert second.committed(TopicPartition(name, 0)) == 2
    second.close()


def members_share_partitions():
    name, group, stop = create(topic("kp-rebalance"), 4), topic("g"), [threading.Event(), threading.Event()]
    members = [consumer(name, group_id=group, session_timeout_ms=6000, heartbeat_interval_ms=500) for _ in range(2)]

    def poll(place):
        while not stop[place].is_set():
            members[place].poll(timeout_ms=POLL_MS)
        members[place].close()

    threads = [threading.Thread(target=poll, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    try:
        until("two partitions each", lambda: sorted(len(m.assignment()) for m in members) == [2, 2])
        stop[0].set()
        threads[0].join(30)
        until("all four at one", lambda: len(members[1].assignment()) == 4)
    finally:
        for event in stop:
            event.set()
        threads[1].join(30)


def offsets_are_looked_up():
    name = create(topic("kp-offsets"))
    producer = KafkaProducer(bootstrap_servers=BOOTSTRAP)
    for number in range(5):
        producer.send(name, b"x", timestamp_ms=1700000000000 + number * 1000).get(30)
    reader, partition = consumer(), TopicPartition(name, 0)
    assert reader.beginning_offsets([partition]) == {partition: 0}
    assert reader.end_offsets([partition]) == {partition: 5}
    assert reader.offsets_for_times({partition: 1700000002500})[partition].offset == 3
    reader.close()


def topics_are_administered():
    name, client = create(topic("kp-admin"), 3), admin()
    assert name in client.list_topics()
    try:
        create(name)
        raise AssertionError("a topic was created twice")
    except TopicAlreadyExistsError:
        pass
    client.delete_topics([name])
    until("its end", lambda: name not in client.list_topics())
    client.close()


run("kafka-python", [every_codec_comes_back, commits_are_found_again, members_share_partitions, offsets_are_looked_up,
                     topics_are_administered])
