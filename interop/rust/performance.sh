#!/usr/bin/env bash
# librdkafka's own load generator, from the crate that carries its sources: $WORK/librdkafka/examples/rdkafka_performance.
#   WORK=folder performance.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=$WORK/librdkafka/examples/rdkafka_performance
[ ! -x "$program" ] || exit 0
rm -rf "$WORK/names" "$WORK/librdkafka" && mkdir -p "$WORK/names/src"
cp "$here/Cargo.toml" "$WORK/names/" && cp "$here/src/lib.rs" "$WORK/names/src/"
from=$(cargo metadata --manifest-path "$WORK/names/Cargo.toml" --format-version 1 |
  python3 -c "import json,sys; print(next(p['manifest_path'] for p in json.load(sys.stdin)['packages'] if p['name'] == 'rdkafka-sys').removesuffix('/Cargo.toml'))")
cp -r "$from/librdkafka" "$WORK/librdkafka" && chmod -R u+w "$WORK/librdkafka"
cd "$WORK/librdkafka"
{ ./configure --disable-gssapi --disable-curl --disable-ssl --disable-zstd --disable-sasl && make -j2 libs &&
  make -C examples rdkafka_performance; } >"$WORK/performance.log" 2>&1 || { tail "$WORK/performance.log"; exit 1; }
