"""Where calls are collected: the DAG of a pipeline, or the steps of its exit handler.

Each call is checked as it is made, so that an error has the line of the call. What a call depends
on follows from the values it is given.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tiphys.author.faults import AuthoringError, UnknownReferenceError
from tiphys.author.reference import Artifact, Reference, Source, Value, fits
from tiphys.step import codec
from tiphys.step.forms import Misfit
from tiphys.step.signature import Argument, ArgumentKind


class Callee(Protocol):
    """What a task can call: a function as a template, or somebody else's container."""

    @property
    def name(self) -> str:
        """The template's name."""

    @property
    def instance(self) -> str:
        """The task's name, if it is not the template's."""

    @property
    def takes(self) -> tuple[Argument, ...]:
        """The arguments of a call."""

    def named(self, name: str) -> "Callee":
        """Return the same with another task name."""

    @property
    def gang(self) -> str | None:
        """The argument that says how many processes the step starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One call: what it is given and what it waits for."""

    name: str
    callee: Callee
    parameters: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    source: str | None = None
    """The argument that gets the project's code as it came."""
    code: Artifact | Source = field(default_factory=Source)
    """Where the code that the step runs comes from."""
    workers: int | None = None
    """The size of its gang, where that is known before a run."""
    depends: tuple[str, ...] = ()
    ancestors: frozenset[str] = frozenset()
    when: str | None = None


class Scope:
    """The calls of one DAG, and what they may refer to: `run.source`, `run.revision`."""

    prefix = "tasks"

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values
        self._code: Artifact | Source = Source()
        self.tasks: dict[str, Task] = {}
        self.exports: dict[tuple[str, str], str] = {}
        """(template, output) to the global name it is known by in the exit handler."""

    @property
    def source(self) -> Source:
        """The project's code at the revision of the run."""
        return Source()

    @property
    def code(self) -> Artifact | Source:
        """What later steps run: the source, until a step has made something of it."""
        return self._code

    @code.setter
    def code(self, artifact: Artifact | Source) -> None:
        if not isinstance(artifact, Artifact | Source):
            raise AuthoringError("run.code", "is set to something else.", "Assign an artifact.")
        self._code = artifact
        if isinstance(artifact, Artifact):
            self.exports[artifact.template, artifact.name] = "code"

    def __getattr__(self, name: str) -> Value:
        """Return the workflow's parameter *name*."""
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._values:
            raise UnknownReferenceError("workflow", "parameter", name, self._values)
        return self._values[name]

    def call(
        self,
        callee: Callee,
        given: Mapping[str, object],
        *,
        waits: tuple[Task, ...] = (),
        when: Value | str | None = None,
    ) -> Task:
        """Note a call and return it; `AuthoringError` says what is wrong with it."""
        name = callee.instance or callee.name
        if name in self.tasks:
            raise AuthoringError(
                name, "is called twice.", 'Give this task a name: `.named("…").step(…)`.'
            )
        arguments = dict(_checked(name, callee, given))
        condition, needed = _condition(name, when)
        used = [name for value in arguments.values() for name in _makers(value)]
        code = None if Source in map(type, arguments.values()) else self._code.task
        depends, ancestors = self._waits([*used, *(task.name for task in waits), *needed, code])
        self.tasks[name] = Task(
            name=name,
            callee=callee,
            parameters=_parameters(arguments),
            artifacts={
                key: self.artifact(name, callee, key, value)
                for key, value in arguments.items()
                if isinstance(value, Artifact)
            },
            source=next((k for k, value in arguments.items() if isinstance(value, Source)), None),
            code=self._code,
            workers=_workers(callee, arguments),
            depends=depends,
            ancestors=ancestors,
            when=condition,
        )
        return self.tasks[name]

    def artifact(self, task: str, callee: Callee, argument: str, value: Artifact) -> Artifact:
        """Return *value* as this scope refers to it."""
        del task, callee, argument
        return value

    def _waits(self, names: Iterable[str | None]) -> tuple[tuple[str, ...], frozenset[str]]:
        """Return what to wait for, without what that waits for anyway, and all ancestors."""
        wanted = list(dict.fromkeys(name for name in names if name))
        for name in wanted:
            if name not in self.tasks:
                raise UnknownReferenceError("pipeline", "task", name, self.tasks)
        covered = frozenset().union(*(self.tasks[name].ancestors for name in wanted))
        direct = tuple(name for name in wanted if name not in covered)
        return direct, covered | frozenset(wanted)


class ExitScope(Scope):
    """The calls of the exit handler, one after another, whether the run succeeded or not.

    It sees no outputs of tasks. They are exported with global names, and may be absent, because the
    task that makes them may not have run: an artifact is optional, and of a parameter there is the
    tag itself, braces and all.
    """

    prefix = "steps"

    def __init__(self, values: Mapping[str, Value], dag: Scope) -> None:
        super().__init__(values)
        self._dag = dag

    def call(
        self,
        callee: Callee,
        given: Mapping[str, object],
        *,
        waits: tuple[Task, ...] = (),
        when: Value | str | None = None,
    ) -> Task:
        """Note a call and return it; outputs of the DAG's tasks go by their global names."""
        known = {name: self._global(value) for name, value in given.items()}
        return super().call(callee, known, waits=waits, when=when)

    def _global(self, value: object) -> object:
        """Return a parameter of the DAG's under its global name: a text, be it of JSON."""
        if not isinstance(value, Value) or not value.task or value.task in self.tasks:
            return value
        output = value.tag.rpartition(".")[2].removesuffix("}}")
        template = self._dag.tasks[value.task].callee.name
        name = self._dag.exports.setdefault((template, output), f"{value.task}-{output}")
        tag = f"{{{{workflow.outputs.parameters.{name}}}}}"
        return Value(tag=tag, type=str, origin=value.origin)

    def artifact(self, task: str, callee: Callee, argument: str, value: Artifact) -> Artifact:
        """Return *value* under its global name, if it comes from the DAG."""
        if value.task in self.tasks:
            return value
        kind = next(a.kind for a in callee.takes if a.name == argument)
        if kind is not ArgumentKind.OPTIONAL_INPUT:
            raise AuthoringError(
                f"{task}.{argument}",
                f"gets {value.origin}, which a failed run may not have.",
                "Make the argument `Path | None`.",
            )
        name = self._dag.exports.setdefault((value.template, value.name), value.name)
        return Artifact(
            name=value.name,
            origin=value.origin,
            task="",
            template=value.template,
            tag=f"{{{{workflow.outputs.artifacts.{name}}}}}",
        )

    def _waits(self, names: Iterable[str | None]) -> tuple[tuple[str, ...], frozenset[str]]:
        """Steps wait for those before them; what the DAG's tasks gave is there, or not."""
        return super()._waits(name for name in names if name in self.tasks)


_CURRENT: ContextVar[Scope | None] = ContextVar("scope", default=None)


def current(name: str) -> Scope:
    """Return the scope that a call of *name* belongs to."""
    scope = _CURRENT.get()
    if scope is None:
        raise AuthoringError(
            f"{name}.step",
            "stands outside a pipeline.",
            "Call it in `with pipeline.dag() as run:`.",
        )
    return scope


@contextmanager
def opened(scope: Scope) -> Iterator[None]:
    """Collect calls in *scope*."""
    if _CURRENT.get() is not None:
        raise AuthoringError("dag", "is opened in another.", "Close that first.")
    token = _CURRENT.set(scope)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def _checked(
    task: str, callee: Callee, given: Mapping[str, object]
) -> Iterator[tuple[str, Reference | str]]:
    """Yield each argument, a constant as its text, after checking that it fits."""
    known = {a.name: a for a in callee.takes if a.kind is not ArgumentKind.OUTPUT}
    for name in given:
        if name not in known:
            raise UnknownReferenceError(callee.name, "argument", name, known)
    for name, argument in known.items():
        if name in given:
            yield name, _fitting(task, argument, given[name])
        elif argument.required:
            raise AuthoringError(
                task,
                f'is not given its {argument.kind} "{name}".',
                f"Add `{name}=…`: {_wanted(argument)}.",
            )


def _fitting(task: str, argument: Argument, value: object) -> Reference | str:
    parameter = argument.kind is ArgumentKind.PARAMETER
    if isinstance(value, Artifact | Source) and not parameter:
        return value
    if isinstance(value, Value) and parameter and fits(value.type, argument.type):
        return value
    if isinstance(value, Value | Artifact | Source):
        raise _misfit(task, argument, f"{value.origin}, {value.described}")
    if not parameter or isinstance(value, Path):
        raise _misfit(task, argument, repr(value))
    try:
        return codec.encode(value, argument.type)
    except Misfit as misfit:
        raise _misfit(task, argument, misfit.found) from None


def _misfit(task: str, argument: Argument, found: str) -> AuthoringError:
    return AuthoringError(
        f"{task}.{argument.name}", f"gets {found}, but takes {_wanted(argument)}."
    )


def _wanted(argument: Argument) -> str:
    if argument.kind is ArgumentKind.PARAMETER:
        return codec.describe(argument.type)
    return "an artifact: the output of a step, or `run.source`"


def _parameters(arguments: Mapping[str, Reference | str]) -> dict[str, str]:
    return {
        name: value.tag if isinstance(value, Value) else value
        for name, value in arguments.items()
        if isinstance(value, Value | str)
    }


def _makers(value: Reference | str) -> list[str]:
    """Return the tasks that *value* comes from: a text may hold tags among other things."""
    if isinstance(value, str):
        return re.findall(r"\btasks\.([-\w]+)\.", value)
    return [value.task] if value.task else []


def _workers(callee: Callee, arguments: Mapping[str, Reference | str]) -> int | None:
    """Return the size of the gang where it does not depend on a step's output."""
    if not callee.gang:
        return None
    default = next(a.default for a in callee.takes if a.name == callee.gang)
    value: Any = arguments.get(callee.gang, default)
    if isinstance(value, Value):
        value = value.default
    return int(value) if isinstance(value, int | str) else None


def _condition(task: str, when: Value | str | None) -> tuple[str | None, tuple[str, ...]]:
    """Return the condition as Argo reads it, and the tasks whose outputs it names."""
    if when is None:
        return None, ()
    if isinstance(when, str):
        return when, tuple(_makers(when))
    if when.type is not bool:
        raise AuthoringError(
            f"{task}.when",
            f"is {when.origin}, {when.described}.",
            "A condition is a boolean output, or a text in Argo's words.",
        )
    return f"{when.tag} == true", (when.task,) if when.task else ()
