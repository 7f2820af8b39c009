// Sarama and segmentio/kafka-go, each from produce to admin, against the broker named by the first argument.
package main

import (
	"fmt"
	"os"
	"time"
)

type check struct {
	name string
	run  func(bootstrap string) error
}

func topic(name string) string { return fmt.Sprintf("%s-%d", name, time.Now().UnixNano()) }

func require(held bool, format string, arguments ...any) error {
	if held {
		return nil
	}
	return fmt.Errorf(format, arguments...)
}

func until(what string, condition func() bool) error {
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if condition() {
			return nil
		}
	}
	return fmt.Errorf("waited 60 s for %s", what)
}

func main() {
	bootstrap, failed := os.Args[1], 0
	checks := append(saramaChecks, kafkaGoChecks...)
	for _, check := range checks {
		if err := check.run(bootstrap); err != nil {
			fmt.Println("not ok go", check.name, err)
			failed++
		} else {
			fmt.Println("ok go", check.name)
		}
	}
	fmt.Printf("go: %d passed, %d failed\n", len(checks)-failed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
