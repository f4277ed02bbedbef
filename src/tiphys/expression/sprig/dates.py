"""Dates, by Go layouts. "Local" is UTC, as in Argo's own image."""

from datetime import UTC, datetime

from tiphys.expression import moments
from tiphys.expression.calls import Function
from tiphys.expression.environment import World
from tiphys.expression.faults import RefusedError
from tiphys.expression.text import shown
from tiphys.expression.values import Duration, Value, integer, is_integer

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now(world: World) -> datetime:
    return world.now


def _moment(world: World, value: Value) -> datetime:
    if is_integer(value):
        return moments.later(_EPOCH, Duration(integer(value) * moments.SECOND))
    return value if isinstance(value, datetime) else world.now


def date(world: World, layout: str, value: object) -> str:
    """A number is seconds since 1970; whatever is no date is now."""
    return moments.formatted(_moment(world, value).astimezone(UTC), layout)


def date_in_zone(world: World, layout: str, value: object, zone: str) -> str:
    try:
        place = moments.zone(zone)
    except RefusedError:
        place = UTC
    return moments.formatted(_moment(world, value).astimezone(place), layout)


def html_date(world: World, value: object) -> str:
    return date(world, "2006-01-02", value)


def html_date_in_zone(world: World, value: object, zone: str) -> str:
    return date_in_zone(world, "2006-01-02", value, zone)


def must_modify(span: str, moment: datetime) -> datetime:
    return moments.later(moment, moments.duration(span))


def modify(span: str, moment: datetime) -> datetime:
    try:
        return must_modify(span, moment)
    except RefusedError:
        return moment


def must_to_date(layout: str, text: str) -> datetime:
    return moments.parsed(text, layout)


def to_date(layout: str, text: str) -> datetime:
    """The year 1 for what is no date."""
    try:
        return moments.parsed(text, layout)
    except RefusedError:
        return datetime(1, 1, 1, tzinfo=UTC)


def ago(world: World, value: object) -> str:
    past = moments.between(_moment(world, value), world.now).nanoseconds
    return shown(Duration(round(past / moments.SECOND) * moments.SECOND))


def duration(seconds: object) -> str:
    """Of text or an int64; anything else is 0."""
    text = str(seconds) if isinstance(seconds, str) or type(seconds).__name__ == "Int64" else "0"
    count = int(text) if text.lstrip("+-").isdecimal() else 0
    return shown(Duration(count * moments.SECOND))


_UNITS = {"y": 365 * 86400, "mo": 30 * 86400, "d": 86400, "h": 3600, "m": 60, "s": 1}


def duration_round(span: object) -> str:
    """The largest unit alone: `2h`, `3mo`."""
    try:
        nanoseconds = moments.duration(span).nanoseconds if isinstance(span, str) else 0
    except RefusedError:
        nanoseconds = 0
    for unit, seconds in _UNITS.items():
        if abs(nanoseconds) > seconds * moments.SECOND:
            return f"{abs(nanoseconds) // (seconds * moments.SECOND)}{unit}"
    return "0s"


def unix_epoch(moment: datetime) -> str:
    return str(int(moment.timestamp() // 1))


FUNCTIONS: dict[str, Function] = {
    "ago": ago,
    "date": date,
    "dateInZone": date_in_zone,
    "dateModify": modify,
    "date_in_zone": date_in_zone,
    "date_modify": modify,
    "duration": duration,
    "durationRound": duration_round,
    "htmlDate": html_date,
    "htmlDateInZone": html_date_in_zone,
    "mustDateModify": must_modify,
    "mustToDate": must_to_date,
    "must_date_modify": must_modify,
    "now": now,
    "toDate": to_date,
    "unixEpoch": unix_epoch,
}
