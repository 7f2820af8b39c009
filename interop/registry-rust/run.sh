#!/usr/bin/env bash
# Rust's registry clients and serializers, through Mekong's broker and registry: schema_registry_converter and
# schema-registry-client.
#   BOOTSTRAP=host:port REGISTRY=http://host:port WORK=folder MEKONG=binary run.sh quick|full
set -euo pipefail
cd "$(dirname "$0")"
unset CARGO_TARGET_DIR
mkdir -p "$WORK/build/src" && cp Cargo.toml "$WORK/build/" && cp src/*.rs "$WORK/build/src/"
cargo build --quiet --manifest-path "$WORK/build/Cargo.toml" --target-dir "$WORK/target"
timeout 120 "$WORK/target/debug/mekong-interop-registry-rust" "$BOOTSTRAP" "$REGISTRY" "$MEKONG"
