"""The order of tasks in a DAG: what depends on what, and cycles."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from tiphys.manifest.model import Call, Dag
from tiphys.manifest.rules.context import Context, close

_TASK = re.compile(
    r"(?P<name>[a-zA-Z0-9][-a-zA-Z0-9]*?)\.(?P<result>[A-Z][a-zA-Z]+)|(?P<bare>[a-zA-Z0-9][-a-zA-Z0-9]*)"
)
"""As Argo finds task names in `depends` (common/ancestry.go)."""
_OF_LOOPS = frozenset({"AnySucceeded", "AllFailed"})
_RESULTS = _OF_LOOPS | {"Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned"}


def named_in(depends: str) -> Iterator[tuple[str, str]]:
    """Yield the tasks in a `depends` text, each with the result asked for, "" for none.

    >>> list(named_in("a-1 && (b.Failed || !c)"))
    [('a-1', ''), ('b', 'Failed'), ('c', '')]
    """
    for match in _TASK.finditer(depends):
        yield match["name"] or match["bare"], match["result"] or ""


def before(task: Call) -> tuple[str, ...]:
    """Return the names *task* waits for, as written."""
    if task.depends:
        return tuple(dict.fromkeys(name for name, _ in named_in(task.depends)))
    return task.dependencies


@dataclass(frozen=True, slots=True)
class Ancestry:
    """What has ended before each task starts (rule 18): a bit a task, cheap for thousands."""

    bit: Mapping[str, int]
    before: Mapping[str, int]
    """For each task, the bits of its ancestors; empty when there is a cycle."""

    def holds(self, earlier: str, task: str) -> bool:
        """Whether *earlier* is an ancestor of *task*; in a cycle, everything is."""
        return not self.before or bool(self.before[task] & self.bit[earlier])


def ancestry(tasks: Mapping[str, Call]) -> Ancestry:
    """Return the ancestors of every task."""
    graph = _graph(tasks)
    bit = {name: 1 << number for number, name in enumerate(graph)}
    ancestors: dict[str, int] = {}
    try:
        for name in TopologicalSorter(graph).static_order():
            ancestors[name] = 0
            for earlier in graph[name]:
                ancestors[name] |= ancestors[earlier] | bit[earlier]
    except CycleError:
        return Ancestry(bit, {})
    return Ancestry(bit, ancestors)


def _graph(tasks: Mapping[str, Call]) -> dict[str, list[str]]:
    return {name: [each for each in before(task) if each in tasks] for name, task in tasks.items()}


def check(dag: Dag, context: Context) -> None:
    """Report unknown tasks and results, mixed ways of writing, and cycles."""
    tasks = {each.name: each for each in dag.tasks}
    with_depends = next((each for each in dag.tasks if each.depends), None)
    for task in dag.tasks:
        _check_names(task, tasks, context)
        if with_depends:
            _check_mixture(task, with_depends, context)
        if before(task) and task.name[:1].isdigit():
            found = f'task "{task.name}" begins with a digit, so it can have no depends.'
            context.findings.error(task.at, found, "Rename it.")
    _check_cycle(tasks, context)


def _check_names(task: Call, tasks: Mapping[str, Call], context: Context) -> None:
    at = context.at(task.at, "depends", "dependencies")
    for name in before(task):
        if name not in tasks:
            found = f'task "{task.name}" depends on "{name}", which is no task here.'
            context.findings.error(at, found, close(name, tasks))
    for name, result in named_in(task.depends or ""):
        if result and result not in _RESULTS:
            found = f"`{name}.{result}` is no result of a task."
            context.findings.error(at, found, close(result, _RESULTS))
        elif result in _OF_LOOPS and name in tasks and not _loops(tasks[name]):
            found = f'`{name}.{result}` asks for a loop, but task "{name}" has no items.'
            context.findings.error(at, found)


def _loops(task: Call) -> bool:
    return task.with_items is not None or bool(task.with_param or task.with_sequence)


def _check_mixture(task: Call, with_depends: Call, context: Context) -> None:
    if task.dependencies:
        found = f'task "{task.name}" has `dependencies`, but task "{with_depends.name}" `depends`.'
        advice = f"Write `depends: {' && '.join(task.dependencies)}`."
        context.findings.error(context.at(task.at, "dependencies"), found, advice)
    if task.continue_on:
        found = f'task "{task.name}" has `continueOn`, but task "{with_depends.name}" `depends`.'
        advice = f'Let the next task depend on "{task.name}.Succeeded || {task.name}.Failed".'
        context.findings.error(context.at(task.at, "continueOn"), found, advice)


def _check_cycle(tasks: Mapping[str, Call], context: Context) -> None:
    try:
        TopologicalSorter(_graph(tasks)).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1]
        at = context.at(tasks[cycle[0]].at, "depends", "dependencies")
        found = f"these tasks wait for each other: {' → '.join(cycle)}."
        context.findings.error(at, found, "Remove one of these dependencies.")
