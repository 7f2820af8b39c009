#!/usr/bin/env bash
# Go's Kafka clients: Sarama and segmentio/kafka-go from produce to admin; with full also franz-go's own tests.
#   BOOTSTRAP=host:port WORK=folder run.sh quick|full
set -euo pipefail
cd "$(dirname "$0")"
export GOFLAGS=-mod=mod
mkdir -p "$WORK/build" && cp ./*.go go.mod "$WORK/build/" && { [ ! -f go.sum ] || cp go.sum "$WORK/build/"; }
cd "$WORK/build"
go build -o "$WORK/interop" .
# One address to begin with; of a cluster they find the others themselves.
timeout 300 "$WORK/interop" "${BOOTSTRAP%%,*}"
if [ "${1:-quick}" = full ]; then
  # franz-go's tests need none of transactions, KIP-848 and share groups once these are skipped.
  folder=$(go mod download -json github.com/twmb/franz-go@v1.21.5 | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')
  rm -rf "$WORK/franz-go" && cp -r "$folder" "$WORK/franz-go" && chmod -R u+w "$WORK/franz-go"
  cd "$WORK/franz-go/pkg/kgo"
  KGO_SEEDS=$BOOTSTRAP KGO_TEST_RF=1 KGO_TEST_RECORDS=20000 KGO_LOG_LEVEL=none \
    go test -count=1 -timeout 15m -v -skip 'TestGroupETL|TestTxnEtl|TestShareGroup|Test848' . >"$WORK/kgo.log" 2>&1 || status=$?
  # Only whole tests are listed; what they are made of has indented lines.
  sed -n 's/^--- PASS: \([^ ]*\).*/ok kgo \1/p; s/^--- FAIL: \([^ ]*\).*/not ok kgo \1/p; s/^--- SKIP/# &/p' "$WORK/kgo.log"
  if [ "${status:-0}" != 0 ]; then tail -n 30 "$WORK/kgo.log"; exit "$status"; fi
fi
