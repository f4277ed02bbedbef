"""Filling in the tags of a text: the engine's one door to `tiphys.expression`."""

from collections.abc import Callable, Mapping
from typing import cast

from tiphys import expression
from tiphys.engine.faults import DeadlockError, TemplateError
from tiphys.expression import Environment, ExpressionError, MissingNameError, Scope
from tiphys.manifest.model import Json

UNRESOLVED = "failed to resolve"
REFERS = expression.under("tasks", "steps")


class Words:
    """What a text may name, and the clock and dice of its expressions. Immutable."""

    __slots__ = ("_scope",)

    def __init__(self, names: Mapping[str, str | None], environment: Environment) -> None:
        """Take the names in full; None is an absent output (rule 26)."""
        self._scope = Scope(names, environment)

    @property
    def names(self) -> Mapping[str, str | None]:
        return self._scope.names

    def more(self, names: Mapping[str, str | None]) -> "Words":
        """Return these words and others, which hide namesakes."""
        found = Words.__new__(Words)
        found._scope = self._scope.extended(names)  # noqa: SLF001  # our own
        return found

    def known(self) -> "Words":
        """Return these words without the absent ones."""
        there = {name: value for name, value in self.names.items() if value is not None}
        return Words(there, self._environment)

    def lenient(self, text: str) -> str:
        """Fill in what is known; the rest stays as it is."""
        return self._filled(text, strict=False)

    def referring(self, text: str) -> str:
        """As `lenient`, but what refers to another step or task must be known.

        Raises: DeadlockError: it is not, and never will be.
        """
        return self._filled(text, strict=REFERS)

    def strict(self, text: str) -> str:
        """Fill in every tag, as the body of a loop demands."""
        return self._filled(text, strict=True)

    def evaluated(self, source: str, extra: Mapping[str, Json] | None = None) -> Json:
        """Return the value of an expression without braces.

        Raises: TemplateError: it has none.
        """
        scope = self._scope.extended(extra) if extra else self._scope
        try:
            return expression.evaluate(source, scope.tree(), self._environment)
        except ExpressionError as error:
            raise TemplateError(said(error)) from error

    @property
    def _environment(self) -> Environment:
        return cast("Environment", self._scope.environment)

    def _filled(self, text: str, *, strict: bool | Callable[[str], bool]) -> str:
        try:
            return expression.substitute(text, self._scope, strict=strict)
        except MissingNameError as error:
            if strict is True:
                raise TemplateError(UNRESOLVED, f"{{{{{error.name}}}}}") from error
            raise DeadlockError(error.name) from error
        except ExpressionError as error:
            raise TemplateError(said(error)) from error


def said(error: ExpressionError) -> str:
    """Return what went wrong on one line, as a node's message shows it."""
    return " ".join(filter(None, [f"{error.source}:", error.found, error.advice]))
