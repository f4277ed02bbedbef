"""Getting a step or task ready: `when` first, then every other text, then its artifacts."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from tiphys import expression
from tiphys.engine import artifacts, rewrite
from tiphys.engine.faults import TemplateError
from tiphys.engine.node import ArtifactLocation
from tiphys.engine.scope import View
from tiphys.engine.state import Supplied
from tiphys.engine.words import Words
from tiphys.expression import ExpressionError
from tiphys.manifest.model import Arguments, Call, Parameter

NO_CONDITION = "Invalid 'when' expression"
UNRESOLVED = "unable to resolve references:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A call whose texts are filled in, all but `{{item}}`."""

    call: Call
    refused: bool = False
    """`when` is false: the rest was left alone and may hold anything (rule 14)."""
    absent: frozenset[str] = frozenset()
    artifacts: dict[str, ArtifactLocation] | None = None
    words: Words | None = None
    """What its texts saw; None when it has no tag."""

    def supplied(self, call: Call) -> Supplied:
        """Return the arguments of *call*, which is this one or made from it by a loop."""
        return Supplied(
            parameters={one.name: one for one in call.arguments.parameters},
            absent=self.absent,
            artifacts=self.artifacts or {},
            optional=frozenset(one.name for one in call.arguments.artifacts if one.optional),
        )


def loops(call: Call) -> bool:
    return bool(call.with_items) or bool(call.with_param) or call.with_sequence is not None


def holds(when: str | None) -> bool:
    """Whether a call whose `when` is filled in is to be made.

    Raises: TemplateError: it is no condition.
    """
    if not when:
        return True
    try:
        return expression.condition(when)
    except ExpressionError as error:
        raise TemplateError(NO_CONDITION, f"'{when}': {error.found}") from error


def prepare(call: Call, view: Callable[[Call], View]) -> Prepared:
    """Fill in *call* with what *view* shows.

    Raises: TemplateError: a text cannot be filled in. DeadlockError: it never will be.
    """
    if next(rewrite.tagged(call), None) is None and not call.arguments.artifacts:
        return Prepared(call=call, refused=_refused(call))
    seen = view(call)
    if call.when:
        call = replace(
            call, when=seen.words.referring(call.when) if "{{" in call.when else call.when
        )
        if _refused(call):
            return Prepared(call=call, refused=True, words=seen.words)
    absent = frozenset(p.name for p in call.arguments.parameters if is_absent(p, seen))
    filled = rewrite.rewritten(_without(call, absent), seen.words.referring)
    found = {}
    for artifact in filled.arguments.artifacts:
        try:
            location = artifacts.resolved(artifact, seen)
        except TemplateError as error:
            if artifact.optional:
                continue
            raise TemplateError(UNRESOLVED, str(error)) from error
        if location is not None:
            found[artifact.name] = location
    return Prepared(call=filled, absent=absent, artifacts=found, words=seen.words)


def leniently(given: Arguments, seen: View) -> Supplied:
    """Return the arguments of a hook: a tag that names nothing stays, an artifact is left out."""
    absent = frozenset(one.name for one in given.parameters if is_absent(one, seen))
    filled = rewrite.rewritten(given, seen.words.lenient)
    found = {}
    for artifact in filled.artifacts:
        with suppress(TemplateError):
            if location := artifacts.resolved(artifact, seen):
                found[artifact.name] = location
    return Supplied(
        parameters={one.name: one for one in filled.parameters if one.name not in absent},
        absent=absent,
        artifacts=found,
        optional=frozenset(one.name for one in filled.artifacts if one.optional),
    )


def _refused(call: Call) -> bool:
    """Whether `when` is false; one with `{{item}}` in it is looked at for each item."""
    try:
        return not holds(call.when)
    except TemplateError:
        if loops(call):
            return False
        raise


def is_absent(parameter: Parameter, view: View) -> bool:
    """Whether the argument is exactly a reference to an absent output (rule 26)."""
    text = parameter.value or ""
    if not (text.startswith("{{") and text.endswith("}}")):
        return False
    name = text[2:-2].strip()
    return name in view.words.names and view.words.names[name] is None


def _without(call: Call, absent: frozenset[str]) -> Call:
    if not absent:
        return call
    kept = tuple(p for p in call.arguments.parameters if p.name not in absent)
    return replace(call, arguments=Arguments(parameters=kept, artifacts=call.arguments.artifacts))
