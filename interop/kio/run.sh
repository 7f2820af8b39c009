#!/usr/bin/env bash
# Our messages through kio, a codec for Kafka's protocol that others wrote in Python: what it reads and writes again must
# be the same bytes. Needs no broker.
#   run.sh quick|full
set -euo pipefail
cd "$(dirname "$0")"
work=${WORK:-../../target/interop/kio}
mkdir -p "$work"
if [ ! -x "$work/python/bin/python" ]; then
  python3 -m venv "$work/python"
  "$work/python/bin/pip" -q install --disable-pip-version-check kio==0.6.5
fi
seeds=8
if [ "${1:-quick}" = full ]; then seeds=200; fi
cargo run --quiet --package mekong-wire --example samples -- "$seeds" >"$work/samples"
"$work/python/bin/python" compare.py "$work/samples"
