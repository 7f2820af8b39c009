#!/usr/bin/env bash
# Several registries on one cluster, Mekong and then Apache Kafka 4.3.1 from Maven Central: one writes, the others forward.
#   BOOTSTRAP=host:port WORK=folder MEKONG=binary run.sh quick|full
set -euo pipefail
fleet=$(cd "$(dirname "$0")" && pwd)
timeout 200 python3 "$fleet/fleet.py" "$MEKONG" "$BOOTSTRAP" "$WORK"
. "$fleet/../java/environment.sh"
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
java_class kafka.tools.StorageTool format -t "$(java_class kafka.tools.StorageTool random-uuid)" -c "$kafka/server.properties" >/dev/null
java_class kafka.Kafka "$kafka/server.properties" >"$kafka/log" 2>&1 &
server=$!
trap 'pkill -KILL -P $server 2>/dev/null; kill -KILL $server 2>/dev/null || true' EXIT
for _ in $(seq 600); do (exec 3<>"/dev/tcp/127.0.0.1/$client") 2>/dev/null && break; sleep 0.1; done
timeout 200 python3 "$fleet/fleet.py" "$MEKONG" "127.0.0.1:$client" "$WORK"
