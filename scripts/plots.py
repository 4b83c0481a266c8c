"""Line plots as SVG, by the standard library alone: small multiples that share a legend, readable on light and dark pages.

    figure("Title", [Panel("tokens", "ms", [Series("ours", [(64, 1.0), (128, 2.1)])], x=Log(), y=Log())])

A viewer that prefers dark colours gets them by the media query inside the file.
"""
import math
from dataclasses import dataclass, field
from html import escape

WIDTH, HEIGHT = 420, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 18, 34, 46
HEADER = 66
# Blue, orange, green: told apart by people who do not see red and green, on white and on dark grey; lightness differs too.
LIGHT = ["#1f5fbf", "#d9730d", "#2f8f5b"]
DARK = ["#7db3ff", "#ffab5c", "#6fd3a0"]
# Also told apart in print.
DASHES = ["", "7 4", "2 3"]

STYLE = f"""
  text {{ font: 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #333; }}
  .title {{ font-size: 16px; font-weight: 600; }}
  .panel {{ font-weight: 600; }}
  .tick {{ fill: #666; font-size: 11px; }}
  .page {{ fill: #fff; }}
  .grid {{ stroke: #e4e4e4; stroke-width: 1; }}
  .axis {{ stroke: #999; stroke-width: 1; }}
  .line {{ fill: none; stroke-width: 2; stroke-linejoin: round; }}
  .faint {{ fill: none; stroke-width: 1; opacity: 0.3; }}
  {" ".join(f".s{i} {{ stroke: {colour}; }} .d{i} {{ fill: {colour}; }}" for i, colour in enumerate(LIGHT))}
  @media (prefers-color-scheme: dark) {{
    text {{ fill: #ddd; }}
    .tick {{ fill: #aaa; }}
    .page {{ fill: #16181c; }}
    .grid {{ stroke: #2c3036; }}
    .axis {{ stroke: #777; }}
    {" ".join(f".s{i} {{ stroke: {colour}; }} .d{i} {{ fill: {colour}; }}" for i, colour in enumerate(DARK))}
  }}
"""


class Linear:
    """Steps of 1, 2 or 5 times a power of ten."""

    def ends(self, values):
        low, high = min(values), max(values)
        room = (high - low or abs(high) or 1.0) * 0.05
        return low - room, high + room

    def place(self, value):
        return value

    def ticks(self, low, high):
        rough = (high - low) / 5
        power = 10 ** math.floor(math.log10(rough))
        step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough)
        first = math.ceil(low / step)
        return [n * step for n in range(first, math.floor(high / step) + 1)]


class Log:
    """A logarithmic axis; ticks at 1, 2 and 5 times a power of ten, or at the given values."""

    def __init__(self, at=None):
        self.at = at

    def ends(self, values):
        low, high = min(values), max(values)
        room = max((high / low) ** 0.06, 1.15)
        return low / room, high * room

    def place(self, value):
        return math.log(value)

    def ticks(self, low, high):
        if self.at:
            return [value for value in self.at if low <= value <= high]
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        return [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]


@dataclass
class Series:
    """A line. Series of one name have one colour, in all panels."""

    name: str
    points: list  # of (x, y)
    marked: bool = True  # a dot at each point, with its value when pointed at
    behind: list = field(default_factory=list)  # a faint line of the same colour, behind all others


@dataclass
class Panel:
    """A plot of its own."""

    title: str
    x_label: str
    y_label: str
    series: list
    x: object = field(default_factory=Linear)
    y: object = field(default_factory=Linear)


def label(value):
    """A number as short as it can be."""
    if abs(value) >= 1024 and value % 1024 == 0 and value >= 8192:
        return f"{value // 1024:.0f}k"
    return f"{value:.6g}"


def figure(title, subtitle, panels, columns=2):
    """The text of an SVG file."""
    columns = min(columns, len(panels))
    rows = math.ceil(len(panels) / columns)
    names = list(dict.fromkeys(s.name for panel in panels for s in panel.series))
    width, height = columns * WIDTH, HEADER + rows * HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="{escape(title)}">',
        f"<style>{STYLE}</style>",
        f'<rect class="page" width="{width}" height="{height}"/>',
        f'<text class="title" x="16" y="24">{escape(title)}</text>',
        f'<text class="tick" x="16" y="42">{escape(subtitle)}</text>',
        legend(names),
    ]
    for number, panel in enumerate(panels):
        at = (number % columns * WIDTH, HEADER + number // columns * HEIGHT)
        parts.append(f'<g transform="translate({at[0]} {at[1]})">{draw(panel, names)}</g>')
    return "\n".join([*parts, "</svg>", ""])


def legend(names):
    parts, x = [], 16
    for number, name in enumerate(names):
        parts.append(f'<line class="line {colour(number)}" x1="{x}" x2="{x + 26}" y1="57" y2="57"{dash(number)}/>')
        parts.append(f'<text x="{x + 32}" y="61">{escape(name)}</text>')
        x += 56 + 7 * len(name)
    return "\n".join(parts)


def colour(number):
    return f"s{number % len(LIGHT)}"


def dash(number):
    pattern = DASHES[number % len(DASHES)]
    return f' stroke-dasharray="{pattern}"' if pattern else ""


def draw(panel, names):
    inner_width, inner_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    points = [point for s in panel.series for point in [*s.points, *s.behind]]
    x_ends, y_ends = panel.x.ends([x for x, _ in points]), panel.y.ends([y for _, y in points])

    def share(axis, ends, value):
        low, high = map(axis.place, ends)
        return (axis.place(value) - low) / (high - low)

    def place(point):
        return (
            LEFT + share(panel.x, x_ends, point[0]) * inner_width,
            TOP + (1 - share(panel.y, y_ends, point[1])) * inner_height,
        )

    parts = [f'<text class="panel" x="{LEFT}" y="{TOP - 12}">{escape(panel.title)}</text>']
    for tick in panel.y.ticks(*y_ends):
        _, y = place((x_ends[0], tick))
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label(tick)}</text>')
    floor = TOP + inner_height
    for tick in panel.x.ticks(*x_ends):
        x, _ = place((tick, y_ends[0]))
        parts.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{floor}" y2="{floor + 4}"/>')
        parts.append(f'<text class="tick" x="{x:.1f}" y="{floor + 17}" text-anchor="middle">{label(tick)}</text>')
    parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{floor}" y2="{floor}"/>')
    parts.append(f'<text class="tick" x="{LEFT + inner_width / 2}" y="{floor + 34}" text-anchor="middle">{escape(panel.x_label)}</text>')
    middle = TOP + inner_height / 2
    parts.append(f'<text class="tick" x="14" y="{middle}" text-anchor="middle" transform="rotate(-90 14 {middle})">{escape(panel.y_label)}</text>')

    def path(points):
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in map(place, points))

    for s in panel.series:
        if s.behind:
            parts.append(f'<polyline class="faint {colour(names.index(s.name))}" points="{path(s.behind)}"/>')
    for s in panel.series:
        number = names.index(s.name)
        parts.append(f'<polyline class="line {colour(number)}" points="{path(s.points)}"{dash(number)}/>')
        for point in s.points if s.marked else []:
            x, y = place(point)
            told = f"{s.name}: {label(point[0])}, {label(point[1])}"
            parts.append(f'<circle class="d{number % len(LIGHT)}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"><title>{escape(told)}</title></circle>')
    return "\n".join(parts)
