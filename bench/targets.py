"""What Blocky is to reach, each beside what this run has measured: ratios to the bare pair."""

from dataclasses import dataclass

import report

NO_IDS = "Blocky's consumer, bare clients, no ids"


@dataclass(frozen=True)
class Target:
    """A bound for the median ratio of one contender's figure to the bare pair's."""

    load: str
    contender: str
    figure: str  # "rate" or "cpu_us"
    bound: float

    def met_by(self, value):
        return value >= self.bound if self.figure == "rate" else value <= self.bound

    def words(self):
        what = "messages/s" if self.figure == "rate" else "consumer CPU a message"
        return f"{what} ÷ bare {'≥' if self.figure == 'rate' else '≤'} {self.bound:.2f}"


TARGETS = (
    *(Target(f"H N={n}", "Blocky", "rate", 0.90) for n in (10, 100, 1000)),
    *(Target(f"I N={n}", "Blocky", "rate", 0.90) for n in (10, 100)),
    Target("P N=10 W=1000", NO_IDS, "rate", 0.80),
    Target("P N=10 W=1000", "Blocky, ids", "rate", 0.70),
    Target("P N=10 W=1000", "Blocky, ids, bundles of 100", "rate", 2.0),
    Target("P N=10 W=64", "Blocky, ids, bundles of 64", "rate", 2.0),
    Target("H N=100", "Blocky", "cpu_us", 1.25))

KIB_MORE, RELEASE_RATIO = 1.5, 1.25
LATE_P99_MS, DRIFT_MS = 0.5, 1.0


def verdict(met):
    return "yes" if met else "**no**"


def contest_rows(results):
    """results: pairs (load, samples of each contender)."""
    samples = {(load.name, contender.name): found for load, of_each in results
               for contender, found in zip(load.contenders, of_each)}
    for target in TARGETS:
        if (target.load, target.contender) in samples:
            own, bare = (samples[target.load, name] for name in (target.contender, "bare"))
            value = report.median([getattr(a, target.figure) / getattr(b, target.figure)
                                   for a, b in zip(own, bare)])
            yield [target.load, target.contender, target.words(), f"{value:.2f}",
                   verdict(target.met_by(value))]


def held_rows(count, of_each):
    own, bare = of_each["blocky"], of_each["bare"]
    more = report.median([a.kib_per_producer - b.kib_per_producer for a, b in zip(own, bare)])
    release = report.median([a.release_ms / b.release_ms for a, b in zip(own, bare)])
    name = f"{count:,} held"
    yield [name, "Blocky's consumer", f"KiB a producer over bare ≤ {KIB_MORE}", f"{more:.2f}",
           verdict(more <= KIB_MORE)]
    yield [name, "Blocky's consumer", f"first to last release ÷ bare ≤ {RELEASE_RATIO}",
           f"{release:.2f}", verdict(release <= RELEASE_RATIO)]


def ticks_rows(count, of_each):
    late = report.quantile([ms for run in of_each["blocky"] for ms in run.late_ms], 0.99)
    drift = max(abs(run.drift_ms) for run in of_each["blocky"])
    name = f"{count:,} ticks of 10 ms"
    yield [name, "Blocky's consumer", f"p99 late ≤ {LATE_P99_MS} ms", f"{late:.3f} ms",
           verdict(late <= LATE_P99_MS)]
    yield [name, "Blocky's consumer", f"drift in all ≤ {DRIFT_MS:g} ms", f"{drift:.3f} ms",
           verdict(drift <= DRIFT_MS)]


def table(rows):
    return report.table(["load", "who", "aim", "measured", "reached"], rows, words=3)
