// Confluent's schemaregistry for Go, franz-go's sr and srclient, through the broker and the registry that the arguments name.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	user     = `{"type":"record","name":"User","fields":[{"name":"name","type":"string"}]}`
	withAge  = `{"type":"record","name":"User","fields":[{"name":"name","type":"string"},{"name":"age","type":"int","default":0}]}`
	broken   = `{"type":"record","name":"User","fields":[{"name":"name","type":"string"},{"name":"id","type":"long"}]}`
	ofObject = `{"type":"object","properties":{"name":{"type":"string"}},"additionalProperties":false}`
)

type user1 struct {
	Name string `avro:"name" json:"name"`
}

type user2 struct {
	Name string `avro:"name"`
	Age  int    `avro:"age"`
}

type check struct {
	name string
	run  func() error
}

var bootstrap, registry string

func unique(name string) string { return fmt.Sprintf("%s-%d", name, time.Now().UnixNano()) }

func require(held bool, format string, arguments ...any) error {
	if held {
		return nil
	}
	return fmt.Errorf(format, arguments...)
}

// first names the first of several requirements that does not hold.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// through tells what the broker gives back for these bytes.
func through(topic string, value []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumeTopics(topic), kgo.AllowAutoTopicCreation(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	if err := client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: value}).FirstErr(); err != nil {
		return nil, err
	}
	for ctx.Err() == nil {
		for _, record := range client.PollFetches(ctx).Records() {
			return record.Value, nil
		}
	}
	return nil, fmt.Errorf("no record within 30 s")
}

func main() {
	bootstrap, registry = os.Args[1], os.Args[2]
	failed := 0
	checks := append(append(confluentChecks, srChecks...), srclientChecks...)
	for _, check := range checks {
		if err := check.run(); err != nil {
			fmt.Println("not ok registry-go", check.name, err)
			failed++
		} else {
			fmt.Println("ok registry-go", check.name)
		}
	}
	fmt.Printf("registry-go: %d passed, %d failed\n", len(checks)-failed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
