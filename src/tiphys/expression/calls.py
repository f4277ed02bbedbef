"""Calling a function with Go's strictness: the number and the types of arguments must fit.

A function's annotations are its signature. `World` as its first parameter is the clock and the
dice, `object` takes anything, and `Value | None` default means the argument may be left out.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache

from tiphys.expression.environment import World
from tiphys.expression.faults import RefusedError
from tiphys.expression.values import Duration, Int64, Value, is_integer, kind

Function = Callable[..., Value]
_NAMES = {str: "string", int: "int", float: "float", bool: "bool", list: "array", dict: "map"}


@dataclass(frozen=True, slots=True)
class _Signature:
    types: tuple[object, ...]
    required: int
    rest: object
    """The type of every further argument; None: there may be none."""
    takes_world: bool


@lru_cache(maxsize=1024)
def _signature(function: Function) -> _Signature:
    parameters = list(inspect.signature(function).parameters.values())
    takes_world = bool(parameters) and parameters[0].annotation is World
    parameters = parameters[takes_world:]
    plain = [p for p in parameters if p.kind is not p.VAR_POSITIONAL]
    rest = next((p.annotation for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    return _Signature(
        types=tuple(p.annotation for p in plain),
        required=sum(p.default is p.empty for p in plain),
        rest=rest,
        takes_world=takes_world,
    )


def call(
    name: str,
    function: Function,
    arguments: Sequence[Value],
    world: World,
    *,
    nil_is_zero: bool = False,
) -> Value:
    """Return what *function* returns. *nil_is_zero*: nil becomes "" or 0, as in calls of Go itself.

    Raises: RefusedError: too few or too many arguments, one of a wrong type, or its own refusal.
    """
    signature = _signature(function)
    if len(arguments) < signature.required:
        raise RefusedError(f"`{name}` needs {signature.required} arguments, not {len(arguments)}.")
    if signature.rest is None and len(arguments) > len(signature.types):
        raise RefusedError(
            f"`{name}` takes {len(signature.types)} arguments, not {len(arguments)}."
        )
    types = [*signature.types, *[signature.rest] * len(arguments)]
    checked = [
        _zero(wanted) if argument is None and nil_is_zero else _checked(name, argument, wanted)
        for argument, wanted in zip(arguments, types, strict=False)
    ]
    return function(world, *checked) if signature.takes_world else function(*checked)


def _zero(wanted: object) -> Value:
    return wanted() if isinstance(wanted, type) and wanted in _NAMES else None


def _checked(name: str, argument: Value, wanted: object) -> Value:
    if wanted is object:
        return argument
    if not _fits(argument, wanted):
        expected = _NAMES.get(wanted) if isinstance(wanted, type) else None
        raise RefusedError(f"`{name}` takes {expected or 'another type'}, not {kind(argument)}.")
    return argument


def _fits(argument: Value, wanted: object) -> bool:
    if wanted is int:
        return is_integer(argument) and not isinstance(argument, Int64)
    return isinstance(argument, wanted) if isinstance(wanted, type) else True


_METHODS_OF = (datetime, Duration, tzinfo)


def callable_value(value: Value) -> Function | None:
    """Return *value* if it is a function."""
    return value if callable(value) and not isinstance(value, _METHODS_OF) else None
