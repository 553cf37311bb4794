#!/bin/bash
# Holds the resolver's answers against APT's, on the same index files.
#
#   apt_oracle.sh --driver BINARY [--index DIR] [--set NAME]
#
# DIR has dists/<suite>/Release and dists/<suite>/<component>/binary-amd64/Packages. Without it the
# indices of Debian 13 (release, updates, security) come through APT from where this machine gets its
# own packages; if that fails, the ones of the last time are used, and it says so.
#
# APT runs in a directory tree of its own, with nothing installed and without Recommends. What it
# answers is kept in $ASHLAR_ORACLE_CACHE (default: the store's directory) by the digest of everything
# the answer depends on, so that only new questions cost time.
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "$0")" && pwd)
driver= index= only= architecture=amd64
while (($#)); do
    case $1 in
    --driver) driver=$2 ;;
    --index) index=$2 ;;
    --set) only=$2 ;;
    *) echo "apt_oracle.sh: unknown option '$1'" >&2; exit 2 ;;
    esac
    shift 2
done
[[ -x $driver ]] || { echo "apt_oracle.sh: --driver must name the compiled oracle_driver" >&2; exit 2; }

if ((EUID == 0)); then default_store=/var/cache/ashlar; else default_store=${XDG_CACHE_HOME:-$HOME/.cache}/ashlar; fi
cache=${ASHLAR_ORACLE_CACHE:-${ASHLAR_STORE:-$default_store}/oracle}
mkdir -p "$cache/answers"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# APT drops its privileges for some of this.
chmod 755 "$work"

# shellcheck source=apt_root.sh
. "$here/apt_root.sh"
find_index

sets=$work/sets
grep -vE '^(#|$)' "$here/sets.txt" | awk -v only="$only" 'only == "" || $1 ~ "^" only ":?$"' >"$sets"
[[ -s $sets ]] || { say "no set is called '$only'"; exit 2; }
foundation=$(foundation)
# Of a Release only what decides counts: its dates change several times a day.
digest=$({
    apt-get --version | head -1
    cd "$index"
    find -L dists -type f -name Packages | sort | xargs sha256sum
    grep -E '^(Suite|Codename|NotAutomatic|ButAutomaticUpgrades):' dists/*/Release
} | sha256sum)

asked=0 prepared=
while IFS= read -r line; do
    name=${line%%:*} packages=${line#*:} components=$(components_of "$line")
    name=${name%% *}
    answer=$cache/answers/$(sha256sum <<<"$digest $components $foundation : $packages" | cut -d' ' -f1)
    if [[ ! -e $answer ]]; then
        ((asked++)) || say "RUNNING APT: these sets were never asked with these indices; this takes a few seconds each"
        [[ $prepared == "$components" ]] || { prepare_apt "$components"; prepared=$components; }
        say "asking APT for '$name'"
        # shellcheck disable=SC2086 # these are lists of words
        ask_apt $foundation $packages >"$work/answer" || { say "APT has no answer for '$name'"; exit 1; }
        mv "$work/answer" "$answer"
    fi
    sed "s/^/$name /" "$answer"
done <"$sets" >"$work/apts"

# --- the comparison -----------------------------------------------------------------------------

"$driver" "$index" <"$sets" | sort >"$work/ours" || { say "the resolver found no answer where APT did"; exit 1; }
sort "$work/apts" >"$work/theirs"

# "set: +package" for each difference; a package in another version is both + and -.
{ comm -23 "$work/ours" "$work/theirs" | awk '{ print $1 ": +" $2 }'; comm -13 "$work/ours" "$work/theirs" | awk '{ print $1 ": -" $2 }'; } |
    sort >"$work/found"
awk -F': ' '!/^(#|$)/ { n = split($2, packages, " "); for (i = 1; i <= n; i++) print $1 ": " packages[i] }' "$here/differences.txt" |
    grep -F "${only:+$only: }" | sort >"$work/explained" || true

status=0
while IFS= read -r line; do say "UNEXPLAINED DIFFERENCE: $line"; status=1; done < <(comm -23 "$work/found" "$work/explained")
while IFS= read -r line; do say "NO DIFFERENCE ANY MORE: $line"; status=1; done < <(comm -13 "$work/found" "$work/explained")
say "$(wc -l <"$sets") sets, $(wc -l <"$work/theirs") packages, APT asked for $asked, $(wc -l <"$work/found") differences, all explained: $( ((status)) && echo NO || echo yes)"
exit $status
