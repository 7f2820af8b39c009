# Sourced by the scripts here: the jars from Maven Central, how to call a class of theirs, how to count what held.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
libs=$WORK/libs
if ! cmp -s "$here/pom.xml" "$WORK/pom.xml"; then
  rm -rf "$libs"
  mvn -B -q -f "$here/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$libs" </dev/null
  cp "$here/pom.xml" "$WORK/pom.xml"
fi
printf '%s\n' rootLogger.level=warn rootLogger.appenderRef.s.ref=S appender.s.type=Console appender.s.name=S \
  appender.s.target=SYSTEM_ERR appender.s.layout.type=PatternLayout 'appender.s.layout.pattern=%d %p %c{1} %m%n' \
  >"$WORK/log4j2.properties"
java_class() { java -Xmx512m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Dlog4j2.configurationFile="$WORK/log4j2.properties" -cp "${CLASSES:+$CLASSES:}$libs/*" "$@"; }

passed=0 failed=0
# check NAME PATTERN COMMAND...: the command ends well within two minutes and prints the pattern.
check() {
  local name=$1 pattern=$2 output; shift 2
  if output=$(timeout 120 bash -c '"$@"' _ "$@" 2>&1) && grep -qE -- "$pattern" <<<"$output"; then
    echo "ok java $name"; passed=$((passed + 1))
  else
    echo "not ok java $name (wanted /$pattern/)"; tail -n 30 <<<"$output"; failed=$((failed + 1))
  fi
}
finish() { echo "java: $passed passed, $failed failed"; [ "$failed" = 0 ]; }
export -f java_class; export libs WORK
