#!/usr/bin/env bash
# One script over raw sockets to Mekong and to Apache Kafka 4.3.1 from Maven Central; the decoded answers must agree.
#   BOOTSTRAP=host:port WORK=folder run.sh quick|full
set -euo pipefail
parity=$(cd "$(dirname "$0")" && pwd)
bash "$parity/../kafka-definitions/fetch.sh" "$WORK/definitions"
. "$parity/../java/environment.sh"
kafka=$WORK/kafka
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
client=$(free_port) controller=$(free_port)
rm -rf "$kafka" && mkdir -p "$kafka"
cat >"$kafka/server.properties" <<P
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$client,CONTROLLER://127.0.0.1:$controller
log.dirs=$kafka/data
offsets.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
P
# What Mekong does not have yet is finalized at 0 on both sides.
features="--feature eligible.leader.replicas.version=0 --feature group.version=0 --feature transaction.version=0"
features="$features --feature share.version=0 --feature streams.version=0"
# shellcheck disable=SC2086
java_class kafka.tools.StorageTool format $features -t "$(java_class kafka.tools.StorageTool random-uuid)" -c "$kafka/server.properties" >/dev/null
java_class kafka.Kafka "$kafka/server.properties" >"$kafka/log" 2>&1 &
server=$!
trap 'pkill -KILL -P $server 2>/dev/null; kill -KILL $server 2>/dev/null || true' EXIT
for _ in $(seq 600); do (exec 3<>"/dev/tcp/127.0.0.1/$client") 2>/dev/null && break; sleep 0.1; done
timeout 600 python3 "$parity/replay.py" "$WORK/definitions" "$BOOTSTRAP" "127.0.0.1:$client"
# Mekong's own client does against the Kafka that is up what its end-to-end tests ask of it; the step `unit` has built them.
cd "$parity/../.." && MEKONG_TEST_BOOTSTRAP="127.0.0.1:$client" timeout 600 \
  "${CARGO:-cargo}" test --quiet --workspace --test end_to_end -- client::
