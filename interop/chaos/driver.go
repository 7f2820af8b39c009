// franz-go for the chaos runner: driver-go BOOTSTRAP TOPIC PARTITIONS produce|assign|subscribe|churn SECONDS FIRST-VALUE
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"
)

var (
	seeds      []string
	topic      string
	partitions int64
	until      time.Time
	value      int64
)

// now is the monotonic clock of the machine, in nanoseconds.
func now() int64 {
	var t syscall.Timespec
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, 1, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}

func say(line map[string]any) {
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

func must[T any](result T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return result
}

func main() {
	seeds, topic = strings.Split(os.Args[1], ","), os.Args[2]
	partitions = must(strconv.ParseInt(os.Args[3], 10, 64))
	until = time.Now().Add(time.Duration(must(strconv.Atoi(os.Args[5]))) * time.Second)
	value = must(strconv.ParseInt(os.Args[6], 10, 64))
	switch os.Args[4] {
	case "produce":
		produce()
	case "churn":
		for time.Now().Before(until) {
			say(map[string]any{"t": "life"})
			end := time.Now().Add(6 * time.Second)
			if until.Before(end) {
				end = until
			}
			consume("g", end)
		}
	case "subscribe":
		consume("g", until)
	default:
		consume("", until)
	}
}

func produce() {
	for time.Now().Before(until) {
		client := must(kgo.NewClient(kgo.SeedBrokers(seeds...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
			kgo.RecordDeliveryTimeout(20*time.Second), kgo.ProduceRequestTimeout(5*time.Second), kgo.ProducerLinger(0)))
		alive := true
		for alive && time.Now().Before(until) {
			record := &kgo.Record{Topic: topic, Partition: int32(value % partitions), Value: []byte(strconv.FormatInt(value, 10))}
			began, outcome, offset := now(), "ok", int64(-1)
			sent, err := client.ProduceSync(context.Background(), record).First()
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				outcome, alive = "info", false
			} else {
				offset = sent.Offset
			}
			say(map[string]any{"t": "send", "s": began, "e": now(), "k": value % partitions, "v": value, "o": offset, "r": outcome})
			if !alive {
				say(map[string]any{"t": "life"})
			}
			value++
			time.Sleep(10 * time.Millisecond)
		}
		client.Close()
	}
}

func consume(group string, end time.Time) {
	options := []kgo.Opt{kgo.SeedBrokers(seeds...)}
	all, kind := []int64{}, "assign"
	places := map[int32]kgo.Offset{}
	for number := int64(0); number < partitions; number++ {
		all = append(all, number)
		places[int32(number)] = kgo.NewOffset().AtStart()
	}
	if group == "" {
		options = append(options, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: places}))
	} else {
		kind = "subscribe"
		options = append(options, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.SessionTimeout(10*time.Second),
			kgo.HeartbeatInterval(2*time.Second), kgo.AutoCommitInterval(500*time.Millisecond),
			kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	}
	client := must(kgo.NewClient(options...))
	defer client.Close()
	say(map[string]any{"t": kind, "e": now(), "m": all})
	for time.Now().Before(end) {
		began := now()
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		fetches := client.PollFetches(ctx)
		cancel()
		rows := [][3]int64{}
		fetches.EachRecord(func(record *kgo.Record) {
			number, _ := strconv.ParseInt(string(record.Value), 10, 64)
			rows = append(rows, [3]int64{int64(record.Partition), record.Offset, number})
		})
		if len(rows) > 0 {
			say(map[string]any{"t": "poll", "s": began, "e": now(), "m": rows})
		}
	}
}
