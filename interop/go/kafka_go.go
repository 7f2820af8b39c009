package main

import (
	"context"
	"fmt"
	"time"

	kafka "github.com/segmentio/kafka-go"
)

var kafkaGoChecks = []check{
	{"kafka-go every codec", kafkaGoCodecs},
	{"kafka-go group commits", kafkaGoGroup},
	{"kafka-go auto-create", kafkaGoAutoCreate},
	{"kafka-go admin", kafkaGoAdmin},
}

func kafkaGoClient(bootstrap string) *kafka.Client {
	return &kafka.Client{Addr: kafka.TCP(bootstrap), Timeout: 10 * time.Second}
}

func kafkaGoCreate(bootstrap, name string, partitions int) error {
	response, err := kafkaGoClient(bootstrap).CreateTopics(context.Background(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: name, NumPartitions: partitions, ReplicationFactor: 1}}})
	if err != nil {
		return err
	}
	return response.Errors[name]
}

func kafkaGoWrite(bootstrap, name string, codec kafka.Compression, count int) error {
	writer := &kafka.Writer{Addr: kafka.TCP(bootstrap), Topic: name, Compression: codec, BatchTimeout: 10 * time.Millisecond,
		RequiredAcks: kafka.RequireAll}
	defer writer.Close()
	var messages []kafka.Message
	for number := range count {
		messages = append(messages, kafka.Message{Value: fmt.Appendf(nil, "value %d", number)})
	}
	return writer.WriteMessages(context.Background(), messages...)
}

func kafkaGoCodecs(bootstrap string) error {
	for _, codec := range []kafka.Compression{0, kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd} {
		name := topic("kafka-go")
		if err := kafkaGoCreate(bootstrap, name, 1); err != nil {
			return err
		}
		if err := kafkaGoWrite(bootstrap, name, codec, 50); err != nil {
			return fmt.Errorf("codec %v: %w", codec, err)
		}
		reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{bootstrap}, Topic: name, MaxWait: 100 * time.Millisecond})
		for number := range 50 {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			message, err := reader.ReadMessage(ctx)
			cancel()
			if err != nil {
				return fmt.Errorf("codec %v: %w", codec, err)
			}
			if want := fmt.Sprintf("value %d", number); string(message.Value) != want {
				return fmt.Errorf("got %q, want %q", message.Value, want)
			}
		}
		reader.Close()
	}
	return nil
}

func kafkaGoGroup(bootstrap string) error {
	name, group := topic("kafka-go-group"), topic("g")
	if err := kafkaGoCreate(bootstrap, name, 2); err != nil {
		return err
	}
	if err := kafkaGoWrite(bootstrap, name, 0, 20); err != nil {
		return err
	}
	config := kafka.ReaderConfig{Brokers: []string{bootstrap}, GroupID: group, Topic: name, MaxWait: 100 * time.Millisecond}
	for _, count := range []int{12, 8} {
		reader := kafka.NewReader(config)
		for range count {
			ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
			_, err := reader.ReadMessage(ctx)
			cancel()
			if err != nil {
				return err
			}
		}
		if err := reader.Close(); err != nil {
			return err
		}
	}
	offsets, err := kafkaGoClient(bootstrap).OffsetFetch(context.Background(), &kafka.OffsetFetchRequest{GroupID: group,
		Topics: map[string][]int{name: {0, 1}}})
	if err != nil {
		return err
	}
	total := int64(0)
	for _, partition := range offsets.Topics[name] {
		total += max(partition.CommittedOffset, 0)
	}
	return require(total == 20, "committed %d of 20", total)
}

func kafkaGoAutoCreate(bootstrap string) error {
	writer := &kafka.Writer{Addr: kafka.TCP(bootstrap), Topic: topic("kafka-go-auto"), AllowAutoTopicCreation: true}
	defer writer.Close()
	return until("a write to a topic that appears", func() bool {
		return writer.WriteMessages(context.Background(), kafka.Message{Value: []byte("x")}) == nil
	})
}

func kafkaGoAdmin(bootstrap string) error {
	name, client := topic("kafka-go-admin"), kafkaGoClient(bootstrap)
	if err := kafkaGoCreate(bootstrap, name, 2); err != nil {
		return err
	}
	metadata, err := client.Metadata(context.Background(), &kafka.MetadataRequest{Topics: []string{name}})
	if err != nil {
		return err
	}
	if err := require(len(metadata.Topics) == 1 && len(metadata.Topics[0].Partitions) == 2, "metadata %v", metadata); err != nil {
		return err
	}
	deleted, err := client.DeleteTopics(context.Background(), &kafka.DeleteTopicsRequest{Topics: []string{name}})
	if err != nil {
		return err
	}
	return deleted.Errors[name]
}
