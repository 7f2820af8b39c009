// @platformatic/kafka: a young codec that speaks the newest versions.

import './node20.mjs'
import zlib from 'node:zlib'
import { Admin, Consumer, MessagesStreamModes, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { bootstrap, equal, run, topic, until } from './checks.mjs'

const base = { clientId: 'interop', bootstrapBrokers: [bootstrap] }

async function create(name, partitions = 1) {
  const admin = new Admin(base)
  await admin.createTopics({ topics: [name], partitions, replicas: 1 })
  await admin.close()
  return name
}

async function roundTrip(compression) {
  const name = await create(topic('platformatic'))
  const producer = new Producer({ ...base, serializers: stringSerializers, compression })
  const messages = Array.from({ length: 50 }, (_, number) => ({ topic: name, key: 'k', value: `value ${number}` }))
  await producer.send({ messages, acks: -1 })
  await producer.close()
  const consumer = new Consumer({ ...base, groupId: topic('g'), deserializers: stringDeserializers })
  const stream = await consumer.consume({ topics: [name], mode: MessagesStreamModes.EARLIEST, autocommit: true, maxWaitTime: 200 })
  const got = []
  stream.on('data', message => got.push(message.value))
  await until('50 records', () => got.length === 50)
  equal(got, messages.map(message => message.value), 'values')
  await consumer.close(true)
}

async function everyCodecComesBack() {
  // This client compresses with zstd only where Node.js itself does, from 22.15 on.
  const zstd = 'zstdCompressSync' in zlib ? ['zstd'] : []
  for (const codec of ['none', 'gzip', 'snappy', 'lz4', ...zstd]) await roundTrip(codec)
}

async function adminWorks() {
  const name = await create(topic('platformatic-admin'), 2)
  const admin = new Admin(base)
  await until('the topic', async () => (await admin.listTopics()).includes(name))
  await admin.deleteTopics({ topics: [name] })
  await until('its end', async () => !(await admin.listTopics()).includes(name))
  await admin.close()
}

run('platformatic', [everyCodecComesBack, adminWorks])
