"""aiokafka: asyncio."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from checks import BOOTSTRAP, CODECS, run, topic


async def create(name, partitions=1):
    admin = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    await admin.start()
    await admin.create_topics([NewTopic(name, partitions, 1)])
    await admin.close()
    return name


async def take(reader, count):
    return [await asyncio.wait_for(reader.getone(), 30) for _ in range(count)]


async def produced(name, values, **settings):
    producer = AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, **settings)
    await producer.start()
    acks = [await (await producer.send(name, value, partition=0)) for value in values]
    await producer.stop()
    return [ack.offset for ack in acks]


async def every_codec_comes_back():
    for codec in CODECS:
        name = await create(topic(f"aio-{codec}"))
        values = [f"{codec}-{number}-".encode() * 20 for number in range(50)]
        await produced(name, values, compression_type=None if codec == "none" else codec)
        reader = AIOKafkaConsumer(name, bootstrap_servers=BOOTSTRAP, group_id=topic("g"), auto_offset_reset="earliest")
        await reader.start()
        assert [record.value for record in await take(reader, 50)] == values
        await reader.stop()


async def idempotent_producer_keeps_order():
    name = await create(topic("aio-idempotent"))
    assert await produced(name, [b"x"] * 200, enable_idempotence=True) == list(range(200))


async def commits_are_found_again():
    name, group = await create(topic("aio-commit")), topic("g")
    await produced(name, [b"1", b"2", b"3"])
    settings = dict(bootstrap_servers=BOOTSTRAP, group_id=group, auto_offset_reset="earliest", enable_auto_commit=False)
    first = AIOKafkaConsumer(name, **settings)
    await first.start()
    await take(first, 2)
    await first.commit({TopicPartition(name, 0): 2})
    await first.stop()
    second = AIOKafkaConsumer(name, **settings)
    await second.start()
    assert (await take(second, 1))[0].offset == 2
    await second.stop()


async def members_share_partitions():
    name, group = await create(topic("aio-rebalance"), 4), topic("g")
    settings = dict(bootstrap_servers=BOOTSTRAP, group_id=group, session_timeout_ms=6000, heartbeat_interval_ms=500)
    members = [AIOKafkaConsumer(name, **settings) for _ in range(2)]
    await asyncio.gather(*(member.start() for member in members))
    for _ in range(600):
        if sorted(len(member.assignment()) for member in members) == [2, 2]:
            break
        await asyncio.sleep(0.1)
    assert sorted(len(member.assignment()) for member in members) == [2, 2]
    await asyncio.gather(*(member.stop() for member in members))


run("aiokafka", [every_codec_comes_back, idempotent_producer_keeps_order, commits_are_found_again, members_share_partitions])
