"""YAML text to trees of scalars, sequences and mappings, each knowing where it stands.

Trees keep everything that the file says and judge nothing but the YAML itself.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import yaml

from tiphys.manifest import scalar
from tiphys.manifest.model import NOWHERE, Json, Position
from tiphys.manifest.problem import Findings

DEEPEST = 100
"""Levels of nesting; a manifest has about fifteen."""
LARGEST = 1_000_000
"""Values in a document once its aliases are followed: a guard against alias bombs."""


@dataclass(frozen=True, slots=True)
class Scalar:
    value: scalar.Plain
    at: Position = NOWHERE
    text: str = ""
    """As written, without quotes."""


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple["Value", ...] = ()
    at: Position = NOWHERE


@dataclass(frozen=True, slots=True)
class Entry:
    """A key's place and its value."""

    at: Position
    value: "Value"


@dataclass(frozen=True, slots=True)
class Mapping:
    entries: dict[str, Entry] = field(default_factory=dict)
    at: Position = NOWHERE

    def get(self, key: str) -> "Value":
        """Return the value of *key*; what is not there is null."""
        entry = self.entries.get(key)
        return entry.value if entry else NULL

    def key_at(self, key: str) -> Position:
        """Return where *key* is written, else where the mapping begins."""
        entry = self.entries.get(key)
        return entry.at if entry else self.at


Value = Scalar | Sequence | Mapping
NULL = Scalar(None)


def is_null(value: Value) -> bool:
    return isinstance(value, Scalar) and value.value is None


def plain(value: Value) -> Json:
    """Return *value* as JSON."""
    match value:
        case Scalar():
            return value.value
        case Sequence():
            return [plain(each) for each in value.items]
        case Mapping():
            return {key: plain(entry.value) for key, entry in value.entries.items()}


def of(value: Json) -> Value:
    """Return JSON as a tree that stands nowhere."""
    if isinstance(value, dict):
        return Mapping({str(key): Entry(NOWHERE, of(each)) for key, each in value.items()})
    if isinstance(value, list | tuple):
        return Sequence(tuple(of(each) for each in value))
    return Scalar(value, NOWHERE, scalar.any_string(value))


def walk(value: Value) -> Iterator[Value]:
    """Yield *value* and all below it."""
    yield value
    match value:
        case Sequence():
            for each in value.items:
                yield from walk(each)
        case Mapping():
            for entry in value.entries.values():
                yield from walk(entry.value)
        case Scalar():
            pass


def parse(file: str, text: str, findings: Findings) -> list[Value]:
    """Return the documents of *text*; empty ones are left out. A syntax error ends the file."""
    documents = []
    loader = _Loader(text)
    try:
        while loader.check_node():
            value = _Composed(file, findings).tree(cast("yaml.Node", loader.get_node()))
            if not is_null(value):
                documents.append(value)
    except yaml.YAMLError as error:
        _report(file, text, error, findings)
    finally:
        loader.dispose()
    return documents


def _report(file: str, text: str, error: yaml.YAMLError, findings: Findings) -> None:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        at = Position(file, mark.line + 1, mark.column + 1) if mark else Position(file, 1, 1)
        found = f"this is not YAML: {error.problem or error.context}."
        findings.error(at, found, _tab_advice(text, at.line))
        return
    findings.error(Position(file), f"this is not YAML: {str(error).splitlines()[0]}.")


def _tab_advice(text: str, line: int) -> str:
    lines = text.splitlines()
    broken = lines[line - 1] if line <= len(lines) else ""
    indentation = broken[: len(broken) - len(broken.lstrip())]
    return "Indent with blanks, not with a tab." if "\t" in indentation else ""


_PLAIN, _QUOTED = "plain", "quoted"
_RESOLVED = {_PLAIN, *(f"tag:yaml.org,2002:{each}" for each in ("int", "float", "bool", "null"))}


class _Loader(yaml.CSafeLoader):
    """Leaves the meaning of plain scalars to `scalar.resolve`."""

    def resolve(self, kind: type[yaml.Node], value: str, implicit: object) -> str:  # noqa: ARG002  # PyYAML's signature
        unquoted = kind is yaml.ScalarNode and isinstance(implicit, tuple) and implicit[0]
        return _PLAIN if unquoted else _QUOTED


class _RefusedError(Exception):
    def __init__(self, at: Position, found: str) -> None:
        super().__init__(found)
        self.at, self.found = at, found


class _Composed:
    """Turns one composed document into a tree; what it cannot turn is reported and left out."""

    def __init__(self, file: str, findings: Findings) -> None:
        self.file, self.findings = file, findings
        self._done: dict[int, tuple[Value, int]] = {}
        self._open: set[int] = set()

    def tree(self, node: yaml.Node) -> Value:
        try:
            return self._sized(node)[0]
        except _RefusedError as error:
            self.findings.error(error.at, error.found)
            return NULL

    def _at(self, node: yaml.Node) -> Position:
        return Position(self.file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _sized(self, node: yaml.Node) -> tuple[Value, int]:
        """Return the tree of *node* and its size with aliases followed."""
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node), 1
        key = id(node)
        if key not in self._done:
            if key in self._open:
                raise _RefusedError(self._at(node), "this value contains itself through an alias.")
            if len(self._open) == DEEPEST:
                raise _RefusedError(self._at(node), f"there are more than {DEEPEST} levels here.")
            self._open.add(key)
            mapping = isinstance(node, yaml.MappingNode)
            self._done[key] = self._mapping(node) if mapping else self._sequence(node)
            self._open.remove(key)
        if self._done[key][1] > LARGEST:
            raise _RefusedError(self._at(node), f"aliases make this larger than {LARGEST} values.")
        return self._done[key]

    def _scalar(self, node: yaml.ScalarNode) -> Scalar:
        at, value = self._at(node), _meaning(node)
        if isinstance(value, float) and not math.isfinite(value):
            self.findings.error(at, f"JSON has no {node.value}.", f'Quote it: "{node.value}".')
            value = node.value
        return Scalar(value, at, node.value)

    def _sequence(self, node: yaml.Node) -> tuple[Value, int]:
        made = [self._sized(each) for each in node.value]
        items, sizes = tuple(each for each, _ in made), sum(count for _, count in made)
        return Sequence(items, self._at(node)), 1 + sizes

    def _mapping(self, node: yaml.Node) -> tuple[Value, int]:
        entries: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        size = 1
        for key, each in node.value:
            if not isinstance(key, yaml.ScalarNode):
                return self._braces(node), 1
            value, count = self._sized(each)
            size += count
            if key.tag == _PLAIN and key.value == "<<":
                merged = {**_merged(value), **merged}
            else:
                self._add(entries, key, value)
        return Mapping({**merged, **entries}, self._at(node)), size

    def _braces(self, node: yaml.Node) -> Scalar:
        """Report a mapping as a key; nearly always it is a tag without quotes."""
        at = self._at(node)
        self.findings.error(at, "text that begins with {{ needs quotes.", 'Write "{{…}}".')
        return Scalar("{{…}}", at, "{{…}}")

    def _add(self, entries: dict[str, Entry], key: yaml.ScalarNode, value: Value) -> None:
        name, at = scalar.any_string(_meaning(key)), self._at(key)
        if name in entries:
            advice = f"The first is in line {entries[name].at.line}."
            self.findings.error(at, f"`{name}` stands here twice.", advice)
        if key.tag == _PLAIN and scalar.is_surprising_boolean(key.value):
            found = f"the key {key.value} is a boolean in YAML."
            self.findings.error(at, found, f'Quote it: "{key.value}".')
        entries[name] = Entry(at, value)


def _meaning(node: yaml.ScalarNode) -> scalar.Plain:
    return scalar.resolve(node.value) if node.tag in _RESOLVED else node.value


def _merged(value: Value) -> dict[str, Entry]:
    """Return what `<<: *alias` or `<<: [*one, *two]` brings; the first of several wins."""
    if isinstance(value, Mapping):
        return value.entries
    merged: dict[str, Entry] = {}
    for each in value.items if isinstance(value, Sequence) else ():
        merged = {**_merged(each), **merged}
    return merged
