"""A template made with Hera: anybody's container is called like a function of ours."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hera.workflows import models

from tiphys.author.faults import AuthoringError
from tiphys.author.reference import Artifact, Value
from tiphys.author.scope import Task, current
from tiphys.author.step import Step
from tiphys.step.signature import Argument, ArgumentKind

REQUIRED = Argument(name="", kind=ArgumentKind.PARAMETER, type=str).default


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignTemplate:
    """Its inputs and outputs are what its YAML says; parameters are text."""

    name: str
    template: models.Template
    takes: tuple[Argument, ...]
    instance: str = ""
    gang: None = None

    @classmethod
    def of(cls, template: Any) -> "ForeignTemplate":
        """Return *template*, a Hera template or model of one, as something to call."""
        built = template if isinstance(template, models.Template) else template._build_template()  # noqa: SLF001 -- Hera offers no public way
        if not built.name:
            raise AuthoringError(type(template).__name__, "has no name.", "Give it one.")
        return cls(name=built.name, template=built, takes=_takes(built))

    def named(self, name: str) -> "ForeignTemplate":
        """Return the same template under another task name."""
        return replace(self, instance=name)

    def step(
        self, *, after: Step | Sequence[Step] = (), when: Value | str | None = None, **given: object
    ) -> Step:
        """Call the template in the current pipeline, as `StepTemplate.step` does."""
        scope = current(self.name)
        waits = (after,) if isinstance(after, Step) else tuple(after)
        task = scope.call(self, given, waits=tuple(step.task for step in waits), when=when)
        return Step(task=task, outputs=_outputs(self.template, task, scope.prefix))


def _takes(template: models.Template) -> tuple[Argument, ...]:
    inputs = template.inputs or models.Inputs()
    parameters = [
        Argument(
            name=parameter.name,
            kind=ArgumentKind.PARAMETER,
            type=str,
            default=REQUIRED
            if parameter.value is None and parameter.default is None
            else str(parameter.value or parameter.default),
        )
        for parameter in inputs.parameters or []
    ]
    artifacts = [
        Argument(
            name=artifact.name,
            kind=ArgumentKind.OPTIONAL_INPUT if artifact.optional else ArgumentKind.INPUT,
            type=str,
        )
        for artifact in inputs.artifacts or []
    ]
    return (*parameters, *artifacts)


def _outputs(template: models.Template, task: Task, prefix: str) -> dict[str, Value | Artifact]:
    outputs = template.outputs or models.Outputs()
    base = f"{prefix}.{task.name}.outputs"
    found: dict[str, Value | Artifact] = {
        "result": Value(
            tag=f"{{{{{base}.result}}}}", type=str, origin=f"{task.name}.result", task=task.name
        )
    }
    for parameter in outputs.parameters or []:
        tag = f"{{{{{base}.parameters.{parameter.name}}}}}"
        origin = f"{task.name}.{parameter.name}"
        found[parameter.name] = Value(tag=tag, type=str, origin=origin, task=task.name)
    for artifact in outputs.artifacts or []:
        found[artifact.name] = Artifact(
            name=artifact.name,
            origin=f"{task.name}.{artifact.name}",
            task=task.name,
            template=template.name or "",
            tag=f"{{{{{base}.artifacts.{artifact.name}}}}}",
        )
    return found
