package main

import (
	"encoding/binary"
	"errors"

	"github.com/riferrei/srclient"
)

var srclientChecks = []check{
	{"srclient registers, evolves, is refused", srclientRegisters},
	{"srclient Avro and JSON Schema", srclientEncodes},
}

func srclientClient() *srclient.SchemaRegistryClient {
	client := srclient.NewSchemaRegistryClient(registry)
	client.CachingEnabled(false)
	client.CodecCreationEnabled(true)
	return client
}

func srclientRegisters() error {
	client, subject := srclientClient(), unique("srclient")
	one, err1 := client.CreateSchema(subject, user, srclient.Avro)
	again, err2 := client.CreateSchema(subject, user, srclient.Avro)
	two, err3 := client.CreateSchema(subject, withAge, srclient.Avro)
	if err := first(err1, err2, err3); err != nil {
		return err
	}
	known, err4 := client.GetSchema(one.ID())
	latest, err5 := client.GetLatestSchema(subject)
	found, err6 := client.LookupSchema(subject, user, srclient.Avro)
	versions, err7 := client.GetSchemaVersions(subject)
	usages, err8 := client.GetSubjectVersionsById(one.ID())
	fits, err9 := client.IsSchemaCompatible(subject, withAge, "latest", srclient.Avro)
	fails, err10 := client.IsSchemaCompatible(subject, broken, "latest", srclient.Avro)
	if err := first(err4, err5, err6, err7, err8, err9, err10); err != nil {
		return err
	}
	_, refusal := client.CreateSchema(subject, broken, srclient.Avro)
	var refused srclient.Error
	errors.As(refusal, &refused)
	_, err11 := client.ChangeSubjectCompatibilityLevel(subject, srclient.None)
	level, err12 := client.GetCompatibilityLevel(subject, true)
	if err := first(err11, err12); err != nil {
		return err
	}
	_, err13 := client.CreateSchema(subject, broken, srclient.Avro)
	err14 := client.DeleteSubjectByVersion(subject, 3, false)
	// It deletes softly first.
	err15 := client.DeleteSubject(subject, true)
	_, gone := client.GetLatestSchema(subject)
	return first(err13, err14, err15,
		require(one.ID() == again.ID() && one.ID() != two.ID(), "%v %v %v", one, again, two),
		require(known.Schema() == user, "by id: %s", known.Schema()),
		require(latest.ID() == two.ID() && latest.Version() == 2, "latest: %v", latest),
		require(found.Version() == 1, "look-up: %v", found),
		require(len(versions) == 2 && len(usages) > 0, "versions %v, usages %v", versions, usages),
		require(fits && !fails, "%v %v", fits, fails),
		require(refused.Code == 409, "refused: %v", refusal),
		require(*level == srclient.None, "level %v", *level),
		require(gone != nil, "it is there after its end"))
}

func srclientEncodes() error {
	client, topic := srclientClient(), unique("srclient-avro")
	asAvro, err1 := client.CreateSchema(topic+"-value", user, srclient.Avro)
	// Its codecs are Avro's alone.
	plain := srclientClient()
	plain.CodecCreationEnabled(false)
	asJSON, err2 := plain.CreateSchema(topic+"-json", ofObject, srclient.Json)
	if err := first(err1, err2); err != nil {
		return err
	}
	bytes := binary.BigEndian.AppendUint32([]byte{0}, uint32(asAvro.ID()))
	bytes, err := asAvro.Codec().BinaryFromNative(bytes, map[string]any{"name": "Ada"})
	if err != nil {
		return err
	}
	back, err := through(topic, bytes)
	if err != nil {
		return err
	}
	schema, err := client.GetSchema(int(binary.BigEndian.Uint32(back[1:5])))
	if err != nil {
		return err
	}
	native, _, err := schema.Codec().NativeFromBinary(back[5:])
	if err != nil {
		return err
	}
	known, err := plain.GetSchema(asJSON.ID())
	if err != nil {
		return err
	}
	return first(require(native.(map[string]any)["name"] == "Ada", "got %v", native),
		known.JsonSchema().Validate(map[string]any{"name": "Bob"}),
		require(known.JsonSchema().Validate(map[string]any{"other": 1}) != nil, "a stray property is valid"))
}
