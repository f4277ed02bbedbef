"""What a loop gives to those after it: the outputs of its children as lists (rules 12, 13)."""

from collections.abc import Sequence

from tiphys.engine import jsontext
from tiphys.engine.faults import TemplateError
from tiphys.engine.node import Node, Phase
from tiphys.expression import jsontext as go
from tiphys.expression.faults import RefusedError
from tiphys.manifest.model import Json


def joined(prefix: str, children: Sequence[Node]) -> dict[str, str]:
    """Return the aggregate names of *children*, which are in the order of their index.

    Raises: TemplateError: a result is not JSON.
    """
    if not children:
        return {}
    giving = [child for child in children if child.phase is Phase.SUCCEEDED and not child.hooked]
    rows: list[dict[str, str]] = []
    columns: dict[str, list[str]] = {}
    for child in giving:
        row = {name: value or "" for name, value in child.outputs.parameters.items()}
        if row:
            rows.append(row)
        for name, value in row.items():
            columns.setdefault(name, []).append(value)
    results = [result(child) for child in giving if child.outputs.result is not None]
    names = {
        f"{prefix}.outputs.result": f"[{','.join(results)}]",
        f"{prefix}.outputs.parameters": jsontext.compact(rows),
    }
    names.update({f"{prefix}.outputs.parameters.{k}": column(v) for k, v in columns.items()})
    return names


def result(child: Node) -> str:
    """Return a child's stdout as the JSON it must be (rule 13)."""
    text = child.outputs.result or ""
    try:
        return jsontext.tightened(text)
    except ValueError as error:
        found = f"gave a result that cannot be joined: it is no JSON ({error})."
        raise TemplateError(child.name, f"{found} Print JSON, or use a parameter.") from error


def column(values: Sequence[str]) -> str:
    """Return a list of strings, or of JSON values if all are lists or maps (rule 12).

    >>> column(["1", "a"]), column(["[1.0]", "{}"])
    ('["1","a"]', '[[1],{}]')
    """
    decoded = [structure(value) for value in values]
    return jsontext.compact(list(values)) if None in decoded else go.written(decoded)


def structure(value: str) -> list[Json] | dict[str, Json] | None:
    """Return the list or map that *value* is; its numbers are floats, as in Go."""
    try:
        decoded = go.decoded(value)
    except RefusedError:
        return None
    return decoded if isinstance(decoded, list | dict) else None
