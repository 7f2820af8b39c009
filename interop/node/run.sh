#!/usr/bin/env bash
# Node's Kafka clients, each from produce to admin: kafkajs, @platformatic/kafka.
#   BOOTSTRAP=host:port WORK=folder run.sh quick|full
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if ! cmp -s "$here/package.json" "$WORK/package.json"; then
  rm -rf "$WORK/node_modules"
  cp "$here/package.json" "$WORK/package.json"
  (cd "$WORK" && npm install --silent --no-audit --no-fund --no-package-lock)
fi
cp "$here"/*.mjs "$WORK/"
failed=0
for client in kafkajs platformatic; do
  timeout 300 node "$WORK/$client.mjs" "${BOOTSTRAP%%,*}" || failed=1
done
exit $failed
