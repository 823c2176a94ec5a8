#!/usr/bin/env bash
# Real Apache Kafka (one KRaft node, broker and controller in one process) as the peer to measure against.
#   WORK=dir ./kafka.sh get | start [--port P] [--data DIR] [--fresh] [--format-only] [--nowait] [--props k=v ...] | stop [--kill] [--port P]
#                       | pid [--port P] | tool NAME args... | classpath
# Needs: java 17+, mvn. Everything lands under $WORK/kafka (default: ../work).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
WORK=${WORK:-$here/../work}
VERSION=${KAFKA_VERSION:-4.3.1}
LOG4J=${LOG4J_VERSION:-2.25.3}
HOME_DIR=$WORK/kafka
LIBS=$HOME_DIR/libs

# The flags of the stock launcher (heap apart).
GC_FLAGS="-server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -XX:MaxInlineLevel=15 -Djava.awt.headless=true"
BROKER_HEAP=${KAFKA_HEAP_OPTS:--Xmx1G -Xms1G}

die() { echo "kafka.sh: $*" >&2; exit 1; }

cmd_get() {
  mkdir -p "$HOME_DIR/get" "$LIBS"
  local dep='' a
  for a in kafka_2.13 kafka-server kafka-storage kafka-tools kafka-clients kafka-group-coordinator kafka-metadata; do
    dep+="<dependency><groupId>org.apache.kafka</groupId><artifactId>$a</artifactId><version>$VERSION</version></dependency>"
  done
  for a in log4j-api log4j-core log4j-slf4j-impl log4j-1.2-api; do
    dep+="<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>$a</artifactId><version>$LOG4J</version></dependency>"
  done
  cat > "$HOME_DIR/get/pom.xml" <<X
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>local.peers</groupId><artifactId>kafka-libs</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>$dep</dependencies>
</project>
X
  (cd "$HOME_DIR/get" && mvn -q -B -DincludeScope=runtime dependency:copy-dependencies -DoutputDirectory="$LIBS")
  cat > "$HOME_DIR/log4j2.properties" <<'X'
status = warn
rootLogger.level = ${sys:peer.log.level:-WARN}
rootLogger.appenderRef.out.ref = out
appender.out.type = Console
appender.out.name = out
appender.out.target = SYSTEM_ERR
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss.SSS} %p %c{1} %m%n
X
  ls "$LIBS" | grep -E '^kafka(_2.13|-clients)-' ; du -sh "$LIBS"
}

java_run() { # heap flags, then class and args
  local heap=$1; shift
  # shellcheck disable=SC2086
  exec java $heap $GC_FLAGS -Dlog4j2.configurationFile="$HOME_DIR/log4j2.properties" ${PEER_JAVA_OPTS:-} -cp "$LIBS/*" "$@"
}

run_dir() { echo "$HOME_DIR/run-$1"; }

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

cmd_start() {
  local port=19092 data='' fresh=0 only=0 nowait=0 props=() wait_s=120 t0 pid
  while [ $# -gt 0 ]; do
    case $1 in
      --port) port=$2; shift 2 ;;
      --data) data=$2; shift 2 ;;
      --fresh) fresh=1; shift ;;
      --format-only) only=1; shift ;;   # writes config and storage, starts nothing
      --nowait) nowait=1; shift ;;      # returns as soon as the process is launched
      --props) shift; while [ $# -gt 0 ] && [[ $1 == *=* ]] && [[ $1 != --* ]]; do props+=("$1"); shift; done ;;
      *) die "start: unknown argument $1" ;;
    esac
  done
  [ -d "$LIBS" ] || die "run 'get' first"
  local rd; rd=$(run_dir "$port"); mkdir -p "$rd"
  data=${data:-$rd/data}
  if [ -f "$rd/pid" ] && kill -0 "$(cat "$rd/pid")" 2>/dev/null; then die "already running: $(cat "$rd/pid")"; fi
  [ $fresh = 1 ] && rm -rf "$data"
  mkdir -p "$data"
  local ctl=$((port + 1))
  {
    cat <<X
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$ctl
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$ctl
advertised.listeners=PLAINTEXT://127.0.0.1:$port
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$data
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
X
    for p in "${props[@]+"${props[@]}"}"; do echo "$p"; done
  } > "$rd/server.properties"
  if [ ! -f "$data/meta.properties" ]; then
    ( java_run -Xmx256M kafka.tools.StorageTool format -t peerpeerpeerpeerpeerAA -c "$rd/server.properties" ) > "$rd/format.log" 2>&1 \
      || { cat "$rd/format.log" >&2; die "format failed"; }
  fi
  [ $only = 1 ] && return 0
  t0=$(date +%s%N)
  # cwd is kept out of the repository; PIN=cpulist pins the broker.
  ( cd "$rd"; PEER_JAVA_OPTS="${PEER_JAVA_OPTS:-}" 
    # shellcheck disable=SC2086
    exec setsid ${PIN:+taskset -c $PIN} java $BROKER_HEAP $GC_FLAGS -Dlog4j2.configurationFile="$HOME_DIR/log4j2.properties" \
      ${PEER_JAVA_OPTS:-} -cp "$LIBS/*" kafka.Kafka "$rd/server.properties" > "$rd/server.log" 2>&1 < /dev/null ) &
  pid=$!
  echo "$pid" > "$rd/pid"
  [ $nowait = 1 ] && { echo "pid=$pid port=$port t0=$t0"; return 0; }
  until port_open "$port"; do
    kill -0 "$pid" 2>/dev/null || { tail -20 "$rd/server.log" >&2; die "broker exited"; }
    [ $(( ($(date +%s%N) - t0) / 1000000000 )) -lt $wait_s ] || die "not listening after $wait_s s"
    sleep 0.01
  done
  echo "pid=$pid port=$port listening_after_ms=$(( ($(date +%s%N) - t0) / 1000000 ))"
}

cmd_stop() {
  local port=19092 sig=TERM
  while [ $# -gt 0 ]; do
    case $1 in --port) port=$2; shift 2 ;; --kill) sig=KILL; shift ;; *) die "stop: unknown argument $1" ;; esac
  done
  local f; f=$(run_dir "$port")/pid
  [ -f "$f" ] || { echo "not running"; return; }
  local pid; pid=$(cat "$f")
  kill -$sig "$pid" 2>/dev/null || true
  for _ in $(seq 1 1200); do kill -0 "$pid" 2>/dev/null || break; sleep 0.05; done
  rm -f "$f"
}

cmd_pid() {
  local port=19092; [ "${1:-}" = --port ] && port=$2
  cat "$(run_dir "$port")/pid"
}

cmd_tool() {
  local n=$1; shift
  local p=org.apache.kafka.tools c
  case $n in
    topics) c=$p.TopicCommand ;;
    configs) c=org.apache.kafka.tools.ConfigCommand; unzip -l "$LIBS"/kafka-tools-[0-9]*.jar 2>/dev/null | grep 'tools/ConfigCommand.class' > /dev/null || c=kafka.admin.ConfigCommand ;;
    consumer-groups) c=$p.consumer.group.ConsumerGroupCommand ;;
    console-consumer) c=$p.consumer.ConsoleConsumer ;;
    console-producer) c=$p.ConsoleProducer ;;
    storage) c=kafka.tools.StorageTool ;;
    dump-log) c=$p.DumpLogSegments; unzip -l "$LIBS"/kafka-tools-[0-9]*.jar 2>/dev/null | grep 'tools/DumpLogSegments.class' > /dev/null || c=kafka.tools.DumpLogSegments ;;
    *.*) c=$n ;;
    *) c=$p.$n ;;           # ProducerPerformance, ConsumerPerformance, EndToEndLatency, GetOffsetShell, ...
  esac
  java_run "${TOOL_HEAP:--Xmx512M}" "$c" "$@"
}

case ${1:-} in
  get) shift; cmd_get "$@" ;;
  start) shift; cmd_start "$@" ;;
  stop) shift; cmd_stop "$@" ;;
  pid) shift; cmd_pid "$@" ;;
  tool) shift; cmd_tool "$@" ;;
  classpath) echo "$LIBS/*" ;;
  *) sed -n '2,6p' "$0"; exit 2 ;;
esac
