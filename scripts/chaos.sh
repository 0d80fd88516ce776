#!/usr/bin/env bash
# Real producers and a real consumer under faults at random: kill -9, SIGSTOP, connections that are cut, slow or
# swallow data, a sink that fails. At the end what producers saw as ok is held against what the sink holds.
# Installs and builds what is missing first. All options are those of tests/chaos/run.py: --help shows them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for word in "$@"; do
    case $word in -h | --help) exec /usr/bin/python3 tests/chaos/run.py --help ;; esac
done
scripts/install-deps.sh --tests >&2
scripts/build.sh release blocky-consumer blocky-producer
exec /usr/bin/python3 tests/chaos/run.py "$@"
