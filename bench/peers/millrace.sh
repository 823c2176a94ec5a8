#!/usr/bin/env bash
# Millrace as a peer to measure: the built dist/, started as a user would start it, behind the interface of kafka.sh.
#   WORK=dir ./millrace.sh start [--port P] [--data DIR] [--fresh] [--format-only] [--nowait] [--props k=v ...] | stop [--kill] [--port P] | pid [--port P]
# Needs: npm ci and npm run build done in the checkout. PIN=cpulist pins the broker, PEER_NODE_OPTIONS adds flags of node,
# PEER_SOURCE=1 runs the sources instead of the build. Logs, data and pid land under $WORK/millrace/run-PORT.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
WORK=${WORK:-$here/../work}
HOME_DIR=$WORK/millrace
NODE=${PEER_NODE:-$root/node_modules/.bin/node}

die() { echo "millrace.sh: $*" >&2; exit 1; }

run_dir() { echo "$HOME_DIR/run-$1"; }

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

cmd_start() {
  local port=19092 data='' fresh=0 only=0 nowait=0 sets=() wait_s=60 t0 pid entry=$root/dist/cli/main.js
  while [ $# -gt 0 ]; do
    case $1 in
      --port) port=$2; shift 2 ;;
      --data) data=$2; shift 2 ;;
      --fresh) fresh=1; shift ;;
      --format-only) only=1; shift ;;   # there is nothing to prepare: an empty directory will do
      --nowait) nowait=1; shift ;;      # returns as soon as the process is launched
      --props) shift; while [ $# -gt 0 ] && [[ $1 == *=* ]] && [[ $1 != --* ]]; do sets+=(--set "$1"); shift; done ;;
      *) die "start: unknown argument $1" ;;
    esac
  done
  [ "${PEER_SOURCE:-}" = 1 ] && entry=$root/cli/bin.mjs
  [ -f "$entry" ] || die "run 'npm run build' first"
  [ -x "$NODE" ] || die "run 'npm ci' first"
  local rd; mkdir -p "$(run_dir "$port")"; rd=$(cd "$(run_dir "$port")" && pwd)
  data=${data:-$rd/data}
  if [ -f "$rd/pid" ] && kill -0 "$(cat "$rd/pid")" 2>/dev/null; then die "already running: $(cat "$rd/pid")"; fi
  [ $fresh = 1 ] && rm -rf "$data"
  mkdir -p "$data"
  [ $only = 1 ] && return 0
  t0=$(date +%s%N)
  # shellcheck disable=SC2086
  ( cd "$rd"
    exec setsid ${PIN:+taskset -c $PIN} "$NODE" ${PEER_NODE_OPTIONS:-} "$entry" start --data-dir "$data" --listen "127.0.0.1:$port" \
      "${sets[@]+"${sets[@]}"}" > "$rd/server.log" 2>&1 < /dev/null ) &
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

case ${1:-} in
  start) shift; cmd_start "$@" ;;
  stop) shift; cmd_stop "$@" ;;
  pid) shift; cmd_pid "$@" ;;
  *) sed -n '2,5p' "$0"; exit 2 ;;
esac
