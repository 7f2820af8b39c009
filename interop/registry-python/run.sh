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

# The example of the README.
cd "$here/../../examples/schemas"
example() { "$MEKONG" --bootstrap-server "$BOOTSTRAP" "$@" --registry "$REGISTRY"; }
example schema register users-value user.avsc
example produce users --schema latest '{"name": "Ada"}'
timeout 60 "$venv/bin/python" users.py "$BOOTSTRAP" "$REGISTRY" >"$WORK/users.txt"
diff "$WORK/users.txt" - <<<"{'name': 'Ada', 'age': None}
{'name': 'Grace', 'age': 36}"
diff <(example consume users --schema -e | sort) - <<<'{"name":"Ada"}
{"name":"Grace","age":36}'
if example schema register users-value user-broken.avsc 2>"$WORK/refusal.txt"; then echo "not refused"; exit 1; fi
grep -q "Give the field 'email' a default" "$WORK/refusal.txt"
