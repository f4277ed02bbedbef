"""Errors for the person at the terminal. The class builds the message; the caller passes facts.

`UserError` and what derives from it ends a command with exit code 2 and its text, never a
traceback. Anything else that escapes is a bug of ours: exit code 3.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class TiphysError(Exception):
    """The root of every error of ours."""


class UserError(TiphysError):
    """What was given is wrong: where, what was found, what was expected, what to do next."""

    def __init__(self, where: str, found: str, advice: str = "") -> None:
        self.where, self.found, self.advice = where, found, advice
        super().__init__(": ".join(filter(None, [where, found])) + (f" {advice}" if advice else ""))


class UnknownNameError(UserError):
    """A name that nothing has; the nearest ones that exist are offered."""

    def __init__(self, where: str, what: str, name: str, known: Iterable[str]) -> None:
        super().__init__(where, f'there is no {what} "{name}".', nearest(name, known))


def nearest(name: str, known: Iterable[str]) -> str:
    """Return advice naming what *name* may have meant, else all there is (at most ten).

    >>> nearest("evalute", ["evaluate", "train"])
    'Did you mean "evaluate"?'
    >>> nearest("x", ["b", "a"])
    'There are: a, b.'
    """
    names = sorted(set(known))
    if close := get_close_matches(name, names, n=1):
        return f'Did you mean "{close[0]}"?'
    shown = ", ".join(names[:10]) + (" …" if len(names) > 10 else "")
    return f"There are: {shown}." if names else "There are none."
