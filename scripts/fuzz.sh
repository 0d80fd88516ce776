#!/usr/bin/env bash
# Fuzzes with libFuzzer: scripts/fuzz.sh [--seconds N] [TARGET...]; 60 seconds each, all targets if nothing is said,
# as many at a time as there are processors. One line for each on stdout. What it finds is kept in
# build-fuzz/findings and ends it with 1; new inputs of use go to build-fuzz/corpus, and those that are worth keeping
# to tests/fuzz/corpus by hand (docs/architecture.md).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
    printf 'fuzz.sh: %s\n' "$2" >&2
    exit "$1"
}

seconds=60
mapfile -t known < <(cd tests/fuzz/corpus && printf '%s\n' *)
targets=()
while (($# > 0)); do
    case $1 in
        --seconds)
            seconds=${2-}
            shift $(($# > 1))
            ;;
        --seconds=*) seconds=${1#*=} ;;
        *)
            [[ " ${known[*]} " == *" $1 "* ]] || die 2 "got target \"$1\", accepts: ${known[*]}"
            targets+=("$1")
            ;;
    esac
    shift
done
[[ $seconds =~ ^[1-9][0-9]{0,5}$ ]] || die 2 "--seconds: got \"$seconds\", accepts a number from 1 to 999999"
((${#targets[@]} > 0)) || targets=("${known[@]}")

scripts/install-deps.sh --fuzz
scripts/build.sh fuzz "${targets[@]/#/fuzz_}"

# $1: a target. Leaves its log, with how it ended in the last line, and prints one line about it.
fuzz_one() {
    local target=$1 corpus=build-fuzz/corpus/$1 log=build-fuzz/fuzz-$1.log dictionary=tests/fuzz/$1.dict
    local -a options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=4096 -print_final_stats=1
        -artifact_prefix="build-fuzz/findings/$target-")
    [[ ! -e $dictionary ]] || options+=(-dict="$dictionary")
    mkdir -p "$corpus" build-fuzz/findings
    local result=ok
    build-fuzz/tests/fuzz/fuzz_"$target" "${options[@]}" "$corpus" "tests/fuzz/corpus/$target" >"$log" 2>&1 ||
        result=FAILED
    printf '%-10s %-6s %9s runs, %6s a second, %5s inputs reach %5s edges, %4s MB\n' "$target" "$result" \
        "$(stat_of number_of_executed_units)" "$(stat_of average_exec_per_sec)" \
        "$(find "$corpus" -type f | wc -l)" "$(grep -o 'cov: [0-9]*' "$log" | tail -1 | tr -dc 0-9)" \
        "$(stat_of peak_rss_mb)"
    [[ $result == ok ]] && return
    sed -n '/ERROR\|SUMMARY\|broken promise\|broken invariant\|runtime error\|Test unit written/p' "$log" >&2
    return 1
}
stat_of() { sed -n "s/^stat::$1: *//p" "$log"; }

# Many at a time, and a new one as soon as one has ended.
failed=0
for target in "${targets[@]}"; do
    if (($(jobs -rp | wc -l) >= $(nproc))); then
        wait -n || failed=1
    fi
    fuzz_one "$target" &
done
while [[ -n $(jobs -p) ]]; do
    wait -n || failed=1
done
exit "$failed"
