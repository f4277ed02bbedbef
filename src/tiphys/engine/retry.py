"""Whether a failed attempt is followed by another, and when (rules 41 to 44).

Argo asks in this order: success, shutdown and deadline (the caller's business), back-off, policy,
`limit`, expression. So a failure that policy, limit or expression will reject may still wait out
its back-off first.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tiphys.engine import durations
from tiphys.engine.faults import TemplateError
from tiphys.engine.node import Phase
from tiphys.manifest.model import Backoff, RetryPolicy, RetryStrategy

NO_BASE = "no base duration specified for retryStrategy"
NOW = timedelta(0)
LONGEST = timedelta(days=365 * 100)
TRANSIENT = re.compile(
    r"exceeded quota|Operation cannot be fulfilled on resourcequota"
    r"|resource quota evaluation timed out|etcdserver: (?:leader changed|request timed out"
    r"|too many requests)|net/http: TLS handshake timeout|i/o timeout|connection timed out"
    r"|connection reset by peer|connection refused|http2: client connection lost"
    r"|http2: server sent GOAWAY",
)
"""What `OnTransientError` looks for in the message of the failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed attempt, and how it came to it."""

    phase: Phase
    message: str
    attempts: int
    """How many there were, this one included."""
    exit_code: int | None
    first_started: datetime
    started: datetime
    ended: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Start another attempt, *after* so long."""

    after: timedelta = NOW
    cut_off: datetime | None = None
    """`maxDuration` ends it then at the latest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """End with the phase of the last attempt and *reason* as message, *after* so long."""

    reason: str
    after: timedelta = NOW


Judge = Callable[[str, Mapping[str, str]], bool]
"""Evaluates `retryStrategy.expression` with the names it may use."""


def decide(strategy: RetryStrategy, failure: Failure, judge: Judge) -> Again | GiveUp:
    """Decide what follows *failure*.

    Raises: TemplateError: the strategy cannot be read.
    """
    after, cut_off = NOW, None
    if strategy.backoff is not None:
        wait = backoff(strategy.backoff, failure.attempts)
        cut_off = latest(strategy.backoff, failure)
        if cut_off is not None and failure.ended > cut_off:
            return GiveUp(reason="Max duration limit exceeded")
        if cut_off is not None and failure.ended + wait > cut_off:
            return GiveUp(reason="Backoff would exceed max duration limit")
        if waits(strategy, failure.attempts):
            after = wait
    if not covers(strategy, failure):
        return GiveUp(reason=failure.message, after=after)
    if strategy.limit is not None and failure.attempts > whole(strategy.limit, "limit"):
        return GiveUp(reason="No more retries left", after=after)
    if strategy.expression and not judge(strategy.expression, names(failure)):
        return GiveUp(reason="retryStrategy.expression evaluated to false", after=after)
    return Again(after=after, cut_off=cut_off)


def waits(strategy: RetryStrategy, attempts: int) -> bool:
    """Whether the back-off is waited out: never without a `limit` (rule 42)."""
    return strategy.limit is not None and attempts <= whole(strategy.limit, "limit")


def backoff(spec: Backoff, attempts: int) -> timedelta:
    """Return the wait after so many attempts: duration x factor^(attempts - 1), at most cap."""
    if not spec.duration:
        raise TemplateError(NO_BASE)
    wait = durations.lenient(spec.duration)
    factor = whole(spec.factor, "backoff.factor") if spec.factor else 0
    if factor > 0:
        grown = wait.total_seconds() * factor ** min(attempts - 1, 64)
        wait = timedelta(seconds=min(grown, LONGEST.total_seconds()))
    return min(wait, durations.lenient(spec.cap)) if spec.cap else wait


def latest(spec: Backoff, failure: Failure) -> datetime | None:
    """Return when `maxDuration`, counted from the first start, is over."""
    if not spec.max_duration:
        return None
    return failure.first_started + durations.lenient(spec.max_duration)


def covers(strategy: RetryStrategy, failure: Failure) -> bool:
    """Whether the policy is for this kind of failure (rule 41)."""
    default = RetryPolicy.ALWAYS if strategy.expression else RetryPolicy.ON_FAILURE
    match strategy.policy or default:
        case RetryPolicy.ALWAYS:
            return True
        case RetryPolicy.ON_FAILURE:
            return failure.phase is Phase.FAILED
        case RetryPolicy.ON_ERROR:
            return failure.phase is Phase.ERROR
        case RetryPolicy.ON_TRANSIENT_ERROR:
            return TRANSIENT.search(failure.message) is not None


def names(failure: Failure) -> dict[str, str]:
    """Return what the expression sees: texts all, an unknown exit code is "-1" (rule 44)."""
    code = -1 if failure.exit_code is None else failure.exit_code
    return {
        "retries": str(failure.attempts - 1),
        "lastRetry.exitCode": str(code),
        "lastRetry.status": failure.phase.value,
        "lastRetry.duration": seconds(failure.ended - failure.started),
        "lastRetry.message": failure.message,
    }


def tags(failure: Failure | None) -> dict[str, str]:
    """Return what the template of the next attempt sees (rule 44)."""
    if failure is None:
        return {
            "retries": "0",
            "lastRetry.exitCode": "0",
            "lastRetry.status": "",
            "lastRetry.duration": "0",
            "lastRetry.message": "",
        }
    code = 0 if failure.exit_code is None else failure.exit_code
    found = names(failure)
    return {**found, "retries": str(failure.attempts), "lastRetry.exitCode": str(code)}


def seconds(span: timedelta) -> str:
    """Return *span* in seconds as Go prints a float.

    >>> seconds(timedelta(seconds=3)), seconds(timedelta(milliseconds=1500))
    ('3', '1.5')
    """
    return f"{span.total_seconds():.12g}"


def whole(text: str, what: str) -> int:
    if not re.fullmatch(r"[-+]?\d+", text):
        raise TemplateError(f"retryStrategy.{what}", f'must be a whole number, not "{text}"')
    return int(text)
