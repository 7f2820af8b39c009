#!/usr/bin/env bash
# Builds the chaos runner's clients: librdkafka (Python), Java, franz-go.   WORK=folder prepare.sh
set -euo pipefail
chaos=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$WORK/classes" "$WORK/go"
if ! cmp -s "$chaos/requirements.txt" "$WORK/venv/requirements.txt"; then
  rm -rf "$WORK/venv"
  python3 -m venv "$WORK/venv"
  "$WORK/venv/bin/pip" install --quiet --disable-pip-version-check -r "$chaos/requirements.txt"
  cp "$chaos/requirements.txt" "$WORK/venv/"
fi
cp "$chaos/driver.py" "$WORK/"
. "$chaos/../java/environment.sh"
javac -cp "$libs/*" -d "$WORK/classes" "$chaos/Driver.java"
cp "$chaos/go.mod" "$chaos/go.sum" "$chaos/driver.go" "$WORK/go/"
(cd "$WORK/go" && go build -o "$WORK/driver-go" .)
