#!/usr/bin/env bash
# Installs what is missing, builds everything and runs all tests: unit, property, loopback and process level.
#   --preset NAME  release (default), asan or tsan
#   --long         the long ones too, such as a whole minute of ten producers
#   --browser      those of the dashboard too, in a real Chromium, which it installs
# Everything else goes to ctest and comes last, so it wins: scripts/test.sh -L unit, scripts/test.sh -R batcher -j1
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=release
install_args=(--tests)
ctest_args=()
while (($# > 0)); do
    case $1 in
        --long) export BLOCKY_LONG_TESTS=1 ;;
        --browser)
            export BLOCKY_BROWSER_TESTS=1
            install_args+=(--browser)
            ;;
        --preset)
            preset=${2-}
            shift $(($# > 1))
            ;;
        --preset=*) preset=${1#*=} ;;
        *) ctest_args+=("$1") ;;
    esac
    shift
done
if [[ -z $preset ]]; then
    echo 'test.sh: --preset: got "", accepts release, asan or tsan' >&2
    exit 2
fi

scripts/install-deps.sh "${install_args[@]}"
scripts/build.sh "$preset"
ctest --preset "$preset" --output-on-failure -j2 "${ctest_args[@]}"
