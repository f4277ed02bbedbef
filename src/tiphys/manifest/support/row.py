"""How a field's support is written down: a row says what becomes of the field on this machine.

A row's *shape* is a small notation for what Argo's Go types accept:

| notation | accepts |
|---|---|
| `text` | a string; a number or boolean is an error, as in Argo |
| `any-text` | a string, number or boolean, made a string (rule 31) |
| `whole` · `number` · `flag` | an integer · a number · a boolean |
| `whole-or-text` · `quantity` | an integer or a string · a number or a string |
| `json` | anything |
| `pod-patch` | a string; no warning for one that only sets resources and placement |
| words with bars between | one of these words, or text with tags |
| `[X]` · `{X}` | a list · a mapping from strings |
| `Name` | a mapping with the fields of that kind |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    RUNS = "runs"
    IGNORED = "ignored"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Row:
    level: Level
    shape: str
    text: str = ""
    """Why, for the person at the terminal; `{field}` stands for the field's name."""
    loud: bool = False
    """Whether ignoring it is worth a warning: it could change what a step does."""


Rows = Mapping[str, Row]
"""The rows of a kind by field; `*` is for every other field."""


def runs(shape: str) -> Row:
    return Row(Level.RUNS, shape)


def ignored(shape: str, text: str) -> Row:
    """A field that changes nothing on one machine: no warning."""
    return Row(Level.IGNORED, shape, text)


def warned(shape: str, text: str) -> Row:
    """A field that a laptop cannot honour: one warning."""
    return Row(Level.IGNORED, shape, text, loud=True)


def refused(text: str, shape: str = "json") -> Row:
    return Row(Level.REFUSED, shape, text)


CLUSTER = "Run it on a cluster with `--on PROFILE`."
LATER = "Tiphys does not run it here yet. " + CLUSTER
