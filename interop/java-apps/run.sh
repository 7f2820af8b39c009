#!/usr/bin/env bash
# Kafka Streams, Kafka Connect and MirrorMaker 2 on brokers of this script's own.
#   MEKONG=binary WORK=folder run.sh quick|full [streams|connect|mirror]...
set -euo pipefail
apps=$(cd "$(dirname "$0")" && pwd)
. "$apps/../java/environment.sh"
T=org.apache.kafka.tools
children=()
trap 'for child in "${children[@]}"; do pkill -KILL -P "$child" 2>/dev/null || true; kill -KILL "$child" 2>/dev/null || true; done' EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_port() { for _ in $(seq 900); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return; sleep 0.1; done; echo "nothing at port $1"; return 1; }
background() { "$@" & children+=($!); last=$!; }

start_mekong() { # FOLDER PORT
  mkdir -p "$1"
  background "$MEKONG" serve --set "listeners=PLAINTEXT://127.0.0.1:$2" --set "log.dirs=$1/data" \
    --set group.initial.rebalance.delay.ms=0 >>"$1/log" 2>&1
  wait_port "$2"
}
start_kafka() { # FOLDER PORT
  local controller; controller=$(free_port); mkdir -p "$1"
  printf '%s\n' process.roles=broker,controller node.id=1 "controller.quorum.voters=1@127.0.0.1:$controller" \
    controller.listener.names=CONTROLLER "listeners=PLAINTEXT://127.0.0.1:$2,CONTROLLER://127.0.0.1:$controller" \
    "log.dirs=$1/data" offsets.topic.replication.factor=1 group.initial.rebalance.delay.ms=0 >"$1/server.properties"
  java_class kafka.tools.StorageTool format -t "$(java_class kafka.tools.StorageTool random-uuid)" -c "$1/server.properties" >/dev/null
  background java_class kafka.Kafka "$1/server.properties" >>"$1/log" 2>&1
  wait_port "$2"
}
create() { java_class $T.TopicCommand --bootstrap-server "$1" --create --topic "$2" --partitions "${3:-1}" >/dev/null 2>&1; }
say() { java_class $T.ConsoleProducer --bootstrap-server "$1" --topic "$2" 2>/dev/null; }
hear() { # BOOTSTRAP TOPIC PATTERN: reads from the beginning until a line matches, then ends the consumer, which would wait for more
  timeout 120 bash -c 'exec 3< <(exec java -Xmx512m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dlog4j2.configurationFile="$WORK/log4j2.properties" \
    -cp "$libs/*" org.apache.kafka.tools.consumer.ConsoleConsumer --bootstrap-server "$1" --topic "$2" --from-beginning \
    --formatter-property print.key=true --formatter-property value.deserializer="${4:-org.apache.kafka.common.serialization.StringDeserializer}" 2>/dev/null)
    consumer=$!; grep -m1 -E "$3" <&3; found=$?; kill "$consumer"; exit $found' _ "$@"
}
export -f create say hear; export T
# A consumer that comes first has the topic made with one partition, and would see the second, which MirrorMaker adds, after minutes.
appears() { # BOOTSTRAP TOPIC
  for _ in $(seq 300); do "$MEKONG" topic describe "$2" --bootstrap-server "$1" >/dev/null 2>&1 && return; sleep 0.2; done
  echo "no topic $2 at $1"; return 1
}

streams() {
  local port folder=$WORK/streams; port=$(free_port); rm -rf "$folder"
  start_mekong "$folder" "$port"; local broker=$last bootstrap=127.0.0.1:$port
  create "$bootstrap" streams-plaintext-input; create "$bootstrap" streams-wordcount-output
  printf 'bootstrap.servers=%s\nstate.dir=%s\ncommit.interval.ms=100\nstatestore.cache.max.bytes=0\n' "$bootstrap" "$folder/state" >"$folder/app.properties"
  demo() { background java_class org.apache.kafka.streams.examples.wordcount.WordCountDemo "$folder/app.properties" >>"$folder/app.log" 2>&1; }
  demo; local app=$last
  printf 'the river\nthe sea\n' | say "$bootstrap" streams-plaintext-input
  count='org.apache.kafka.common.serialization.LongDeserializer'
  check streams-wordcount '^the.2$' hear "$bootstrap" streams-wordcount-output '^the.2$' $count
  pkill -TERM -P "$app" || true; kill -TERM "$app" 2>/dev/null || true; wait "$app" 2>/dev/null || true
  kill -KILL "$broker"; wait "$broker" 2>/dev/null || true
  rm -rf "$folder/state"
  start_mekong "$folder" "$port"; demo
  echo 'the delta' | say "$bootstrap" streams-plaintext-input
  check streams-restores-its-store '^the.3$' hear "$bootstrap" streams-wordcount-output '^the.3$' $count
}

connect() {
  local port rest folder=$WORK/connect; port=$(free_port); rest=$(free_port); rm -rf "$folder"
  start_mekong "$folder" "$port"; local bootstrap=127.0.0.1:$port
  printf '%s\n' "bootstrap.servers=$bootstrap" group.id=connect key.converter=org.apache.kafka.connect.storage.StringConverter \
    value.converter=org.apache.kafka.connect.storage.StringConverter offset.storage.topic=c-offsets config.storage.topic=c-configs \
    status.storage.topic=c-status offset.storage.replication.factor=1 config.storage.replication.factor=1 \
    status.storage.replication.factor=1 offset.flush.interval.ms=1000 "listeners=http://127.0.0.1:$rest" >"$folder/worker.properties"
  background java_class org.apache.kafka.connect.cli.ConnectDistributed "$folder/worker.properties" >"$folder/worker.log" 2>&1
  wait_port "$rest"
  seq 1 50 >"$folder/in.txt"
  post() { for _ in $(seq 60); do curl -sf -X POST -H 'Content-Type: application/json' -d "$1" "http://127.0.0.1:$rest/connectors" >/dev/null && return; sleep 1; done; return 1; }
  post "{\"name\":\"source\",\"config\":{\"connector.class\":\"org.apache.kafka.connect.file.FileStreamSourceConnector\",\"tasks.max\":\"1\",\"file\":\"$folder/in.txt\",\"topic\":\"lines\"}}"
  post "{\"name\":\"sink\",\"config\":{\"connector.class\":\"org.apache.kafka.connect.file.FileStreamSinkConnector\",\"tasks.max\":\"1\",\"file\":\"$folder/out.txt\",\"topics\":\"lines\"}}"
  check connect-file-to-topic-to-file same bash -c "for _ in \$(seq 90); do cmp -s $folder/in.txt $folder/out.txt && { echo same; exit; }; sleep 1; done; tail -3 $folder/worker.log; exit 1"
}

mirror() {
  local ours theirs folder=$WORK/mirror; ours=$(free_port); theirs=$(free_port); rm -rf "$folder"
  start_mekong "$folder/mekong" "$ours"; start_kafka "$folder/kafka" "$theirs"
  create "127.0.0.1:$theirs" there 2
  printf '%s\n' clusters=kafka,mekong "kafka.bootstrap.servers=127.0.0.1:$theirs" "mekong.bootstrap.servers=127.0.0.1:$ours" \
    'kafka->mekong.enabled=true' 'kafka->mekong.topics=there' 'mekong->kafka.enabled=true' 'mekong->kafka.topics=back' \
    replication.factor=1 checkpoints.topic.replication.factor=1 heartbeats.topic.replication.factor=1 \
    offset-syncs.topic.replication.factor=1 offset.storage.replication.factor=1 status.storage.replication.factor=1 \
    config.storage.replication.factor=1 refresh.topics.interval.seconds=2 >"$folder/mm2.properties"
  create "127.0.0.1:$ours" back 1
  background java_class org.apache.kafka.connect.mirror.MirrorMaker "$folder/mm2.properties" >"$folder/log" 2>&1
  seq 1 20 | say "127.0.0.1:$theirs" there; seq 21 40 | say "127.0.0.1:$ours" back
  appears "127.0.0.1:$ours" kafka.there; appears "127.0.0.1:$theirs" mekong.back
  check mirror-kafka-to-mekong '20$' hear "127.0.0.1:$ours" kafka.there '20$'
  check mirror-mekong-to-kafka '40$' hear "127.0.0.1:$theirs" mekong.back '40$'
}

shift || true
for part in "${@:-streams connect mirror}"; do for one in $part; do $one; done; done
finish
