// @kafkajs/confluent-schema-registry.

import registryOf from '@kafkajs/confluent-schema-registry'
import { BROKEN, JSON_SCHEMA, USER, WITH_AGE, equal, refused, registry, run, through, unique } from './checks.mjs'

const { COMPATIBILITY, SchemaRegistry, SchemaType } = registryOf
const fresh = options => new SchemaRegistry({ host: registry }, options)
const client = fresh()
const PROTO = 'syntax = "proto3"; package shop; message Order { string id = 1; Item item = 2; message Item { int32 n = 1; } }'

async function avroEvolvesAndIsRefused() {
  const topic = unique('kafkajs-avro')
  const subject = `${topic}-value`
  const options = { subject, compatibility: COMPATIBILITY.BACKWARD }
  const first = await client.register({ type: SchemaType.AVRO, schema: USER }, options)
  equal(await fresh().register({ type: SchemaType.AVRO, schema: USER }, options), first, 'the same id again')
  const { value } = await through(topic, await client.encode(first.id, { name: 'Ada' }))
  equal(await fresh().decode(value), { name: 'Ada' }, 'Avro')
  const second = await client.register({ type: SchemaType.AVRO, schema: WITH_AGE }, options)
  equal(await client.getLatestSchemaId(subject), second.id, 'latest')
  equal(await client.getRegistryId(subject, 1), first.id, 'a version')
  equal(await client.getRegistryIdBySchema(subject, { type: SchemaType.AVRO, schema: USER }), first.id, 'look-up')
  const newer = { [SchemaType.AVRO]: { readerSchema: JSON.parse(WITH_AGE) } }
  equal(await fresh().decode(value, newer), { name: 'Ada', age: 0 }, 'read with the newer schema')
  const error = await refused(() => client.register({ type: SchemaType.AVRO, schema: BROKEN }, options))
  equal(/incompatible/.test(error.message), true, error.message)
}

async function jsonGoesRound() {
  const topic = unique('kafkajs-json')
  const { id } = await client.register({ type: SchemaType.JSON, schema: JSON_SCHEMA }, { subject: `${topic}-value` })
  const { value } = await through(topic, await client.encode(id, { name: 'Ada' }))
  equal(await fresh().decode(value), { name: 'Ada' }, 'JSON')
  await refused(() => client.encode(id, { name: 1 }))
}

async function protobufGoesRound() {
  const topic = unique('kafkajs-protobuf')
  const { id } = await client.register({ type: SchemaType.PROTOBUF, schema: PROTO }, { subject: `${topic}-value` })
  const { value } = await through(topic, await client.encode(id, { id: 'o', item: { n: 3 } }))
  equal(await fresh().decode(value), { id: 'o', item: { n: 3 } }, 'Protobuf')
}

run('kafkajs', [avroEvolvesAndIsRefused, jsonGoesRound, protobufGoesRound])
