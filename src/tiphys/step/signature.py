"""A function's signature as a step's interface: the one place that reads it.

`Path` = input artifact, `Path | None` = optional one, `Annotated[Path, Output()]` = output
artifact, any other argument = parameter; the fields of the returned dataclass = output parameters.
"""

import dataclasses
import inspect
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from tiphys.errors import UserError
from tiphys.step import codec

METRICS = "metrics"
"""The output parameter every step has; no field of a returned dataclass may be called so."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Marks an argument as an output artifact: a path that the function writes."""

    view: Literal["html", "json", "image"] | None = None
    """How Argo's UI shows it; such an artifact is stored as it is, not packed."""


class ArgumentKind(StrEnum):
    INPUT = "input artifact"
    OPTIONAL_INPUT = "optional input artifact"
    OUTPUT = "output artifact"
    PARAMETER = "parameter"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    name: str
    kind: ArgumentKind
    type: Any
    default: Any = inspect.Parameter.empty
    output: Output | None = None

    @property
    def required(self) -> bool:
        """Whether a call must give it: an optional artifact may always be left out."""
        absent = self.default is inspect.Parameter.empty
        return absent and self.kind is not ArgumentKind.OPTIONAL_INPUT


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A field of the returned dataclass."""

    name: str
    type: Any


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    entry: str
    """`module:function`, as the container's command names it."""
    arguments: tuple[Argument, ...]
    results: tuple[Result, ...]

    def of_kind(self, *kinds: ArgumentKind) -> tuple[Argument, ...]:
        """Return the arguments of *kinds*, in the order of the function."""
        return tuple(argument for argument in self.arguments if argument.kind in kinds)


class SignatureError(UserError):
    """A function that cannot be a step."""


def entry(function: Callable[..., Any]) -> str:
    """Return the `module:function` under which a container finds *function*."""
    return f"{function.__module__}:{function.__qualname__}"


def read(function: Callable[..., Any]) -> Signature:
    """Return the interface of *function*.

    Raises:
        SignatureError: a type cannot travel between steps, or the function takes `*args`.
    """
    where = entry(function)
    hints = get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    arguments = tuple(_argument(where, parameter, hints) for parameter in parameters)
    return Signature(entry=where, arguments=arguments, results=_results(where, hints))


def _argument(where: str, parameter: inspect.Parameter, hints: dict[str, Any]) -> Argument:
    name = parameter.name
    if parameter.kind not in (parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD):
        raise SignatureError(where, f'argument "{name}" has no name of its own.', "Name each one.")
    if name not in hints:
        raise SignatureError(where, f'argument "{name}" has no type.', "Annotate it.")
    kind, output = _kind(hints[name])
    if kind is ArgumentKind.PARAMETER and not codec.supported(hints[name]):
        raise _unsupported(where, f'argument "{name}"', hints[name])
    return Argument(
        name=name, kind=kind, type=hints[name], default=parameter.default, output=output
    )


def _kind(hint: Any) -> tuple[ArgumentKind, Output | None]:
    if get_origin(hint) is Annotated:
        inner, *notes = get_args(hint)
        for note in notes:
            if inner is Path and (isinstance(note, Output) or note is Output):
                return ArgumentKind.OUTPUT, note if isinstance(note, Output) else Output()
        return _kind(inner)
    if hint is Path:
        return ArgumentKind.INPUT, None
    if set(get_args(hint)) == {Path, type(None)}:
        return ArgumentKind.OPTIONAL_INPUT, None
    return ArgumentKind.PARAMETER, None


def _results(where: str, hints: dict[str, Any]) -> tuple[Result, ...]:
    returned = hints.get("return", type(None))
    if returned is type(None):
        return ()
    if not (dataclasses.is_dataclass(returned) and isinstance(returned, type)):
        raise SignatureError(
            where, f"returns {returned}.", "Return a dataclass, whose fields are the outputs."
        )
    types = get_type_hints(returned)
    for field in dataclasses.fields(returned):
        if field.name == METRICS:
            raise SignatureError(where, 'the output "metrics" is taken.', "Rename that field.")
        if not codec.supported(types[field.name]):
            raise _unsupported(where, f'field "{field.name}"', types[field.name])
    return tuple(Result(name=f.name, type=types[f.name]) for f in dataclasses.fields(returned))


def _unsupported(where: str, what: str, type_: Any) -> SignatureError:
    return SignatureError(
        where,
        f"{what} has type {type_}, which cannot travel between steps.",
        "Use str, int, float, bool, Literal, Enum, a dataclass, or a list or dict of those; "
        "Path is an artifact.",
    )
