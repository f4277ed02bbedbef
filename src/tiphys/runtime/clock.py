"""The time, behind a port."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time in UTC, aware."""


class SystemClock:
    """The machine's clock, which never goes back within one driver."""

    def __init__(self) -> None:
        self._last = datetime.min.replace(tzinfo=UTC)

    def now(self) -> datetime:
        """Return the time in UTC, at least that of the call before."""
        self._last = max(self._last, datetime.now(UTC))  # noqa: TID251 -- this is the Clock
        return self._last
