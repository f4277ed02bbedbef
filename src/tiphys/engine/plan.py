"""What a DAG's text says, worked out once: who depends on whom, and what the targets are."""

from collections.abc import Mapping
from dataclasses import dataclass

from tiphys import expression
from tiphys.engine.faults import TemplateError
from tiphys.engine.words import said
from tiphys.errors import nearest
from tiphys.expression import ExpressionError
from tiphys.manifest.model import Call, Dag


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    dependencies: Mapping[str, tuple[str, ...]]
    """Of the tasks that run: those that the targets need, in the order they are written."""
    dependants: Mapping[str, tuple[str, ...]]
    logic: Mapping[str, str]
    """What each task depends on; "" for nothing."""
    tolerated: Mapping[str, tuple[str, ...]]
    """What a bare name accepts besides success, from `continueOn` (rule 16)."""
    targets: tuple[str, ...]


def plan(dag: Dag) -> Plan:
    """Work out the plan of *dag*.

    Raises: TemplateError: a task or a target that does not exist.
    """
    tasks = {task.name: task for task in dag.tasks}
    logic = {task.name: task.depends or " && ".join(task.dependencies) for task in dag.tasks}
    needs = {task.name: needed(task, logic[task.name], tasks) for task in dag.tasks}
    targets = tuple(dag.target.split(" ")) if dag.target else leaves(needs)
    for target in targets:
        known(target, "dag.target names", tasks)
    wanted = ancestry(targets, needs)
    dependencies = {name: needs[name] for name in tasks if name in wanted}
    dependants: dict[str, list[str]] = {name: [] for name in dependencies}
    for name, others in dependencies.items():
        for other in others:
            dependants[other].append(name)
    return Plan(
        dependencies=dependencies,
        dependants={name: tuple(others) for name, others in dependants.items()},
        logic=logic,
        tolerated={name: forgiven(task) for name, task in tasks.items() if task.continue_on},
        targets=targets,
    )


def needed(task: Call, logic: str, tasks: Mapping[str, Call]) -> tuple[str, ...]:
    """Return the tasks that *task* depends on, sorted."""
    if task.dependencies:
        names = frozenset(task.dependencies)
    else:
        try:
            names = expression.depends_tasks(logic)
        except ExpressionError as error:
            raise TemplateError(said(error)) from error
    return tuple(known(name, f'task "{task.name}" depends on', tasks) for name in sorted(names))


def forgiven(task: Call) -> tuple[str, ...]:
    """Return the failures of *task* that its `continueOn` forgives."""
    results = []
    if task.continue_on and task.continue_on.error:
        results.append("Errored")
    if task.continue_on and task.continue_on.failed:
        results.append("Failed")
    return tuple(results)


def known(name: str, where: str, tasks: Mapping[str, Call]) -> str:
    if name not in tasks:
        raise TemplateError(where, f'"{name}", which is no task here. {nearest(name, tasks)}')
    return name


def leaves(needs: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the tasks nobody depends on, sorted (rule 19)."""
    needed = {name for others in needs.values() for name in others}
    return tuple(sorted(set(needs) - needed))


def ancestry(targets: tuple[str, ...], needs: Mapping[str, tuple[str, ...]]) -> set[str]:
    """Return *targets* and all they need (rule 18)."""
    found: set[str] = set()
    stack = list(targets)
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack.extend(needs[name])
    return found
