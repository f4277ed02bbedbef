"""Numbers. Whatever is no number counts as 0; integers are int64."""

import math
import operator
import re
from collections.abc import Callable
from decimal import Decimal
from functools import reduce

from tiphys.expression.calls import Function
from tiphys.expression.environment import World
from tiphys.expression.faults import RefusedError
from tiphys.expression.library.arithmetic import FLOAT
from tiphys.expression.operators import LARGEST_RANGE, quotient, raised
from tiphys.expression.values import Int64, Value, truncated, wrapped


def to_int64(value: object) -> Int64:
    match value:
        case bool() | int():
            return Int64(value)
        case float():
            return Int64(truncated(value))
        case str():
            return Int64(_from_text(value))
        case _:
            return Int64(0)


def _from_text(text: str) -> int:
    """A fraction is cut; `0x`, `0o`, `0b`, `_` are known, and a leading 0 means octal."""
    whole = re.fullmatch(r"([+-]?\d*)\.\d*", text, re.ASCII)
    digits = whole[1] or "0" if whole else text
    octal = re.sub(r"^([+-]?)0(?=[0-7_])", r"\g<1>0o", digits)
    try:
        number = int(octal, 0)
    except ValueError:
        return 0
    return number if -(2**63) <= number < 2**63 and digits == digits.strip() else 0


def to_int(value: object) -> int:
    return int(to_int64(value))


def to_float64(value: object) -> float:
    if isinstance(value, bool | int | float) or (isinstance(value, str) and FLOAT.fullmatch(value)):
        return float(value)
    return 0.0


def atoi(text: str) -> int:
    number = int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else 0
    return number if -(2**63) <= number < 2**63 else 0


def _folded(calculate: Callable[[int, int], int]) -> Function:
    def folded(first: object, *others: object) -> Int64:
        total = reduce(lambda a, b: wrapped(calculate(a, int(to_int64(b)))), others, to_int(first))
        return Int64(total)

    return folded


def add(*values: object) -> Int64:
    return Int64(wrapped(sum(int(to_int64(value)) for value in values)))


def add1(value: object) -> Int64:
    return add(value, 1)


def sub(left: object, right: object) -> Int64:
    return Int64(wrapped(to_int(left) - to_int(right)))


def div(left: object, right: object) -> Int64:
    dividend, divisor = to_int(left), _divisor(right)
    size = abs(dividend) // abs(divisor)
    return Int64(size if (dividend < 0) is (divisor < 0) else -size)


def mod(left: object, right: object) -> Int64:
    dividend, divisor = to_int(left), _divisor(right)
    rest = abs(dividend) % abs(divisor)
    return Int64(-rest if dividend < 0 else rest)


def _divisor(value: Value) -> int:
    divisor = to_int(value)
    if divisor == 0:
        raise RefusedError("integer division by zero.")
    return divisor


def _decimal(calculate: Callable[[Decimal, Decimal], Decimal]) -> Function:
    """Exact in decimals, so 0.1 + 0.2 is 0.3."""

    def folded(first: object, *others: object) -> float:
        numbers = [Decimal(repr(to_float64(value))) for value in (first, *others)]
        try:
            return float(reduce(calculate, numbers))
        except ArithmeticError:
            raise RefusedError("decimal division by zero.") from None

    return folded


def add1f(value: object) -> Value:
    return _decimal(operator.add)(value, 1)


def _chosen(choose: Callable[..., float], convert: Callable[[object], float]) -> Function:
    def chosen(first: object, *others: object) -> float:
        return choose(map(convert, (first, *others)))

    return chosen


def ceil(value: object) -> float:
    return _whole(math.ceil, value)


def floor(value: object) -> float:
    return _whole(math.floor, value)


def _whole(round_: Callable[[float], int], value: Value) -> float:
    number = to_float64(value)
    return float(round_(number)) if math.isfinite(number) else number


def round_to(value: object, places: int, up_from: float = 0.5) -> float:
    """A fraction of at least *up_from* is rounded up, towards infinity."""
    scale = raised(10.0, places)
    digit = scale * to_float64(value)
    fraction = math.modf(digit)[0]
    return quotient(_whole(math.ceil if fraction >= up_from else math.floor, digit), scale)


def to_decimal(value: object) -> Int64:
    """Octal digits."""
    text = str(value)
    return Int64(int(text, 8) if re.fullmatch(r"-?[0-7]+", text) else 0)


def until(count: int) -> list[Value]:
    return until_step(0, count, -1 if count < 0 else 1)


def until_step(start: int, stop: int, step: int) -> list[Value]:
    if step == 0:
        return []
    if abs(stop - start) // abs(step) > LARGEST_RANGE:
        raise RefusedError(f"more than {LARGEST_RANGE:,} numbers.")
    return list(range(start, stop, step))


def seq(*bounds: int) -> str:
    """`seq(last)`, `seq(first, last)` or `seq(first, step, last)`."""
    match bounds:
        case (last,):
            first, step = 1, 1 if last >= 1 else -1
        case (first, last):
            step = 1 if last >= first else -1
        case (first, step, last) if last >= first or step <= 0:
            pass
        case _:
            return ""
    end = last + (1 if last >= first else -1)
    return " ".join(map(str, until_step(first, end, step)))


def rand_int(world: World, least: int, bound: int) -> int:
    if bound <= least:
        raise RefusedError(f"there is no number from {least} to below {bound}.")
    return least + world.below(bound - least)


FUNCTIONS: dict[str, Function] = {
    "add": add,
    "add1": add1,
    "add1f": add1f,
    "addf": _decimal(operator.add),
    "atoi": atoi,
    "biggest": _chosen(max, to_int64),
    "ceil": ceil,
    "div": div,
    "divf": _decimal(operator.truediv),
    "float64": to_float64,
    "floor": floor,
    "int": to_int,
    "int64": to_int64,
    "max": _chosen(max, to_int64),
    "maxf": _chosen(max, to_float64),
    "min": _chosen(min, to_int64),
    "minf": _chosen(min, to_float64),
    "mod": mod,
    "mul": _folded(operator.mul),
    "mulf": _decimal(operator.mul),
    "randInt": rand_int,
    "round": round_to,
    "seq": seq,
    "sub": sub,
    "subf": _decimal(operator.sub),
    "toDecimal": to_decimal,
    "until": until,
    "untilStep": until_step,
}
