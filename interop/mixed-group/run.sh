#!/usr/bin/env bash
# One consumer group with members of three kinds: Mekong's own client, Java's console consumer, librdkafka by confluent-kafka.
#   BOOTSTRAP=host:port WORK=folder MEKONG=binary run.sh quick|full
# All share six partitions; then one of each kind leaves, and the one that stays has all. Nothing is lost on the way.
set -euo pipefail
mixed=$(cd "$(dirname "$0")" && pwd)
. "$mixed/../java/environment.sh"
venv=$WORK/venv
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "$(grep '^confluent-kafka' "$mixed/../python/requirements.txt")"
fi
exec "$venv/bin/python" "$mixed/mixed.py"
