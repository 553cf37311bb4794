#!/usr/bin/env bash
# A node's boot against that of mkosi's image, which mkosi.sh made before: in QEMU, until
# multi-user.target is reached. The first columns are seconds of the guest's clock.
# Ours is the image as it is built for users, with ashlard.
#
#   tests/bench/boot.sh [ROLE]         default: base
set -euo pipefail
source "$(dirname "$0")/lib.sh"
role=${1:-base}
work=$cache/work
peer=("$work"/mkosi-out/bench_*.raw)
[[ -e ${peer[0]} ]] || { echo "bench: no image of mkosi's in $work; run tests/bench/mkosi.sh first" >&2; exit 77; }

rm -rf "$work/boot"; mkdir -p "$work/boot"
cp -r "$top/recipes" "$top/overlays" "$work/boot"
add_boot_mark "$work/boot/overlays/base"
"$ashlar" --store "$work/store" --keys "$work/keys" --recipes "$work/boot/recipes" --source "$top" --output "$work/boot/out" \
    build --live "$role" >"$work/boot/build.log" 2>&1

head_row "boot in QEMU, guest clock"
row "to multi-user.target" "$(boot_to_mark "$work/boot/out/"*.raw "$work/boot/ours.log")" "$(boot_to_mark "${peer[0]}" "$work/boot/mkosi.log")"
