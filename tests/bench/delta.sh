#!/usr/bin/env bash
# What a node downloads to come from one release to another: our delta, blocks and full file, against casync
# (64 KiB chunks), RAUC's adaptive method (block-hash-index) and the plain image. Same roots, one run.
#   tests/bench/delta.sh OLD.raw NEW.raw
#   tests/bench/delta.sh            builds a pair of role `base`: Debian's release alone, and with updates
# RAUC's streaming needs device-mapper, which a container has not: its download is computed as it works: an
# index of one SHA-256 for each 4 KiB of the new image; what the old slot has is not fetched; the rest is read
# from a squashfs of 64 KiB pieces (what its documentation advises), here of zstd, the smallest it offers.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
work=$(mktemp -d "$cache/delta.XXXXXX")
trap 'rm -rf "$work"' EXIT
command -v casync >/dev/null || { echo "bench: casync is missing (apt-get install casync)" >&2; exit 77; }

# A train of Debian's release alone: what came later, by updates and by security, is left out.
build_pair() {
    local keys=$work/keys
    cp -r "$top/recipes" "$top/overlays" "$work"
    sed -i 's/suites = \["trixie", "trixie-updates"\]/suites = ["trixie"]/; /name = "debian-security"/,$d' "$work/recipes/trains/R0.toml"
    sed -i '${/^\[\[archive\]\]$/d}' "$work/recipes/trains/R0.toml"
    "$ashlar" --keys "$keys" key new >/dev/null
    "$ashlar" --progress quiet --keys "$keys" --output "$work/out" --recipes "$work/recipes" --source "$top" --release R0.0 build --live base >/dev/null
    "$ashlar" --progress quiet --keys "$keys" --output "$work/out" --recipes "$top/recipes" --release R0.1 build --live base >/dev/null
    old=$work/out/ashlar_base_R0.0_amd64.raw new=$work/out/ashlar_base_R0.1_amd64.raw
}

# The root file system of an image alone: root_of IMAGE TO
root_of() {
    local offset size
    offset=$("$ashlar" --json inspect --headers "$1" | jq '.partitions[] | select(.label | startswith("root_")).offset')
    size=$("$ashlar" --json inspect --headers "$1" | jq '.root_size')
    dd if="$1" of="$2" bs=1M iflag=skip_bytes,count_bytes skip="$offset" count="$size" status=none
}

if [[ $# -eq 2 ]]; then old=$(realpath "$1") new=$(realpath "$2"); else build_pair; fi
root_of "$old" "$work/old"; root_of "$new" "$work/new"

# Ours: the files are written beside the new image, so it is one of our own.
mkdir "$work/pair"
for image in "$old" "$new"; do for file in "${image%.raw}".*; do ln -s "$file" "$work/pair/"; done; done
ours() { "$ashlar" --json --progress quiet delta "$@" "$work/pair/$(basename "$old")" "$work/pair/$(basename "$new")"; }
read -r _ make_cpu make_peak < <(measure "$work/delta.json" "$ashlar" --json --progress quiet delta "$work/pair/$(basename "$old")" "$work/pair/$(basename "$new")")
ours --full >"$work/full.json"
delta=$(jq .size "$work/delta.json") full=$(jq .size "$work/full.json") blocks=$(jq .blocks "$work/full.json")

# casync: chunks of the new root that a cache made of the old one does not have, and the index.
read -r _ casync_cpu casync_peak < <(measure "$work/casync.log" casync make --store="$work/new.castr" "$work/new.caibx" "$work/new")
casync make --store="$work/old.castr" "$work/old.caibx" "$work/old" >/dev/null
casync_bytes() { # chunks that are only in the new store
    comm -13 <(cd "$work/old.castr" && find . -type f | sort) <(cd "$work/new.castr" && find . -type f | sort) |
        (cd "$work/new.castr" && xargs -r stat -c %s) | awk '{s += $1} END {print s + 0}'
}
casync=$(($(casync_bytes) + $(stat -c %s "$work/new.caibx")))

rauc=$(python3 - "$work/old" "$work/new" <<'PY'
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
total = (len(new) + BLOCK - 1) // BLOCK * 32
for at in range(0, len(new), PIECE):
    piece = new[at:at + PIECE]
    if any(hashlib.sha256(piece[i:i + BLOCK]).digest() not in known for i in range(0, len(piece), BLOCK)):
        total += packed(piece)
print(total)
PY
)
plain=$(stat -c %s "$work/new")

echo "packages that differ"
diff <(cut -f1,2 "${old%.raw}.packages") <(cut -f1,2 "${new%.raw}.packages") | grep '^[<>]' || true
python3 - "$delta" "$blocks" "$full" "$casync" "$rauc" "$plain" <<'PY'
import sys
names = ["our delta", "our blocks", "our full file", "casync", "RAUC block-hash-index (computed)", "plain image (dd)"]
sizes = [int(word) for word in sys.argv[1:]]
best = min(sizes[3:5])
for name, size in zip(names, sizes):
    print(f"  {name:<36} {size / 1e6:8.2f} MB  {size / best:6.3f} x the best block-based peer")
PY
echo "  making: ours $make_cpu CPU s, $make_peak MB; casync $casync_cpu CPU s, $casync_peak MB"
