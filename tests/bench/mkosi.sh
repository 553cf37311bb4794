#!/usr/bin/env bash
# Ashlar against mkosi (25, from trixie) and mmdebstrap: the same package set, the same suites, the same
# kind of result (EROFS, dm-verity, signed UKI; mmdebstrap makes a bare directory), one run on one
# machine. Prints whole-process wall time, CPU time and peak memory, and the ratios.
#
#   tests/bench/mkosi.sh [ROLE]        default: base
#
# boot.sh then boots both.
#
# mkosi keeps its defaults: EROFS without compression, as ours. It always signs the root hash too. Needs
# root, the network, about 8 GB of disk and half an hour; the trixie root with the peers is kept in $ASHLAR_BENCH_CACHE (/var/cache/ashlar-bench).
set -euo pipefail
source "$(dirname "$0")/lib.sh"
role=${1:-base}
[[ -x $ashlar ]] || { echo "bench: no $ashlar; compile first (cmake --build --preset release)" >&2; exit 77; }
[[ $(id -u) -eq 0 ]] || { echo "bench: needs root" >&2; exit 77; }

command -v mmdebstrap >/dev/null || DEBIAN_FRONTEND=noninteractive apt-get -qq install --yes --no-install-recommends mmdebstrap >/dev/null
peers=$cache/peers
trixie_root "$peers" mkosi systemd-repart systemd-ukify systemd-boot systemd-boot-efi systemd-boot-tools \
    systemd-container systemd-cryptsetup erofs-utils cryptsetup-bin sbsigntool dosfstools mtools mmdebstrap \
    openssl zstd cpio kmod uidmap ca-certificates debian-archive-keyring

work=$cache/work
rm -rf "$work"; mkdir -p "$work"
ours=("$ashlar" --store "$work/store" --keys "$work/keys" --output "$work/out")
cp -r "$top/recipes" "$work/recipes"; cp -r "$top/overlays" "$work/overlays"
ours+=(--recipes "$work/recipes" --source "$top")
rm -f "$work"/recipes/trains/*.lock
# The peers compile nothing, so neither do we: the same set without our own daemon.
sed -i '/^ *"ashlard",/d; s/ *"ashlard\.service",//' "$work"/recipes/roles/*.toml
"${ours[@]}" key new >/dev/null

# The set, without what only Ashlar has. Both peers get exactly these names.
"${ours[@]}" plan "$role" --json >"$work/plan.json"
packages=$(jq -r '.packages[] | select(.archive != "ashlar") | .name' "$work/plan.json")
echo "bench: role $role, $(wc -w <<<"$packages") packages"

# ---- mkosi's configuration ------------------------------------------------------------------------
config=$work/mkosi
mkdir -p "$config"/{mkosi.repart,mkosi.sandbox/etc/apt/sources.list.d,mkosi.extra/etc}
trixie_sources >"$config/list"
# mkosi's own sources include an archive of debug symbols that mirrors often lack; a file of exactly
# this name replaces them.
{
    echo "Types: deb"; echo "URIs: $(apt_mirror debian)"; echo "Suites: trixie trixie-updates"; echo "Components: main"
    echo "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg"; echo
    echo "Types: deb"; echo "URIs: $(apt_mirror debian-security)"; echo "Suites: trixie-security"; echo "Components: main"
    echo "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg"
} >"$config/mkosi.sandbox/etc/apt/sources.list.d/mkosi.sources"
cat >"$config/mkosi.conf" <<CONF
[Distribution]
Distribution=debian
Release=trixie
Mirror=$(apt_mirror debian)
[Output]
Format=disk
ImageId=bench
ImageVersion=1
OutputDirectory=$work/mkosi-out
Seed=0e9a8a5e-0e3a-4e0e-9b8c-6a3c4a1b2c3d
SplitArtifacts=uki
[Content]
Bootable=yes
Bootloader=systemd-boot
UnifiedKernelImages=yes
SourceDateEpoch=1700000000
WithDocs=yes
KernelCommandLine=console=ttyS0 systemd.volatile=overlay
RemoveFiles=/etc/ssh/ssh_host_*
CleanPackageMetadata=no
Packages=
$(sed 's/^/    /' <<<"$packages")
    systemd-boot-efi
[Validation]
SecureBoot=yes
SecureBootAutoEnroll=no
SecureBootKey=$config/mkosi.key
SecureBootCertificate=$config/mkosi.crt
Verity=yes
VerityKey=$config/mkosi.key
VerityCertificate=$config/mkosi.crt
[Build]
PackageCacheDirectory=$work/mkosi-cache
CacheDirectory=$work/mkosi-incremental
WorkspaceDirectory=$work/mkosi-workspace
CONF
add_boot_mark "$config/mkosi.extra"
# Debian's preset makes the boot wait for a time server, which no machine of a benchmark has.
mkdir -p "$config/mkosi.extra/etc/systemd/system" && ln -s /dev/null "$config/mkosi.extra/etc/systemd/system/chrony-wait.service"
openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=bench -keyout "$config/mkosi.key" -out "$config/mkosi.crt" 2>/dev/null
printf '[Partition]\nType=esp\nFormat=vfat\nCopyFiles=/boot:/\nCopyFiles=/efi:/\nSizeMinBytes=512M\nSizeMaxBytes=512M\n' >"$config/mkosi.repart/00-esp.conf"
printf '[Partition]\nType=root\nFormat=erofs\nCopyFiles=/\nVerity=data\nVerityMatchKey=root\nMinimize=best\n' >"$config/mkosi.repart/10-root.conf"
printf '[Partition]\nType=root-verity\nVerity=hash\nVerityMatchKey=root\nMinimize=best\n' >"$config/mkosi.repart/20-verity.conf"
printf '[Partition]\nType=root-verity-sig\nVerity=signature\nVerityMatchKey=root\n' >"$config/mkosi.repart/30-verity-sig.conf"
mkdir -p "$work"/{mkosi-out,mkosi-cache,mkosi-incremental,mkosi-workspace}
peer_command() { # log, mkosi arguments...
    local log=$1; shift
    measure "$log" bash -c "$(declare -f inside); cache='$cache'; inside '$peers' mkosi --directory '$config' $*"
}

touch_overlay() { date +%s%N >"$1"; }

head_row "against mkosi"
rm -rf "$work/store"
a=$(measure "$work/ours-cold.log" "${ours[@]}" build "$role")
b=$(peer_command "$work/mkosi-cold.log" --force build)
row "empty package cache" "$a" "$b"

rm -rf "$work/store/stages"
a=$(measure "$work/ours-warm.log" "${ours[@]}" build "$role")
b=$(peer_command "$work/mkosi-warm.log" --force build)
row "warm package cache" "$a" "$b"
warm=$a

peer_command "$work/mkosi-first.log" --force --incremental=yes build >/dev/null
touch_overlay "$work/overlays/base/etc/bench"; touch_overlay "$config/mkosi.extra/etc/bench"
a=$(measure "$work/ours-overlay.log" "${ours[@]}" build "$role")
b=$(peer_command "$work/mkosi-overlay.log" --force --incremental=yes build)
row "one overlay file changed" "$a" "$b"

a=$(measure "$work/ours-nothing.log" "${ours[@]}" build "$role")
b=$(peer_command "$work/mkosi-nothing.log" --force --incremental=yes build)
row "nothing changed" "$a" "$b"

head_row "against mmdebstrap (a bare root)"
mm_log=$work/mmdebstrap.log
b=$(measure "$mm_log" bash -c "$(declare -f inside); cache='$cache'; inside '$peers' mmdebstrap --variant=essential \
    --include='$(tr '\n' , <<<"$packages" | sed 's/,$//')' trixie '$work/mmdebstrap-root' '$config/list'")
row "warm packages, whole image" "$warm" "$b"
