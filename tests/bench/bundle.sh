#!/usr/bin/env bash
# Verifying, importing and exporting a bundle against sha256sum of the same bytes: all in the page cache, the median of five turns
# in which each has its go. An import is synced; so the same bytes are also copied and synced by dd.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
work=$(mktemp -d "$cache/bundle.XXXXXX")
trap 'rm -rf "$work"' EXIT

"$(dirname "$ashlar")/bench_repository" "$work"
root=$work/first/metadata/1.root.json
bundle() { "$ashlar" --progress quiet bundle "$@"; }
bundle export R1 --repository "$work/first" --to "$work/r1.bundle" >/dev/null
bundle export R1 --repository "$work/next" --to "$work/r2.bundle" >/dev/null
bundle import "$work/r1.bundle" --mirror "$work/before" --root "$root" >/dev/null
sync -f "$work"
cat "$work/r1.bundle" "$work/r2.bundle" >/dev/null

wall() { local name=$1; shift; read -r seconds cpu peak < <(measure "$work/log" "$@"); echo "$name $seconds $cpu $peak" >>"$work/times"; }
for _ in 1 2 3 4 5; do
    rm -rf "$work/mirror" "$work/mirror2" "$work/copy" "$work/out.bundle"
    cp -al "$work/before" "$work/mirror2"
    sync -f "$work"
    wall sha256sum sha256sum "$work/r1.bundle"
    wall verify "$ashlar" --progress quiet bundle verify "$work/r1.bundle" --root "$root"
    wall verify-pipe bash -c 'cat "$1" | "$0" --progress quiet bundle verify - --root "$2"' "$ashlar" "$work/r1.bundle" "$root"
    wall import "$ashlar" --progress quiet bundle import "$work/r1.bundle" --mirror "$work/mirror" --root "$root"
    wall dd dd if="$work/r1.bundle" of="$work/copy" bs=4M conv=fsync
    wall again "$ashlar" --progress quiet bundle import "$work/r1.bundle" --mirror "$work/mirror"
    wall sha256sum-2 sha256sum "$work/r2.bundle"
    wall export-incremental "$ashlar" --progress quiet bundle export R1 --repository "$work/next" --to "$work/out.bundle"
    wall import-incremental "$ashlar" --progress quiet bundle import "$work/r2.bundle" --mirror "$work/mirror2"
done

python3 - "$work/times" "$(stat -c %s "$work/r1.bundle")" "$(stat -c %s "$work/r2.bundle")" <<'PY'
import statistics, sys
times = {}
for line in open(sys.argv[1]):
    name, *numbers = line.split()
    times.setdefault(name, []).append(tuple(map(float, numbers)))
wall = {name: statistics.median(t[0] for t in all) for name, all in times.items()}
cpu = {name: statistics.median(t[1] for t in all) for name, all in times.items()}
print(f"bundle of {int(sys.argv[2]) / 1e6:.0f} MB, incremental one of {int(sys.argv[3]) / 1e6:.0f} MB")
print(f"{'':24} {'wall s':>8} {'CPU s':>8} {'MB':>6}  against sha256sum of the same bytes: wall, CPU")
for name, all in times.items():
    peer = "sha256sum-2" if name in ("sha256sum-2", "export-incremental", "import-incremental") else "sha256sum"
    print(f"{name:24} {wall[name]:8.2f} {cpu[name]:8.2f} {max(t[2] for t in all):6.0f}  {wall[name] / wall[peer]:7.3f} {cpu[name] / cpu[peer]:7.3f}")
PY
