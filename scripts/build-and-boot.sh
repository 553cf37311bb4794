#!/usr/bin/env bash
# The main job on a fresh machine: installs what is needed, compiles, builds the image of a role
# (default: base) from the live archive and boots it in QEMU under Secure Boot until it says "ready".
#   scripts/build-and-boot.sh [ROLE]
set -euo pipefail
cd "$(dirname "$0")/.."
role=${1:-base}

scripts/setup.sh
scripts/compile.sh -DASHLAR_TESTS=OFF
ashlar=build/ashlar

[[ -d keys ]] || "$ashlar" key new
"$ashlar" build "$role"
"$ashlar" boot "$role" --headless
