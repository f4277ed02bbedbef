"""A run as pictures: the graph of its steps, and when each of them ran."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tiphys import page
from tiphys.report.rows import Row

TONES: Mapping[str, page.Tone] = {
    "Succeeded": "good",
    "Running": "warn",
    "Failed": "bad",
    "Error": "bad",
}
_BOX = (132, 46)
_GAP = (34, 18)
_MARGIN = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a step stands: the column is its distance from the start, the line counts within."""

    column: int
    line: int

    @property
    def corner(self) -> tuple[int, int]:
        """Return the upper left corner in the picture's units."""
        width, height = _BOX
        across, down = _GAP
        left = _MARGIN + self.column * (width + across)
        return left, _MARGIN + self.line * (height + down)


def layout(edges: Mapping[str, Sequence[str]]) -> dict[str, Place]:
    """Return a place for each step of *edges*: step to the steps it depends on, without cycles.

    >>> layout({"a": [], "b": ["a"], "c": ["a"]})["c"]
    Place(column=1, line=1)
    """
    columns: dict[str, int] = {}

    def column(step: str) -> int:
        if step not in columns:
            columns[step] = 1 + max((column(d) for d in edges[step] if d in edges), default=-1)
        return columns[step]

    taken: dict[int, int] = {}
    places = {}
    for step in edges:
        where = column(step)
        places[step] = Place(column=where, line=taken.get(where, 0))
        taken[where] = taken.get(where, 0) + 1
    return places


def graph(steps: Sequence[Row], edges: Mapping[str, Sequence[str]], now: datetime) -> page.Markup:
    """Return the graph of *steps*, each box with its phase and how long it took."""
    places = layout(edges)
    if not places:
        return page.join([])
    rows = {row.name: row for row in steps}
    arrows = [
        _arrow(places[before], place)
        for step, place in places.items()
        for before in edges[step]
        if before in places
    ]
    boxes = [_box(places[name], rows[name], now) for name in places if name in rows]
    width = max(p.corner[0] for p in places.values()) + _BOX[0] + _MARGIN
    height = max(p.corner[1] for p in places.values()) + _BOX[1] + _MARGIN
    size = f"max-width:{width}px"
    drawn = page.element(
        "svg",
        *arrows,
        *boxes,
        viewBox=f"0 0 {width} {height}",
        class_="chart",
        style=size,
        role="img",
        aria_label="the steps and what each depends on",
    )
    return page.element("figure", drawn)


def _box(place: Place, row: Row, now: datetime) -> page.Markup:
    left, top = place.corner
    width, height = _BOX
    elapsed = row.duration(now)
    below = f"{row.phase or 'not started'}" + (f", {seconds(elapsed)}" if elapsed else "")
    outline = page.element(
        "rect", x=left, y=top, width=width, height=height, rx=8, fill="none", stroke="currentColor"
    )
    middle = str(left + width // 2)
    name = page.element("text", row.name, x=middle, y=str(top + 20), text_anchor="middle")
    state = page.element("text", below, x=middle, y=str(top + 36), text_anchor="middle")
    return page.element("g", outline, name, state, class_=TONES.get(row.phase, "neutral"))


def _arrow(start: Place, end: Place) -> page.Markup:
    left, top = start.corner
    x1, y1 = left + _BOX[0], top + _BOX[1] // 2
    x2, y2 = end.corner[0], end.corner[1] + _BOX[1] // 2
    bend = (x2 - x1) // 2
    path = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    head = f"M{x2 - 5} {y2 - 4}L{x2} {y2}L{x2 - 5} {y2 + 4}"
    return page.element("path", d=path + head, class_="edge")


def timeline(steps: Sequence[Row], now: datetime) -> page.Markup:
    """Return a bar a step, from its start to its end, on one axis of seconds."""
    spans = [(row, row.started, row.finished or now) for row in steps if row.started]
    if not spans:
        return page.paragraph("No step has started.")
    first = min(start for _, start, _ in spans)
    whole = (max(end for _, _, end in spans) - first).total_seconds() or 1.0
    lines = []
    for index, (row, start, end) in enumerate(spans):
        offsets = (start - first).total_seconds() / whole, (end - first).total_seconds() / whole
        lines.append(_line(index, row, offsets, end - start))
    size = f"0 0 720 {len(spans) * 22 + 4}"
    drawn = page.element(
        "svg", *lines, viewBox=size, class_="chart", role="img", aria_label="when each step ran"
    )
    return page.element("figure", drawn)


def _line(index: int, row: Row, offsets: tuple[float, float], elapsed: timedelta) -> page.Markup:
    """Return one bar; *offsets* are its start and end as fractions of the axis."""
    left, across = 150, 480
    x = left + across * offsets[0]
    width = max(across * (offsets[1] - offsets[0]), 2.0)
    y = 4 + index * 22
    bar = page.element(
        "rect", x=f"{x:.1f}", y=y, width=f"{width:.1f}", height=14, rx=3, fill="currentColor"
    )
    name = page.element("text", "\u00a0\u00a0" * row.depth + row.name, x="0", y=str(y + 11))
    end = page.element("text", seconds(elapsed), x=f"{x + width + 6:.1f}", y=str(y + 11))
    return page.element("g", name, bar, end, class_=TONES.get(row.phase, "neutral"))


def seconds(elapsed: timedelta) -> str:
    """Return a duration for a label.

    >>> seconds(timedelta(seconds=4.13)), seconds(timedelta(minutes=2, seconds=5))
    ('4.1 s', '2 min 5 s')
    """
    whole = elapsed.total_seconds()
    return f"{whole:.1f} s" if whole < 60 else f"{int(whole) // 60} min {int(whole) % 60} s"
