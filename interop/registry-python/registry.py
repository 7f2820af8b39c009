"""Confluent's Python serializers and registry client against Mekong: register, evolve, be refused, encode, decode."""

import base64
import json
import os
import subprocess
import sys
import tempfile
import uuid

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import (
    RegisteredSchema,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    topic_subject_name_strategy,
)
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

bootstrap, url = sys.argv[1], sys.argv[2]
client = SchemaRegistryClient({"url": url})
passed = 0


def check(name, condition):
    global passed
    if not condition:
        sys.exit(f"failed: {name}")
    passed += 1


def refused(call, code):
    try:
        call()
    except SchemaRegistryError as error:
        return error.error_code == code
    return False


def subject(name):
    return f"{name}-{uuid.uuid4().hex[:8]}"


def round_trip(topic, value, serialize, deserialize):
    context = SerializationContext(topic, MessageField.VALUE)
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce(topic, value=serialize(value, context))
    producer.flush(20)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "auto.offset.reset": "earliest"})
    consumer.subscribe([topic])
    message = None
    for _ in range(60):
        message = consumer.poll(0.5)
        if message is not None and not message.error():
            break
    consumer.close()
    return deserialize(message.value(), context)


USER = '{"type":"record","name":"User","fields":[{"name":"name","type":"string"}]}'
WITH_AGE = '{"type":"record","name":"User","fields":[{"name":"name","type":"string"},{"name":"age","type":"int","default":0}]}'
BROKEN = '{"type":"record","name":"User","fields":[{"name":"name","type":"string"},{"name":"age","type":"int"}]}'


def registry_client():
    s = subject("client")
    first = client.register_schema(s, Schema(USER, "AVRO"))
    check("the same schema has the same id", client.register_schema(s, Schema(USER, "AVRO")) == first)
    second = client.register_schema(s, Schema(WITH_AGE, "AVRO"))
    check("another schema has another id", second != first)
    check("ids lead to schemas", "age" in client.get_schema(second).schema_str)
    check("versions", client.get_versions(s) == [1, 2])
    check("latest", client.get_latest_version(s).schema_id == second)
    check("a version", client.get_version(s, 1).schema_id == first)
    check("lookup", client.lookup_schema(s, Schema(USER, "AVRO")).version == 1)
    check("compatible", client.test_compatibility(s, Schema(WITH_AGE, "AVRO")))
    other = Schema('{"type":"record","name":"User","fields":[{"name":"id","type":"int"}]}', "AVRO")
    check("incompatible", not client.test_compatibility(s, other))
    check("refused", refused(lambda: client.register_schema(s, other), 409))
    check("a level is set", client.set_compatibility(s, "NONE")["compatibility"] == "NONE")
    check("a level is told", client.get_compatibility(s) == "NONE")
    third = client.register_schema(s, other)
    check("registered without checks", third > second)
    check("subjects", s in client.get_subjects())
    check("a version is deleted", client.delete_version(s, 3) == 3)
    check("a version is gone", refused(lambda: client.get_version(s, 3), 40402))
    check("a subject is deleted", client.delete_subject(s) == [1, 2])
    check("a subject is gone", refused(lambda: client.get_versions(s), 40401))
    check("for good", client.delete_subject(s, permanent=True) == [1, 2, 3])
    check("not a schema", refused(lambda: client.register_schema(s, Schema("{}", "AVRO")), 42201))
    check("no such schema", refused(lambda: client.get_schema(999999), 40403))


def avro():
    topic = subject("avro")
    old = AvroSerializer(client, USER)
    new = AvroDeserializer(client, WITH_AGE)
    value = round_trip(topic, {"name": "Ada"}, old, new)
    check("old data is read with the new schema", value == {"name": "Ada", "age": 0})
    context = SerializationContext(topic, MessageField.VALUE)
    check("the serializer evolves", AvroSerializer(client, WITH_AGE)({"name": "B", "age": 2}, context)[0] == 0)
    broken = AvroSerializer(client, '{"type":"record","name":"User","fields":[{"name":"n","type":"string"}]}')
    check("an incompatible serializer is refused", refused(lambda: broken({"n": "x"}, context), 409))
    address = subject("address")
    client.register_schema(address, Schema('{"type":"record","name":"Address","fields":[{"name":"city","type":"string"}]}', "AVRO"))
    referring = Schema(
        '{"type":"record","name":"Person","fields":[{"name":"home","type":"Address"}]}',
        "AVRO",
        [SchemaReference("Address", address, 1)],
    )
    topic = subject("avro-reference")
    value = round_trip(topic, {"home": {"city": "Berlin"}}, AvroSerializer(client, referring), AvroDeserializer(client))
    check("references are followed", value == {"home": {"city": "Berlin"}})
    latest = AvroSerializer(client, conf={"auto.register.schemas": False, "use.latest.version": True})
    check("the latest version is used", len(latest({"home": {"city": "x"}}, SerializationContext(topic, MessageField.VALUE))) > 5)


def json_schema():
    topic = subject("json")
    schema = '{"$schema":"http://json-schema.org/draft-07/schema#","title":"U","type":"object","properties":{"name":{"type":"string"}},"additionalProperties":false}'
    serialize = JSONSerializer(schema, client)
    value = round_trip(topic, {"name": "Ada"}, serialize, JSONDeserializer(schema))
    check("JSON goes round", value == {"name": "Ada"})
    narrower = schema.replace('"type":"string"', '"type":"number"')
    context = SerializationContext(topic, MessageField.VALUE)
    check("an incompatible JSON Schema is refused", refused(lambda: JSONSerializer(narrower, client)({"name": 1}, context), 409))


def protobuf():
    from google.protobuf import timestamp_pb2

    from messages_pb2 import Event

    topic = subject("protobuf")
    serialize = ProtobufSerializer(Event, client, {"use.deprecated.format": False})
    deserialize = ProtobufDeserializer(Event, {"use.deprecated.format": False}, client)
    event = Event(name="x", at=timestamp_pb2.Timestamp(seconds=5), tags={"a": 1}, kind=Event.Kind.B)
    value = round_trip(topic, event, serialize, deserialize)
    check("Protobuf goes round", value == event)
    check("the schema is registered", client.get_latest_version(f"{topic}-value").schema.schema_type == "PROTOBUF")


def mekong(*arguments):
    """What the command line prints."""
    command = [os.environ["MEKONG"], "--bootstrap-server", bootstrap, *arguments, "--registry", url]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def raw(topic):
    """Value and headers of each record, as the command line sees the bytes."""
    command = [os.environ["MEKONG"], "--bootstrap-server", bootstrap, "--json", "consume", topic, "-e"]
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        record = json.loads(line)
        both = [record, *record["headers"]]
        got = [base64.b64decode(r["value_base64"]) if "value_base64" in r else r["value"].encode() for r in both]
        yield got[0], [(header["key"], value) for header, value in zip(record["headers"], got[1:])]


def command_line():
    """The same bytes from the command line as from Confluent's serializers, and each reads the other's."""
    from messages_pb2 import Event

    def produced_and_read(name, suffix, text, value, serialize, deserialize):
        topic = subject(f"cli-{name}")
        with tempfile.NamedTemporaryFile("w", suffix=suffix) as file:
            file.write(text)
            file.flush()
            mekong("produce", topic, "--schema", file.name, json.dumps(value))
            mekong("produce", topic, "--schema", "latest", "--schema-header", json.dumps(value))
        context = SerializationContext(topic, MessageField.VALUE)
        records = list(raw(topic))
        ours = serialize(topic, context)
        check(f"{name}: the same bytes", records[0] == (ours, []))
        check(f"{name}: a header names the schema", [key for key, _ in records[1][1]] == ["__value_schema_id"])
        for bytes_, headers in records:
            context = SerializationContext(topic, MessageField.VALUE, headers)
            check(f"{name}: Confluent reads ours", deserialize(bytes_, context))
        producer = Producer({"bootstrap.servers": bootstrap})
        producer.produce(topic, value=ours)
        producer.flush(20)
        shown = [json.loads(line) for line in mekong("consume", topic, "-e", "--schema").splitlines()]
        check(f"{name}: we read Confluent's", len(shown) == 3 and shown[0] == shown[1] == shown[2])
        check(f"{name}: as it was", all(shown[0][key] == value[key] for key in value))

    everything = """{"type":"record","name":"E","namespace":"a","fields":[
        {"name":"s","type":"string"},{"name":"i","type":["null","int"]},{"name":"b","type":"bytes"},
        {"name":"d","type":"double"},{"name":"l","type":{"type":"array","items":"long"}},
        {"name":"m","type":{"type":"map","values":"float"}},
        {"name":"e","type":{"type":"enum","name":"K","symbols":["A","B"]}},
        {"name":"u","type":["string","long"]}]}"""
    value = {"s": "\u00e9", "i": 7, "b": "\u00ff", "d": 1.5, "l": [1, -2], "m": {"k": 0.5}, "e": "B", "u": {"long": 3}}
    native = {**value, "b": b"\xff", "u": 3}
    produced_and_read(
        "avro", ".avsc", everything, value,
        lambda topic, context: AvroSerializer(client, everything)(native, context),
        lambda data, context: AvroDeserializer(client)(data, context) == native,
    )
    text = '{"$schema":"http://json-schema.org/draft-07/schema#","title":"U","type":"object","properties":{"a":{"type":"string"}}}'
    produced_and_read(
        "json", ".json", text, {"a": "x"},
        lambda topic, context: JSONSerializer(text, client, json_encode=lambda v: json.dumps(v, separators=(",", ":")))({"a": "x"}, context),
        lambda data, context: JSONDeserializer(text, schema_registry_client=client)(data, context) == {"a": "x"},
    )
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "messages.proto")) as file:
        proto = file.read()
    event = Event(name="x", tags={"a": 1}, kind=Event.Kind.B, number=-5, flag=True)
    conf = {"use.deprecated.format": False}
    latest = {**conf, "auto.register.schemas": False, "use.latest.version": True}
    produced_and_read(
        "protobuf", ".proto", proto, {"name": "x", "tags": {"a": 1}, "kind": "B", "number": -5, "flag": True},
        lambda topic, context: ProtobufSerializer(Event, client, latest)(event, context),
        lambda data, context: ProtobufDeserializer(Event, conf, client)(data, context) == event,
    )


def checked_by_the_broker():
    from confluent_kafka.admin import AdminClient, NewTopic

    topic = subject("checked")
    config = {"confluent.value.schema.validation": "true", "mekong.value.schema.validation.payload": "true"}
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1, config=config)])[topic].result(20)
    known = client.register_schema(f"{topic}-value", Schema('"long"', "AVRO"))
    foreign = client.register_schema(f"{subject('other')}-value", Schema('"int"', "AVRO"))

    def sent(value):
        outcome = []
        producer = Producer({"bootstrap.servers": bootstrap})
        producer.produce(topic, value=value, on_delivery=lambda error, _: outcome.append(error))
        producer.flush(20)
        return "sent" if outcome[0] is None else outcome[0].name()

    framed = lambda number, payload: b"\0" + number.to_bytes(4, "big") + payload
    check("a record of the subject's schema is taken", sent(framed(known, b"\x02")) == "sent")
    check("a tombstone is taken", sent(None) == "sent")
    for what, value in (("bytes without an id", b"plain"), ("an id of another subject", framed(foreign, b"\x02")),
                        ("an id of nothing", framed(1_000_000, b"\x02")), ("a payload that does not fit", framed(known, b"\x02\x02"))):
        check(f"{what} is refused", sent(value) == "INVALID_RECORD")
    protobuf_checked_by_the_broker(admin, config)


def protobuf_checked_by_the_broker(admin, config):
    """Payloads are read by the message that the indexes name, in front of the payload or in the header."""
    from confluent_kafka.admin import NewTopic

    topic = subject("checked-protobuf")
    admin.create_topics([NewTopic(topic, 1, 1, config=config)])[topic].result(20)
    part = subject("part")
    client.register_schema(part, Schema('syntax = "proto3"; message Part { string of = 1; }', "PROTOBUF"))
    text = 'syntax = "proto3"; import "part.proto"; message A { message In { Part part = 2; } } message B { sint32 n = 1; }'
    known = client.register_schema(f"{topic}-value", Schema(text, "PROTOBUF", [SchemaReference("part.proto", part, 1)]))
    guid = client.get_schema(known).guid if hasattr(client.get_schema(known), "guid") else None

    def sent(value, header=None):
        outcome = []
        producer = Producer({"bootstrap.servers": bootstrap})
        headers = [("__value_schema_id", header)] if header else None
        producer.produce(topic, value=value, headers=headers, on_delivery=lambda error, _: outcome.append(error))
        producer.flush(20)
        return "sent" if outcome[0] is None else outcome[0].name()

    inner, number = b"\x04\x00\x00", b"\x02\x02"  # indexes: the first message in the first, the second message
    prefix = b"\0" + known.to_bytes(4, "big")
    for what, value in (("a nested message", inner + b"\x12\x04\x0a\x02ab"), ("a message of an index", number + b"\x08\x05"),
                        ("an empty first message", b"\0"), ("an unknown field", number + b"\x50\x01")):
        check(f"{what} is taken", sent(prefix + value) == "sent")
    for what, value in (("no indexes", b""), ("an index of no message", b"\x02\x08"), ("a message cut short", number + b"\x08"),
                        ("a text that is no UTF-8", inner + b"\x12\x03\x0a\x01\xff"), ("a wrong type", inner + b"\x12\x02\x08\x05")):
        check(f"{what} is refused", sent(prefix + value) == "INVALID_RECORD")
    if guid:
        header = b"\1" + uuid.UUID(guid).bytes
        check("indexes in the header are taken", sent(b"\x08\x05", header + number) == "sent")
        check("a header without them is refused", sent(b"\x08\x05", header) == "INVALID_RECORD")


for part in (registry_client, avro, json_schema, protobuf, command_line, checked_by_the_broker):
    part()
print(f"{passed} checks passed")
