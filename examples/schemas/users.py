"""Writes a user with Confluent's Avro serializer and reads all users of the topic. Needs confluent-kafka[avro,schemaregistry].

    python users.py [HOST:PORT [URL]]
"""

import sys
from pathlib import Path

from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

bootstrap = sys.argv[1] if len(sys.argv) > 1 else "localhost:9092"
registry = SchemaRegistryClient({"url": sys.argv[2] if len(sys.argv) > 2 else "http://127.0.0.1:8081"})
schema = Path(__file__).with_name("user-with-age.avsc").read_text()
context = SerializationContext("users", MessageField.VALUE)

producer = Producer({"bootstrap.servers": bootstrap})
producer.produce("users", value=AvroSerializer(registry, schema)({"name": "Grace", "age": 36}, context))
producer.flush()

read = AvroDeserializer(registry, schema)
consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "users.py", "auto.offset.reset": "earliest"})
consumer.subscribe(["users"])
while True:
    message = consumer.poll(10)
    if message is None:
        sys.exit("no record within 10 s")
    user = read(message.value(), context)
    print(user)
    if user["name"] == "Grace":
        break
consumer.close()
