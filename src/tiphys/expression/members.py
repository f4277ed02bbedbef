"""Reaching into values: fields, indices, slices, and the methods of times and durations."""

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

from tiphys.expression import moments
from tiphys.expression.faults import RefusedError
from tiphys.expression.syntax import Literal, Member, Name, Node
from tiphys.expression.text import shown
from tiphys.expression.values import AnyMap, Duration, Value, integer, kind


def fetched(owner: Value, key: Value) -> Value:
    """Return `owner[key]`: nil for a key that a map has not. Raises: RefusedError."""
    match owner, key:
        case AnyMap(), None | str() | int() | float():
            return owner.get(key)
        case dict(), None | str():
            return owner.get(key or "")
        case list() | str(), int() | float():
            return _item(owner, integer(key))
        case datetime() | Duration(), str() if key in METHODS[type(owner)]:
            return METHODS[type(owner)][key](owner)
        case _:
            raise RefusedError(f"{kind(owner)} has no {shown(key)}.")


def found(owner: Value, key: Value) -> Value:
    """As `fetched`, nil instead of an error: the built-in `get`."""
    if isinstance(owner, dict):
        return fetched(owner, key)
    if isinstance(owner, list | str):
        integer(key)
    try:
        return fetched(owner, key)
    except RefusedError:
        return None


def _item(owner: list[Value] | str, index: int) -> Value:
    """A string is a row of bytes here, as in Go."""
    items = owner if isinstance(owner, list) else list(owner.encode())
    if not -len(items) <= index < len(items):
        raise RefusedError(f"there is no item {index} in {len(items)}.")
    return items[index]


def sliced(owner: Value, start: Value, end: Value) -> Value:
    """Return `owner[start:end]`; what lies outside is cut off. Raises: RefusedError."""
    span = slice(None if start is None else integer(start), None if end is None else integer(end))
    match owner:
        case list():
            return owner[span]
        case str():
            return owner.encode()[span].decode(errors="replace")
        case _:
            raise RefusedError(f"{kind(owner)} cannot be sliced.")


def dotted(node: Node) -> str:
    """Return how *node* is called in a message: `sprig.trim`, `foo`, or `this`."""
    match node:
        case Name():
            return node.name
        case Member(owner, Literal(str(key))):
            return f"{dotted(owner)}.{key}"
        case _:
            return "this"


Method = Callable[..., Value]


def _no_argument(read: Callable[[datetime], Value]) -> Method:
    return lambda moment: lambda: read(moment)


def _months_later(moment: datetime, years: int, months: int, days: int) -> datetime:
    total = moment.year * 12 + moment.month - 1 + years * 12 + months
    if not 12 <= total < 120000:
        raise RefusedError("this time is outside the years 1 to 9999.")
    first = moment.replace(year=total // 12, month=total % 12 + 1, day=1)
    return moments.later(first, Duration((moment.day - 1 + days) * 86400 * moments.SECOND))


def _format(moment: datetime) -> Method:
    def written(layout: str) -> str:
        return moments.formatted(moment, layout)

    return written


def _add(moment: datetime) -> Method:
    def later(span: Duration) -> datetime:
        return moments.later(moment, span)

    return later


def _add_date(moment: datetime) -> Method:
    def later(years: int, months: int, days: int) -> datetime:
        return _months_later(moment, years, months, days)

    return later


def _comparison(compare: Callable[[datetime, datetime], Value]) -> Method:
    def method(moment: datetime) -> Method:
        def compared(other: datetime) -> Value:
            return compare(moment, other)

        return compared

    return method


def _in(moment: datetime) -> Method:
    def shifted(zone: tzinfo) -> datetime:
        return moment.astimezone(zone)

    return shifted


METHODS: dict[type, dict[str, Method]] = {
    datetime: {
        name: _no_argument(read)
        for name, read in {
            "Year": lambda m: m.year,
            "Month": lambda m: m.month,
            "Day": lambda m: m.day,
            "Hour": lambda m: m.hour,
            "Minute": lambda m: m.minute,
            "Second": lambda m: m.second,
            "Nanosecond": lambda m: m.microsecond * 1000,
            "YearDay": lambda m: m.timetuple().tm_yday,
            "Weekday": lambda m: m.isoweekday() % 7,
            "Unix": lambda m: int(m.timestamp()),
            "UnixMilli": lambda m: int(m.timestamp() * 1000),
            "UTC": lambda m: m.astimezone(UTC),
            "String": shown,
        }.items()
    }
    | {
        "Format": _format,
        "Add": _add,
        "AddDate": _add_date,
        "In": _in,
        "Sub": _comparison(lambda moment, other: moments.between(other, moment)),
        "Before": _comparison(lambda moment, other: moment < other),
        "After": _comparison(lambda moment, other: moment > other),
        "Equal": _comparison(lambda moment, other: moment == other),
    },
    Duration: {
        name: _no_argument(read)
        for name, read in {
            "Hours": lambda span: span.nanoseconds / moments.SECOND / 3600,
            "Minutes": lambda span: span.nanoseconds / moments.SECOND / 60,
            "Seconds": lambda span: span.nanoseconds / moments.SECOND,
            "Milliseconds": lambda span: span.nanoseconds // 10**6,
            "Microseconds": lambda span: span.nanoseconds // 1000,
            "Nanoseconds": lambda span: span.nanoseconds,
            "Abs": lambda span: Duration(abs(span.nanoseconds)),
            "String": shown,
        }.items()
    },
}
