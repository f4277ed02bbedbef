"""`depends`: when a task runs, said with the results of the tasks before it."""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from tiphys.errors import nearest
from tiphys.expression.environment import Environment
from tiphys.expression.evaluator import evaluate
from tiphys.expression.faults import ExpressionError
from tiphys.expression.values import Value

RESULTS = (
    "Succeeded",
    "Failed",
    "Errored",
    "Skipped",
    "Omitted",
    "Daemoned",
    "AnySucceeded",
    "AllFailed",
)
ENOUGH = ("Succeeded", "Skipped", "Daemoned")
"""What a task's bare name asks for. Not Omitted: omission cascades (ARGO rule 16)."""
_TASK = re.compile(
    r"(?P<asked>[a-zA-Z0-9][-a-zA-Z0-9]*?)\.(?P<result>[A-Z][a-zA-Z]+)"
    r"|(?P<bare>[a-zA-Z0-9][-a-zA-Z0-9]*)"
)
_TIMELESS = Environment(now=datetime(1970, 1, 1, tzinfo=UTC), seed=0)


def depends_tasks(text: str) -> frozenset[str]:
    """Return the tasks that *text* names.

    Raises: ExpressionError: it asks for a result that tasks do not have.
    """
    for match in _TASK.finditer(text):
        result = match["result"]
        if result and result not in RESULTS:
            raise ExpressionError(
                text,
                match.start("result"),
                f'"{result}" is no result of a task.',
                nearest(result, RESULTS),
            )
    return frozenset(match["asked"] or match["bare"] for match in _TASK.finditer(text))


def depends(
    text: str,
    tasks: Mapping[str, Mapping[str, bool]],
    tolerated: Mapping[str, Collection[str]] | None = None,
) -> bool:
    """Return whether *text* holds, given each task's results (a result left out is false).

    *tolerated* holds what a bare name accepts besides success: from `continueOn`, Failed or
    Errored. All tasks named must be fulfilled: there is no short cut (ARGO rule 17).

    Raises: ExpressionError: an unknown task or result, or what is no boolean.
    """
    more = tolerated or {}

    def spelled(match: re.Match[str]) -> str:
        if match["asked"]:
            return match.group()
        name = match["bare"]
        return f"({' || '.join(f'{name}.{r}' for r in (*ENOUGH, *more.get(name, ())))})"

    named = depends_tasks(text)
    unknown = named - tasks.keys()
    if unknown:
        name = min(unknown)
        found = f'there is no task "{name}" before this one.'
        raise ExpressionError(text, text.index(name), found, nearest(name, tasks))
    source = _TASK.sub(spelled, text).replace("-", "_")
    names: dict[str, Value] = {
        task.replace("-", "_"): dict.fromkeys(RESULTS, False) | dict(tasks[task]) for task in named
    }
    holds = evaluate(source, names, _TIMELESS)
    if not isinstance(holds, bool):
        raise ExpressionError(text, 0, "this gives neither true nor false.")
    return holds
