#!/usr/bin/env bash
# One run of a client that knows nothing but the first root, in a repository of 10,000 targets: chain, timestamp, snapshot, targets, the
# train's metadata, one target. Against python-tuf (trixie) on the same repository; whole processes, the median of five turns.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
trixie_root "$cache/python-tuf" mount python3-tuf python3-cryptography
work=$(mktemp -d "$cache/trust.XXXXXX")
trap 'rm -rf "$work"' EXIT
programs=$(dirname "$ashlar")
cp "$(dirname "$0")/../tuf/judge.py" "$work"
target=trains/R1/R1.0/release.json

ours() {
    rm -rf "$work/client"
    mkdir -p "$work/client/metadata" "$work/client/targets"
    "$programs/tuf_client" --metadata-dir "$work/client/metadata" init "$1/root.json"
    "$programs/tuf_client" --metadata-dir "$work/client/metadata" --metadata-url "file://$1/metadata" --target-name $target \
        --target-base-url "file://$1/targets" --target-dir "$work/client/targets" download
}
export -f ours
export work programs target
median() { sort -n "$1" | sed -n 3p; }

head_row "against python-tuf"
for count in 0 10000; do
    "$programs/tuf_make_repository" "$work/repository.$count" $count
    rm -f "$work/ours" "$work/peer"
    for _ in 1 2 3 4 5; do
        measure "$work/log" bash -c 'ours "$0"' "$work/repository.$count" >>"$work/ours"
        measure "$work/log" bash -c "$(declare -f inside); cache=$cache; inside '$cache/python-tuf' python3 '$work/judge.py' fetch '$work/repository.$count' $target" >>"$work/peer"
    done
    row "$count targets, $(stat -c %s "$work/repository.$count"/metadata/*.train-R1.json) bytes of metadata" "$(median "$work/ours")" "$(median "$work/peer")"
done
