"""A client of librdkafka (confluent-kafka) for the chaos runner: does what it is told for a while, writes what came of it.

    driver.py BOOTSTRAP TOPIC PARTITIONS produce|assign|subscribe|churn SECONDS FIRST-VALUE
"""
import json
import sys
import time

from confluent_kafka import Consumer, Producer, TopicPartition

bootstrap, topic, partitions, mode, seconds, first = sys.argv[1:]
partitions, until, value = int(partitions), time.monotonic() + int(seconds), int(first)
now = time.monotonic_ns


def say(**line):
    print(json.dumps(line), flush=True)


def produce():
    global value
    while time.monotonic() < until:
        producer = Producer({"bootstrap.servers": bootstrap, "enable.idempotence": True, "acks": "all",
                             "delivery.timeout.ms": 20000, "linger.ms": 0})
        alive = True
        while alive and time.monotonic() < until:
            partition, began, done = value % partitions, now(), []
            producer.produce(topic, str(value).encode(), partition=partition,
                             on_delivery=lambda error, message: done.append((error, message.offset())))
            while not done:
                producer.poll(0.1)
            error, offset = done[0]
            say(t="send", s=began, e=now(), k=partition, v=value, o=-1 if error else offset, r="info" if error else "ok")
            value += 1
            if error:
                print(error, file=sys.stderr, flush=True)
                say(t="life")
                alive = False
            time.sleep(0.01)


def consume(group, end):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group or "none", "auto.offset.reset": "earliest",
                         "enable.auto.commit": bool(group), "auto.commit.interval.ms": 500, "session.timeout.ms": 10000,
                         "heartbeat.interval.ms": 2000})
    say(t="subscribe" if group else "assign", e=now(), m=list(range(partitions)))
    if group:
        consumer.subscribe([topic])
    else:
        consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
    while time.monotonic() < end:
        began = now()
        records = []
        for message in consumer.consume(500, 0.3):
            if message.error():
                print(message.error(), file=sys.stderr, flush=True)
            else:
                records.append([message.partition(), message.offset(), int(message.value())])
        if records:
            say(t="poll", s=began, e=now(), m=records)
    consumer.close()


if mode == "produce":
    produce()
elif mode == "churn":
    while time.monotonic() < until:
        say(t="life")
        consume("g", min(until, time.monotonic() + 6))
else:
    consume("g" if mode == "subscribe" else None, until)
