"""Times, durations and time zones."""

from datetime import UTC, datetime, tzinfo

from tiphys.expression import moments
from tiphys.expression.calls import Function
from tiphys.expression.environment import World
from tiphys.expression.faults import RefusedError
from tiphys.expression.values import Duration, kind

LAYOUTS = (
    "2006-01-02",
    "15:04:05",
    "2006-01-02 15:04:05",
    moments.RFC3339,
    "02 Jan 06 15:04 MST",
    "Monday, 02-Jan-06 15:04:05 MST",
    "Mon, 02 Jan 2006 15:04:05 MST",
)
"""What `date` tries when no layout is given."""


def now(world: World, zone: object = None) -> datetime:
    if zone is not None and not isinstance(zone, tzinfo):
        raise RefusedError(f"`now` takes a time zone, not {kind(zone)}.")
    return world.now.astimezone(zone or UTC)


def duration(text: str) -> Duration:
    return moments.duration(text)


def timezone(name: str) -> tzinfo:
    return moments.zone(name)


def date(*arguments: object) -> datetime:
    """`date([zone,] text[, layout[, zone name]])`."""
    zone: tzinfo = UTC
    if arguments and isinstance(arguments[0], tzinfo):
        zone, arguments = arguments[0], arguments[1:]
    match arguments:
        case (str(text),):
            return _guessed(text, zone)
        case (str(text), str(layout)):
            return moments.parsed(text, layout, zone)
        case (str(text), str(layout), str(name)):
            return moments.parsed(text, layout, moments.zone(name))
        case _:
            raise RefusedError(
                "`date` takes a text, and perhaps a layout and the name of a time zone."
            )


def _guessed(text: str, zone: tzinfo) -> datetime:
    for layout in LAYOUTS:
        try:
            return moments.parsed(text, layout, zone)
        except RefusedError:
            continue
    raise RefusedError(f"`{text}` is no date; name its layout, as in date(text, '02.01.2006').")


FUNCTIONS: dict[str, Function] = {
    "now": now,
    "duration": duration,
    "timezone": timezone,
    "date": date,
}
