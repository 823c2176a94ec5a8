#!/usr/bin/env bash
# measure.sh METRIC...     measures a broker; appends one JSON line per run to $OUT.
# PEER is a script with kafka.sh's interface (start/stop/pid); the broker must be running unless the metric starts it.
#   WORK=dir PEER=./kafka.sh RUNS=3 OUT=results.jsonl ./measure.sh warm p64k p1m rawbig small tiny consume e2e e2eraw e2ein5 idle parts parts10k durable codec cold startup recovery
# Narrower: MODES=pinned PARTS=1 (partition counts) CW=1:1 (connections:window) RATES=1000 CODECS=lz4 TLIB=0 (tiny without the library).
# "pinned": broker on core 0, load on core 1. Otherwise both may use every core.
set -u
here=$(cd "$(dirname "$0")" && pwd)
export WORK=${WORK:-$here/../work}
PEER=${PEER:-$here/kafka.sh}; R=$WORK/rdload; RUNS=${RUNS:-3}; OUT=${OUT:-$WORK/results.jsonl}
PORT=${PORT:-19092}; B=brokers=127.0.0.1:$PORT
SECS=${SECS:-5}; GB=${GB:-1.5}         # data per produce run, kept under the kernel's write-back threshold
BASE_PROPS=${BASE_PROPS-log.segment.delete.delay.ms=100}
MODES=${MODES:-pinned free}; PARTS=${PARTS:-}
n=0
pid() { "$PEER" pid --port "$PORT"; }
pin() { if [ "$1" = pinned ]; then taskset -apc 0 "$(pid)" >/dev/null; PRE="taskset -c 1"; else taskset -apc 0-$(($(nproc)-1)) "$(pid)" >/dev/null; PRE=""; fi; }
log() { echo "$1" >> "$OUT"; echo "$1" | cut -c1-400 >&2; }
# Fills memory with page cache, as on a machine that has run for a while, before each measured load: reads holes of a sparse
# file until FREE_MB are left. What is free a hypervisor may have taken back; its first touch costs several times a write, and
# which broker meets it is chance. FREE_MB=0 leaves memory as it is.
FREE_MB=${FREE_MB:-500}
settle() {
  [ "$FREE_MB" != 0 ] || return 0
  local holes=$WORK/holes at=0 free; free=$(awk '/^MemFree:/{print int($2/1024)}' /proc/meminfo)
  [ "$free" -gt $((FREE_MB + 50)) ] || return 0
  [ -f "$holes" ] || truncate -s 1T "$holes"
  [ ! -f "$holes.at" ] || at=$(($(cat "$holes.at") % 900000))
  dd if="$holes" of=/dev/null bs=1M skip="$at" count=$((free - FREE_MB)) status=none; echo $((at + free - FREE_MB)) > "$holes.at"
}
# rec NAME RUN MODE args... : one measured load
rec() {
  local name=$1 run=$2; shift 2; settle
  local o; o=$("$here/cpu.sh" "$(pid)" -- $PRE "$R" "$1" $B "${@:2}" 2>&1)
  log "{\"metric\":\"$name\",\"run\":$run,\"args\":\"$*\",\"load\":$(sed -n '$!p' <<<"$o" | grep '^{' | tail -1 || true),\"cpu\":$(tail -1 <<<"$o")}"
}
mk() { T=m-$RANDOM$RANDOM; local o; o=$("$R" mktopic $B topic=$T partitions="$1" ${2:+config=$2}) || echo "mktopic: $o" >&2; MK=$o; }
rm_() { "$R" rmtopic $B topic=$T >/dev/null; sleep 0.6; }
produce_set() { # name, extra args; 1 and 6 partitions, pinned and free
  local name=$1 p m r; shift
  for p in ${PARTS:-1 6}; do for m in $MODES; do pin $m; for r in $(seq "$RUNS"); do
    mk $p; rec "$name-${p}p-$m" "$r" produce topic=$T partitions=$p "$@"; rm_
  done; done; done
}
cnt() { awk -v g="$GB" -v s="$1" 'BEGIN{printf "%d", g*1e9/s}'; }

warm() { # ~60 s of mixed load, so that the JIT has seen every path
  pin free; local end=$(($(date +%s)+${WARM:-60}))
  while [ "$(date +%s)" -lt $end ]; do
    mk 6; "$R" produce $B topic=$T partitions=6 secs=3 >/dev/null; "$R" consume $B topic=$T partitions=6 >/dev/null; rm_
    mk 1; "$R" raw $B topic=$T conns=20 secs=2 warm=0 >/dev/null; "$R" produce $B topic=$T size=100 secs=2 >/dev/null
    "$R" raw $B topic=$T conns=1 window=4 size=1000 records=60 secs=1 warm=0 >/dev/null; "$R" e2e $B topic=$T rate=5000 secs=1 warm=1 >/dev/null; rm_
  done
}
p64k() { produce_set p64k size=1024 batch=65536 linger=5 acks=1 count="$(cnt 1024)"; }
p1m() { produce_set p1m size=1024 batch=1048576 linger=5 acks=1 count="$(cnt 1024)" X:message.max.bytes=1100000; }
rawbig() { # the load generator costs next to nothing here, so the broker is the limit
  local p m r
  for p in ${PARTS:-1 6}; do for m in $MODES; do pin $m; for r in $(seq "$RUNS"); do
    mk $p; rec "raw64k-${p}p-$m" "$r" raw topic=$T partitions=$p conns=$p window=4 size=1024 records=62 warm=0 secs=60 count="$(cnt 63488)"; rm_
  done; done; done
}
small() { local m r; for m in $MODES; do pin $m; for r in $(seq "$RUNS"); do
    mk 1; rec "small100-$m" "$r" produce topic=$T size=100 batch=65536 linger=5 acks=1 count=4000000; rm_; done; done
  pin pinned; for r in $(seq "$RUNS"); do mk 1; rec rawsmall100-pinned "$r" raw topic=$T conns=1 window=4 size=100 records=580 warm=0 secs="$SECS" count=20000; rm_; done; }
tiny() { local c w m r
  for m in $MODES; do for cw in ${CW:-1:1 1:5 50:1}; do c=${cw%:*} w=${cw#*:}; pin $m; for r in $(seq "$RUNS"); do
    mk 1; rec "tinyraw-c$c-w$w-$m" "$r" raw topic=$T conns=$c window=$w size=100 records=1 warm=0 secs="${TSECS:-4}"; rm_; done; done; done
  [ "${TLIB:-1}" = 1 ] || return 0
  pin pinned; for c in 1 50; do for r in $(seq "$RUNS"); do mk 1; rec "tinylib-c$c-pinned" "$r" tiny topic=$T conns=$c window=1 size=100 warm=0 secs="${TSECS:-4}"; rm_; done; done; }
consume() { local p m r
  for p in ${PARTS:-1 6}; do mk $p; pin free; "$R" produce $B topic=$T partitions=$p count="$(cnt 1024)" >/dev/null
    for m in $MODES; do pin $m; for r in $(seq "$RUNS"); do rec "consume-${p}p-$m" "$r" consume topic=$T partitions=$p; done; done
    if [ $p = 1 ]; then for m in $MODES; do pin $m; for r in $(seq "$RUNS"); do rec "fan5-$m" "$r" consume topic=$T partitions=$p consumers=5; done; done; fi
    rm_; done; }
e2e() { local a q r; pin free
  for a in 1 all; do for q in 1000 5000 20000; do for r in $(seq "$RUNS"); do
    mk 1; rec "e2e-$q-acks$a" "$r" e2e topic=$T size=1024 rate=$q linger=0 acks=$a warm=2 secs="${ESECS:-6}" fetchwait=500; rm_; done; done; done; }
e2eraw() { # the same with prepared requests: due records leave at once while fewer than 5 requests are open
  local a q r; pin free
  for a in ${ACKS:-1 all}; do for q in ${RATES:-1000 5000 20000}; do for r in $(seq "$RUNS"); do
    mk 1; rec "e2eraw-$q-acks$a" "$r" e2eraw topic=$T size=1024 rate=$q window=5 acks=$a warm=2 secs="${ESECS:-6}" fetchwait=500; rm_; done; done; done; }
e2ein5() { # through the client library with at most 5 requests open
  local q r; pin free
  for q in ${RATES:-5000 20000}; do for r in $(seq "$RUNS"); do
    mk 1; rec "e2ein5-$q-acks1" "$r" e2e topic=$T size=1024 rate=$q linger=0 acks=1 warm=2 secs="${ESECS:-6}" fetchwait=500 X:max.in.flight.requests.per.connection=5; rm_; done; done; }
codec() { local c r; pin pinned; for c in ${CODECS:-lz4 zstd}; do for r in $(seq "$RUNS"); do
    mk 1; rec "codec-$c-pinned" "$r" produce topic=$T size=1024 batch=65536 linger=5 acks=1 codec=$c fill=text count="$(cnt 1024)"; rm_; done; done; }
parts() { local r m k0 o
  pin free
  for r in $(seq "$RUNS"); do # until each of 1,000 new partitions has taken a record
    T=m-$RANDOM$RANDOM; o=$("$R" firstok $B topic=$T create=1 partitions=1000); log "{\"metric\":\"create1000\",\"run\":$r,\"load\":$o,\"cpu\":{}}"
    [ "$r" = "$RUNS" ] || { rm_; sleep 8; }; done
  sleep 8
  for m in $MODES; do pin $m; for r in $(seq "$RUNS"); do
    rec "parts1000-$m" "$r" produce topic=$T partitions=1000 size=1024 batch=65536 linger=20 acks=1 count="$(cnt 1024)"; sleep 3; done; done
  sleep 8; pin free; for r in $(seq "$RUNS"); do log "{\"metric\":\"idle1000\",\"run\":$r,\"load\":{},\"cpu\":$("$here/cpu.sh" "$(pid)" -- sleep 6)}"; done; rm_; }
parts10k() { # ten topics of 1,000 partitions; load on each in turn, so that one line of CPU covers all 10,000
  # As in parts, each partition has taken a record before: the load is not to pay for the files that the first one makes.
  local r i o t; pin free
  for r in $(seq "$RUNS"); do
    t=k-$RANDOM$RANDOM
    for i in 0 1 2 3 4 5 6 7 8 9; do "$R" firstok $B topic="$t-$i" create=1 partitions=1000 >/dev/null || echo "firstok $t-$i failed" >&2; done
    sleep 5; pin "${MODES%% *}"
    o=$("$here/cpu.sh" "$(pid)" -- $PRE bash -c 'for i in 0 1 2 3 4 5 6 7 8 9; do "$0" produce "$1" topic="$2-$i" partitions=1000 size=1024 batch=65536 linger=20 acks=1 count="$3" || exit 1; done' \
      "$R" "$B" "$t" "$(awk -v g="$GB" 'BEGIN{printf "%d", g*1e8/1024}')" 2>&1)
    log "{\"metric\":\"parts10000-${MODES%% *}\",\"run\":$r,\"load\":$(sed '$d' <<<"$o" | grep '^{' | awk -F'"bytes":' '{split($2,a,","); b+=a[1]} /"failed":0,/{ok++} END{printf "{\"bytes\":%.0f,\"failed\":%d}", b, 10-ok}'),\"cpu\":$(tail -1 <<<"$o")}"
    pin free; sleep 8; log "{\"metric\":\"idle10000\",\"run\":$r,\"load\":{},\"cpu\":$("$here/cpu.sh" "$(pid)" -- sleep 6)}"
    for i in 0 1 2 3 4 5 6 7 8 9; do "$R" rmtopic $B topic="$t-$i" >/dev/null; done; sleep 3
  done; }
cold() { # a paced producer alone, then beside a reader of data that was dropped from the page cache; compare ack_us
  local r d; pin free; d=${DATA:?cold needs DATA, the data directory of the broker}
  T=cold-$RANDOM$RANDOM; local old=$T
  "$R" mktopic $B topic=$old partitions=1 >/dev/null
  "$R" produce $B topic=$old size=1024 count="$(awk -v g="${CGB:-2}" 'BEGIN{printf "%d", g*1e9/1024}')" >/dev/null
  for r in $(seq "$RUNS"); do
    mk 1; rec cold-alone "$r" e2eraw topic=$T size=1024 rate=5000 window=5 acks=1 warm=1 secs="${ESECS:-6}" fetchwait=500; rm_
    # Memory is filled before the reader starts: done by rec, it would take from the time that both run.
    settle; mk 1; "$R" evict "dir=$d/$old-0" >&2
    "$R" consume $B topic=$old >&2 & local reader=$!
    FREE_MB=0 rec cold-beside "$r" e2eraw topic=$T size=1024 rate=5000 window=5 acks=1 warm=0.2 secs="${CSECS:-2}" fetchwait=500; wait $reader; rm_
  done; T=$old; rm_; }
idle() { local r; pin free; sleep 3; for r in $(seq "$RUNS"); do log "{\"metric\":\"idle\",\"run\":$r,\"load\":{},\"cpu\":$("$here/cpu.sh" "$(pid)" -- sleep 5)}"; done; }
durable() { local p r; pin free; for p in ${PARTS:-1 50}; do for r in $(seq "$RUNS"); do
    mk $p flush.messages:1; rec "durable-c50-${p}p" "$r" raw topic=$T partitions=$p conns=50 window=1 size=1024 records=1 acks=1 warm=1 secs="$SECS"; rm_; done; done; }
startup() { local r t0 # storage is prepared first; the time runs from the launch of the process
  "$PEER" stop --port "$PORT" >/dev/null
  for r in $(seq "${SRUNS:-5}"); do
    "$PEER" start --port "$PORT" --fresh --format-only --props $BASE_PROPS
    t0=$("$PEER" start --port "$PORT" --nowait --props $BASE_PROPS | sed 's/.*t0=//')
    local o; o=$("$R" firstok $B topic=first create=1 partitions=1 t0="$t0")
    sleep 5; log "{\"metric\":\"startup\",\"run\":$r,\"load\":$o,\"cpu\":$("$here/cpu.sh" "$(pid)" -- sleep 2)}"
    "$PEER" stop --port "$PORT"
  done; }
recovery() { local p r t0 o RGB=${RGB:-2}
  for p in ${PARTS:-1 100}; do
    "$PEER" stop --port "$PORT" >/dev/null; "$PEER" start --port "$PORT" --fresh --props $BASE_PROPS >/dev/null
    for r in $(seq "$RUNS"); do
      T=rec-$p-$r; "$R" mktopic $B topic=$T partitions=$p >/dev/null
      "$R" produce $B topic=$T partitions=$p size=1024 count="$(GB=$RGB; awk -v g="$RGB" 'BEGIN{printf "%d", g*1e9/1024}')" >/dev/null
      "$PEER" stop --kill --port "$PORT"; sleep 0.5
      t0=$("$PEER" start --port "$PORT" --nowait --props $BASE_PROPS | sed 's/.*t0=//'); o=$("$R" firstok $B topic=$T partitions=$p t0="$t0")
      log "{\"metric\":\"recover-kill${RSUF:-}-${p}p\",\"run\":$r,\"load\":$o,\"cpu\":{}}"; sleep 1
      "$PEER" stop --port "$PORT"
      t0=$("$PEER" start --port "$PORT" --nowait --props $BASE_PROPS | sed 's/.*t0=//'); o=$("$R" firstok $B topic=$T partitions=$p t0="$t0")
      log "{\"metric\":\"recover-clean${RSUF:-}-${p}p\",\"run\":$r,\"load\":$o,\"cpu\":{}}"; sleep 1
      "$R" rmtopic $B topic=$T >/dev/null; sleep 1
    done
  done; }
for m in "$@"; do
  case $m in warm|p64k|p1m|rawbig|small|tiny|consume|e2e|e2eraw|e2ein5|codec|parts|parts10k|cold|idle|durable|startup|recovery) $m ;; *) echo "no metric $m" >&2; exit 2 ;; esac
done
