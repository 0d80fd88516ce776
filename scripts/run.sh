#!/usr/bin/env bash
# Shows Blocky at work: one consumer and many producer processes, for some seconds or until Ctrl-C.
# Installs and builds what is missing, then supervises them one for one: whoever dies is started again.
# stdout carries the consumer's batch log and nothing else; everything said about the run is on stderr.
# shellcheck disable=SC2317  # shellcheck 0.9 takes what only traps call for unreachable
set -euo pipefail

# A standard descriptor that is closed would be given to the next file opened, and written into.
[[ -e /proc/$$/fd/0 ]] || exec </dev/null
[[ -e /proc/$$/fd/1 ]] || exec >/dev/null
[[ -e /proc/$$/fd/2 ]] || exec 2>/dev/null

# What was asked for.
producers=10
seconds=999999999        # until Ctrl-C
flood=false
dashboard=''             # the address that it is served on
consumer_args=()
producer_args=()

# Where the run stands. Times are hundredths of a second, as tell_time sets them.
dir=''                   # private directory with the consumer's socket in it
heard=''                 # descriptor of the pipe that is stderr to all the children
declare -A pid_of=()     # name -> process
declare -A restarts_of=() # name -> times of its latest restarts
now=0
signals=0                # how often we were asked to stop
ready=false              # the consumer said that it listens
child_died=false         # somebody did, since the last look
over=false               # the run shall end
stopping=false           # it is being ended
result=0                 # exit code

readonly max_restarts=3 restart_window=500 stop_limit=1500

usage() {
    cat <<'END'
Usage: scripts/run.sh [options] [-- consumer options]

Runs one blocky-consumer and many blocky-producer processes, and shows the consumer's batch log.

  --producers N   how many producer processes, 1 to 10000 (default: 10)
  --seconds S     stop after S whole seconds (default: at Ctrl-C)
  --dashboard     serve the dashboard, on a free port of this machine, and say where
  --sink SPEC     where batches go: sum, jsonl:PATH, sqlite:PATH … (default: sum)
  --interval D    close a batch so often: 500ms, 2s … (default: 1s)
  --barrier[=N]   close a batch as soon as every producer, and at least N of them, is in it
  --in-flight N   how many messages each producer may have on their way, 1 to 100000 (default: 1)
  --flood         for contrast: the consumer replies at once, without holding anybody back
  --help          this text

What stands after -- goes to the consumer:  scripts/run.sh --seconds 5 -- --interval 500ms
END
}

note() { printf 'run.sh: %s\n' "$*" >&2 || true; }

bad_usage() {
    note "$*"
    exit 2
}

# $1: option, $2: what it got, $3: pattern that must match, $4: the pattern in words
require() { [[ $2 =~ $3 ]] || bad_usage "$1: got \"$2\", accepts $4"; }

parse_options() {
    while (($# > 0)); do
        case $1 in
            --producers)
                require "$1" "${2-}" '^([1-9][0-9]{0,3}|10000)$' 'a whole number from 1 to 10000'
                producers=$2
                shift 2
                ;;
            --seconds)
                require "$1" "${2-}" '^[1-9][0-9]{0,8}$' 'a whole number of seconds from 1 to 999999999'
                seconds=$2
                shift 2
                ;;
            --dashboard) dashboard=127.0.0.1:0 && shift ;;
            --sink | --interval)
                require "$1" "${2-}" '.' "a value; what it may be, says blocky-consumer --help"
                consumer_args+=("$1" "$2")
                shift 2
                ;;
            --barrier | --barrier=*)
                require "$1" "${1#--barrier}" '^(=[1-9][0-9]{0,8})?$' '--barrier, or --barrier=N with a whole number of at least 1'
                consumer_args+=("$1")
                shift
                ;;
            --in-flight)
                require "$1" "${2-}" '^([1-9][0-9]{0,4}|100000)$' 'a whole number from 1 to 100000'
                producer_args+=("$1" "$2")
                shift 2
                ;;
            --producers=* | --seconds=* | --sink=* | --interval=* | --in-flight=*)
                set -- "${1%%=*}" "${1#*=}" "${@:2}"
                ;;
            --flood) flood=true && shift ;;
            -h | --help) usage && exit 0 ;;
            --) consumer_args+=("${@:2}") && return ;;
            *) bad_usage "got \"$1\", accepts --producers N, --seconds S, --dashboard, --sink SPEC, --interval D, --barrier[=N], --in-flight N, --flood, --help, -- consumer options" ;;
        esac
    done
}

# The clock that nobody sets: a change of the date disturbs neither limits nor the run's length.
tell_time() {
    read -r now _ </proc/uptime
    now=${now/./}
}

# The first Ctrl-C ends the run in good order, the second at once.
on_signal() {
    over=true
    signals=$((signals + 1))
    ((signals < 2)) || exit $((128 + $1))
}

# However the script ends (but for kill -9), it takes everything along.
clean_up() {
    ((BASHPID == $$)) || return 0  # a child that a signal hit before it became its program
    kill -KILL "${pid_of[@]}" 2>/dev/null || true
    [[ -z $dir ]] || rm -rf "$dir"
}

set_traps() {
    trap clean_up EXIT
    trap 'on_signal 1' HUP
    trap 'on_signal 2' INT
    trap 'on_signal 15' TERM
    trap 'child_died=true' CHLD
    trap true PIPE  # a reader of ours that leaves is no reason to die halfway
    # bash prints a line of its own about a child that a signal killed, unless it has a trap for that signal.
    # shellcheck disable=SC2173
    trap true KILL ABRT BUS FPE ILL SEGV SYS
}

prepare() {
    local base=${TMPDIR:-/tmp}
    ((${#base} <= 80)) || base=/tmp  # the path of a socket has room for 107 bytes
    dir=$(mktemp -d "$base/blocky-run.XXXXXX")
    mkfifo "$dir/stderr"
    exec {heard}<>"$dir/stderr"
    # A thousand producers need more descriptors and processes than the usual soft limits allow.
    ulimit -Sn "$(ulimit -Hn)" 2>/dev/null || true
    ulimit -Su "$(ulimit -Hu)" 2>/dev/null || true
}

# Starts a child that cannot outlive this script, kill -9 included: the kernel kills it when its parent is
# gone (pdeathsig). What came too early for it, it sees just before it becomes the program: another parent,
# or that stop_all has taken the pipe away (a SIGTERM between fork and exec would be lost).
# Its own session keeps the terminal's Ctrl-C away: children end by our SIGTERM, in our order.
# Everything here execs, so the process number is that of the program itself.
start() { # $1: name, then the program and its arguments
    # shellcheck disable=SC2016
    setsid setpriv --pdeathsig KILL sh -c '[ "$PPID" = "$0" ] && [ -p "$1" ] && shift && exec "$@"' \
        $$ "$dir/stderr" "${@:2}" </dev/null 2>&"$heard" {heard}>&- &
    pid_of[$1]=$!
}

# An ipc endpoint of its own is fast, and two runs never meet on it.
start_by_name() {
    local bin=$root/build/bin endpoint=ipc://$dir/blocky.sock
    case $1 in
        consumer)
            start consumer "$bin/blocky-consumer" --bind "$endpoint" ${dashboard:+--http "$dashboard"} "${consumer_args[@]}"
            ;;
        stdout) start stdout tail -f /dev/null ;;  # which ends when the pipe it could write to is broken
        *) start "$1" "$bin/blocky-producer" --connect "$endpoint" --name "$1" --log quiet --progress never \
            "${producer_args[@]}" ;;
    esac
}

start_all() {
    local i
    [[ ! -p /dev/stdout ]] || start_by_name stdout
    start_by_name consumer
    until $ready || $over; do turn; done  # so that the first batch is an empty one, as in the original
    for ((i = 1; i <= producers; i++)); do
        ! $over || return 0
        start_by_name "producer-$i"
    done
}

# Passes on one line of what the children say, or returns 1 after a tenth of a second of silence.
hear() {
    local line=''
    if IFS= read -r -t 0.1 -u "$heard" line; then
        printf '%s\n' "$line" >&2 || true
        [[ $line != *'listening on '* ]] || ready=true
        # One that is started again comes back where readers look for it.
        [[ ! $line =~ 'dashboard at http://'([^/]+)/ || -z $dashboard ]] || dashboard=${BASH_REMATCH[1]}
    else
        printf '%s' "$line" >&2 || true  # a part of a line, if anything
        return 1
    fi
}

# One turn of the script's loop.
turn() {
    hear || true
    tell_time
    ! $child_died || reap
}

# Finds out who died. Not with `wait -n`: that of bash 5.2 overlooks whom a signal killed before it was called.
reap() {
    local name status i
    child_died=false
    for ((i = 0; i < 1000; i++)); do hear || break; done  # its last words come first
    for name in "${!pid_of[@]}"; do
        if kill -0 "${pid_of[$name]}" 2>/dev/null; then continue; fi
        status=0
        wait "${pid_of[$name]}" || status=$?
        unset "pid_of[$name]"
        judge "$name" "$status"
    done
}

# Decides what follows from the end of child $1 with status $2.
judge() {
    local how="ended with exit code $2"
    (($2 <= 128)) || how="was killed by SIG$(kill -l $(($2 - 128)) 2>/dev/null || echo " $2")"
    if $stopping; then
        [[ $1 != consumer || $2 == 0 ]] || ! $ready || fail 1 "the consumer did not end in order: it $how"
    elif $over || has_finished "$1" "$2"; then
        over=true
    elif (($2 == 2)); then
        fail 2 "$1 does not accept its options"  # it said which, and would say so again
    else
        restart "$1" "$how"
    fi
}

has_finished() {
    [[ $1 != stdout ]] || return 0  # nobody reads the batch log any more (run.sh | head)
    [[ $1 == consumer && $2 == 0 ]] || return 1
    ! $ready || [[ " ${consumer_args[*]}" == *' --batches'* ]]
}

# One for one, as the supervisor of the original: a child that died is started again, but not for ever.
restart() { # $1: name, $2: how it ended
    local time recent=()
    for time in ${restarts_of[$1]-}; do
        ((now - time >= restart_window)) || recent+=("$time")
    done
    if ((${#recent[@]} >= max_restarts)); then
        fail 1 "$1 $2, after $max_restarts restarts within $((restart_window / 100)) seconds; giving up"
    else
        note "$1 $2; starting it again"
        restarts_of[$1]="${recent[*]} $now"
        start_by_name "$1"
    fi
}

fail() { # $1: exit code, $2: why
    note "error: $2"
    result=$1
    over=true
}

watch() {
    tell_time
    local end=$((now + 100 * seconds))
    until $over || ((now >= end)); do turn; done
}

# Producers first, so that they send nothing new; then the consumer, which answers all whom it holds.
stop_all() {
    local consumer=${pid_of[consumer]-}
    over=true
    stopping=true
    rm "$dir/stderr"
    unset 'pid_of[consumer]'
    kill -TERM "${pid_of[@]}" 2>/dev/null || true
    hear || true  # a moment for them to take it in; else some would still send, and be refused
    [[ -z $consumer ]] || pid_of[consumer]=$consumer
    kill -TERM "$consumer" 2>/dev/null || true
    tell_time
    local limit=$((now + stop_limit))
    while ((${#pid_of[@]} > 0)); do
        turn
        ((now < limit)) || kill -KILL "${pid_of[@]}" 2>/dev/null || true
    done
    while hear; do :; done
}

parse_options "$@"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
! $flood || consumer_args=(--reply immediate --max-items 1000000000 --max-bytes 1GiB
    --max-held 1000000000 --max-held-bytes 1GiB --max-held-per-producer 1000000000 "${consumer_args[@]}")
"$root/scripts/install-deps.sh" >&2
"$root/scripts/build.sh" release blocky-consumer blocky-producer >&2
set_traps
prepare
start_all
watch
stop_all
exit "$result"
