"""Starts the members, writes to all partitions, and looks who got what; members leave one by one."""

import os
import signal
import subprocess
import sys
import time
import uuid

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

BOOTSTRAP, WORK, MEKONG = os.environ["BOOTSTRAP"], os.environ["WORK"], os.environ["MEKONG"]
PARTITIONS = 6
TOPIC, GROUP = (f"{name}-{uuid.uuid4().hex[:8]}" for name in ("mixed", "group"))
PYTHON_MEMBER = """
import signal, sys
from confluent_kafka import Consumer
def leave(*_):
    raise SystemExit
signal.signal(signal.SIGTERM, leave)
member = Consumer({"bootstrap.servers": sys.argv[1], "group.id": sys.argv[2], "auto.offset.reset": "earliest",
                   "session.timeout.ms": 10000, "heartbeat.interval.ms": 500, "partition.assignment.strategy": "range"})
member.subscribe([sys.argv[3]])
try:
    while True:
        record = member.poll(0.2)
        if record and not record.error():
            print(record.value().decode(), flush=True)
finally:
    member.close()
"""


class Member:
    """A process that prints the values it reads."""

    def __init__(self, name, command):
        self.name, self.path = name, os.path.join(WORK, f"{name}.txt")
        with open(self.path, "wb") as out, open(self.path + ".err", "wb") as err:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def values(self):
        with open(self.path, encoding="utf-8") as out:
            return out.read().split()

    def leave(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def members():
    java = ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", f"-Dlog4j2.configurationFile={WORK}/log4j2.properties",
            "-cp", f"{WORK}/libs/*", "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", BOOTSTRAP,
            "--topic", TOPIC, "--group", GROUP, "--from-beginning"]
    for setting in ("session.timeout.ms=10000", "heartbeat.interval.ms=500", "metadata.max.age.ms=5000",
                    "partition.assignment.strategy=org.apache.kafka.clients.consumer.RangeAssignor"):
        java += ["--command-property", setting]
    return [Member("java", java),
            Member("librdkafka", [sys.executable, "-c", PYTHON_MEMBER, BOOTSTRAP, GROUP, TOPIC]),
            Member("mekong", [MEKONG, "consume", TOPIC, "-b", BOOTSTRAP, "--group", GROUP, "--offset", "beginning", "--format", "%s\\n"])]


def write(producer, round_):
    """One record for each partition."""
    values = [f"{round_}/{partition}" for partition in range(PARTITIONS)]
    for partition, value in enumerate(values):
        producer.produce(TOPIC, value, partition=partition)
    assert producer.flush(30) == 0
    return values


def until(what, producer, sent, all_members, condition, seconds=90):
    """Writes round after round until the condition holds for who got the latest ones."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        latest = write(producer, len(sent) // PARTITIONS)
        sent += latest
        time.sleep(0.7)
        shares = {one.name: len(set(latest) & set(one.values())) for one in all_members}
        if condition(shares):
            print(f"ok mixed-group {what}", flush=True)
            return
    raise AssertionError(f"{what}: the last shares were {shares}")


def main():
    admin = AdminClient({"bootstrap.servers": BOOTSTRAP})
    admin.create_topics([NewTopic(TOPIC, PARTITIONS, 1)])[TOPIC].result(30)
    producer, sent, running = Producer({"bootstrap.servers": BOOTSTRAP}), [], members()
    everyone = list(running)
    try:
        until("three-share", producer, sent, everyone, lambda shares: sorted(shares.values()) == [2, 2, 2])
        running.pop(0).leave()
        until("two-share", producer, sent, running, lambda shares: sorted(shares.values()) == [3, 3])
        running.pop(0).leave()
        until("one-has-all", producer, sent, running, lambda shares: list(shares.values()) == [6])
        missing = set(sent) - {value for one in everyone for value in one.values()}
        assert not missing, f"lost: {sorted(missing)}"
        print("ok mixed-group nothing-lost", flush=True)
    finally:
        for one in running:
            one.process.kill()
    print("mixed-group: 4 passed, 0 failed", flush=True)


main()
