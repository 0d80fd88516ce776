"""Plots as plain SVG text: panels with logarithmic axes, one line for each contender."""

import math
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 420, 300                       # of a panel
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 34, 46      # around its plot
LEGEND_ROW = 18
COLOURS = ("#4477aa", "#cc6677", "#228833", "#aa3377")


@dataclass
class Line:
    """One contender's points (x, y); a yardstick is dashed."""

    name: str
    points: list
    colour: int = 0
    dashed: bool = False

    def style(self):
        dash = ' stroke-dasharray="5 4"' if self.dashed else ""
        return f'stroke="{COLOURS[self.colour % len(COLOURS)]}"{dash}'


@dataclass
class Panel:
    """One pair of axes."""

    title: str
    x_label: str
    y_label: str
    lines: list = field(default_factory=list)


class Axis:
    """Maps a logarithmic range onto pixels, from the power of ten below it to the one above."""

    def __init__(self, values, start, end):
        self.low = math.floor(math.log10(min(values)))
        self.high = max(self.low + 1, math.ceil(math.log10(max(values))))
        self.start, self.end = start, end

    def __call__(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self):
        return [10.0 ** power for power in range(self.low, self.high + 1)]

    def minor(self):
        return [m * 10.0 ** power for power in range(self.low, self.high) for m in range(2, 10)]


def name_of(tick):
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if tick >= size:
            return f"{tick / size:g}{unit}"
    return f"{tick:g}"


def text(x, y, words, anchor="middle", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{extra}>{escape(words)}</text>'


def stroke(x1, y1, x2, y2, style):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" {style}/>'


def grid(x_axis, y_axis):
    major, minor = 'stroke="#cccccc"', 'stroke="#eeeeee"'
    for ticks, style in ((x_axis.minor(), minor), (x_axis.ticks(), major)):
        for tick in ticks:
            yield stroke(x_axis(tick), y_axis.start, x_axis(tick), y_axis.end, style)
    for ticks, style in ((y_axis.minor(), minor), (y_axis.ticks(), major)):
        for tick in ticks:
            yield stroke(x_axis.start, y_axis(tick), x_axis.end, y_axis(tick), style)
    for tick in x_axis.ticks():
        yield text(x_axis(tick), y_axis.start + 16, name_of(tick))
    for tick in y_axis.ticks():
        yield text(x_axis.start - 6, y_axis(tick) + 4, name_of(tick), "end")


def curve(line, x_axis, y_axis):
    at = [(x_axis(x), y_axis(y)) for x, y in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    yield f'<polyline points="{path}" fill="none" stroke-width="2" {line.style()}/>'
    for x, y in at:
        fill = COLOURS[line.colour % len(COLOURS)]
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{fill}"/>'


def drawn(panel, left):
    points = [point for line in panel.lines for point in line.points]
    x_axis = Axis([x for x, _ in points], left + LEFT, left + WIDTH - RIGHT)
    y_axis = Axis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    yield text((x_axis.start + x_axis.end) / 2, 20, panel.title, extra=' font-weight="bold"')
    yield from grid(x_axis, y_axis)
    for line in panel.lines:
        yield from curve(line, x_axis, y_axis)
    yield text((x_axis.start + x_axis.end) / 2, HEIGHT - 10, panel.x_label)
    middle = (TOP + HEIGHT - BOTTOM) / 2
    yield text(left + 16, middle, panel.y_label,
               extra=f' transform="rotate(-90 {left + 16} {middle:.1f})"')


def legend(lines):
    for row, line in enumerate(lines):
        y = HEIGHT + 10 + row * LEGEND_ROW
        yield stroke(LEFT, y, LEFT + 40, y, f'stroke-width="2" {line.style()}')
        yield text(LEFT + 50, y + 4, line.name, "start")


def svg(panels):
    """The panels side by side; the lines of the first name those of all."""
    width = WIDTH * len(panels)
    height = HEIGHT + 10 + LEGEND_ROW * len(panels[0].lines)
    parts = [part for i, panel in enumerate(panels) for part in drawn(panel, i * WIDTH)]
    parts += legend(panels[0].lines)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" '
            f'fill="#333333">\n<rect width="{width}" height="{height}" fill="#ffffff"/>\n'
            + "\n".join(parts) + "\n</svg>\n")
