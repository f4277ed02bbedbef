"""Semantic versions: `semverCompare(constraint, version)`."""

import re
from collections.abc import Callable
from typing import NamedTuple

from tiphys.expression.calls import Function
from tiphys.expression.faults import RefusedError

_NUMBERS = r"(?P<major>\d+|[xX*])(?:\.(?P<minor>\d+|[xX*]))?(?:\.(?P<patch>\d+|[xX*]))?"
_REST = r"(?:-(?P<pre>[0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?"
_VERSION = re.compile(rf"v?{_NUMBERS}{_REST}", re.ASCII)
_TERM = re.compile(rf"(?P<operator>=<|=>|[<>!]=|[=<>~^]|)\s*v?{_NUMBERS}{_REST}\s*,?\s*", re.ASCII)
_HYPHEN = re.compile(r"(\S+)\s+-\s+(\S+)")
Numbers = tuple[int, int, int]


class Version(NamedTuple):
    numbers: Numbers
    pre: str

    @property
    def rank(self) -> tuple[Numbers, bool, tuple[tuple[bool, int, str], ...]]:
        """What orders versions: a pre-release comes before its release."""
        parts = self.pre.split(".") if self.pre else []
        order = ((not p.isdecimal(), int(p) if p.isdecimal() else 0, p) for p in parts)
        return self.numbers, not self.pre, tuple(order)


class _Term(NamedTuple):
    operator: str
    version: Version
    given: int
    """How many of the three numbers are given; the rest are wild."""

    def bound(self, position: int) -> Version:
        """The first version in which the number at *position* is one higher."""
        numbers = [*self.version.numbers[: position + 1], 0, 0, 0][:3]
        numbers[position] += 1
        return Version((numbers[0], numbers[1], numbers[2]), "")


def _version(match: re.Match[str]) -> tuple[Version, int]:
    texts = [match["major"], match["minor"], match["patch"]]
    given = next((i for i, text in enumerate(texts) if text is None or not text.isdecimal()), 3)
    numbers = [int(text) if text else 0 for text in texts[:given]] + [0] * (3 - given)
    return Version((numbers[0], numbers[1], numbers[2]), match["pre"] or ""), given


def _read(text: str) -> Version:
    match = _VERSION.fullmatch(text)
    if match is None or match["major"] in "xX*":
        raise RefusedError(f"`{text}` is no version; write one as 1.2.3.")
    return _version(match)[0]


def _terms(text: str) -> list[_Term]:
    terms: list[_Term] = []
    at = 0
    text = _HYPHEN.sub(r">=\1 <=\2", text).strip()
    while at < len(text) or not terms:
        match = _TERM.match(text, at)
        if match is None:
            raise RefusedError(f"`{text}` is no constraint; write one as `>=1.2 <2`.")
        terms.append(_Term(match["operator"], *_version(match)))
        at = match.end()
    return terms


def _within(low: Version, version: Version, high: Version) -> bool:
    return low.rank <= version.rank and version.rank < high.rank


def _same(term: _Term, version: Version) -> bool:
    if term.given == 3:
        return version.rank == term.version.rank
    return _tilde(term, version)


def _tilde(term: _Term, version: Version) -> bool:
    if term.given == 0:
        return True
    return _within(term.version, version, term.bound(min(term.given - 1, 1)))


def _caret(term: _Term, version: Version) -> bool:
    if term.given == 0:
        return False
    leading = next((i for i, n in enumerate(term.version.numbers) if n), 2)
    return _within(term.version, version, term.bound(min(leading, term.given - 1)))


def _above(term: _Term, version: Version) -> bool:
    if term.given < 3:
        return term.given == 0 or version.rank >= term.bound(term.given - 1).rank
    return version.rank > term.version.rank


def _at_most(term: _Term, version: Version) -> bool:
    if term.given < 3:
        return term.given > 0 and version.rank < term.bound(term.given - 1).rank
    return version.rank <= term.version.rank


_TESTS: dict[str, Callable[[_Term, Version], bool]] = {
    "": _same,
    "=": _same,
    "!=": lambda term, version: not _same(term, version),
    ">": _above,
    ">=": lambda term, version: version.rank >= term.version.rank,
    "=>": lambda term, version: version.rank >= term.version.rank,
    "<": lambda term, version: version.rank < term.version.rank,
    "<=": _at_most,
    "=<": _at_most,
    "~": _tilde,
    "^": _caret,
}


def _satisfies(term: _Term, version: Version) -> bool:
    """A pre-release satisfies only a term that names one."""
    hidden = version.pre and not term.version.pre
    return not hidden and _TESTS[term.operator](term, version)


def compare(constraint: str, version: str) -> bool:
    """Return whether *version* satisfies *constraint*: terms, all of which hold, or `||`."""
    found = _read(version)
    alternatives = [_terms(part) for part in constraint.split("||")]
    return any(all(_satisfies(term, found) for term in terms) for terms in alternatives)


FUNCTIONS: dict[str, Function] = {"semverCompare": compare}
