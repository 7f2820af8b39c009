#!/usr/bin/env bash
# Unpacks the message definitions of Apache Kafka's client library from Maven Central into the folder named, and lists its error codes
# in errors.tsv.
#   fetch.sh FOLDER
set -euo pipefail
version=4.3.1
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?the folder to unpack into}
if [ -f "$folder/.$version-errors" ]; then exit 0; fi
rm -rf "$folder"; mkdir -p "$folder"
for artifact in org.apache.kafka:kafka-clients:$version org.slf4j:slf4j-api:1.7.36; do
  mvn -B -q org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
    -Dartifact=$artifact:jar -DoutputDirectory="$folder/jar" </dev/null
done
(cd "$folder" && jar xf "jar/kafka-clients-$version.jar" common/message)
mv "$folder"/common/message/*.json "$folder"/
java -cp "$folder/jar/*" "$here/DumpErrors.java" >"$folder/errors.tsv" 2>"$folder/jar/said" || { cat "$folder/jar/said"; exit 1; }
rm -r "$folder/common" "$folder/jar"
touch "$folder/.$version-errors"
