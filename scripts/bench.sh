#!/usr/bin/env bash
# Measures Blocky against a bare libzmq pair on this machine, and prints Markdown tables on stdout.
# Installs and builds what is missing first. All options are those of bench/benchmark.py: --help shows them.
# Give it a quiet machine: on a busy one only the ratios mean something, and those are rough.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/install-deps.sh --bench
python3 bench/benchmark.py --parse-only "$@"  # a wrong option is told before a build, not after it
for word in "$@"; do
    case $word in -h | --help) exit 0 ;; esac
done
scripts/build.sh release blocky-consumer blocky-producer bare_consumer bare_producer held_clients
exec python3 bench/benchmark.py "$@"
