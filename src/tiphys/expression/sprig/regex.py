"""Regular expressions. A bad one is refused, but `regexMatch` then simply does not match."""

import re
from collections.abc import Callable, Iterator

from tiphys.expression.calls import Function
from tiphys.expression.faults import RefusedError
from tiphys.expression.patterns import compiled, found


def match(pattern: str, text: str) -> bool:
    try:
        return found(text, pattern)
    except RefusedError:
        return False


def must_match(pattern: str, text: str) -> bool:
    return found(text, pattern)


def find(pattern: str, text: str) -> str:
    first = compiled(pattern).search(text)
    return first.group() if first else ""


def find_all(pattern: str, text: str, most: int) -> list[str]:
    """At most *most*, all of them when it is negative."""
    every = [each.group() for each in _matches(pattern, text)]
    return every if most < 0 else every[:most]


def _matches(pattern: str, text: str) -> Iterator[re.Match[str]]:
    """Go finds no empty match right behind a match."""
    end = -1
    for each in compiled(pattern).finditer(text):
        if each.end() > each.start() or each.start() != end:
            yield each
        end = each.end()


def replace_all(pattern: str, text: str, template: str) -> str:
    """`$1`, `${1}` and `${name}` stand for groups, `$$` for a dollar."""

    def expanded(each: re.Match[str]) -> str:
        return _REFERENCE.sub(lambda reference: _group(each, reference), template)

    return _replaced(pattern, text, expanded)


_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|(?P<word>\w+)|\{(?P<braced>\w+)\})", re.ASCII)


def _group(each: re.Match[str], reference: re.Match[str]) -> str:
    if reference["dollar"]:
        return "$"
    name = reference["word"] or reference["braced"]
    try:
        return each.group(int(name) if name.isdecimal() else name) or ""
    except IndexError:
        return ""


def _replaced(pattern: str, text: str, expanded: Callable[[re.Match[str]], str]) -> str:
    parts: list[str] = []
    at = 0
    for each in _matches(pattern, text):
        parts += [text[at : each.start()], expanded(each)]
        at = each.end()
    return "".join([*parts, text[at:]])


def replace_all_literal(pattern: str, text: str, replacement: str) -> str:
    return _replaced(pattern, text, lambda _: replacement)


def split(pattern: str, text: str, most: int) -> list[str]:
    if most == 0:
        return []
    parts: list[str] = []
    at = 0
    for each in _matches(pattern, text):
        if len(parts) + 1 == most:
            break
        if each.end() and (each.end() > each.start() or each.end() < len(text)):
            parts.append(text[at : each.start()])
            at = each.end()
    return [*parts, text[at:]]


def quote_meta(text: str) -> str:
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)


_STRICT: dict[str, Function] = {
    "regexFind": find,
    "regexFindAll": find_all,
    "regexReplaceAll": replace_all,
    "regexReplaceAllLiteral": replace_all_literal,
    "regexSplit": split,
}
FUNCTIONS: dict[str, Function] = {
    **_STRICT,
    **{f"must{name[0].upper()}{name[1:]}": function for name, function in _STRICT.items()},
    "mustRegexMatch": must_match,
    "regexMatch": match,
    "regexQuoteMeta": quote_meta,
}
