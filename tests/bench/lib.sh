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
print(f"{wall:.2f} {used.ru_utime + used.ru_stime:.2f} {used.ru_maxrss // 1024}")
PY
}

# Peak memory above the page cache (MiB) of a command with all its children together, looked at 500 times a second.
anonymous_peak() {
    python3 - "$@" <<'PY'
import re, subprocess, sys, time
command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
def tree(pid):
    yield pid
    try:
        for task in open(f"/proc/{pid}/task/{pid}/children").read().split(): yield from tree(int(task))
    except OSError: pass
def anonymous(pid):
    try: return int(re.search(r"RssAnon:\s+(\d+)", open(f"/proc/{pid}/status").read())[1])
    except (OSError, TypeError): return 0
peak = 0
while command.poll() is None:
    peak = max(peak, sum(map(anonymous, tree(command.pid))))
    time.sleep(0.002)
if command.returncode != 0: sys.exit(f"bench: {sys.argv[1]} … failed with {command.returncode}")
print(round(peak / 1024))
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

# A unit that tells when the node has come up, for ours and for a peer alike, on a port of its own, because
# a login prompt hangs up whoever else has its terminal: add_boot_mark DIRECTORY
add_boot_mark() {
    local units=$1/usr/lib/systemd/system
    mkdir -p "$units/multi-user.target.wants"
    cat >"$units/bench-mark.service" <<'UNIT'
[Unit]
Description=Tell when the node is up
[Service]
StandardOutput=file:/dev/ttyS1
ExecStart=/bin/sh -c 'until systemctl is-active --quiet multi-user.target; do sleep 0.1; done; read up rest </proc/uptime; echo "bench-mark $$(systemctl is-system-running) $$up"'
UNIT
    ln -sf ../bench-mark.service "$units/multi-user.target.wants/bench-mark.service"
}

# Boots an image with add_boot_mark's unit in QEMU until it says so. Prints guest seconds to that, CPU
# seconds of QEMU and its memory (MB); the state goes to stderr: boot_to_mark IMAGE LOG
boot_to_mark() {
    python3 - "$1" "$2" <<'PY'
import os, re, shutil, subprocess, sys, tempfile, time
image, log = sys.argv[1:]
mark = re.compile(rb"bench-mark (\w+) ([0-9.]+)")
with tempfile.TemporaryDirectory() as scratch:
    variables = os.path.join(scratch, "vars.fd")
    shutil.copy("/usr/share/OVMF/OVMF_VARS_4M.fd", variables)
    machine = subprocess.Popen(
        ["qemu-system-x86_64", "-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "2048",
         "-display", "none", "-no-reboot", "-net", "none", "-serial", "file:" + log, "-serial", "file:" + log + ".mark", "-object", "rng-random,id=rng,filename=/dev/urandom",
         "-device", "virtio-rng-pci,rng=rng",
         "-drive", "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
         "-drive", "if=pflash,format=raw,unit=1,file=" + variables,
         "-drive", "if=virtio,format=raw,snapshot=on,file=" + image], stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 900
        while not (said := mark.search(open(log + ".mark", "rb").read() if os.path.exists(log + ".mark") else b"")):
            if machine.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"bench: {image} did not come up; read {log}")
            time.sleep(0.2)
        status = open(f"/proc/{machine.pid}/stat").read().rsplit(")", 1)[1].split()
        cpu = (int(status[11]) + int(status[12])) / os.sysconf("SC_CLK_TCK")
        peak = int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{machine.pid}/status").read())[1]) // 1024
    finally:
        machine.kill()
        machine.wait()
print(f"{float(said[2]):.1f} {cpu:.1f} {peak}")
print(f"bench: {os.path.basename(image)} is {said[1].decode()}", file=sys.stderr)
PY
}

# Three images of role `base` in directory $1: R0.0 of the release's main suite alone, R0.1 with what the
# suites of updates and security hold beyond it but for the kernel, R0.2 with all of it. Sets $old, $same_kernel, $new_kernel.
build_releases() {
    local work=$1 recipes
    local -A only=([R0.0]=main [R0.1]=no-kernel [R0.2]=all)
    "$ashlar" --keys "$work/keys" key new >/dev/null
    for release in R0.0 R0.1 R0.2; do
        recipes=$work/recipes-$release/recipes
        mkdir -p "$work/recipes-$release" && cp -r "$top/recipes" "$top/overlays" "$work/recipes-$release"
        case ${only[$release]} in
        main)
            sed -i 's/suites = \["trixie", "trixie-updates"\]/suites = ["trixie"]/; /name = "debian-security"/,$d' "$recipes/trains/R0.toml"
            sed -i '${/^\[\[archive\]\]$/d}' "$recipes/trains/R0.toml"
            ;;
        no-kernel) printf '\n[[pin]]\npackages = ["linux-image-*"]\nsuite = "trixie"\npriority = 1001\n' >>"$recipes/trains/R0.toml" ;;
        esac
        echo "bench: building base $release (${only[$release]})" >&2
        "$ashlar" --progress quiet --keys "$work/keys" --output "$work/out" --recipes "$recipes" --source "$top" --release "$release" build --live base >/dev/null
    done
    old=$work/out/ashlar_base_R0.0_amd64.raw same_kernel=$work/out/ashlar_base_R0.1_amd64.raw new_kernel=$work/out/ashlar_base_R0.2_amd64.raw
}

# What a release's evidence lists of packages, against another's: differing_packages OLD.raw NEW.raw
differing_packages() {
    echo "packages that differ, of $(wc -l <"${2%.raw}.packages")"
    diff <(cut -f1,2 "${1%.raw}.packages") <(cut -f1,2 "${2%.raw}.packages") | grep '^[<>]' || true
}

# The root file system of an image alone: root_of IMAGE TO
root_of() {
    local offset size
    offset=$("$ashlar" --json inspect --headers "$1" | jq '.partitions[] | select(.label | startswith("root_")).offset')
    size=$("$ashlar" --json inspect --headers "$1" | jq '.root_size')
    dd if="$1" of="$2" bs=1M iflag=skip_bytes,count_bytes skip="$offset" count="$size" status=none
}
