#!/usr/bin/env bash
# Apache Kafka's own command-line tools at work against Mekong.
#   BOOTSTRAP=host:port [CONTROLLERS=host:port] WORK=folder [DATA=the broker's data folder] [MEKONG=the binary] run.sh quick|full
set -euo pipefail
. "$(dirname "$0")/environment.sh"
id=$(date +%s%N | tail -c 8)
topic=tools-$id group=g-$id
nodes=$(tr , '\n' <<<"$BOOTSTRAP" | grep -c .)

with() { java_class "$@" --bootstrap-server "$BOOTSTRAP"; }
export -f with; export BOOTSTRAP topic group
T=org.apache.kafka.tools

check topics-create 'Created topic' with $T.TopicCommand --create --topic "$topic" --partitions 3 --config retention.ms=86400000
check topics-exists 'already exists' bash -c "! with $T.TopicCommand --create --topic $topic"
check topics-describe 'PartitionCount: 3.*retention.ms=86400000' with $T.TopicCommand --describe --topic "$topic"
check topics-alter '^$|' with $T.TopicCommand --alter --topic "$topic" --partitions 4
check topics-list "^$topic\$" with $T.TopicCommand --list
check configs-alter 'Completed updating' with kafka.admin.ConfigCommand --alter --topic "$topic" --add-config max.message.bytes=2000000
check configs-describe 'max.message.bytes=2000000.*DYNAMIC_TOPIC_CONFIG' with kafka.admin.ConfigCommand --describe --topic "$topic"
check configs-describe-all 'cleanup.policy=delete' with kafka.admin.ConfigCommand --describe --all --topic "$topic"
check configs-broker 'log.cleaner.threads=2' bash -c "with kafka.admin.ConfigCommand --alter --entity-type brokers --entity-default --add-config log.cleaner.threads=2 &&
  with kafka.admin.ConfigCommand --describe --entity-type brokers --entity-default"
check configs-misspelt 'Unknown|unknown|InvalidConfig' bash -c "! with kafka.admin.ConfigCommand --alter --topic $topic --add-config retention.mss=1"
check console-producer '^|' bash -c "seq 1 1000 | with $T.ConsoleProducer --topic $topic --command-property compression.type=zstd"
check console-consumer 'Processed a total of 1000' with $T.consumer.ConsoleConsumer --topic "$topic" --from-beginning --group "$group" --max-messages 1000
check console-no-codec-lost '^1000$' bash -c "for c in gzip snappy lz4; do echo \$c | with $T.ConsoleProducer --topic codecs-$id --command-property compression.type=\$c; done;
  with $T.consumer.ConsoleConsumer --topic codecs-$id --from-beginning --max-messages 3 | grep -c . | sed s/3/1000/"
check get-offsets '^1000$' bash -c "with $T.GetOffsetShell --topic $topic | awk -F: '{n += \$3} END {print n}'"
check get-offsets-earliest ':0$' with $T.GetOffsetShell --topic "$topic" --time earliest
check groups-list "^$group" with $T.consumer.group.ConsumerGroupCommand --list
check groups-describe "$group +$topic +[0-9]+ +[0-9]+ +[0-9]+ +0" with $T.consumer.group.ConsumerGroupCommand --describe --group "$group"
check groups-state "Empty" with $T.consumer.group.ConsumerGroupCommand --describe --group "$group" --state
check groups-reset "$topic +0 +0" with $T.consumer.group.ConsumerGroupCommand --reset-offsets --to-earliest --execute --topic "$topic" --group "$group"
check groups-delete-offsets 'Successful' with $T.consumer.group.ConsumerGroupCommand --delete-offsets --topic "$topic" --group "$group"
check groups-delete 'was successful' with $T.consumer.group.ConsumerGroupCommand --delete --group "$group"
check groups-command "Classic|^GROUP|^$" with $T.GroupsCommand --list
check log-dirs '"brokers":' with $T.LogDirsCommand --describe --topic-list "$topic"
echo "{\"partitions\":[{\"topic\":\"codecs-$id\",\"partition\":0,\"offset\":1}],\"version\":1}" >"$WORK/delete-records.json"
check delete-records 'low_watermark: 1' with $T.DeleteRecordsCommand --offset-json-file "$WORK/delete-records.json"
check verifiable-producer '"acked":500' with $T.VerifiableProducer --topic "verifiable-$id" --max-messages 500
check verifiable-consumer '"count":|records_consumed' bash -c "with $T.VerifiableConsumer --topic verifiable-$id --group-id v-$id --max-messages 500 --reset-policy earliest"
check producer-perf '20000 records sent' with $T.ProducerPerformance --topic "perf-$id" --num-records 20000 --record-size 500 --throughput -1 --bootstrap-server "$BOOTSTRAP"
check consumer-perf '[0-9]+, ' with $T.ConsumerPerformance --topic "perf-$id" --num-records 20000
check e2e-latency 'Avg latency' java_class $T.EndToEndLatency "$BOOTSTRAP" "e2e-$id" 200 all 100
check client-compatibility '^|' with $T.ClientCompatibilityTest --topic "compatibility-$id" --offsets-for-times-supported true \
  --cluster-id-supported true --expect-record-too-large-exception false --num-cluster-nodes "$nodes" --create-topics-supported true \
  --describe-acls-supported true --describe-configs-supported true --idempotent-producer-supported true
# What only a cluster has to show: who leads, where replicas lie, how the quorum is.
if [ "$nodes" -gt 2 ]; then
  with $T.TopicCommand --create --topic "moved-$id" --replica-assignment 1:2:3,2:3:1 >/dev/null
  seq 1 100 | with $T.ConsoleProducer --topic "moved-$id"
  echo "{\"version\":1,\"partitions\":[{\"topic\":\"moved-$id\",\"partition\":0,\"replicas\":[3]},{\"topic\":\"moved-$id\",\"partition\":1,\"replicas\":[3,1,2]}]}" >"$WORK/moves.json"
  check reassign-execute 'Successfully started' with $T.reassign.ReassignPartitionsCommand --reassignment-json-file "$WORK/moves.json" --execute
  check reassign-verify '-1 is completed' bash -c "for n in 1 2 3 4 5; do
    with $T.reassign.ReassignPartitionsCommand --reassignment-json-file $WORK/moves.json --verify >$WORK/moves.out; grep -q 'still in progress' $WORK/moves.out || break; sleep 1; done; cat $WORK/moves.out"
  check reassign-described 'Partition: 0.*Leader: 3.*Replicas: 3.*Isr: 3' with $T.TopicCommand --describe --topic "moved-$id"
  check leader-election 'Successfully completed|already elected' with $T.LeaderElectionCommand --election-type preferred --topic "moved-$id" --partition 1
  check leader-elected 'Partition: 1.*Leader: 3' with $T.TopicCommand --describe --topic "moved-$id"
  check moved-records '^100$' bash -c "with $T.consumer.ConsoleConsumer --topic moved-$id --from-beginning --max-messages 100 | grep -c ."
  check quorum-status 'CurrentVoters:.*"id": 1.*"id": 2.*"id": 3' java_class $T.MetadataQuorumCommand --bootstrap-server "$BOOTSTRAP" describe --status
  check quorum-replication 'Leader' java_class $T.MetadataQuorumCommand --bootstrap-server "$BOOTSTRAP" describe --replication
  check under-replicated '^0$' bash -c "with $T.TopicCommand --describe --under-replicated-partitions | grep -c . || true"
  echo "{\"version\":1,\"partitions\":[{\"topic\":\"perf-$id\",\"partition\":0,\"replicas\":[3,2]}]}" >"$WORK/cancel.json"
  check reassign-cancel 'Successfully cancelled|None of the specified partition moves are active' bash -c "
    with $T.reassign.ReassignPartitionsCommand --reassignment-json-file $WORK/cancel.json --execute --throttle 1000 >/dev/null
    with $T.reassign.ReassignPartitionsCommand --reassignment-json-file $WORK/cancel.json --cancel"
  check reassign-none-left 'No partition reassignments found' with $T.reassign.ReassignPartitionsCommand --list
  check replica-verification 'max lag is 0 for partition' bash -c "timeout 20 bash -c 'java_class $T.ReplicaVerificationTool \
    --broker-list $BOOTSTRAP --topics-include verifiable-$id --report-interval-ms 1000' || true"
fi
if [ -n "${CONTROLLERS:-}" ]; then
  check controller-quorum-status 'CurrentVoters:.*"id": 1.*"id": 2.*"id": 3' java_class $T.MetadataQuorumCommand --bootstrap-controller "$CONTROLLERS" describe --status
  check controller-quorum-replication 'Follower' java_class $T.MetadataQuorumCommand --bootstrap-controller "$CONTROLLERS" describe --replication --human-readable
  check controller-features 'Feature: metadata.version' java_class $T.FeatureCommand --bootstrap-controller "$CONTROLLERS" describe
  check controller-cluster-id 'Cluster ID: .{22}' java_class $T.ClusterTool cluster-id --bootstrap-controller "$CONTROLLERS"
  check controller-endpoints '^3 .*controller' java_class $T.ClusterTool list-endpoints --bootstrap-controller "$CONTROLLERS"
  check cluster-endpoints '^3 .*unfenced +broker' java_class $T.ClusterTool list-endpoints --bootstrap-server "$BOOTSTRAP"
  check cluster-unregister 'Broker ID 9 is not currently registered' bash -c "java_class $T.ClusterTool unregister --bootstrap-server $BOOTSTRAP --id 9 || true"
  check controller-configs-alter 'Completed updating' java_class kafka.admin.ConfigCommand --bootstrap-controller "$CONTROLLERS" --alter --entity-type brokers --entity-default --add-config log.cleaner.threads=2
  check controller-configs-describe 'log.cleaner.threads=2' java_class kafka.admin.ConfigCommand --bootstrap-controller "$CONTROLLERS" --describe --entity-type brokers --entity-default
fi
check broker-api-versions 'Produce\(0\): 0 to 13' with $T.BrokerApiVersionsCommand
check cluster-id 'Cluster ID: .{22}' with $T.ClusterTool cluster-id
check features "Feature: metadata.version" java_class $T.FeatureCommand --bootstrap-server "$BOOTSTRAP" describe
check transactions-refused 'TransactionalIdAuthorizationException' bash -c "SECONDS=0; ! java_class $T.ProducerPerformance \
  --bootstrap-server $BOOTSTRAP --topic perf-$id --num-records 10 --record-size 10 --throughput -1 --transactional-id t-$id && test \$SECONDS -lt 30"
if [ -n "${MEKONG:-}" ]; then
  # A broker of its own, with two folders.
  one=$WORK/folders/one two=$WORK/folders/two
  rm -rf "$WORK/folders"; mkdir -p "$WORK/folders"
  mkfifo "$WORK/folders/ready"
  "$MEKONG" serve --json --set listeners=PLAINTEXT://127.0.0.1:0 --set "log.dirs=$one,$two" >"$WORK/folders/ready" 2>"$WORK/folders/log" &
  mover=$!
  trap 'kill -KILL $mover 2>/dev/null || true' EXIT
  read -r ready <"$WORK/folders/ready"
  MOVER=$(grep -oE '127\.0\.0\.1:[0-9]+' <<<"$ready" | head -n 1)
  node=$(java_class $T.BrokerApiVersionsCommand --bootstrap-server "$MOVER" | sed -n 's/.*(id: \([0-9]*\) .*/\1/p' | head -n 1)
  java_class $T.ProducerPerformance --topic move --num-records 20000 --record-size 500 --throughput -1 --bootstrap-server "$MOVER" >/dev/null
  to=$one; [ -d "$one/move-0" ] && to=$two
  echo "{\"version\":1,\"partitions\":[{\"topic\":\"move\",\"partition\":0,\"replicas\":[$node],\"log_dirs\":[\"$to\"]}]}" >"$WORK/move.json"
  move() { java_class $T.reassign.ReassignPartitionsCommand --bootstrap-server "$MOVER" --reassignment-json-file "$WORK/move.json" "$@"; }
  export -f move; export T MOVER
  check log-dirs-move 'Successfully started moving log directory' move --execute --replica-alter-log-dirs-throttle 5000000
  check log-dirs-moved 'completed successfully' bash -c "for _ in 1 2 3 4 5 6 7 8; do sleep 1; move --verify | tee $WORK/verified; grep -q successfully $WORK/verified && break; done"
  check log-dirs-where "\"move-0\"[^]]*\],\"error\":null,\"logDir\":\"$to\"" java_class $T.LogDirsCommand --bootstrap-server "$MOVER" --describe --topic-list move
  check log-dirs-whole '20000' bash -c "java_class $T.GetOffsetShell --bootstrap-server $MOVER --topic move"
  kill -KILL $mover; trap - EXIT
fi
check topics-delete '^|' with $T.TopicCommand --delete --topic "$topic"
check topics-gone 'does not exist' bash -c "! with $T.TopicCommand --describe --topic $topic"
if [ -n "${DATA:-}" ]; then
  log=$(find "$DATA" -path "*perf-$id-0*" -name '*.log' | head -n 1)
  check dump-log 'baseOffset: 0 lastOffset: .*isvalid: true' java_class $T.DumpLogSegments --files "$log"
fi
finish
