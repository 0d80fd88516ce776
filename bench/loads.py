"""The loads: who sends what to which consumer, and the contenders that are compared under each.

H hold: one message in flight per producer, a batch closes when all N are in.
I immediate: every message is answered on receipt.
P pipelined: W in flight per producer, a batch closes at min(1000, N·W/2) messages or after 1 ms.

Round trips are timed by the probe, the same on both sides: a bare REQ client with one message in
flight. In H and I it is one of the N; in P, where those in flight wait for each other, one more.
"""

from dataclasses import dataclass

MOST_IN_FLIGHT_BY_DEFAULT = 1000  # libzmq's queues hold so many; more needs --hwm
PLENTY = ("--max-held", "1000000", "--max-held-bytes", "8GiB", "--max-bytes", "1GiB")


@dataclass(frozen=True)
class Contender:
    """One pair of programs with their options."""

    name: str
    consumer: str  # "bare" or "blocky"
    consumer_options: tuple
    producer: str  # the same
    producer_options: tuple = ()

    @property
    def bare(self):
        return self.consumer == "bare"


@dataclass(frozen=True)
class Load:
    """What all contenders of one comparison do; the first of them is the bare pair."""

    name: str
    producers: int
    extra_probe: bool
    contenders: tuple
    x: int = 0  # where it stands in a plot


def hold(producers):
    blocky = (f"--barrier={producers}", "--interval", "10s")
    return Load(f"H N={producers}", producers, False, (
        Contender("bare", "bare", ("--items", str(producers)), "bare"),
        Contender("Blocky", "blocky", blocky, "blocky"),
        Contender("Blocky's consumer, bare clients", "blocky", blocky, "bare")), producers)


def immediate(producers):
    blocky = ("--reply", "immediate", "--interval", "100ms")
    return Load(f"I N={producers}", producers, False, (
        Contender("bare", "bare", ("--receipt",), "bare"),
        Contender("Blocky", "blocky", blocky, "blocky"),
        Contender("Blocky's consumer, bare clients", "blocky", blocky, "bare")), producers)


def pipelined(producers, in_flight, bundle):
    items = str(min(1000, max(1, producers * in_flight // 2)))
    bare = ("--items", items, "--linger", "1000")
    blocky = ("--max-items", items, "--linger", "1ms", *PLENTY)
    window = ("--in-flight", str(in_flight))
    return Load(f"P N={producers} W={in_flight}", producers, True, (
        Contender("bare", "bare", bare, "bare", window),
        Contender("bare, one reply shared by all", "bare", (*bare, "--shared"), "bare", window),
        Contender("Blocky's consumer, bare clients, no ids", "blocky", blocky, "bare", window),
        Contender("Blocky's consumer, bare clients, ids", "blocky", blocky, "bare",
                  (*window, "--ids")),
        Contender("Blocky, ids", "blocky", blocky, "blocky", window),
        Contender(f"Blocky, ids, bundles of {bundle}", "blocky", blocky, "blocky",
                  (*window, "--bundle", str(bundle)))), producers)


def consumers_only(name, items, in_flight, producer_options, x):
    """Ten bare clients against both consumers."""
    queue = (("--hwm", str(2 * in_flight)) if in_flight > MOST_IN_FLIGHT_BY_DEFAULT else ())
    window = ("--in-flight", str(in_flight), *queue, *producer_options)
    return Load(name, 10, True, (
        Contender("bare", "bare", ("--items", str(items), "--linger", "1000", *queue), "bare",
                  window),
        Contender("Blocky's consumer, bare clients, no ids", "blocky",
                  ("--max-items", str(items), "--linger", "1ms", *PLENTY), "bare", window)), x)


def message_size(size):
    return consumers_only(f"{size:,} bytes", 320, 64, ("--bytes", str(size)), size)


def batch_size(items):
    return consumers_only(f"batches of {items:,}", items, 2000, (), items)


def loads_of(section, most_producers):
    """All loads of a section of the report, in order."""
    def up_to(*counts):
        return [count for count in counts if count <= most_producers]
    if section == "H":
        return [hold(n) for n in up_to(1, 10, 100, 1000)]
    if section == "I":
        return [immediate(n) for n in up_to(1, 10, 100, 1000)]
    if section == "P":
        return ([pipelined(n, 64, 64) for n in up_to(1, 10, 100)] +
                [pipelined(n, 1000, 100) for n in up_to(10)])
    if section == "size":
        return [message_size(size) for size in (64, 256, 1024, 4096, 16384, 65536)]
    return [batch_size(items) for items in (1, 10, 100, 1000, 10_000)]
