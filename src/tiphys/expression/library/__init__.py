"""The built-in functions of expr-lang, and what Argo adds beside sprig. All pure.

Law: a function's annotations are its Go signature; it raises RefusedError and nothing else.
"""

from tiphys.expression.calls import Function
from tiphys.expression.library import arithmetic, arrays, clock, encoding, maps, strings

FUNCTIONS: dict[str, Function] = {
    **strings.FUNCTIONS,
    **arithmetic.FUNCTIONS,
    **arrays.FUNCTIONS,
    **maps.FUNCTIONS,
    **encoding.FUNCTIONS,
    **clock.FUNCTIONS,
}
ARGO: dict[str, Function] = {
    "asInt": arithmetic.to_int,
    "asFloat": arithmetic.to_float,
    "jsonpath": encoding.json_path,
    "toJson": encoding.to_compact_json,
}
"""Ordinary names of Argo's environment, not built-ins."""
