"""Pieces of a static page: HTML and SVG as values, joined by `page`.

No script, no font, no image, no address: a page opens offline, in a mail and in Argo's artifact
viewer, whose policy forbids all of them and allows a `<style>` element. Text is escaped unless it
is `Markup`, which only this module's functions should make. The same input gives the same bytes.
"""

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Tone = Literal["neutral", "good", "warn", "bad"]


class Markup(str):
    """HTML that is already escaped."""

    __slots__ = ()


Cell = str | int | float | bool | None
"""What a table, a figure or a bar can show; `Markup` is a `str`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One key figure, shown large."""

    label: str
    value: Cell
    note: str = ""
    """A few words below the value."""
    tone: Tone = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One horizontal bar; *value* is measured from zero."""

    label: str
    value: float
    shown: str = ""
    """What stands at the end of the bar; empty: the number."""
    tone: Tone = "neutral"


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line of a chart, drawn in the order of its points."""

    name: str
    points: Sequence[tuple[float, float]]
    reference: bool = False
    """It is there to compare with, and grey."""


def text(value: Cell) -> Markup:
    """Return *value* as a person reads it, escaped.

    >>> text("<b>"), text(336776), text(0.48712), text(True)
    ('&lt;b&gt;', '336,776', '0.4871', 'yes')
    """
    match value:
        case Markup():
            return value
        case None:
            return Markup("&ndash;")
        case bool():
            return Markup("yes" if value else "no")
        case int():
            return Markup(f"{value:,}")
        case float():
            return Markup(_decimal(value))
        case str():
            return Markup(html.escape(value))


def element(name: str, *content: Cell, **attributes: Cell) -> Markup:
    """Return one element; a trailing underscore of an attribute is dropped, `_` becomes `-`.

    >>> element("p", "1 < 2", class_="note")
    '<p class="note">1 &lt; 2</p>'
    """
    words = [name]
    for key, value in attributes.items():
        if value not in (None, ""):
            words.append(f'{key.rstrip("_").replace("_", "-")}="{html.escape(str(value))}"')
    return Markup(f"<{' '.join(words)}>{join(content)}</{name}>")


def join(parts: Iterable[Cell]) -> Markup:
    """Return *parts* one after the other."""
    return Markup("".join(text(part) for part in parts))


def page(title: str, *content: Cell, lead: Cell = "", badge: Cell = "") -> str:
    """Return the document: a heading with *badge* beside it, a *lead* sentence, the content."""
    head = element("h1", title, " " if badge else "", badge)
    body = join(
        [element("header", head, element("p", lead, class_="lead") if lead else ""), *content]
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><main>\n{body}\n</main></body></html>\n"
    )


def section(title: str, *content: Cell, note: Cell = "") -> Markup:
    """Return a part of a page with its heading and, below it, one explaining sentence."""
    intro = element("p", note, class_="note") if note else ""
    return Markup("\n" + element("section", element("h2", title), intro, *content))


def paragraph(*content: Cell) -> Markup:
    """Return a paragraph."""
    return element("p", *content)


def code(value: str) -> Markup:
    """Return *value* in the fixed-width font: a name, a hash, a path."""
    return element("code", value)


def badge(words: str, tone: Tone = "neutral") -> Markup:
    """Return *words* in a small coloured box: a phase, a verdict, a severity."""
    return element("span", words, class_=f"badge {tone}")


def figures(values: Sequence[Figure]) -> Markup:
    """Return key figures in one row that wraps."""
    boxes = [
        element(
            "div",
            element("dt", one.label),
            element("dd", one.value, class_=one.tone),
            element("dd", one.note, class_="note") if one.note else "",
        )
        for one in values
    ]
    return element("dl", *boxes, class_="figures")


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Markup:
    """Return a table; numbers stand right and have digits of equal width."""
    lines = [
        element("tr", *(element("td", cell, class_=_alignment(cell)) for cell in row))
        for row in rows
    ]
    titles = element("tr", *(element("th", name, scope="col") for name in head))
    whole = element("table", element("thead", titles), element("tbody", *lines))
    return element("div", whole, class_="scroll")


def bars(values: Sequence[Bar]) -> Markup:
    """Return horizontal bars, each as long as its value is large beside the largest."""
    largest = max((abs(one.value) for one in values), default=0.0) or 1.0
    lines = []
    for one in values:
        width = f"width:{100 * abs(one.value) / largest:.2f}%"
        track = element("span", element("i", class_=one.tone, style=width), class_="track")
        lines.append(
            element("li", element("span", one.label), track, element("b", one.shown or one.value))
        )
    return element("ul", *lines, class_="bars")


def line_chart(series: Sequence[Series], *, x: str, y: str) -> Markup:
    """Return a chart of *series* with the axes' titles *x* and *y*; nothing to draw says so."""
    points = [point for one in series for point in one.points if all(map(math.isfinite, point))]
    if not points:
        return element("p", "There are no points to draw.", class_="note")
    frame = _Frame.around(points)
    drawn = [*frame.axes(x, y)]
    for index, one in enumerate(series):
        drawn.append(frame.line(one, _style(index, one)))
    svg = element(
        "svg", *drawn, viewBox="0 0 720 300", role="img", aria_label=f"{y} by {x}", class_="chart"
    )
    names = [element("li", one.name, class_=_style(index, one)) for index, one in enumerate(series)]
    legend = element("ul", *names, class_="legend") if len(series) > 1 else ""
    return element("figure", svg, legend)


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Return round numbers that cover *low* to *high*, roughly *about* of them.

    >>> ticks(0.43, 0.51)
    [0.42, 0.44, 0.46, 0.48, 0.5, 0.52]
    """
    raw = (high - low) / about or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(unit * power for unit in (1, 2, 5, 10) if unit * power >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, max(last, first + 1) + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Where the numbers of a chart lie on its 720 x 300 canvas."""

    x_ticks: Sequence[float]
    y_ticks: Sequence[float]

    @classmethod
    def around(cls, points: Sequence[tuple[float, float]]) -> "_Frame":
        xs, ys = zip(*points, strict=True)
        few = 8 if any(x % 1 for x in xs) else max(1, min(8, int(max(xs) - min(xs))))
        return cls(x_ticks=ticks(min(xs), max(xs), few), y_ticks=ticks(min(ys), max(ys)))

    def place(self, x: float, y: float) -> tuple[str, str]:
        across = (x - self.x_ticks[0]) / (self.x_ticks[-1] - self.x_ticks[0])
        up = (y - self.y_ticks[0]) / (self.y_ticks[-1] - self.y_ticks[0])
        return f"{64 + 636 * across:.1f}", f"{252 - 224 * up:.1f}"

    def axes(self, x: str, y: str) -> Iterable[Markup]:
        for value in self.y_ticks:
            _, height = self.place(self.x_ticks[0], value)
            yield element("path", d=f"M64 {height}H700", class_="grid")
            yield element("text", f"{value:g}", x="56", y=height, dy="4", text_anchor="end")
        for value in self.x_ticks:
            across, _ = self.place(value, self.y_ticks[0])
            yield element("text", f"{value:g}", x=across, y="270", text_anchor="middle")
        yield element("text", x, x="700", y="292", text_anchor="end", class_="axis")
        yield element("text", y, x="64", y="14", class_="axis")

    def line(self, series: Series, style: str) -> Markup:
        places = [self.place(*point) for point in series.points if all(map(math.isfinite, point))]
        path = element("path", d="M" + "L".join(" ".join(place) for place in places), class_="line")
        few = places if len(places) <= 40 else []
        dots = [element("circle", cx=across, cy=height, r="3") for across, height in few]
        return element("g", path if places else "", *dots, class_=style)


def _style(index: int, one: Series) -> str:
    return "s5" if one.reference else f"s{index % 5}"


def _decimal(value: float) -> str:
    if not math.isfinite(value):
        return {math.inf: "∞", -math.inf: "&minus;∞"}.get(value, "not a number")
    shown = f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return shown.replace("-", "&minus;")


def _alignment(cell: Cell) -> str:
    return "number" if isinstance(cell, int | float) and not isinstance(cell, bool) else ""


STYLE = """
:root{--ink:#1d2733;--soft:#5c6b7a;--paper:#fbfaf7;--box:#fff;--rule:#e2e0d8;--accent:#0b6a8f;
--good:#1f7a4d;--warn:#9a6700;--bad:#b3261e;--s0:#0b6a8f;--s1:#c2571a;--s2:#1f7a4d;--s3:#7d4aa8;
--s4:#9a6700;--s5:#5c6b7a}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#9aa8b5;--paper:#14191f;--box:#1b222a;
--rule:#2d3741;--accent:#5bb8dc;--good:#5fc894;--warn:#e0b050;--bad:#f28b82;--s0:#5bb8dc;
--s1:#f0935a;
--s2:#5fc894;--s3:#c39be6;--s4:#e0b050;--s5:#9aa8b5}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:1.7rem;line-height:1.25;margin:0;letter-spacing:-.01em;font-weight:650}
h2{font-size:1.12rem;margin:2.4rem 0 .6rem;font-weight:650}
p{margin:.5rem 0;max-width:46rem}.lead{color:var(--soft);font-size:1.05rem}
.note{color:var(--soft);font-size:.88rem}
code{font:.88em ui-monospace,"SF Mono",Menlo,Consolas,monospace;overflow-wrap:anywhere}
.badge{display:inline-block;padding:.1em .6em;border-radius:1em;font-size:.8rem;font-weight:600;
line-height:1.6;vertical-align:middle;white-space:nowrap;border:1px solid currentColor;
letter-spacing:0}
.neutral{color:var(--soft)}.good{color:var(--good)}.warn{color:var(--warn)}.bad{color:var(--bad)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem;
margin:1.2rem 0}
.figures div{background:var(--box);border:1px solid var(--rule);border-radius:.6rem;
padding:.75rem 1rem}
dt{color:var(--soft);font-size:.82rem}dd{margin:0;font-size:1.4rem;font-weight:600;
font-variant-numeric:tabular-nums;overflow-wrap:anywhere}dd.neutral{color:var(--ink)}
dd.note{font-size:.82rem;font-weight:400}
.scroll{overflow-x:auto;margin:.8rem 0}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th{text-align:left;color:var(--soft);font-weight:600;font-size:.8rem}
th,td{padding:.42rem .8rem .42rem 0;border-bottom:1px solid var(--rule);vertical-align:top}
td.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.bars{list-style:none;margin:.8rem 0;padding:0;font-size:.9rem}
.bars li{display:grid;grid-template-columns:minmax(6rem,14rem) 1fr 6rem;gap:.8rem;
align-items:center;
padding:.2rem 0}
.bars b{font-weight:600;font-variant-numeric:tabular-nums}
.track{background:var(--rule);border-radius:.3rem;height:.7rem;overflow:hidden}
.track i{display:block;height:100%;background:currentColor;border-radius:.3rem}
.track i.neutral{color:var(--accent)}
figure{margin:.8rem 0}.chart{width:100%;max-width:45rem;height:auto;display:block}
.chart text{font:12px system-ui,sans-serif;fill:var(--soft);font-variant-numeric:tabular-nums}
.chart .axis{font-weight:600}.grid{stroke:var(--rule);fill:none}.edge{stroke:var(--soft);fill:none}
.line{fill:none;stroke:currentColor;stroke-width:2;stroke-linejoin:round}
.chart circle{fill:currentColor}
.s0{color:var(--s0)}.s1{color:var(--s1)}.s2{color:var(--s2)}.s3{color:var(--s3)}.s4{color:var(--s4)}
.s5{color:var(--s5)}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;margin:.2rem 0 0;padding:0;
font-size:.85rem}
.legend li::before{content:"";display:inline-block;width:.8rem;height:.2rem;margin-right:.4rem;
vertical-align:middle;background:currentColor}
details{border-left:3px solid var(--rule);padding-left:1rem;margin-top:2.4rem}
summary{cursor:pointer;font-weight:650;font-size:1.12rem}
details h1{font-size:1.2rem;margin-top:.8rem}details h2{font-size:1rem;margin-top:1.4rem}
@media print{body{background:#fff}main{padding:0}}
"""
