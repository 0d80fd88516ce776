#!/usr/bin/env bash
# Installs the Debian packages that Blocky is built from, as far as they are missing.
#   --tests   also those that the tests need
#   --checks  also those that scripts/check.sh needs
#   --bench   also those that scripts/bench.sh needs
#   --fuzz    also those that scripts/fuzz.sh needs
#   --browser also Chromium, and what drives it, for the tests of the dashboard
set -euo pipefail

# What building needs.
packages=(
    g++                # the compiler, C++20
    cmake              # describes the build
    ninja-build        # runs it
    pkg-config         # finds libraries that bring no CMake files
    libzmq3-dev        # ZeroMQ, the transport
    cppzmq-dev         # its C++ face
    nlohmann-json3-dev # JSON of the wire protocol
    libsimdjson-dev    # tells JSON from what is none, fast enough for the hot path
    libcli11-dev       # command line, configuration file and environment
    libspdlog-dev      # diagnostics on stderr
    libexpected-dev    # tl::expected: errors as values
    libsqlite3-dev     # the sink sqlite, and its yardstick in bench/
    libsodium-dev      # random numbers and keys from the system's entropy
    libpq-dev          # PostgreSQL's client, for the sink postgres
    libnats-dev        # the sink nats
    libcpp-httplib-dev # takes HTTP requests apart, for --http
    prometheus-cpp-dev # the text format of /metrics
    libjs-chart.js     # the dashboard's charts, embedded
    doctest-dev        # the C++ tests, which are part of the build
    patch              # builds mistakes into copies of our sources, for the simulation to find
)
tests=(
    python3     # drives the real programs
    python3-zmq # a client that nobody here wrote
    postgresql  # a real server for the sink postgres
    nats-server # three of them make the cluster that the sink nats is tested on
    prometheus  # promtool reads what /metrics says, and the alerts (a booted system starts it, too)
    procps      # ps and pgrep, to see that nothing is left behind
    systemd     # examines the units, and passes sockets
    jq          # an example of a command as a sink
    nodejs      # another one
)
checks=(
    clang-format # one style
    clang-tidy   # what the compiler does not warn of
    shellcheck   # the same for these scripts
    git          # knows which files are ours
    python3      # compiles the tests' sources, and runs clang-tidy on both cores
)

bench=(
    python3 # starts both sides by turns, and counts
)

fuzz=(
    clang               # has libFuzzer
    libclang-rt-14-dev  # which is in here, as the sanitizers are
)

browser=(
    chromium # shows the dashboard to its tests
    nodejs   # runs them
)

die() {
    printf 'install-deps.sh: %s\n' "$2" >&2
    exit "$1"
}

# $1 and following: packages. Prints those that are not installed.
missing_of() {
    local package
    for package in "$@"; do
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
            printf '%s\n' "$package"
    done
}

# Runs a command as root. Its output is for stderr, and only if it failed.
as_root() {
    local output
    local -a sudo=()
    ((EUID == 0)) || sudo=(sudo)
    output=$("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive "$@" 2>&1) && return
    printf '%s\n' "$output" >&2
    die 1 "failed: $*"
}

with_npm=false
for option in "$@"; do
    case $option in
        --tests) packages+=("${tests[@]}") ;;
        --checks) packages+=("${checks[@]}") ;;
        --bench) packages+=("${bench[@]}") ;;
        --fuzz) packages+=("${fuzz[@]}") ;;
        --browser)
            packages+=("${browser[@]}")
            # A nodejs that is not Debian's brings an npm of its own, and conflicts with Debian's.
            command -v npm >/dev/null || packages+=(npm)
            with_npm=true
            ;;
        *) die 2 "got \"$option\", accepts --tests, --checks, --bench, --fuzz, --browser" ;;
    esac
done

if ! command -v apt-get >/dev/null; then
    die 1 "needs Debian's apt-get; elsewhere install the like of: ${packages[*]}"
fi
mapfile -t missing < <(missing_of "${packages[@]}")
if ((${#missing[@]} > 0)); then
    if ((EUID != 0)) && ! command -v sudo >/dev/null; then
        die 1 "must install ${missing[*]}, and is neither root nor has sudo"
    fi
    printf 'install-deps.sh: installing %s\n' "${missing[*]}" >&2
    as_root apt-get -q update
    as_root apt-get -qy install --no-install-recommends "${missing[@]}"
fi
if $with_npm; then
    browser_tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/../tests/browser" && pwd)
    [[ $browser_tests/node_modules/.package-lock.json -nt $browser_tests/package-lock.json ]] ||
        npm ci --prefix "$browser_tests" --no-audit --no-fund >&2 || die 1 "failed: npm ci --prefix $browser_tests"
fi
