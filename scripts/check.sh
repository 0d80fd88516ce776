#!/usr/bin/env bash
# Checks the sources without running them: format, clang-tidy, shell scripts, Python syntax.
# One line each, "ok" or "failed" with what was found; exit code 1 if any failed. Needs no arguments.
# shellcheck disable=SC2317  # shellcheck 0.9 takes functions that are called by a variable for unreachable
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Our files that match the patterns: those that git knows, and new ones that it does not ignore.
ours() {
    local file
    git ls-files --cached --others --exclude-standard -- "$@" | while IFS= read -r file; do
        [[ ! -e $file ]] || printf '%s\n' "$file"
    done
}

check_format() { ours '*.cpp' '*.hpp' | xargs -r clang-format --dry-run -Werror; }

# The programs' sources; clang 14 fails on what doctest's macros do with structured bindings.
# clang-tidy reads from the release build how each file is compiled; g++ knows warnings that clang does not.
check_tidy() {
    scripts/build.sh release || return
    run-clang-tidy -quiet -p build -j "$(nproc)" -extra-arg=-Wno-unknown-warning-option \
        '/(bench|common|consumer|producer)/.*\.cpp$' 2>&1 | findings_only
}

# Leaves out the colours, the commands, and how much was found in headers that are not ours.
findings_only() { sed -e 's/\x1b\[[0-9;]*m//g' -e '/^clang-tidy/d' -e '/ warnings\( and .*\)\? generated\.$/d'; }

check_shell() { ours 'scripts/*.sh' '.ci/run' | xargs -r shellcheck; }

# Compiles in memory, so that no __pycache__ appears.
check_python() {
    ours '*.py' | python3 -c '
import sys
for name in sys.stdin.read().splitlines():
    compile(open(name, encoding="utf-8").read(), name, "exec")
'
}

failed=0
run() { # $1: what is checked, $2: the function that does it
    local output
    if output=$("$2" 2>&1); then
        printf '%-14s ok\n' "$1"
    else
        printf '%-14s failed\n%s\n' "$1" "$output"
        failed=1
    fi
}

run shellcheck check_shell
run python check_python
run clang-format check_format
run clang-tidy check_tidy
exit "$failed"
