#!/usr/bin/env bash
# Configures and builds Blocky: scripts/build.sh [release|asan|tsan|fuzz [TARGET...]]; all of release if nothing is said.
# Programs land in build/bin (build-asan/bin, build-tsan/bin). Silent if there is nothing to do;
# whatever it prints, progress of a longer build included, is on stderr.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
    printf 'build.sh: %s\n' "$2" >&2
    exit "$1"
}

# Where a preset builds: what CMakePresets.json calls its binaryDir.
directory_of() { [[ $1 == release ]] && echo build || echo "build-$1"; }

configure() {
    local output
    output=$(cmake --preset "$1" 2>&1) && return
    printf '%s\n' "$output" >&2
    die 1 "cannot configure preset $1"
}

preset=${1:-release}
build=(cmake --build --preset "$preset" --target "${@:2}")
(($# > 1)) || build+=(all)
command -v cmake >/dev/null || die 1 'there is no cmake; scripts/install-deps.sh installs what is needed'
presets=$(cmake --list-presets | sed -n 's/^ *"\([^"]*\)".*/\1/p' | paste -sd ' ')
[[ " $presets " == *" $preset "* ]] || die 2 "got preset \"$preset\", accepts one of: $presets"

# Two builds in one directory would trip over each other: the second one waits, and finds all done.
directory=$(directory_of "$preset")
mkdir -p "$directory"
exec {lock}>"$directory/.build.lock"
flock "$lock"

configure "$preset"
"${build[@]}" | sed -u -e '/: no work to do\.$/d' -e '/ Re-checking globbed directories/d' >&2
