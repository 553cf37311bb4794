#!/usr/bin/env bash
# Installs what building and testing Ashlar needs on Debian 12 or newer. Does nothing when all is
# there, so that it can stand in front of every other script.
#   scripts/setup.sh                what every build and ring but sanitize needs
#   scripts/setup.sh --with-clang   clang and its runtime as well, for fuzzing and clang-tidy
set -euo pipefail

# Compile.
packages=(ca-certificates ccache cmake ninja-build g++ pkg-config git patch
          libarchive-dev libcli11-dev libcurl4-openssl-dev libfdisk-dev libfmt-dev libp11-kit-dev libsolv-dev
          libsolvext-dev libssl-dev libtomlplusplus-dev libzstd-dev nlohmann-json3-dev)
# Build images: gpgv verifies archives, newuidmap lets ordinary users build.
packages+=(gpgv uidmap)
# Boot images.
packages+=(qemu-system-x86 ovmf swtpm tpm2-tools)
# Test: frameworks, and the outside judges of what we make.
packages+=(libgtest-dev libgmock-dev librapidcheck-dev python3 python3-jsonschema python3-venv
           apt binutils cpio dpkg-dev iproute2 cryptsetup-bin dosfstools e2fsprogs erofs-utils faketime fdisk gdisk gnupg kmod mtools openssl sbsigntool softhsm2 systemd-container
           openssh-client zstd xz-utils jq apache2-bin etcd-server dnsmasq-base)
# Measure: the peers that Debian has for every machine.
packages+=(casync mmdebstrap)

if [[ ${1:-} == --with-clang ]]; then
    # The distribution's own version, whichever that is.
    version=$(apt-cache depends clang | sed -n 's/^ *Depends: clang-\([0-9]*\)$/\1/p')
    [[ -n $version ]] || { echo "setup: APT knows no package clang; apt-get update?" >&2; exit 1; }
    packages+=("clang-$version" "clang-tidy-$version" "libclang-rt-$version-dev")
elif [[ $# -gt 0 ]]; then
    echo "setup: unknown argument '$1' (there is only --with-clang)" >&2
    exit 2
fi

missing=()
for package in "${packages[@]}"; do
    status=$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null || true)
    [[ $status == ii* ]] || missing+=("$package")
done
[[ ${#missing[@]} -eq 0 ]] && exit 0

if [[ $(id -u) -ne 0 ]]; then
    echo "setup: these packages are missing, and only root can install them:" >&2
    echo "  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi
echo "setup: installing ${#missing[@]} packages: ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install --yes --no-install-recommends "${missing[@]}" >/dev/null
