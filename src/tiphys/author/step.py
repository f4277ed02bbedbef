"""A function as a template: what `template(...)` returns and `.step(...)` calls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypedDict, Unpack

from tiphys.author import retries
from tiphys.author.access import NONE, Access
from tiphys.author.faults import AuthoringError, UnknownReferenceError
from tiphys.author.metrics import Metric
from tiphys.author.reference import Artifact, Value
from tiphys.author.scope import Scope, Task, current
from tiphys.step.signature import Argument, ArgumentKind, Signature, read

RESERVED = ("after", "when")
"""Arguments of `.step(...)` itself, which no function may have."""


class Options(TypedDict, total=False):
    """What a template may say beside its function and tier."""

    role: str
    """Which image it runs in; `step` unless said otherwise."""
    retry: Sequence[retries.RetryPolicy]
    """For which failures it is tried again."""
    access: Access
    """What it may ask of the cluster's API; nothing unless said otherwise."""
    timeout: timedelta
    """How long one attempt may run, waiting for a node not counted: the time of a gang runs while
    all its pods have one. On one machine, where none is waited for, it may take a day more."""
    gang: str
    """The argument that says how many worker processes the step starts."""
    mutex: str
    """Of all runs in the namespace, one at a time is in a step with this name here."""
    display: str
    """What Argo's UI calls the step: letters, digits, dots, dashes and tags of its inputs."""
    metrics: Sequence[Metric]
    """What Prometheus hears of it, beside how long it took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTemplate:
    """A typed function, where it runs and what is done when it fails."""

    function: Callable[..., Any]
    signature: Signature
    name: str
    tier: str
    role: str = "step"
    retry: tuple[retries.RetryPolicy, ...] = retries.EVERYWHERE
    access: Access = NONE
    timeout: timedelta = timedelta(hours=1)
    gang: str | None = None
    mutex: str = ""
    display: str = ""
    metrics: tuple[Metric, ...] = ()
    instance: str = ""
    """The task's name; the template's own where it is called once."""

    @property
    def takes(self) -> tuple[Argument, ...]:
        """The arguments of a call."""
        return self.signature.arguments

    def named(self, name: str) -> "StepTemplate":
        """Return the same template under another task name, for a second call in one pipeline."""
        return replace(self, instance=name)

    def step(
        self,
        *,
        after: "Step | Sequence[Step]" = (),
        when: Value | str | None = None,
        **given: object,
    ) -> "Step":
        """Call the template in the current pipeline; what comes back stands for its outputs.

        Args:
            after: steps to wait for though nothing of theirs is used.
            when: run only if this is true: a boolean output, or a condition in Argo's words.
            given: the function's arguments: outputs of other steps, parameters, or plain values.

        Raises:
            AuthoringError: an argument is missing, unknown or of the wrong type.
        """
        scope = current(self.name)
        waits = (after,) if isinstance(after, Step) else tuple(after)
        task = scope.call(self, given, waits=tuple(step.task for step in waits), when=when)
        return Step(task=task, outputs=outputs(self, task, scope))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """A call of a template: each output artifact and output parameter is an attribute."""

    task: Task
    outputs: dict[str, Value | Artifact] = field(repr=False)

    def __getattr__(self, name: str) -> Any:
        """Return the output *name*, whose kind depends on the function."""
        if name.startswith("__"):
            raise AttributeError(name)
        if name not in self.outputs:
            raise UnknownReferenceError(self.task.name, "output", name, self.outputs)
        return self.outputs[name]


def template(
    function: Callable[..., Any], *, tier: str, **options: Unpack[Options]
) -> StepTemplate:
    """Return *function* as a template that runs on *tier*.

    Raises:
        UserError: the signature cannot be a step's, or the options contradict it.
    """
    signature = read(function)
    retries.check(options.get("retry", ()))
    _check_names(signature)
    if gang := options.get("gang"):
        _check_gang(signature, gang)
    return StepTemplate(
        function=function,
        signature=signature,
        name=function.__name__.replace("_", "-"),
        tier=tier,
        role=options.get("role", "step"),
        retry=tuple(options.get("retry", retries.EVERYWHERE)),
        access=options.get("access", NONE),
        timeout=options.get("timeout", timedelta(hours=1)),
        gang=gang,
        mutex=options.get("mutex", ""),
        display=options.get("display", ""),
        metrics=tuple(options.get("metrics", ())),
    )


def outputs(called: StepTemplate, task: Task, scope: Scope) -> dict[str, Value | Artifact]:
    """Return what a call of *called* stands for, by name."""
    base = f"{scope.prefix}.{task.name}.outputs"
    found: dict[str, Value | Artifact] = {}
    for result in called.signature.results:
        found[result.name] = Value(
            tag=f"{{{{{base}.parameters.{result.name}}}}}",
            type=result.type,
            origin=f"{task.name}.{result.name}",
            task=task.name,
        )
    for argument in called.signature.of_kind(ArgumentKind.OUTPUT):
        found[argument.name] = Artifact(
            name=argument.name,
            origin=f"{task.name}.{argument.name}",
            task=task.name,
            template=called.name,
            tag=f"{{{{{base}.artifacts.{argument.name}}}}}",
        )
    return found


def _check_names(signature: Signature) -> None:
    names = [argument.name for argument in signature.arguments]
    for name in RESERVED:
        if name in names:
            raise AuthoringError(
                signature.entry, f'has an argument "{name}", as `.step` has.', "Rename it."
            )
    written = [argument.name for argument in signature.of_kind(ArgumentKind.OUTPUT)]
    for result in signature.results:
        if result.name in written:
            raise AuthoringError(
                signature.entry,
                f'has an artifact and a returned field "{result.name}".',
                "Rename one.",
            )


def _check_gang(signature: Signature, gang: str) -> None:
    argument = next((found for found in signature.arguments if found.name == gang), None)
    if argument is None:
        known = [found.name for found in signature.arguments]
        raise UnknownReferenceError(signature.entry, "argument", gang, known)
    if argument.type is not int:
        raise AuthoringError(signature.entry, f'has a gang of size "{gang}", which is no int.')
