#!/bin/sh
# A sink of one line, as a script: each number comes back doubled, anything else is rejected.
#   blocky-consumer --sink exec:examples/double.sh
# jq must print each answer on one line (-c) and at once (--unbuffered).
exec jq -c --unbuffered '{batch, results: [.messages[].value |
    if type == "number" then {ok: true, result: (. * 2)}
    else {ok: false, error: "only numbers can be doubled"} end]}'
