// Runs the functions of one client's script in order and says for each whether it held; carries bytes through the broker.

import kafkajs from 'kafkajs'

export const [bootstrap, registry] = process.argv.slice(2)
export const unique = name => `${name}-${Date.now()}-${Math.floor(Math.random() * 1e6)}`

export const USER = '{"type":"record","name":"User","fields":[{"name":"name","type":"string"}]}'
export const WITH_AGE = '{"type":"record","name":"User","fields":[{"name":"name","type":"string"},{"name":"age","type":"int","default":0}]}'
export const BROKEN = '{"type":"record","name":"User","fields":[{"name":"name","type":"string"},{"name":"id","type":"long"}]}'
export const JSON_SCHEMA = '{"$schema":"http://json-schema.org/draft-07/schema#","title":"U","type":"object","properties":{"name":{"type":"string"}},"additionalProperties":false}'

const kafka = new kafkajs.Kafka({ clientId: 'interop', brokers: [bootstrap], logLevel: kafkajs.logLevel.NOTHING })

// What the broker gives back for these bytes.
export async function through(topic, value, headers) {
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ value, headers }] })
  await producer.disconnect()
  const consumer = kafka.consumer({ groupId: unique('g') })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const message = await new Promise((done, fail) => {
    setTimeout(() => fail(new Error('no record within 30 s')), 30_000).unref()
    consumer.run({ eachMessage: async ({ message }) => done(message) })
  })
  await consumer.disconnect()
  return message
}

export function equal(got, want, what) {
  if (JSON.stringify(got) !== JSON.stringify(want)) {
    throw new Error(`${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`)
  }
}

// The error that a call fails with.
export async function refused(call) {
  try {
    await call()
  } catch (error) {
    return error
  }
  throw new Error('it was not refused')
}

export async function run(client, checks) {
  let failed = 0
  for (const check of checks) {
    try {
      await check()
      console.log(`ok ${client} ${check.name}`)
    } catch (error) {
      failed += 1
      console.log(`not ok ${client} ${check.name}`, error)
    }
  }
  console.log(`${client}: ${checks.length - failed} passed, ${failed} failed`)
  process.exit(failed ? 1 : 0)
}
