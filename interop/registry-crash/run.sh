#!/usr/bin/env bash
# The registry's node and the leader of `_schemas`, killed and paused under load: what was acknowledged stays.
#   MEKONG=binary WORK=folder run.sh quick|full
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cycles=4
[ "${1:-quick}" = full ] && cycles=50
exec timeout 3500 python3 "$here/crash.py" "$MEKONG" "$WORK" "${CYCLES:-$cycles}" "${SEED:-1}"
