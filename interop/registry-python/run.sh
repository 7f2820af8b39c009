#!/usr/bin/env bash
# Confluent's registry client and its Avro, JSON Schema and Protobuf serializers for Python against Mekong's registry.
#   BOOTSTRAP=host:port REGISTRY=http://host:port WORK=folder run.sh quick|full
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
venv=$WORK/venv
if ! cmp -s "$here/requirements.txt" "$venv/requirements.txt"; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/"
fi
"$venv/bin/python" -m grpc_tools.protoc -I "$here" --python_out="$WORK" "$here/messages.proto"
PYTHONPATH=$WORK timeout 300 "$venv/bin/python" "$here/registry.py" "$BOOTSTRAP" "$REGISTRY"
