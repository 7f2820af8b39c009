#!/usr/bin/env bash
# The tests inside the published crates rdkafka (on librdkafka) and rskafka (pure Rust).
#   BOOTSTRAP=host:port WORK=folder run.sh quick|full
# known.txt lists the tests that fail on Apache Kafka 4.3.1 too, or need what Mekong does not claim yet, each with its reason;
# known-cluster.txt those that expect a single broker.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
unset CARGO_TARGET_DIR
sources() { # the folder into which cargo unpacks crate $1
  cargo metadata --manifest-path "$WORK/names/Cargo.toml" --format-version 1 |
    python3 -c "import json,sys; print(next(p['manifest_path'] for p in json.load(sys.stdin)['packages'] if p['name'] == '$1').removesuffix('/Cargo.toml'))"
}
rm -rf "$WORK/names" && mkdir -p "$WORK/names/src" && cp "$here/Cargo.toml" "$WORK/names/" && cp "$here/src/lib.rs" "$WORK/names/src/"
for crate in rdkafka rskafka; do
  from=$(sources $crate)
  mkdir -p "$WORK/$crate" && cp -r "$from/." "$WORK/$crate/" && chmod -R u+w "$WORK/$crate"
  grep -q '^\[workspace\]' "$WORK/$crate/Cargo.toml" || printf '\n[workspace]\n' >>"$WORK/$crate/Cargo.toml"
done
rm -f "$WORK"/*/rust-toolchain* "$WORK/rskafka/Cargo.lock" # what the authors build with need not be here

# rdkafka's tests name the broker of their authors' machine in two places.
sed -i "s/\"localhost\"/\"$BOOTSTRAP\"/" "$WORK/rdkafka/tests/test_high_producers.rs"
sed -i "s/port(), 9092/port(), ${BOOTSTRAP##*:}/; s/host(), \"localhost\"/host(), \"${BOOTSTRAP%:*}\"/" "$WORK/rdkafka/tests/test_metadata.rs"

known=("$here/known.txt")
[[ $BOOTSTRAP == *,* ]] && known+=("$here/known-cluster.txt")
status=0
(cd "$WORK/rskafka" && TEST_INTEGRATION=1 TEST_BROKER_IMPL=kafka KAFKA_CONNECT=$BOOTSTRAP \
  timeout 1800 cargo test --all-features --no-fail-fast -- --test-threads=2 >"$WORK/rskafka.log" 2>&1) || true
(cd "$WORK/rdkafka" && KAFKA_HOST=$BOOTSTRAP KAFKA_VERSION=4.0.0 \
  timeout 1800 cargo test --tests --no-fail-fast -- --test-threads=2 >"$WORK/rdkafka.log" 2>&1) || true
for crate in rskafka rdkafka; do
  log=$WORK/$crate.log
  grep -q 'test result:' "$log" || { echo "not ok rust $crate built nothing: see $log"; tail -n 20 "$log"; exit 1; }
  passed=$(awk '/^test result:/ {n += $4} END {print n}' "$log")
  failures=$(sed -n '/^failures:$/,/^test result/p' "$log" | awk '/^    [a-z_:0-9]+$/ {print $1}' | sort -u)
  awk -v crate="$crate" '/^test .* \.\.\. ok$/ {print "ok " crate " " $2}' "$log" | sort -u
  for name in $failures; do
    if grep -qh "^$crate $name " "${known[@]}"; then echo "known rust $crate $name"; else echo "not ok rust $crate $name"; status=1; fi
  done
  echo "rust $crate: $passed passed, $(wc -w <<<"$failures") failed"
done
exit $status
