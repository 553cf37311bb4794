#!/usr/bin/env bash
# Runs the tests, everything included that they need on a fresh Debian 12 machine.
#
#   scripts/test.sh                          the default rings: fast, boot, site and powercut
#   scripts/test.sh --ring fast              one ring; may be given several times
#   scripts/test.sh --allow-missing-rings    a ring that cannot run here is reported, not a failure
#   scripts/test.sh --allow-missing site     the same of this ring alone
#
# fast    unit, property, corpus and oracle tests            no network but for the first oracle run
# boot    releases from the live archive, cut, carried, booted and taken in QEMU   about 18 minutes, 5 of them to build
# trains  four trains of different suites, and a node that takes one after the other   about 30 minutes
# powercut  the boot loader and its model agree              about a minute
# site    nodes in containers found a site                   about six minutes
# clusters  Ceph, OVN, Galera, RabbitMQ and what belongs to them form on three nodes   about 20 minutes
# repro   same inputs, same bytes, whoever builds            about 10 minutes
# fault   interrupted builds                                 about 5 minutes
# long    all of boot, powercut, repro, fault, site, clusters and trains   three hours
# bench   against mkosi and mmdebstrap                       about 30 minutes
# tuf     python-tuf and Ashlar read each other's metadata   a minute, and more the first time
# sanitize  unit tests under sanitizers, and fuzzing         about an hour, most of it compiling
#
# A ring is an executable tests/<ring>/run; exit code 77 means "cannot run here".
# What rings share (the compiled program, images, the package store) is made once.
set -euo pipefail
cd "$(dirname "$0")/.."

rings=()
allow_missing=no
may_be_missing=" "
while [[ $# -gt 0 ]]; do
    case $1 in
        --ring) rings+=("$2"); shift 2 ;;
        --allow-missing-rings) allow_missing=yes; shift ;;
        --allow-missing) may_be_missing+="$2 "; shift 2 ;;
        -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; exit 0 ;;
        *) echo "test.sh: unknown argument '$1' (try --help)" >&2; exit 2 ;;
    esac
done
[[ ${#rings[@]} -gt 0 ]] || rings=(fast boot site powercut)

scripts/setup.sh
scripts/compile.sh -DASHLAR_TESTS=ON

export ASHLAR="$PWD/build/ashlar"
if [[ -z ${ASHLAR_BOOT_WORK:-} ]]; then
    ASHLAR_BOOT_WORK=$(mktemp -d "${TMPDIR:-/var/tmp}/ashlar-boot-XXXXXX")
    trap 'rm -rf "$ASHLAR_BOOT_WORK"' EXIT
    export ASHLAR_BOOT_WORK
fi
failed=0
report=""
for ring in "${rings[@]}"; do
    echo "=== ring $ring"
    start=$SECONDS
    code=0
    # Whatever hangs is to be named by us, and not by whoever loses patience with us.
    case $ring in long) patience=5h ;; trains | sanitize) patience=2h ;; *) patience=45m ;; esac
    timeout --foreground --kill-after=1m "$patience" "tests/$ring/run" || code=$?
    case $code in
        0) result=passed ;;
        77) result="CANNOT RUN HERE"; [[ $allow_missing == yes || $may_be_missing == *" $ring "* ]] || failed=1 ;;
        124 | 137) result="HANGS ($patience)"; failed=1 ;;
        *) result="FAILED ($code)"; failed=1 ;;
    esac
    report+=$(printf '%-8s %-16s %5d s' "$ring" "$result" $((SECONDS - start)))$'\n'
done
echo "=== result"
printf '%s' "$report"
exit $failed
