#!/usr/bin/env bash
# Configures and compiles: build/ashlar, and with -DASHLAR_TESTS=ON the tests. What was compiled once, here or in another checkout, is taken
# from a cache beside the package store.
set -euo pipefail
cd "$(dirname "$0")/.."
store=${ASHLAR_STORE:-}
if [[ -z $store && $(id -u) -eq 0 ]]; then store=/var/cache/ashlar; fi
export CCACHE_DIR=${CCACHE_DIR:-${store:-${XDG_CACHE_HOME:-$HOME/.cache}/ashlar}/ccache}
export CCACHE_BASEDIR=$PWD CCACHE_MAXSIZE=${CCACHE_MAXSIZE:-2G} CCACHE_SLOPPINESS=pch_defines,time_macros
launcher=()
if type -P ccache >/dev/null; then launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache); fi
cmake --preset release "${launcher[@]}" "$@" >/dev/null
cmake --build --preset release
