"""How late is a 10 ms tick? Seen by the one producer that is held from each to the next.

The replies should come on a grid. Where it begins nobody outside knows, so that lateness counts
from the earliest reply of the run: what is common to all, the way to the client, is not in it.
"""

import signal
import statistics
import time
from dataclasses import dataclass

from contest import PATIENCE, Children, start_consumer

TICK_MS = 10
OPTIONS = {"bare": ("--tick", str(TICK_MS * 1000)), "blocky": ("--interval", f"{TICK_MS}ms")}


@dataclass
class Lateness:
    """Of the ticks of one run, in ms."""

    late_ms: list
    drift_ms: float  # from the first tenth of the run to the last, in medians


def judge(replied_at_ns):
    """From the times of the replies. One reply belongs to each tick that it is nearest to."""
    times = [at / 1e6 for at in replied_at_ns]
    offsets = [at - times[0] - TICK_MS * round((at - times[0]) / TICK_MS) for at in times]
    tenth = max(1, len(offsets) // 10)
    drift = statistics.median(offsets[-tenth:]) - statistics.median(offsets[:tenth])
    return Lateness([offset - min(offsets) for offset in offsets], drift)


def run(kind, ticks, settings):
    with Children(settings.programs) as children:
        consumer = start_consumer(children, kind, OPTIONS[kind], settings.cpus)
        samples = children.directory / "samples"
        probe = children.start("bare_producer", "--connect", consumer.endpoint, "--samples",
                               str(samples))
        consumer.wait_connections(1)
        time.sleep(settings.warm_up + ticks * TICK_MS / 1000)
        probe.send_signal(signal.SIGTERM)
        if probe.wait(PATIENCE) != 0:
            children.fail("the probe failed")
        consumer.stop()
        lines = samples.read_text().splitlines()
    return judge([int(line.split()[0]) for line in lines[-ticks:]])
