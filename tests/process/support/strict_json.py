"""Reads JSON as strictly as RFC 8259 allows: no NaN, no member twice, valid UTF-8 only."""

import json


def _no_constant(name):
    raise AssertionError(f"{name} is not JSON")


def _no_member_twice(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        raise AssertionError(f"a member is given twice: {[name for name, _ in pairs]}")
    return members


def strict_json(text):
    """The value of a text (str or bytes) that must be JSON; a failed assertion if it is not."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_member_twice)
    except ValueError as error:
        raise AssertionError(f"not JSON ({error}): {text[:300]!r}") from error
