#!/usr/bin/env bash
# Confluent's registry client for Java, as Maven Central has it inside Flink's bundle, and Flink's serializers on top of it.
#   BOOTSTRAP=host:port REGISTRY=http://host:port WORK=folder run.sh quick|full
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
libs=$WORK/libs
if ! cmp -s "$here/pom.xml" "$WORK/pom.xml"; then
  rm -rf "$libs"
  mvn -B -q -f "$here/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$libs" </dev/null
  cp "$here/pom.xml" "$WORK/pom.xml"
fi
timeout 120 java -Xmx512m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$libs/*" "$here/RegistryCheck.java" "$BOOTSTRAP" "$REGISTRY"
