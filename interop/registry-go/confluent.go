package main

import (
	"errors"

	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/rest"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde/avrov2"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde/jsonschema"
	"github.com/confluentinc/confluent-kafka-go/v2/schemaregistry/serde/protobuf"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var confluentChecks = []check{
	{"confluent registers, evolves, is refused", confluentRegisters},
	{"confluent Avro", confluentAvro},
	{"confluent JSON Schema", confluentJSON},
	{"confluent Protobuf", confluentProtobuf},
}

func confluent() schemaregistry.Client {
	client, err := schemaregistry.NewClient(schemaregistry.NewConfig(registry))
	if err != nil {
		panic(err)
	}
	return client
}

func ofAvro(text string) schemaregistry.SchemaInfo { return schemaregistry.SchemaInfo{Schema: text} }

func code(err error) int {
	var refused *rest.Error
	if errors.As(err, &refused) {
		return refused.Code
	}
	return 0
}

func confluentRegisters() error {
	client, subject := confluent(), unique("confluent")
	one, err1 := client.Register(subject, ofAvro(user), false)
	again, err2 := confluent().Register(subject, ofAvro(user), false)
	two, err3 := client.Register(subject, ofAvro(withAge), false)
	versions, err4 := client.GetAllVersions(subject)
	known, err5 := confluent().GetBySubjectAndID(subject, one)
	latest, err6 := client.GetLatestSchemaMetadata(subject)
	version, err7 := client.GetVersion(subject, ofAvro(user), false)
	fits, err8 := client.TestSubjectCompatibility(subject, ofAvro(withAge))
	fails, err9 := client.TestSubjectCompatibility(subject, ofAvro(broken))
	_, refused := client.Register(subject, ofAvro(broken), false)
	level, err10 := client.UpdateCompatibility(subject, schemaregistry.None)
	_, err11 := client.Register(subject, ofAvro(broken), false)
	gone, err12 := client.DeleteSubject(subject, false)
	_, err13 := client.DeleteSubject(subject, true)
	_, missing := confluent().GetAllVersions(subject)
	return first(err1, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11, err12, err13,
		require(one == again && one != two, "ids %d, %d, %d", one, again, two),
		require(len(versions) == 2, "versions %v", versions),
		require(known.Schema == user, "by id: %s", known.Schema),
		require(latest.ID == two && latest.Version == 2, "latest: %v", latest),
		require(version == 1, "look-up: %d", version),
		require(fits && !fails, "compatible %v, incompatible %v", fits, fails),
		require(code(refused) == 409, "refused: %v", refused),
		require(level == schemaregistry.None, "level %v", level),
		require(len(gone) == 3, "deleted %v", gone),
		require(code(missing) == 40401, "gone: %v", missing))
}

func confluentAvro() error {
	topic, client := unique("go-avro"), confluent()
	if _, err := client.Register(topic+"-value", ofAvro(user), false); err != nil {
		return err
	}
	conf := avrov2.NewSerializerConfig()
	conf.AutoRegisterSchemas, conf.UseLatestVersion = false, true
	writer, err := avrov2.NewSerializer(client, serde.ValueSerde, conf)
	if err != nil {
		return err
	}
	bytes, err := writer.Serialize(topic, &user1{Name: "Ada"})
	if err != nil {
		return err
	}
	back, err := through(topic, bytes)
	if err != nil {
		return err
	}
	if _, err := client.Register(topic+"-value", ofAvro(withAge), false); err != nil {
		return err
	}
	newer := avrov2.NewDeserializerConfig()
	newer.UseLatestVersion = true
	reader, err := avrov2.NewDeserializer(confluent(), serde.ValueSerde, newer)
	if err != nil {
		return err
	}
	var got user2
	err = reader.DeserializeInto(topic, back, &got)
	return first(err, require(got == user2{Name: "Ada"}, "got %v", got))
}

func confluentJSON() error {
	topic, client := unique("go-json"), confluent()
	info := schemaregistry.SchemaInfo{Schema: ofObject, SchemaType: "JSON"}
	if _, err := client.Register(topic+"-value", info, false); err != nil {
		return err
	}
	conf := jsonschema.NewSerializerConfig()
	conf.AutoRegisterSchemas, conf.UseLatestVersion, conf.EnableValidation = false, true, true
	writer, err := jsonschema.NewSerializer(client, serde.ValueSerde, conf)
	if err != nil {
		return err
	}
	bytes, err := writer.Serialize(topic, user1{Name: "Ada"})
	if err != nil {
		return err
	}
	back, err := through(topic, bytes)
	if err != nil {
		return err
	}
	reader, err := jsonschema.NewDeserializer(confluent(), serde.ValueSerde, jsonschema.NewDeserializerConfig())
	if err != nil {
		return err
	}
	var got user1
	err = reader.DeserializeInto(topic, back, &got)
	return first(err, require(got.Name == "Ada", "got %v", got))
}

func confluentProtobuf() error {
	topic, client := unique("go-protobuf"), confluent()
	writer, err := protobuf.NewSerializer(client, serde.ValueSerde, protobuf.NewSerializerConfig())
	if err != nil {
		return err
	}
	bytes, err := writer.Serialize(topic, &timestamppb.Timestamp{Seconds: 5, Nanos: 7})
	if err != nil {
		return err
	}
	back, err := through(topic, bytes)
	if err != nil {
		return err
	}
	reader, err := protobuf.NewDeserializer(confluent(), serde.ValueSerde, protobuf.NewDeserializerConfig())
	if err != nil {
		return err
	}
	var got timestamppb.Timestamp
	err = reader.DeserializeInto(topic, back, &got)
	return first(err, require(got.Seconds == 5 && got.Nanos == 7, "got %d.%d", got.Seconds, got.Nanos))
}
