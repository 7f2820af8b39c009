// kafkajs: a codec in JavaScript that speaks old versions of many requests.

import kafkajs from 'kafkajs'
import SnappyCodec from 'kafkajs-snappy'
import { bootstrap, equal, run, topic, until } from './checks.mjs'

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel } = kafkajs
CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec
const kafka = new Kafka({ clientId: 'interop', brokers: [bootstrap], logLevel: logLevel.NOTHING })

async function create(name, numPartitions = 1) {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: name, numPartitions }] })
  await admin.disconnect()
  return name
}

async function produce(name, values, compression = CompressionTypes.None, settings = {}) {
  const producer = kafka.producer(settings)
  await producer.connect()
  const acks = await producer.send({ topic: name, compression, messages: values.map(value => ({ value })) })
  await producer.disconnect()
  return acks
}

async function consume(name, count, groupId = topic('g')) {
  const consumer = kafka.consumer({ groupId })
  const got = []
  await consumer.connect()
  await consumer.subscribe({ topic: name, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => { got.push(message.value.toString()) } })
  await until(`${count} records`, () => got.length >= count)
  await consumer.disconnect()
  return got
}

async function everyCodecComesBack() {
  for (const codec of [CompressionTypes.None, CompressionTypes.GZIP, CompressionTypes.Snappy]) {
    const name = await create(topic('kafkajs'))
    const values = Array.from({ length: 50 }, (_, number) => `value ${number}`)
    await produce(name, values, codec)
    equal(await consume(name, 50), values, 'values')
  }
}

async function idempotentProducer() {
  const name = await create(topic('kafkajs-idempotent'))
  const [ack] = await produce(name, ['1', '2'], CompressionTypes.None, { idempotent: true })
  equal([ack.errorCode, ack.baseOffset], [0, '0'], 'ack')
}

async function commitsAreFoundAgain() {
  const name = await create(topic('kafkajs-commit'))
  const groupId = topic('g')
  await produce(name, ['1', '2', '3'])
  await consume(name, 3, groupId)
  await produce(name, ['4'])
  equal(await consume(name, 1, groupId), ['4'], 'after the commit')
}

async function membersSharePartitions() {
  const name = await create(topic('kafkajs-rebalance'), 4)
  const groupId = topic('g')
  const counts = [0, 0]
  const members = [0, 1].map(() => kafka.consumer({ groupId, sessionTimeout: 6000, heartbeatInterval: 500 }))
  for (const [place, member] of members.entries()) {
    member.on(member.events.GROUP_JOIN, ({ payload }) => { counts[place] = (payload.memberAssignment[name] ?? []).length })
    await member.connect()
    await member.subscribe({ topic: name })
    await member.run({ eachMessage: async () => {} })
  }
  await until('two partitions each', () => counts[0] === 2 && counts[1] === 2)
  await members[0].disconnect()
  await until('all four at one', () => counts[1] === 4)
  await members[1].disconnect()
}

async function adminWorks() {
  const name = await create(topic('kafkajs-admin'))
  const admin = kafka.admin()
  await admin.connect()
  await admin.createPartitions({ topicPartitions: [{ topic: name, count: 3 }] })
  await until('three partitions', async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] })
    return topics[0].partitions.length === 3
  })
  equal((await admin.fetchTopicOffsets(name)).map(partition => partition.high), ['0', '0', '0'], 'offsets')
  const configs = await admin.describeConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name }] })
  if (configs.resources[0].configEntries.length < 25) throw new Error('too few configs')
  await admin.deleteTopics({ topics: [name] })
  await until('its end', async () => !(await admin.listTopics()).includes(name))
  await admin.disconnect()
}

run('kafkajs', [everyCodecComesBack, idempotentProducer, commitsAreFoundAgain, membersSharePartitions, adminWorks])
