#!/usr/bin/env bash
# Python's Kafka clients, each from produce to admin: confluent-kafka (librdkafka), kafka-python, aiokafka.
#   BOOTSTRAP=host:port WORK=folder run.sh quick|full
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=$WORK/venv
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/"
fi
failed=0
for client in confluent_kafka_client kafka_python_client aiokafka_client; do
  timeout 300 "$venv/bin/python" "$here/$client.py" "$BOOTSTRAP" || failed=1
done
exit $failed
