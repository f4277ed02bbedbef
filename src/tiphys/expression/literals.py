"""Numbers as expr-lang writes them."""

from tiphys.expression.faults import ExpressionError
from tiphys.expression.tokens import Token

_BASES = {"0x": 16, "0o": 8, "0b": 2}


def number(source: str, token: Token) -> int | float:
    """Return the value of a number token.

    Raises: ExpressionError: an integer of more than 64 bits, a float that is none or too large.
    """
    text = token.text.replace("_", "").lower()
    base = _BASES.get(text[:2], 10)
    try:
        if base != 16 and ("." in text or "e" in text):
            value: int | float = float(text)
        else:
            value = int(text.removeprefix(text[:2]) if base != 10 else text, base)
    except ValueError:
        raise ExpressionError(source, token.at, f"`{token.text}` is no number.") from None
    if (value >= 2**63 and isinstance(value, int)) or value == float("inf"):
        raise ExpressionError(source, token.at, f"`{token.text}` is too large.")
    return value
