#!/usr/bin/env bash
# Go's registry clients and serializers, through Mekong's broker and registry: confluent-kafka-go's schemaregistry (with its librdkafka),
# franz-go's sr and srclient.
#   BOOTSTRAP=host:port REGISTRY=http://host:port WORK=folder run.sh quick|full
set -euo pipefail
cd "$(dirname "$0")"
export GOFLAGS=-mod=mod
mkdir -p "$WORK/build" && cp ./*.go go.mod go.sum "$WORK/build/"
cd "$WORK/build"
go build -o "$WORK/interop" .
timeout 120 "$WORK/interop" "$BOOTSTRAP" "$REGISTRY"
