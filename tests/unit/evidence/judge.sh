#!/usr/bin/env bash
# Runs one test, <program> <filter>, with the validators of SPDX and CycloneDX, which live in a virtual
# environment in the cache: the network is needed once.
set -euo pipefail
environment="${XDG_CACHE_HOME:-$HOME/.cache}/ashlar-tests/sbom-1"
if [[ ! -x $environment/ready/bin/python ]]; then
    mkdir -p "$environment"
    new=$(mktemp -d "$environment/new-XXXXXX")
    trap 'rm -rf "$new"' EXIT
    python3 -m venv "$new/venv"
    "$new/venv/bin/pip" install --quiet --disable-pip-version-check 'spdx-tools==0.8.*' 'cyclonedx-python-lib[json-validation]==11.*'
    mv -T "$new/venv" "$environment/ready" 2>/dev/null || [[ -x $environment/ready/bin/python ]]
fi
output=$(ASHLAR_SBOM_PYTHON="$environment/ready/bin/python" "$1" --gtest_filter="${2:-BillOfMaterials.ValidatorsAccept}")
echo "$output"
grep -q '\[  PASSED  \] 1 test' <<<"$output"
