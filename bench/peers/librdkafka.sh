#!/usr/bin/env bash
# Builds the C client library out of the npm package that carries its full source, and our load program on it.
#   WORK=dir ./librdkafka.sh get [--tests] | load | paths
# Needs: npm, gcc, g++, make, python3 and headers of zlib, zstd, openssl. Lands under $WORK/librdkafka and $WORK/rdload.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
WORK=${WORK:-$here/../work}
PKG=node-rdkafka@${NODE_RDKAFKA_VERSION:-3.6.1}
DIR=$WORK/librdkafka
JOBS=${JOBS:-$(nproc)}

paths() {
  cat <<X
RDKAFKA=$DIR
LD_LIBRARY_PATH=$DIR/src:$DIR/src-cpp
rdkafka_performance=$DIR/examples/rdkafka_performance
kafkatest_verifiable_client=$DIR/examples/kafkatest_verifiable_client
test_runner=$DIR/tests/test-runner
rdload=$WORK/rdload
X
}

load() { # static library, so the program runs without LD_LIBRARY_PATH
  local z=''
  grep -q '^WITH_ZSTD=.*y' "$DIR/Makefile.config" && z=-lzstd
  gcc -O2 -g -Wall -Wextra -o "$WORK/rdload" "$here/load/rdload.c" -I"$DIR/src" "$DIR/src/librdkafka.a" \
    $z -lssl -lcrypto -lz -lm -ldl -lpthread -lrt
}

get() {
  mkdir -p "$WORK"
  if [ ! -f "$DIR/configure" ]; then
    local tmp=$WORK/npm-pack; rm -rf "$tmp"; mkdir -p "$tmp"
    (cd "$tmp" && npm pack --silent "$PKG" >/dev/null && tar xzf ./*.tgz)
    rm -rf "$DIR"; mv "$tmp/package/deps/librdkafka" "$DIR"; rm -rf "$tmp"
  fi
  ( cd "$DIR"
    [ -f Makefile.config ] || ./configure --disable-curl --disable-gssapi --enable-static > conf-output.txt 2>&1
    make -j"$JOBS" libs > build.log 2>&1
    make -j"$JOBS" -C examples rdkafka_performance kafkatest_verifiable_client >> build.log 2>&1
    if [ "${1:-}" = --tests ]; then make -j"$JOBS" -C tests build > tests-build.log 2>&1; fi )
  [ -f "$here/load/rdload.c" ] && load
  paths
}

case ${1:-} in
  get) shift; get "$@" ;;
  load) load ;;
  paths) paths ;;
  *) sed -n '2,4p' "$0"; exit 2 ;;
esac
