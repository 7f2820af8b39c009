// @confluentinc/schemaregistry: Confluent's own client for JavaScript.

import {
  AvroDeserializer, AvroSerializer, Compatibility, HeaderSchemaIdSerializer, JsonDeserializer, JsonSerializer,
  ProtobufDeserializer, ProtobufSerializer, SchemaRegistryClient, SerdeType
} from '@confluentinc/schemaregistry'
import { create, createMutableRegistry } from '@bufbuild/protobuf'
import { TimestampSchema } from '@bufbuild/protobuf/wkt'
import { BROKEN, JSON_SCHEMA, USER, WITH_AGE, equal, refused, registry, run, through, unique } from './checks.mjs'

const client = new SchemaRegistryClient({ baseURLs: [registry] })
const fresh = () => new SchemaRegistryClient({ baseURLs: [registry] })
const avro = schema => ({ schema, schemaType: 'AVRO' })

async function registersEvolvesAndIsRefused() {
  const subject = unique('client')
  const first = await client.register(subject, avro(USER), false)
  equal(await fresh().register(subject, avro(USER), false), first, 'the same schema has the same id')
  const full = await client.registerFullResponse(subject, avro(WITH_AGE), false)
  equal(full.id !== first, true, 'another schema has another id')
  equal(await client.getAllVersions(subject), [1, 2], 'versions')
  equal((await fresh().getBySubjectAndId(subject, first)).schema, USER, 'by id')
  equal((await client.getLatestSchemaMetadata(subject)).version, 2, 'latest')
  equal((await client.getSchemaMetadata(subject, 1, false)).id, first, 'a version')
  equal(await client.getVersion(subject, avro(USER), false, false), 1, 'look-up')
  equal((await client.getAllSubjects()).includes(subject), true, 'subjects')
  equal(await client.testSubjectCompatibility(subject, avro(WITH_AGE)), true, 'compatible')
  equal(await client.testSubjectCompatibility(subject, avro(BROKEN)), false, 'incompatible')
  const error = await refused(() => client.register(subject, avro(BROKEN), false))
  equal([error.status, error.errorCode], [409, 409], 'refused')
  equal(await client.updateCompatibility(subject, Compatibility.NONE), Compatibility.NONE, 'level set')
  equal(await client.getCompatibility(subject), Compatibility.NONE, 'level told')
  equal(await client.register(subject, avro(BROKEN), false) > full.id, true, 'registered without checks')
  equal(await client.deleteSubjectVersion(subject, 3, false), 3, 'a version deleted')
  equal(await client.deleteSubject(subject, false), [1, 2], 'deleted softly')
  equal(await client.deleteSubject(subject, true), [1, 2, 3], 'deleted for good')
  equal((await refused(() => fresh().getAllVersions(subject))).errorCode, 40401, 'gone')
}

async function avroGoesRound() {
  const topic = unique('avro')
  await client.register(`${topic}-value`, avro(USER), false)
  const writer = new AvroSerializer(client, SerdeType.VALUE, { useLatestVersion: true })
  const { value } = await through(topic, await writer.serialize(topic, { name: 'Ada' }))
  equal(value.readUInt8(0), 0, 'the magic byte')
  const reader = new AvroDeserializer(fresh(), SerdeType.VALUE, {})
  equal(await reader.deserialize(topic, value), { name: 'Ada' }, 'Avro')
  await client.register(`${topic}-value`, avro(WITH_AGE), false)
  const newer = new AvroDeserializer(fresh(), SerdeType.VALUE, { useLatestVersion: true })
  equal(await newer.deserialize(topic, value), { name: 'Ada', age: 0 }, 'read with the newer schema')
}

async function guidsStandInHeaders() {
  const topic = unique('header')
  await client.register(`${topic}-value`, avro(USER), false)
  const conf = { useLatestVersion: true, schemaIdSerializer: HeaderSchemaIdSerializer }
  const headers = {}
  const bytes = await new AvroSerializer(fresh(), SerdeType.VALUE, conf).serialize(topic, { name: 'Ada' }, headers)
  const message = await through(topic, bytes, headers)
  equal(message.headers.__value_schema_id.length, 17, 'the header')
  const reader = new AvroDeserializer(fresh(), SerdeType.VALUE, {})
  equal(await reader.deserialize(topic, message.value, message.headers), { name: 'Ada' }, 'by GUID')
}

async function jsonGoesRound() {
  const topic = unique('json')
  await client.register(`${topic}-value`, { schema: JSON_SCHEMA, schemaType: 'JSON' }, false)
  const writer = new JsonSerializer(client, SerdeType.VALUE, { useLatestVersion: true, validate: true })
  const { value } = await through(topic, await writer.serialize(topic, { name: 'Ada' }))
  const reader = new JsonDeserializer(fresh(), SerdeType.VALUE, {})
  equal(await reader.deserialize(topic, value), { name: 'Ada' }, 'JSON')
  await refused(() => writer.serialize(topic, { name: 1 }))
  const narrower = JSON_SCHEMA.replace('"type":"string"', '"type":"number"')
  const error = await refused(() => client.register(`${topic}-value`, { schema: narrower, schemaType: 'JSON' }, false))
  equal(error.status, 409, 'an incompatible JSON Schema')
}

async function protobufGoesRound() {
  const topic = unique('protobuf')
  const writer = new ProtobufSerializer(client, SerdeType.VALUE, { autoRegisterSchemas: true, registry: createMutableRegistry(TimestampSchema) })
  const message = create(TimestampSchema, { seconds: 5n, nanos: 7 })
  const { value } = await through(topic, await writer.serialize(topic, message))
  const reader = new ProtobufDeserializer(fresh(), SerdeType.VALUE, {})
  const back = await reader.deserialize(topic, value)
  equal([Number(back.seconds), back.nanos], [5, 7], 'Protobuf')
  equal((await fresh().getLatestSchemaMetadata(`${topic}-value`)).schemaType, 'PROTOBUF', 'its type')
}

run('confluent', [registersEvolvesAndIsRefused, avroGoesRound, guidsStandInHeaders, jsonGoesRound, protobufGoesRound])
