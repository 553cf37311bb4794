# shellcheck shell=bash
# What the benchmarks share. Sourced; expects `set -euo pipefail`.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
cache=${ASHLAR_BENCH_CACHE:-/var/cache/ashlar-bench}
ashlar=${ASHLAR:-$top/build/ashlar}
mkdir -p "$cache"

# The mirror of this machine's own APT sources that carries archive $1 ("debian", "debian-security").
apt_mirror() {
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
        sed 's#/*$##' | grep -m1 "/$1\$" || { echo "bench: no APT source ends in /$1" >&2; return 1; }
}

# one-line APT sources for trixie with everything a train of ours takes
trixie_sources() {
    local debian security
    debian=$(apt_mirror debian) security=$(apt_mirror debian-security)
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [signed-by=$keyring] $debian trixie main"
    echo "deb [signed-by=$keyring] $debian trixie-updates main"
    echo "deb [signed-by=$keyring] $security trixie-security main"
}

# A trixie root with the peers' programs, made once: trixie_root DIR PACKAGES...
trixie_root() {
    local root=$1; shift
    [[ -e $root/.complete ]] && return
    echo "bench: making a trixie root with: $*" >&2
    rm -rf "$root"
    trixie_sources | mmdebstrap --quiet --variant=apt --include="$(IFS=,; echo "$*")" trixie "$root" -
    touch "$root/.complete"
}

# Runs a command in a root entered by pivot_root (user namespaces do not work inside a plain chroot),
# with the directory $cache at the same path: inside ROOT COMMAND...
inside() {
    local root=$1; shift
    unshare --mount --propagation private bash -euc '
        root=$1 cache=$2; shift 2
        mount --bind "$root" "$root"
        for d in proc sys dev; do mount --rbind /$d "$root/$d"; done
        mount -t tmpfs tmpfs "$root/tmp"
        mkdir -p "$root$cache"; mount --bind "$cache" "$root$cache"
        cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
        cp /etc/hosts "$root/etc/hosts"
        cd "$root"; mkdir -p .old; pivot_root . .old; umount -l /.old
        cd /; exec "$@"' inside "$root" "$cache" "$@"
}

# Whole-process wall seconds, CPU seconds and peak memory (MB) of a command with all its children, as
# "wall cpu peak"; its output goes to a log: measure LOG COMMAND...
measure() {
    local log=$1; shift
    python3 - "$log" "$@" <<'PY'
import resource, subprocess, sys, time
log = open(sys.argv[1], "wb")
start = time.monotonic()
code = subprocess.call(sys.argv[2:], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
wall = time.monotonic() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if code != 0:
    sys.exit(f"bench: {' '.join(sys.argv[2:5])} … failed with {code}; read {sys.argv[1]}")
print(f"{wall:.1f} {used.ru_utime + used.ru_stime:.1f} {used.ru_maxrss // 1024}")
PY
}

# A line of the result table: row CASE "ours" "peer's"
row() {
    python3 - "$1" $2 $3 <<'PY'
import sys
case, *numbers = sys.argv[1:]
wall, cpu, peak, peer_wall, peer_cpu, peer_peak = map(float, numbers)
print(f"{case:<34} {wall:>8.1f} {peer_wall:>8.1f} {wall/peer_wall:>7.3f}  {cpu:>8.1f} {peer_cpu:>8.1f} {cpu/peer_cpu:>7.3f}  {peak:>6.0f} {peer_peak:>6.0f}")
PY
}
head_row() {
    printf '%-34s %8s %8s %7s  %8s %8s %7s  %6s %6s\n' "$1" 'wall s' 'peer' ratio 'CPU s' 'peer' ratio 'MB' 'peer'
}
