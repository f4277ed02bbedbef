"""Trees against the support table: unknown fields, wrong types, what is ignored or refused."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tiphys.errors import nearest
from tiphys.manifest import patch, scalar, support, tree, volumes
from tiphys.manifest.problem import Findings
from tiphys.manifest.support import Level, Row

_Is = Callable[[object], bool]


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_whole(value) or isinstance(value, float)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


_SCALARS: dict[str, tuple[str, _Is]] = {
    "text": ("a string", _is_text),
    "pod-patch": ("a string", _is_text),
    "any-text": ("a string", lambda value: not isinstance(value, dict | list)),
    "whole": ("a whole number", _is_whole),
    "number": ("a number", _is_number),
    "flag": ("true or false", lambda value: isinstance(value, bool)),
    "whole-or-text": ("a whole number or a string", lambda v: _is_whole(v) or _is_text(v)),
    "quantity": ("a quantity such as 500m or 2Gi", lambda v: _is_number(v) or _is_text(v)),
}


@dataclass(frozen=True, slots=True)
class _Field:
    """What is being checked: its name, the shape it must have, and whether levels count."""

    name: str
    shape: str
    levels: bool
    spared: frozenset[str] = frozenset()
    """The volumes of its template that this machine need not have."""

    def of(self, shape: str) -> "_Field":
        return replace(self, shape=shape)


def check(value: tree.Value, kind: str, findings: Findings, *, levels: bool = True) -> None:
    """Report what is wrong with *value*, a document of *kind*.

    *levels* says whether to report what this machine ignores or refuses; not when the manifest
    goes to a cluster.
    """
    _check(value, _Field(kind, kind, levels), findings)


def _check(value: tree.Value, it: _Field, findings: Findings) -> None:
    if tree.is_null(value) or it.shape == "json":
        return
    if it.shape[0] == "[":
        _check_list(value, it, findings)
    elif it.shape[0] == "{":
        _check_map(value, it, findings)
    elif it.shape in _SCALARS:
        _check_scalar(value, it, findings)
    elif "|" in it.shape:
        _check_choice(value, it, findings)
    else:
        _check_kind(value, it, findings)


def _wrong(value: tree.Value, it: _Field, expected: str, findings: Findings) -> None:
    found = f"`{it.name}` must be {expected}, but this is {_described(value)}."
    findings.error(value.at, found, _quoting(value, expected))


def _described(value: tree.Value) -> str:
    match value:
        case tree.Mapping():
            return "a mapping"
        case tree.Sequence():
            return "a list"
        case tree.Scalar(value=bool()):
            return f"a boolean to YAML: {value.text}"
        case tree.Scalar(value=int() | float()):
            return f"the number {value.text}"
        case tree.Scalar():
            return f'the string "{value.text[:40]}"'


def _quoting(value: tree.Value, expected: str) -> str:
    if not isinstance(value, tree.Scalar):
        return ""
    if expected.endswith("string") and not isinstance(value.value, str):
        return f'Quote it: "{value.text}".'
    meaning = scalar.resolve(value.text)
    if isinstance(value.value, str) and not isinstance(meaning, str):
        return f"Write {scalar.any_string(meaning) or 'nothing'} without quotes."
    return ""


def _check_list(value: tree.Value, it: _Field, findings: Findings) -> None:
    if not isinstance(value, tree.Sequence):
        _wrong(value, it, "a list", findings)
        return
    for each in value.items:
        _check(each, it.of(it.shape[1:-1]), findings)


def _check_map(value: tree.Value, it: _Field, findings: Findings) -> None:
    if not isinstance(value, tree.Mapping):
        _wrong(value, it, "a mapping", findings)
        return
    for key, entry in value.entries.items():
        _check(entry.value, _Field(key, it.shape[1:-1], it.levels), findings)


def _check_scalar(value: tree.Value, it: _Field, findings: Findings) -> None:
    expected, accepts = _SCALARS[it.shape]
    if not isinstance(value, tree.Scalar) or not accepts(value.value):
        if it.shape == "any-text":
            found = f"`{it.name}` must be a string, but this is {_described(value)}."
            findings.error(value.at, found, "Argo would make it empty: write JSON in quotes.")
        else:
            _wrong(value, it, expected, findings)
    elif isinstance(value.value, bool) and scalar.is_surprising_boolean(value.text):
        findings.error(
            value.at, f"`{it.name}` is a boolean to YAML: {value.text}.", _plainly(value, it.shape)
        )


def _plainly(value: tree.Scalar, shape: str) -> str:
    if shape == "flag":
        return f"Write {scalar.any_string(value.value)}."
    return f'Quote it: "{value.text}".'


def _check_choice(value: tree.Value, it: _Field, findings: Findings) -> None:
    words = it.shape.split("|")
    if not isinstance(value, tree.Scalar) or not isinstance(value.value, str):
        _wrong(value, it, "one of " + ", ".join(words), findings)
    elif value.text not in {"", *words} and "{{" not in value.text:
        found = f'`{it.name}` cannot be "{value.text}".'
        findings.error(value.at, found, nearest(value.text, words))


def _check_kind(value: tree.Value, it: _Field, findings: Findings) -> None:
    if not isinstance(value, tree.Mapping):
        _wrong(value, it, "a mapping", findings)
        return
    rows = support.KINDS[it.shape]
    if rows is None:
        return
    if it.shape == "Template":
        it = replace(it, spared=volumes.spared(value))
    it = replace(it, levels=it.levels and not _is_spared(value, it))
    for name, entry in value.entries.items():
        row = rows.get(name) or rows.get("*")
        if row is None:
            advice = support.OTHER_VERSIONS.get(name) or nearest(name, rows)
            findings.error(entry.at, f"`{name}` is no field of {it.shape}.", advice)
            continue
        if it.levels:
            _check_level(name, entry, row, findings)
        levels = it.levels and row.level is Level.RUNS
        _check(entry.value, _Field(name, row.shape, levels, it.spared), findings)


def _is_spared(value: tree.Mapping, it: _Field) -> bool:
    """Whether this is a volume that a step may be without."""
    name = value.entries.get("name")
    return it.shape == "Volume" and name is not None and tree.plain(name.value) in it.spared


def _check_level(name: str, entry: tree.Entry, row: Row, findings: Findings) -> None:
    text = row.text.replace("{field}", name)
    if tree.plain(entry.value) in (None, False):
        return
    if row.level is Level.REFUSED:
        findings.error(entry.at, text)
    elif row.loud and not _is_harmless(entry.value, row):
        findings.warn(entry.at, text)


def _is_harmless(value: tree.Value, row: Row) -> bool:
    return row.shape == "pod-patch" and patch.harmless(scalar.any_string(tree.plain(value)))
