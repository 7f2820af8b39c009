#!/usr/bin/env bash
# Node's registry clients and serializers, through Mekong's broker and registry: @confluentinc/schemaregistry and
# @kafkajs/confluent-schema-registry.
#   BOOTSTRAP=host:port REGISTRY=http://host:port WORK=folder run.sh quick|full
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if ! cmp -s "$here/package.json" "$WORK/package.json"; then
  rm -rf "$WORK/node_modules"
  cp "$here/package.json" "$WORK/package.json"
  (cd "$WORK" && npm install --silent --no-audit --no-fund --no-package-lock)
fi
cp "$here"/*.mjs "$WORK/"
failed=0
for client in confluent kafkajs; do
  timeout 120 node "$WORK/$client.mjs" "$BOOTSTRAP" "$REGISTRY" || failed=1
done
exit $failed
