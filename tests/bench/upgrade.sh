#!/usr/bin/env bash
# What an upgrade costs a node, against dd of the same root to the same file system and casync with the old
# root as its seed: by delta, and by the full file. Without arguments a pair of role `base` is built, whose kernel is the same.
#
#   tests/bench/upgrade.sh OLD.raw NEW.raw
#   tests/bench/upgrade.sh
set -euo pipefail
source "$(dirname "$0")/lib.sh"
work=$(mktemp -d "$cache/upgrade.XXXXXX")
trap 'rm -rf "$work"' EXIT
bench=$(dirname "$ashlar")/bench_upgrade
command -v casync >/dev/null || { echo "bench: casync is missing (apt-get install casync)" >&2; exit 77; }

if [[ $# -eq 2 ]]; then
    old=$(realpath "$1") new=$(realpath "$2")
else
    build_releases "$work"
    new=$same_kernel
fi
mkdir "$work/pair"
for image in "$old" "$new"; do for file in "${image%.raw}".*; do ln -s "$file" "$work/pair/"; done; done
publish() { "$ashlar" --progress quiet publish "$work/pair/$(basename "$new")" --to "$work/$1" "${@:2}" >/dev/null; }
publish delta --from "$work/pair/$(basename "$old")"
publish full
# Nothing to compare with: everything must come.
root_of "$old" "$work/old"; root_of "$new" "$work/new"
casync make --store="$work/new.castr" "$work/new.caibx" "$work/new" >/dev/null
casync make --store="$work/old.castr" "$work/old.caibx" "$work/old" >/dev/null
sync -f "$work"

read -r dd_wall dd_cpu _ < <(measure "$work/dd.log" dd if="$work/new" of="$work/target" bs=4M conv=fsync)
read -r _ delta_cpu _ < <(measure "$work/delta.json" "$bench" "$old" "$work/delta" "$work/a")
read -r _ full_cpu _ < <(measure "$work/full.json" "$bench" "$old" "$work/full" "$work/b")
read -r casync_wall casync_cpu _ < <(measure "$work/casync.log" bash -c 'casync extract --store="$0/new.castr" --seed="$0/old" "$0/new.caibx" "$0/extracted"; sync -f "$0/extracted"; true' "$work")
cmp "$work/new" "$work/extracted"

# The node's disk is prepared inside the same process: only the upgrade's own time counts.
python3 - "$work" "$dd_wall" "$casync_wall" <<'PY'
import json, sys
work, dd, casync = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
print(f"dd of the root: {dd:.2f} s; casync extract with a seed: {casync:.2f} s")
for way in ("delta", "full"):
    report = json.load(open(f"{work}/{way}.json"))
    phases = ", ".join(f"{name} {seconds:.2f}" for name, seconds in sorted(report["phases"].items(), key=lambda item: -item[1]))
    print(f"upgrade by {report['way']}: {report['seconds']:.2f} s, {report['seconds'] / dd:.2f} x dd, {report['seconds'] / casync:.2f} x casync; {report['download'] / 1e6:.2f} MB; {phases}")
PY
delta_peak=$(anonymous_peak "$bench" "$old" "$work/delta" "$work/a")
full_peak=$(anonymous_peak "$bench" "$old" "$work/full" "$work/b")
rm "$work/extracted"
casync_peak=$(anonymous_peak casync extract --store="$work/new.castr" --seed="$work/old" "$work/new.caibx" "$work/extracted")
echo "CPU s: dd $dd_cpu, delta $delta_cpu, full $full_cpu, casync $casync_cpu (ours with making the disk)"
echo "peak MiB above the page cache: delta $delta_peak, full $full_peak, casync $casync_peak"
