#!/usr/bin/env bash
# Go's Kafka clients: Sarama and segmentio/kafka-go from produce to admin; with full also franz-go's own tests.
#   BOOTSTRAP=host:port WORK=folder run.sh quick|full
set -euo pipefail
cd "$(dirname "$0")"
export GOFLAGS=-mod=mod
mkdir -p "$WORK/build" && cp ./*.go go.mod "$WORK/build/" && { [ ! -f go.sum ] || cp go.sum "$WORK/build/"; }
cd "$WORK/build"
go build -o "$WORK/interop" .
timeout 300 "$WORK/interop" "$BOOTSTRAP"
if [ "${1:-quick}" = full ]; then
  # franz-go's tests need none of transactions, KIP-848 and share groups once these are skipped.
  folder=$(go mod download -json github.com/twmb/franz-go@v1.21.5 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  rm -rf "$WORK/franz-go" && cp -r "$folder" "$WORK/franz-go" && chmod -R u+w "$WORK/franz-go"
  cd "$WORK/franz-go/pkg/kgo"
  KGO_SEEDS=$BOOTSTRAP KGO_TEST_RF=1 KGO_TEST_RECORDS=20000 KGO_LOG_LEVEL=none \
    go test -count=1 -timeout 15m -skip 'TestGroupETL|TestTxnEtl|TestShareGroup|Test848' .
fi
