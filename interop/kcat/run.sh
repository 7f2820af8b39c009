#!/usr/bin/env bash
# kcat from the system's packages (on Debian and Ubuntu: apt-get install kcat), from produce to a group.
#   BOOTSTRAP=host:port WORK=folder run.sh quick|full
set -euo pipefail
command -v kcat >/dev/null || { echo "kcat is not installed (Debian, Ubuntu: apt-get install kcat; macOS: brew install kcat)"; exit 1; }
id=$(date +%s%N | tail -c 8) topic=kcat-$(date +%s%N | tail -c 8)
passed=0 failed=0
# check NAME PATTERN COMMAND...: the command ends within a minute and prints the pattern.
check() {
  local name=$1 pattern=$2 output; shift 2
  if output=$(timeout 60 "$@" 2>&1) && grep -qE -- "$pattern" <<<"$output"; then
    echo "ok kcat $name"; passed=$((passed + 1))
  else
    echo "not ok kcat $name (wanted /$pattern/)"; tail -n 10 <<<"$output"; failed=$((failed + 1))
  fi
}
k() { kcat -q -b "$BOOTSTRAP" "$@"; }
export -f k; export BOOTSTRAP topic id

nodes=$(tr , '\n' <<<"$BOOTSTRAP" | grep -c .)
check lists "$nodes brokers" kcat -b "$BOOTSTRAP" -L
for codec in none gzip snappy lz4 zstd; do
  check "produces-$codec" '^|' bash -c "seq 100 | sed 's/.*/k&:$codec-&/' | k -P -t $topic -K: -z $codec -X enable.idempotence=true"
done
check consumes '^500$' bash -c 'k -C -t $topic -o beginning -e | wc -l'
check consumes-keys '^k7=zstd-7$' bash -c "k -C -t $topic -o beginning -e -f '%k=%s\n'"
check consumes-the-end '^3$' bash -c 'k -C -t $topic -p 0 -o -3 -e | wc -l'
check headers 'colour=blue,shape=round' bash -c "echo x | k -P -t h-$id -H colour=blue -H shape=round; k -C -t h-$id -o beginning -e -f '%h\n'"
check tombstones '^gone -1$' bash -c "echo gone: | k -P -t n-$id -K: -Z; k -C -t n-$id -o beginning -e -f '%k %S\n'"
check times '\[0\] offset 0' bash -c "kcat -b $BOOTSTRAP -Q -t h-$id:0:1"
check describes "topic \"$topic\" with" kcat -b "$BOOTSTRAP" -L -t "$topic"
check group '^500$' bash -c 'timeout 30 kcat -q -b $BOOTSTRAP -G g-$id -X auto.offset.reset=earliest -c 500 $topic | wc -l'
check group-goes-on '^more$' bash -c 'echo more | k -P -t $topic; timeout 30 kcat -q -b $BOOTSTRAP -G g-$id -c 1 $topic'
echo "kcat: $passed passed, $failed failed"
[ "$failed" = 0 ]
