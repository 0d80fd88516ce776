"""What the producers saw as `ok`, held against what the sink holds."""

import collections
import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Judgement:
    """Counts of messages; `examples` names a few of those that are not as they should be."""

    messages: int
    acknowledged: int
    lost: int     # acknowledged, and not there
    doubled: int  # there more than once
    wrong: int    # there with another value or producer, or never sent
    examples: tuple

    @property
    def good(self):
        return self.lost == self.doubled == self.wrong == 0


def judge(feeders, stored):
    """`stored`: all that the sink holds, as support.sinks has it."""
    wanted = {name: (feeder.name, value) for feeder in feeders
              for name, value in feeder.wanted().items()}
    acknowledged = set().union(*(feeder.acknowledged for feeder in feeders))
    copies = collections.Counter(message.id for message in stored)
    lost = acknowledged - set(copies)
    doubled = [name for name, count in copies.items() if count > 1]
    wrong = [message.id for message in stored if not _as_sent(message, wanted)]
    return Judgement(len(wanted), len(acknowledged), len(lost), len(doubled), len(wrong),
                     (*sorted(lost)[:3], *doubled[:3], *wrong[:3]))


def _as_sent(message, wanted):
    producer, value = wanted.get(message.id, (None, "null"))
    return message.producer == producer and json.loads(message.value) == json.loads(value)
