"""What flows between steps while a pipeline is written: no values yet, but their types."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from tiphys.step.codec import describe


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A parameter: of the workflow, or the output of a step."""

    tag: str
    """How Argo's YAML refers to it, braces included."""
    type: Any
    origin: str
    """Whose it is, for messages: `evaluate.passed`."""
    task: str | None = None
    """The task that makes it; None where the workflow has it from the start."""
    default: Any = None
    """What a workflow parameter is unless somebody says otherwise."""

    @property
    def described(self) -> str:
        """Its type in words."""
        return describe(self.type)

    def __str__(self) -> str:
        """Return the tag, so that a value may stand inside a text: `f"{root}/{run.name}"`."""
        return self.tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """An output artifact of a step."""

    name: str
    origin: str
    task: str
    template: str
    tag: str

    @property
    def described(self) -> str:
        """Its type in words."""
        return "an artifact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The project's code at the revision of the run, before any step has run."""

    origin: str = "source"
    task: None = None

    @property
    def described(self) -> str:
        """Its type in words."""
        return "an artifact"


Reference = Value | Artifact | Source


def fits(given: Any, wanted: Any) -> bool:
    """Whether every value of type *given* may be passed where *wanted* is due.

    >>> fits(int, float), fits(Literal["a"], str), fits(str, int)
    (True, True, False)
    """
    if given == wanted or wanted in (Any, object) or (given is int and wanted is float):
        return True
    if get_origin(given) is Literal:
        return _choices_fit(get_args(given), wanted)
    if isinstance(given, type) and issubclass(given, Enum):
        return wanted is str and all(isinstance(member.value, str) for member in given)
    inner = [part for part in get_args(wanted) if part is not type(None)]
    if type(None) in get_args(wanted) and len(inner) == 1:
        return fits(given, inner[0])
    return _containers_fit(given, wanted)


def _choices_fit(choices: tuple[Any, ...], wanted: Any) -> bool:
    if get_origin(wanted) is Literal:
        return set(choices) <= set(get_args(wanted))
    return isinstance(wanted, type) and all(type(choice) is wanted for choice in choices)


def _containers_fit(given: Any, wanted: Any) -> bool:
    """A list fits a list, a tuple a tuple, a dict a dict, when what is inside fits."""
    origins = get_origin(given), get_origin(wanted)
    if origins not in {(list, list), (tuple, tuple), (dict, dict)}:
        return False
    pairs = zip(get_args(given), get_args(wanted), strict=False)
    return all(one is other is ... or fits(one, other) for one, other in pairs)
