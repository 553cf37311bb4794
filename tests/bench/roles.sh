#!/usr/bin/env bash
# Two roles that share a base, against the larger one alone: Ashlar against itself, with packages fetched.
#
#   tests/bench/roles.sh [SMALLER LARGER]      default: base control
set -euo pipefail
source "$(dirname "$0")/lib.sh"
smaller=${1:-base} larger=${2:-control}
work=$cache/roles
rm -rf "$work"; mkdir -p "$work"
ours=("$ashlar" --store "$work/store" --keys "$work/keys" --recipes "$top/recipes" --source "$top" --output "$work/out")
"${ours[@]}" key new >/dev/null
"${ours[@]}" build --live "$smaller" "$larger" >"$work/fetch.log" 2>&1

# Everything but ashlard, which is compiled once for all.
forget() { find "$work/store/stages" -mindepth 1 -maxdepth 1 -not -name ashlard -exec rm -rf {} +; }
head_row "two roles against one of ours"
forget; one=$(measure "$work/one.log" "${ours[@]}" build --live "$larger")
forget; two=$(measure "$work/two.log" "${ours[@]}" build --live "$smaller" "$larger")
row "$smaller and $larger / $larger" "$two" "$one"
