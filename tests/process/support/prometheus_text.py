"""The text format of Prometheus, version 0.0.4, read strictly: every line must be one that the
format knows, every sample must belong to a family that was announced, and none may come twice."""

import math
import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)?\}})? (\S+)")
HELP = re.compile(rf"# HELP ({NAME}) (\S.*)")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram)")
OF_HISTOGRAM = ("_bucket", "_sum", "_count")


def family_of(name, types):
    """The family that a sample of that name belongs to, or None."""
    for suffix in OF_HISTOGRAM:
        base = name.removesuffix(suffix)
        if base != name and types.get(base) == "histogram":
            return base
    return name if types.get(name) in ("counter", "gauge") else None


def labels_of(text):
    pairs = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', text or "")
    assert len({name for name, _ in pairs}) == len(pairs), f"a label twice: {text}"
    return frozenset(pairs)


class Metrics:
    """What one answer says. `types` has the families, `values` the samples by (name, labels)."""

    def __init__(self, text):
        assert text.endswith("\n"), "the last line has no end"
        self.types, self.values, helped = {}, {}, set()
        for line in text.splitlines():
            if found := HELP.fullmatch(line):
                assert found[1] not in helped, f"explained twice: {line}"
                helped.add(found[1])
            elif found := TYPE.fullmatch(line):
                assert found[1] not in self.types, f"announced twice: {line}"
                self.types[found[1]] = found[2]
            else:
                self._add(line)
        assert helped == set(self.types), "some family has no help, or no type"
        for name, kind in self.types.items():
            if kind == "histogram":
                self._check_histogram(name)

    def _add(self, line):
        found = SAMPLE.fullmatch(line)
        assert found, f"no line of this format: {line!r}"
        name, labels, value = found.groups()
        assert family_of(name, self.types), f"of no family: {line}"
        key = name, labels_of(labels)
        assert key not in self.values, f"twice: {line}"
        self.values[key] = float(value)

    def _check_histogram(self, name):
        buckets = [(float(dict(labels)["le"]), value) for (of, labels), value
                   in self.values.items() if of == name + "_bucket"]
        assert [bound for bound, _ in buckets] == sorted({bound for bound, _ in buckets}), name
        assert [count for _, count in buckets] == sorted(count for _, count in buckets), name
        assert buckets[-1] == (math.inf, self.value(name + "_count")), name

    def value(self, name, **labels):
        return self.values[name, frozenset(labels.items())]

    def by(self, name, label):
        """The values of a family with one label, by that."""
        return {dict(labels)[label]: value
                for (of, labels), value in self.values.items() if of == name}

    def names(self):
        """Of all that can be asked for, those of a histogram's parts included."""
        return {name for name, _ in self.values} | set(self.types)
