#!/usr/bin/env python3
"""A sink that serves a model: many producers ask for one prediction each, and the model is called
once for the whole batch, which is what makes models fast.

    blocky-consumer --linger 10ms --sink "exec:python3 examples/model.py"

Each value is a list of three numbers, what is known of a mail: links in it, exclamation marks, and
how many mails its sender has sent before. Each producer gets back how likely that mail is spam.
stdout is for answers only; whatever else there is to say goes to stderr, and from there to the log
of the consumer.
"""

import json
import math
import sys

WEIGHTS = (0.9, 0.4, -0.7)
BIAS = -0.5


def predict(rows):
    """The model: all rows at once, as a library for matrices would take them."""
    sums = (sum(w * x for w, x in zip(WEIGHTS, row)) + BIAS for row in rows)
    return [1 / (1 + math.exp(-max(-50.0, min(50.0, total)))) for total in sums]


def features(value):
    """The row of a message. Raises ValueError when it has none."""
    if not isinstance(value, list) or len(value) != len(WEIGHTS):
        raise ValueError(f"a message is a list of {len(WEIGHTS)} numbers")
    if not all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in value):
        raise ValueError("a feature is a number")
    return [max(-1e9, min(1e9, x)) for x in value]  # whatever JSON's numbers may be


def answer(batch, messages):
    """One result for each message, in order; a bad one costs only itself. The number tells the
    consumer which batch this is the answer to."""
    results = [None] * len(messages)
    rows = {}  # by the place of the message
    for place, message in enumerate(messages):
        try:
            rows[place] = features(message["value"])
        except ValueError as error:
            results[place] = {"ok": False, "error": str(error)}
    for place, score in zip(rows, predict(rows.values())):
        result = {"spam": score > 0.5, "score": round(score, 4)}
        results[place] = {"ok": True, "result": result}
    return {"batch": batch, "results": results}


def main():
    print("the model is ready", file=sys.stderr, flush=True)
    for line in sys.stdin.buffer:  # bytes: only \n ends a line, and UTF-8 needs no locale
        batch = json.loads(line)
        # allow_nan=False: NaN is not JSON, and an answer with it would fail for ever.
        print(json.dumps(answer(batch["batch"], batch["messages"]), allow_nan=False), flush=True)


if __name__ == "__main__":
    main()
