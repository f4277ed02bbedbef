"""JSONPath, as far as Argo's `jsonpath()` needs it: names, indices, slices, `*`, `..`, unions.

A path that can meet several values gives a list of them; any other path gives the value.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tiphys.expression.faults import RefusedError
from tiphys.expression.values import Value

_STEP = re.compile(
    r"""(?P<deep>\.\.)?(?:
        \.?\[\s*(?P<inside>(?:'(?:\\.|[^'])*'|"(?:\\.|[^"])*"|[^\]'"])*)\]
        |\.?(?P<name>\*|[^.\[\]\s'"()]+)
    )""",
    re.VERBOSE,
)
_KEY = re.compile(
    r"""\s*(?:'((?:\\.|[^'])*)'|"((?:\\.|[^"])*)"|(-?\d*:-?\d*(?::-?\d*)?)|(-?\d+)|(\*))\s*(?:,|$)"""
)


class _Step(NamedTuple):
    selectors: tuple[object, ...]
    """Names, indices, slices; None is `*`."""
    deep: bool

    @property
    def definite(self) -> bool:
        (*others, last) = self.selectors
        return not self.deep and not others and isinstance(last, str | int)


def query(document: Value, path: str) -> Value:
    """Return what *path* finds in *document*.

    Raises: RefusedError: a malformed path, or one step of a definite path finds nothing.
    """
    found = _applied(document, _steps(path))
    if not found:
        raise RefusedError(f"`{path}` finds nothing.")
    return found[0]


def _applied(value: Value, steps: Sequence[_Step]) -> list[Value]:
    """Return the one thing found, or nothing."""
    if not steps:
        return [value]
    step, rest = steps[0], steps[1:]
    if step.deep:
        return [list(_deep(value, [step._replace(deep=False), *rest]))]
    if step.definite:
        return [
            found for item in _matches(value, step.selectors[0]) for found in _applied(item, rest)
        ]
    if not isinstance(value, list | dict):
        return []
    places = [place for selector in step.selectors for place in _matches(value, selector)]
    if rest and step.selectors != (None,) and isinstance(rest[0].selectors[0], int):
        return _applied(places, rest)  # an index counts in what a slice or union has found
    found = (item for place in places for item in _applied(place, rest))
    return [[item for item in found if item is not None or not rest]]


def _deep(value: Value, steps: Sequence[_Step]) -> Iterator[Value]:
    """Lists that are found are poured out."""
    for found in _applied(value, steps):
        yield from found if isinstance(found, list) else [found]
    for child in _matches(value, None):
        yield from _deep(child, steps)


def _steps(path: str) -> list[_Step]:
    text = path.strip()
    if not text.startswith("$"):
        raise RefusedError(f"the path `{path}` does not begin with `$`.")
    steps, at = [], 1
    while at < len(text):
        match = _STEP.match(text, at)
        if match is None or (match["inside"] is None and text[at] != "."):
            raise RefusedError(f"the path `{path}` is wrong at `{text[at:]}`.")
        steps.append(_Step(_selectors(match, path), deep=match["deep"] is not None))
        at = match.end()
    return steps


def _selectors(match: re.Match[str], path: str) -> tuple[object, ...]:
    if match["inside"] is None:
        return (None if match["name"] == "*" else match["name"],)
    selectors: list[object] = []
    at, inside = 0, match["inside"].strip()
    while at < len(inside) or not selectors:
        key = _KEY.match(inside, at)
        if key is None:
            raise RefusedError(f"`[{inside}]` in the path `{path}` is not supported.")
        selectors.append(_selector(key))
        at = key.end()
    return tuple(selectors)


def _selector(key: re.Match[str]) -> object:
    single, double, span, index, _ = key.groups()
    if single is not None or double is not None:
        return re.sub(r"\\(.)", r"\1", single if single is not None else double)
    if span is not None:
        return slice(*(int(part) if part else None for part in span.split(":")))
    return int(index) if index is not None else None


def _matches(value: Value, selector: object) -> Iterator[Value]:
    match value, selector:
        case dict(), str() if selector in value:
            yield value[selector]
        case dict(), None:
            yield from (value[key] for key in sorted(value))
        case list(), None:
            yield from value
        case list(), slice():
            yield from value[selector]
        case list(), int() if -len(value) <= selector < len(value):
            yield value[selector]
