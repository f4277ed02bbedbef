"""Scalars as Argo's Go parser reads them: YAML 1.1 of sigs.k8s.io/yaml, not YAML 1.2."""

import json
import math
import re
from decimal import Decimal

from tiphys.manifest.model import Json

Plain = None | bool | int | float | str

_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_NOT_FINITE = {
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_CONSTANTS: dict[str, Plain] = {
    **dict.fromkeys(_TRUE, True),
    **dict.fromkeys(_FALSE, False),
    **dict.fromkeys(_NULL, None),
    **_NOT_FINITE,
}
_INTEGER = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|[1-9][0-9]*|0)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def resolve(text: str) -> Plain:
    """Return what the unquoted *text* means.

    >>> resolve("yes"), resolve("010"), resolve("1e3"), resolve("12:30"), resolve("2013-01")
    (True, 8, 1000, '12:30', '2013-01')
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if not (text[0].isdigit() or text[0] in "+-."):
        return text
    plain = text.replace("_", "")
    if _INTEGER.fullmatch(plain):
        return _integer(plain)
    return _real(plain) if _FLOAT.fullmatch(plain) else text


def _real(text: str) -> int | float:
    """Return the value of *text*, whole where Go's JSON would write it so: `1e3` is 1000."""
    value = float(text)
    return int(value) if abs(value) < WHOLE_BELOW and value.is_integer() else value


WHOLE_BELOW = 1e21
"""From here on Go writes a whole number with an exponent."""


def _integer(text: str) -> int | float:
    """Return the value of *text*; what does not fit 64 bits is a float, as in Go."""
    digits = text.lstrip("+-")
    octal = digits[0] == "0" and digits[1:].isdigit()
    value = int(digits, 8) if octal else int(digits, 0)
    value = -value if text[0] == "-" else value
    return value if -(2**63) <= value < 2**64 else float(text)


def is_surprising_boolean(text: str) -> bool:
    """Whether *text* is a boolean only to YAML 1.1: `yes`, `on`, `n` and their kin."""
    return text in _TRUE | _FALSE and text.lower() not in {"true", "false"}


def any_string(value: Json) -> str:
    """Return *value* as the text that Argo makes of a parameter's value (rule 31).

    >>> any_string(1e3), any_string(0.5), any_string(2**53 + 1), any_string(True), any_string([1])
    ('1000', '0.5', '9007199254740992', 'true', '')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return _decimal(float(value)) if isinstance(value, int | float) else ""


def _decimal(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def go_json(value: Json) -> str:
    r"""Return *value* as Go writes JSON: compact, keys sorted, `<>&` escaped (rule 7).

    >>> go_json({"b": 1, "a": "<é>"})
    '{"a":"\\u003cé\\u003e","b":1}'
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
