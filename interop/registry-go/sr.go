package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/hamba/avro/v2"
	"github.com/twmb/franz-go/pkg/sr"
)

var srChecks = []check{
	{"sr registers, evolves, is refused", srRegisters},
	{"sr Avro and JSON", srEncodes},
}

func srClient() *sr.Client {
	client, err := sr.NewClient(sr.URLs(registry))
	if err != nil {
		panic(err)
	}
	return client
}

func srRegisters() error {
	ctx, client, subject := context.Background(), srClient(), unique("sr")
	verbose := sr.WithParams(ctx, sr.Verbose)
	one, err1 := client.CreateSchema(ctx, subject, sr.Schema{Schema: user})
	again, err2 := client.CreateSchema(ctx, subject, sr.Schema{Schema: user})
	two, err3 := client.CreateSchema(ctx, subject, sr.Schema{Schema: withAge})
	known, err4 := client.SchemaByID(ctx, one.ID)
	latest, err5 := client.SchemaByVersion(ctx, subject, -1)
	found, err6 := client.LookupSchema(ctx, subject, sr.Schema{Schema: user})
	fits, err7 := client.CheckCompatibility(verbose, subject, -1, sr.Schema{Schema: withAge})
	fails, err8 := client.CheckCompatibility(verbose, subject, -1, sr.Schema{Schema: broken})
	_, refusal := client.CreateSchema(ctx, subject, sr.Schema{Schema: broken})
	var refused *sr.ResponseError
	errors.As(refusal, &refused)
	level := client.SetCompatibility(ctx, sr.SetCompatibility{Level: sr.CompatNone}, subject)[0]
	_, err9 := client.CreateSchema(ctx, subject, sr.Schema{Schema: broken})
	usages, err10 := client.SchemaUsagesByID(ctx, one.ID)
	gone, err11 := client.DeleteSubject(ctx, subject, sr.SoftDelete)
	_, err12 := client.DeleteSubject(ctx, subject, sr.HardDelete)
	return first(err1, err2, err3, err4, err5, err6, err7, err8, level.Err, err9, err10, err11, err12,
		require(one.ID == again.ID && two.Version == 2, "%v %v %v", one, again, two),
		require(known.Schema == user, "by id: %s", known.Schema),
		require(latest.ID == two.ID, "latest: %v", latest),
		require(found.Version == 1, "look-up: %v", found),
		require(fits.Is && !fails.Is && len(fails.Messages) > 0, "%v %v", fits, fails),
		require(refused != nil && refused.StatusCode == 409, "refused: %v", refusal),
		require(len(usages) > 0, "no usages"),
		require(len(gone) == 3, "deleted %v", gone))
}

func srEncodes() error {
	ctx, client, topic := context.Background(), srClient(), unique("sr-avro")
	asAvro, err1 := client.CreateSchema(ctx, topic+"-value", sr.Schema{Schema: user})
	other := sr.Schema{Schema: ofObject, Type: sr.TypeJSON}
	asJSON, err2 := client.CreateSchema(ctx, topic+"-json", other)
	if err := first(err1, err2); err != nil {
		return err
	}
	parsed := avro.MustParse(user)
	var serde sr.Serde
	serde.Register(asAvro.ID, user1{},
		sr.EncodeFn(func(value any) ([]byte, error) { return avro.Marshal(parsed, value) }),
		sr.DecodeFn(func(bytes []byte, value any) error { return avro.Unmarshal(parsed, bytes, value) }))
	serde.Register(asJSON.ID, map[string]string{}, sr.EncodeFn(json.Marshal), sr.DecodeFn(json.Unmarshal))
	back, err := through(topic, serde.MustEncode(user1{Name: "Ada"}))
	if err != nil {
		return err
	}
	var got user1
	if err := serde.Decode(back, &got); err != nil {
		return err
	}
	other2 := map[string]string{}
	bytes := serde.MustEncode(map[string]string{"name": "Bob"})
	return first(require(got.Name == "Ada", "got %v", got), serde.Decode(bytes, &other2),
		require(other2["name"] == "Bob", "got %v", other2))
}
