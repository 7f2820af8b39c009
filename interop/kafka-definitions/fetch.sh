#!/usr/bin/env bash
# Unpacks the message definitions of Apache Kafka's client library from Maven Central into the folder named.
#   fetch.sh FOLDER
set -euo pipefail
version=4.3.1
folder=${1:?the folder to unpack into}
if [ -f "$folder/.$version" ]; then exit 0; fi
rm -rf "$folder"; mkdir -p "$folder"
mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
  -Dartifact=org.apache.kafka:kafka-clients:$version:jar -DoutputDirectory="$folder/jar" </dev/null
(cd "$folder" && jar xf "jar/kafka-clients-$version.jar" common/message)
mv "$folder"/common/message/*.json "$folder"/ && rm -r "$folder/common" "$folder/jar"
touch "$folder/.$version"
