# An APT of its own over given index files, for the oracle and the benchmark. Sourced.
#
# Needs: $work (an empty directory), $cache, $index (may be empty), $architecture.

say() { echo "$(basename "$0" .sh): $*" >&2; }

# --- the indices --------------------------------------------------------------------------------

# The base addresses of this machine's own archive and security archive.
archive_of() { # suffix of the suite, or ''
    apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' 'Origin: Debian' |
        awk -v want="$1" '{ suffix = ""; if (match($2, /-.*/)) suffix = substr($2, RSTART) } suffix == want { print $1; exit }'
}

download() { # target directory
    local main security apt=$1/apt keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    main=$(archive_of '') security=$(archive_of -security)
    [[ -n $main && -n $security ]] || { say "this machine's APT has no Debian archive and no security archive"; return 1; }
    mkdir -p "$apt"/{lists/partial,cache/archives/partial,empty}
    printf "deb [signed-by=$keyring arch=$architecture] %s %s main contrib non-free non-free-firmware\n" \
        "$main" trixie "$main" trixie-updates "$security" trixie-security >"$apt/sources.list"
    # What this machine does after an update of its own (`-c` is read last) is none of ours.
    printf '%s\n' '#clear APT::Update;' 'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";' >"$apt/conf"
    apt-get -qq -c "$apt/conf" -o Dir::Etc::sourcelist="$apt/sources.list" -o Dir::Etc::sourceparts="$apt/empty" \
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

# Sets $index where none was given.
find_index() {
    if [[ -z $index ]]; then
        mkdir -p "$cache/index"
        if ! download "$cache/index"; then
            [[ -d $cache/index/current ]] || { say "no index: give one with --index, or let this machine reach its archive"; exit 1; }
            say "NO FRESH INDEX: going on with the one of $(date -r "$cache/index/current" -u +%FT%TZ)"
        fi
        index=$cache/index/current
    fi
    index=$(cd "$index" && pwd)
}

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
            echo "Components: $1"
            echo "SHA256:"
            cd "$out" && for file in */binary-$architecture/Packages; do
                echo " $(sha256sum <"$file" | cut -d' ' -f1) $(stat -Lc %s "$file") $file"
            done
        } >"$work/Release" && mv "$work/Release" "$out/Release"
        echo "deb [trusted=yes] file:$work/repository $suite $(for component in $1; do if [[ -d $out/$component ]]; then echo "$component"; fi; done | tr '\n' ' ')"
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

# The components that a line of sets.txt may use.
components_of() { # line
    local name=${1%%:*} components=main
    if [[ $name == *\[*\]* ]]; then components+=" $(sed 's/.*\[\(.*\)\].*/\1/' <<<"$name")"; fi
    echo "$components"
}
