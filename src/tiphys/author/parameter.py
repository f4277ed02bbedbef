"""A workflow's parameters: what the submit form asks for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from hera.workflows import models

from tiphys.author import metrics, prose
from tiphys.author.faults import AuthoringError
from tiphys.author.scope import Task
from tiphys.author.step import StepTemplate
from tiphys.step import codec
from tiphys.step.forms import Misfit

Plain = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter with more to say than its default; a plain value is one without."""

    default: Plain
    description: str = ""
    """Empty: that of the first argument it is given to, in the docstring of the step."""
    choices: tuple[Plain, ...] = ()
    """All that may be given; a `bool` needs none."""

    @classmethod
    def of(cls, value: "Plain | Parameter") -> "Parameter":
        """Return *value* as a parameter."""
        return value if isinstance(value, cls) else cls(default=value)  # type: ignore[arg-type] # a Plain

    @property
    def type(self) -> Any:
        """What a step may take it as."""
        return Literal[self.choices] if self.choices else type(self.default)

    def declared(self, name: str) -> models.Parameter:
        """Return the declaration, which Argo's submit form is made of.

        Raises:
            AuthoringError: the default is none of the choices.
        """
        try:
            value = codec.encode(self.default, self.type)
        except Misfit as misfit:
            problem = f"is {misfit.found} by default, but {misfit.expected}."
            raise AuthoringError(name, problem) from None
        return models.Parameter(
            name=name,
            value=value,
            description=self.description or None,
            enum=metrics.closed(self.type) or None,
        )


def explained(parameters: Mapping[str, Parameter], tasks: Iterable[Task]) -> dict[str, Parameter]:
    """Return *parameters*, those without a description with that of an argument they are for."""
    found: dict[str, str] = {}
    for task in tasks:
        if isinstance(task.callee, StepTemplate):
            said = prose.read(task.callee.function).arguments
            for argument, tag in task.parameters.items():
                found.setdefault(tag, prose.sentence(said.get(argument, "")))
    return {
        name: replace(
            one, description=one.description or found.get(f"{{{{workflow.parameters.{name}}}}}", "")
        )
        for name, one in parameters.items()
    }
