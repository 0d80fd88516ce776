"""Figures as Markdown tables, and their place between the markers of docs/performance.md."""

import math
import statistics

median = statistics.median


def quantile(values, share):
    """By nearest rank: a value that was measured."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def short(value):
    """Three digits that matter: 0.0456, 1.23, 45.6, 1,234."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def spread(values):
    if len(values) == 1:
        return short(values[0])
    return f"{short(median(values))} ({short(min(values))}–{short(max(values))})"


def ratio(values, yardstick):
    """Of each repetition to the yardstick's of the same repetition."""
    if values == yardstick:
        return "1"
    ratios = [value / bare for value, bare in zip(values, yardstick)]
    if len(ratios) == 1:
        return f"{ratios[0]:.2f}"
    return f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"


def table(head, rows, words=2):
    """So many columns from the left are words, the others figures."""
    lines = [head, [*["---"] * words, *["---:"] * (len(head) - words)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def contest_row(name, contender, samples, bare):
    trips = [trip for sample in samples for trip in sample.round_trips_ms]
    rates, cpu = [s.rate for s in samples], [s.cpu_us for s in samples]
    return [name, contender.name, spread([rate / 1000 for rate in rates]),
            ratio(rates, [s.rate for s in bare]),
            short(quantile(trips, 0.5)) if trips else "–",
            short(quantile(trips, 0.99)) if trips else "–",
            short(median(cpu)), ratio(cpu, [s.cpu_us for s in bare])]


def contest_table(results):
    """results: pairs (load, samples of each contender)."""
    rows = [contest_row(load.name, contender, samples, of_each[0])
            for load, of_each in results
            for contender, samples in zip(load.contenders, of_each)]
    return table(["load", "who", "thousand messages/s", "÷ bare", "round trip p50, ms", "p99, ms",
                  "consumer CPU, µs a message", "÷ bare"], rows)


def held_table(count, of_each):
    """of_each: kind -> rounds."""
    bare = of_each["bare"]

    def row(kind, rounds):
        release = [held.release_ms for held in rounds]
        memory = [held.kib_per_producer for held in rounds]
        more = median(memory) - median([held.kib_per_producer for held in bare])
        return [f"{count:,} held", "Blocky's consumer" if kind == "blocky" else kind,
                spread(memory), f"{more:+.2f}", spread(release),
                ratio(release, [held.release_ms for held in bare]),
                spread([held.trigger_ms for held in rounds]),
                spread([held.connected_s for held in rounds])]
    return table(["load", "who", "KiB a producer", "− bare", "first to last release, ms", "÷ bare",
                  "closing message to first release, ms", "all connected, s"],
                 [row(kind, rounds) for kind, rounds in of_each.items()])


def ticks_table(ticks, of_each):
    def row(kind, runs):
        late = [value for run in runs for value in run.late_ms]
        drift = max((run.drift_ms for run in runs), key=abs)
        return [f"{ticks:,} ticks of 10 ms", "Blocky's consumer" if kind == "blocky" else kind,
                *(f"{quantile(late, share):.3f}" for share in (0.5, 0.99, 1)), f"{drift:+.3f}"]
    return table(["load", "who", "late p50, ms", "p99, ms", "worst, ms", "drift in all, ms"],
                 [row(kind, runs) for kind, runs in of_each.items()])


def place(document, section, text):
    """The document with `text` between the markers of that section."""
    begin, end = f"<!-- bench:{section} -->", f"<!-- /bench:{section} -->"
    head, found, rest = document.partition(begin)
    _, closed, tail = rest.partition(end)
    if not found or not closed:
        raise SystemExit(f"docs/performance.md has no markers {begin} and {end}")
    return f"{head}{begin}\n{text.strip()}\n{end}{tail}"
