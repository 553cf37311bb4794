#!/usr/bin/env bash
# What a node downloads to come from one release to another: our delta, blocks and full file, against casync
# (64 KiB chunks), RAUC (its adaptive method block-hash-index, and plain) and the plain image. Same roots, one run.
#   tests/bench/delta.sh OLD.raw NEW.raw
#   tests/bench/delta.sh            builds role `base` without updates, with all but the kernel's, and with all
# RAUC's streaming needs device-mapper, which a container has not: its download is computed as it works: an
# index of one SHA-256 for each 4 KiB of the new image; what the old slot has is not fetched; the rest is read
# from a squashfs of 64 KiB pieces (what its documentation advises), here of zstd, the smallest it offers.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
work=$(mktemp -d "$cache/delta.XXXXXX")
trap 'rm -rf "$work"' EXIT
command -v casync >/dev/null || { echo "bench: casync is missing (apt-get install casync)" >&2; exit 77; }

# Chunks of the new root that a cache made of the old one does not have, and the index: casync_bytes DIRECTORY
casync_bytes() {
    comm -13 <(cd "$1/old.castr" && find . -type f | sort) <(cd "$1/new.castr" && find . -type f | sort) |
        (cd "$1/new.castr" && xargs -r stat -c %s) | awk -v list="$(stat -c %s "$1/new.caibx")" '{s += $1} END {print s + list}'
}

# "adaptive plain", in bytes: rauc_bytes OLD_ROOT NEW_ROOT
rauc_bytes() {
    python3 - "$@" <<'PY'
import ctypes, ctypes.util, hashlib, sys
zstd = ctypes.CDLL(ctypes.util.find_library("zstd"))
zstd.ZSTD_compress.restype = zstd.ZSTD_compressBound.restype = ctypes.c_size_t
BLOCK, PIECE = 4096, 65536
def packed(data):
    size = zstd.ZSTD_compressBound(ctypes.c_size_t(len(data)))
    out = ctypes.create_string_buffer(size)
    return min(len(data), zstd.ZSTD_compress(out, ctypes.c_size_t(size), data, ctypes.c_size_t(len(data)), 15))
old, new = (open(path, "rb").read() for path in sys.argv[1:3])
known = {hashlib.sha256(old[i:i + BLOCK]).digest() for i in range(0, len(old), BLOCK)} | {hashlib.sha256(bytes(BLOCK)).digest()}
adaptive, plain = (len(new) + BLOCK - 1) // BLOCK * 32, 0
for at in range(0, len(new), PIECE):
    piece = new[at:at + PIECE]
    size = packed(piece)
    plain += size
    if any(hashlib.sha256(piece[i:i + BLOCK]).digest() not in known for i in range(0, len(piece), BLOCK)):
        adaptive += size
print(adaptive, plain)
PY
}

table() {
    python3 - "$@" <<'PY'
import sys
names = ["our delta", "our blocks", "our full file", "casync", "RAUC block-hash-index (computed)", "RAUC plain (computed)", "plain image (dd)"]
sizes = [int(word) for word in sys.argv[1:]]
best = min(sizes[3:5])
for name, size in zip(names, sizes):
    print(f"  {name:<36} {size / 1e6:8.2f} MB  {size / best:6.3f} x the best block-based peer")
PY
}

compare() {
    local old=$1 new=$2 at delta blocks full rauc rauc_plain make_cpu make_peak casync_cpu casync_peak
    at=$(mktemp -d "$work/pair.XXXXXX")
    root_of "$old" "$at/old"; root_of "$new" "$at/new"
    # Our files are written beside the new image, so it is one of our own.
    for image in "$old" "$new"; do for file in "${image%.raw}".*; do ln -s "$file" "$at/"; done; done
    old=$at/$(basename "$old") new=$at/$(basename "$new")
    read -r _ make_cpu make_peak < <(measure "$at/delta.json" "$ashlar" --json --progress quiet delta "$old" "$new")
    "$ashlar" --json --progress quiet delta --full "$old" "$new" >"$at/full.json"
    delta=$(jq .size "$at/delta.json") full=$(jq .size "$at/full.json") blocks=$(jq .blocks "$at/full.json")
    read -r _ casync_cpu casync_peak < <(measure "$at/casync.log" casync make --store="$at/new.castr" "$at/new.caibx" "$at/new")
    casync make --store="$at/old.castr" "$at/old.caibx" "$at/old" >/dev/null
    read -r rauc rauc_plain < <(rauc_bytes "$at/old" "$at/new")
    table "$delta" "$blocks" "$full" "$(casync_bytes "$at")" "$rauc" "$rauc_plain" "$(stat -c %s "$at/new")"
    echo "  making: ours $make_cpu CPU s, $make_peak MB; casync $casync_cpu CPU s, $casync_peak MB"
    rm -rf "$at"
}

if [[ $# -eq 2 ]]; then
    differing_packages "$1" "$2"
    compare "$(realpath "$1")" "$(realpath "$2")"
else
    build_releases "$work"
    for new in "$same_kernel" "$new_kernel"; do
        differing_packages "$old" "$new"
        compare "$old" "$new"
    done
fi
