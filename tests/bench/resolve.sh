#!/usr/bin/env bash
# The resolver against `apt-get -s` on the same indices and the same sets, in one run: whole processes,
# ours with loading the indices, APT's with its package cache already made.
#
#   resolve.sh [--driver BINARY] [--index DIR] [SET…]      sets of tests/oracle/sets.txt
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
driver=${ASHLAR_ORACLE_DRIVER:-$top/build/oracle_driver}
index= architecture=amd64 names=()
while (($#)); do
    case $1 in
    --driver) driver=$2; shift ;;
    --index) index=$2; shift ;;
    *) names+=("$1") ;;
    esac
    shift
done
((${#names[@]})) || names=(base control ceph-all nova-all neutron-ovn horizon containers libvirt postgres gnome)
[[ -x $driver ]] || { echo "resolve.sh: build the target oracle_driver first, or name it with --driver" >&2; exit 2; }
cache=${ASHLAR_BENCH_CACHE:-/var/cache/ashlar-bench}/resolve
mkdir -p "$cache"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
# shellcheck source=../oracle/apt_root.sh
. "$top/tests/oracle/apt_root.sh"
find_index

# "wall cpu" in seconds: measure INPUT COMMAND...
measure() {
    local input=$1 TIMEFORMAT='%R %U %S'
    shift
    { time "$@" <"$input" >"$work/out" 2>"$work/err"; } 2>"$work/time" || { cat "$work/err" >&2; return 1; }
    awk '{ printf "%.3f %.3f\n", $1, $2 + $3 }' "$work/time"
}

foundation=$(foundation)
prepare_apt main
export APT_CONFIG=$work/apt.conf
# The first question makes APT's cache; that is not what is compared.
apt-get -s install base-files >"$work/out"

printf '%-20s %9s  %8s %8s %7s  %8s %8s %7s\n' 'case: resolve' packages 'wall s' 'apt' ratio 'CPU s' 'apt' ratio
for name in "${names[@]}"; do
    line=$(grep -m1 "^$name:" "$top/tests/oracle/sets.txt") || { say "no set with only 'main' is called '$name'"; exit 2; }
    echo "$line" >"$work/line"
    ours=$(measure "$work/line" "$driver" "$index")
    packages=$(wc -l <"$work/out")
    # shellcheck disable=SC2086 # these are lists of words
    apt=$(measure /dev/null apt-get -s install $foundation ${line#*:})
    echo "$name $packages $ours $apt"
done | awk '
    function show(name, packages, wall, apt_wall, cpu, apt_cpu) {
        printf "%-20s %9d  %8.3f %8.3f %7.3f  %8.3f %8.3f %7.3f\n", name, packages, wall, apt_wall, wall / apt_wall, cpu, apt_cpu, cpu / apt_cpu
        fflush()
    }
    { show($1, $2, $3, $5, $4, $6); packages += $2; wall += $3; cpu += $4; apt_wall += $5; apt_cpu += $6 }
    END { if (NR) show("all", packages, wall, apt_wall, cpu, apt_cpu) }'
