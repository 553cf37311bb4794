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

say() { echo "apt_oracle: $*" >&2; }

# --- the indices --------------------------------------------------------------------------------

# The base addresses of this machine's own archive and security archive.
archive_of() { # suffix of the suite, or ''
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
        awk -v want="$1" '{ suffix = ""; if (match($2, /-.*/)) suffix = substr($2, RSTART) } suffix == want { print $1; exit }'
}

download() { # target directory
    local main security apt=$1/apt keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    main=$(archive_of '') security=$(archive_of -security)
    [[ -n $main && -n $security ]] || { say "this machine's APT has no Debian archive and no security archive"; return 1; }
    mkdir -p "$apt"/{lists/partial,cache/archives/partial,empty}
    printf "deb [signed-by=$keyring arch=$architecture] %s %s main contrib non-free non-free-firmware\n" \
        "$main" trixie "$main" trixie-updates "$security" trixie-security >"$apt/sources.list"
    apt-get -qq -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts="$apt/empty" \
        -o Dir::State::lists="$apt/lists" -o Dir::Cache="$apt/cache" -o Dir::Etc::preferencesparts="$apt/empty" \
        -o Acquire::Languages=none -o APT::Architecture=$architecture -o APT::Architectures::=$architecture \
        --error-on=any update >&2 || return 1
    local list suite component
    rm -rf "$1/new" && mkdir "$1/new"
    for list in "$apt"/lists/*_binary-${architecture}_Packages*; do
        suite=${list##*_dists_} suite=${suite%%_*}
        component=${list%_binary-*} component=${component##*_}
        mkdir -p "$1/new/dists/$suite/$component/binary-$architecture"
        /usr/lib/apt/apt-helper cat-file "$list" >"$1/new/dists/$suite/$component/binary-$architecture/Packages"
    done
    for list in "$apt"/lists/*_InRelease; do
        suite=${list##*_dists_} suite=${suite%_InRelease}
        # The signature was checked by APT; of the text only the fields are needed here.
        sed -n '/^Origin:/,/^SHA256:/p' "$list" >"$1/new/dists/$suite/Release"
    done
    rm -rf "$1/current" && mv "$1/new" "$1/current"
}

if [[ -z $index ]]; then
    mkdir -p "$cache/index"
    if ! download "$cache/index"; then
        [[ -d $cache/index/current ]] || { say "no index: give one with --index, or let this machine reach its archive"; exit 1; }
        say "NO FRESH INDEX: going on with the one of $(date -r "$cache/index/current" -u +%FT%TZ)"
    fi
    index=$cache/index/current
fi
index=$(cd "$index" && pwd)

# --- APT's side ---------------------------------------------------------------------------------

# A repository of links to the same index files, with a Release that APT accepts.
make_repository() { # components
    local suite component file out
    # Where nothing else decides, APT goes by the order of its sources: the driver has the same.
    for suite in $(cd "$index/dists" && printf '%s\n' * | sort); do
        out=$work/repository/dists/$suite
        mkdir -p "$out"
        for component in $1; do
            file=$index/dists/$suite/$component
            if [[ -d $file ]]; then ln -s "$file" "$out/$component"; fi
        done
        {
            grep -E '^(Origin|Label|Suite|Codename|Version|NotAutomatic|ButAutomaticUpgrades):' "$index/dists/$suite/Release"
            echo "Date: Thu, 01 Jan 1970 00:00:00 UTC"
            echo "Architectures: $architecture"
            echo "Components: $(cd "$out" && echo */ | tr -d /)"
            echo "SHA256:"
            cd "$out" && for file in */binary-$architecture/Packages; do
                echo " $(sha256sum <"$file" | cut -d' ' -f1) $(stat -Lc %s "$file") $file"
            done
        } >"$work/Release" && mv "$work/Release" "$out/Release"
        echo "deb [trusted=yes] file:$work/repository $suite $(cd "$out" && echo */ | tr -d /)"
    done
}

prepare_apt() { # components
    rm -rf "$work/apt" "$work/repository"
    mkdir -p "$work"/apt/{etc/preferences.d,etc/apt.conf.d,etc/trusted.gpg.d,state/lists/partial,cache/archives/partial}
    : >"$work/apt/state/status"
    make_repository "$1" >"$work/apt/etc/sources.list"
    cat >"$work/apt.conf" <<END
Dir "$work/apt";
Dir::Etc "etc";
Dir::State "state";
Dir::State::status "$work/apt/state/status";
Dir::Cache "cache";
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Install-Recommends "0";
Acquire::Languages "none";
END
    APT_CONFIG=$work/apt.conf apt-get -qq update >&2
}

# Essential and Priority: required, the foundation that the resolver adds too.
foundation() {
    awk 'BEGIN { RS = ""; FS = "\n" }
        { name = ""; wanted = 0
          for (i = 1; i <= NF; i++) {
              if ($i ~ /^Package: /) name = substr($i, 10)
              if ($i == "Essential: yes" || $i == "Priority: required") wanted = 1
          }
          if (wanted) print name }' "$index"/dists/*/main/binary-$architecture/Packages | sort -u | tr '\n' ' '
}

ask_apt() { # packages…; prints "package version"
    APT_CONFIG=$work/apt.conf apt-get -s install "$@" |
        sed -n 's/^Inst \([^ ]*\) \(\[[^]]*\] \)\?(\([^ ]*\) .*/\1 \3/p' | sort -u
}

sets=$work/sets
grep -vE '^(#|$)' "$here/sets.txt" | awk -v only="$only" 'only == "" || $1 ~ "^" only ":?$"' >"$sets"
[[ -s $sets ]] || { say "no set is called '$only'"; exit 2; }
foundation=$(foundation)
digest=$({ apt-get --version | head -1; cd "$index" && find . -type f \( -name Packages -o -name Release \) | sort | xargs sha256sum; } | sha256sum)

asked=0 prepared=
while IFS= read -r line; do
    name=${line%%:*} packages=${line#*:} components="main"
    [[ $name == *\[*\]* ]] && components+=" $(sed 's/.*\[\(.*\)\].*/\1/' <<<"$name")"
    name=${name%% *}
    answer=$cache/answers/$(sha256sum <<<"$digest $components $foundation : $packages" | cut -d' ' -f1)
    if [[ ! -e $answer ]]; then
        ((asked++)) || say "RUNNING APT: these sets were never asked with these indices; this takes a few seconds each"
        [[ $prepared == "$components" ]] || { prepare_apt "$components"; prepared=$components; }
        say "asking APT for '$name'"
        # shellcheck disable=SC2086 # these are lists of words
        ask_apt $foundation $packages >"$work/answer"
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
