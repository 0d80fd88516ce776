"""Waiting for what tells nobody that it has happened, and so must be looked at again and again. The
one place where the tests pause: what can be waited for on a pipe, a socket or a condition is.
"""

import time

from support.settings import DEADLINE


def poll_until(condition, seconds=DEADLINE, what=lambda: "the condition", pace=0.01):
    """Waits until condition() gives something true, and returns that. `what()` is called at the
    deadline, to say what has not come.
    """
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"{seconds:.1f} s passed without {what()}")
        time.sleep(pace)
