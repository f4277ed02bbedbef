"""What goes wrong in a tag, an expression, a condition or a `depends`, shown with a caret."""

from tiphys.errors import UserError

WIDEST_LINE = 100


class ExpressionError(UserError):
    """An expression that cannot be read or evaluated: where in it, what was found, what to do."""

    def __init__(self, source: str, offset: int, found: str, advice: str = "") -> None:
        self.source, self.offset = source, max(0, min(offset, len(source)))
        super().__init__("", found, advice)

    def __str__(self) -> str:
        return f"{super().__str__()}\n{pointed(self.source, self.offset)}"


class MissingNameError(ExpressionError):
    """A name that the scope does not have and that this pass must resolve.

    The only error that time may heal: the producer of an output may still have to run.
    """

    def __init__(self, source: str, offset: int, name: str) -> None:
        self.name = name
        super().__init__(source, offset, f"there is no {name} here.")


class RefusedError(Exception):
    """What an operator or function says of its operands; the evaluator adds the place."""


def pointed(source: str, offset: int) -> str:
    """Return the line of *source* that holds *offset*, or the part around it, and a caret below.

    >>> print(pointed("1 +", 3))
      1 +
         ^
    """
    start = source.rfind("\n", 0, offset) + 1
    line = source[start:].partition("\n")[0].replace("\t", " ")
    place = offset - start
    if len(line) > WIDEST_LINE:
        first = max(0, place - WIDEST_LINE // 2)
        line, place = line[first : first + WIDEST_LINE], place - first
    return f"  {line}\n  {' ' * place}^"
