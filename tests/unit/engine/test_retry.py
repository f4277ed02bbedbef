from datetime import UTC, datetime, timedelta

import pytest

from tiphys.engine import retry
from tiphys.engine.faults import TemplateError
from tiphys.engine.node import Phase
from tiphys.engine.retry import Again, Failure, GiveUp
from tiphys.manifest.model import Backoff, RetryPolicy, RetryStrategy

START = datetime(2026, 1, 1, tzinfo=UTC)
NO_MORE = "No more retries left"
TOO_LONG = "Max duration limit exceeded"
WOULD_BE = "Backoff would exceed max duration limit"


def failure(attempts=1, phase=Phase.FAILED, ended=60, message="main: Error (exit code 1)", code=1):
    end = START + timedelta(seconds=ended)
    return Failure(
        phase=phase,
        message=message,
        attempts=attempts,
        exit_code=code,
        first_started=START,
        started=end - timedelta(seconds=5),
        ended=end,
    )


def never(_source, _names):
    pytest.fail("no expression was given")


@pytest.mark.parametrize(
    ("limit", "attempts", "reason"),
    [
        ("0", 1, NO_MORE),  # 1 attempt > 0
        ("2", 2, None),  # 2 attempts, not more than 2
        ("2", 3, NO_MORE),  # 3 > 2
        (None, 999, None),
    ],
)
def test_limit_n_allows_n_plus_one_attempts(limit, attempts, reason):
    decision = retry.decide(RetryStrategy(limit=limit), failure(attempts), never)

    assert decision == (GiveUp(reason=reason) if reason else Again())


@pytest.mark.parametrize(
    ("policy", "phase", "message", "again"),
    [
        (None, Phase.FAILED, "", True),
        (None, Phase.ERROR, "", False),
        (RetryPolicy.ALWAYS, Phase.ERROR, "", True),
        (RetryPolicy.ON_FAILURE, Phase.ERROR, "", False),
        (RetryPolicy.ON_ERROR, Phase.ERROR, "", True),
        (RetryPolicy.ON_ERROR, Phase.FAILED, "", False),
        (RetryPolicy.ON_TRANSIENT_ERROR, Phase.FAILED, "dial: connection refused", True),
        (RetryPolicy.ON_TRANSIENT_ERROR, Phase.ERROR, "etcdserver: leader changed", True),
        (RetryPolicy.ON_TRANSIENT_ERROR, Phase.FAILED, "main: Error (exit code 75)", False),
    ],
)
def test_a_policy_is_for_some_kinds_of_failure(policy, phase, message, again):
    strategy = RetryStrategy(limit="9", policy=policy)

    decision = retry.decide(strategy, failure(phase=phase, message=message), never)

    assert decision == (Again() if again else GiveUp(reason=message))


@pytest.mark.parametrize(
    ("backoff", "attempts", "seconds"),
    [
        (Backoff(duration="10"), 1, 10),
        (Backoff(duration="10"), 5, 10),
        (Backoff(duration="10s", factor="2"), 1, 10),  # 10 x 2^0
        (Backoff(duration="10s", factor="2"), 4, 80),  # 10 x 2^3
        (Backoff(duration="1m", factor="3"), 3, 540),  # 60 x 3^2
        (Backoff(duration="10s", factor="2", cap="1m"), 4, 60),  # min(80, 60)
        (Backoff(duration="10s", factor="0"), 4, 10),
    ],
)
def test_the_wait_grows_by_its_factor_up_to_its_cap(backoff, attempts, seconds):
    strategy = RetryStrategy(limit="9", backoff=backoff)

    decision = retry.decide(strategy, failure(attempts), never)

    assert decision == Again(after=timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("ended", "maximum", "outcome"),
    [
        (60, "100s", None),  # 60 + 40 = 100, not later than 100
        (61, "100s", WOULD_BE),  # 61 + 40 = 101 > 100
        (101, "100s", TOO_LONG),
    ],
)
def test_max_duration_counts_from_the_first_start(ended, maximum, outcome):
    strategy = RetryStrategy(limit="9", backoff=Backoff(duration="40s", max_duration=maximum))

    decision = retry.decide(strategy, failure(ended=ended), never)

    cut_off = START + timedelta(seconds=100)
    again = Again(after=timedelta(seconds=40), cut_off=cut_off)
    assert decision == (GiveUp(reason=outcome) if outcome else again)


def test_without_a_limit_nothing_is_waited_for():
    strategy = RetryStrategy(backoff=Backoff(duration="1h"))

    assert retry.decide(strategy, failure(), never) == Again()


def test_a_rejected_failure_waits_out_its_backoff_first():
    strategy = RetryStrategy(limit="2", backoff=Backoff(duration="5s"), expression="false")

    decision = retry.decide(strategy, failure(), lambda _source, _names: False)

    reason = "retryStrategy.expression evaluated to false"
    assert decision == GiveUp(reason=reason, after=timedelta(seconds=5))


def test_the_last_failure_waits_for_nothing():
    strategy = RetryStrategy(limit="2", backoff=Backoff(duration="5s"))

    assert retry.decide(strategy, failure(attempts=3), never) == GiveUp(reason=NO_MORE)


def test_the_expression_sees_texts():
    seen = {}

    def judge(_source, names):
        seen.update(names)
        return True

    strategy = RetryStrategy(limit="9", expression="true")
    retry.decide(strategy, failure(attempts=3, phase=Phase.ERROR, message="gone", code=None), judge)

    assert seen == {
        "retries": "2",
        "lastRetry.exitCode": "-1",
        "lastRetry.status": "Error",
        "lastRetry.duration": "5",
        "lastRetry.message": "gone",
    }


def test_the_first_attempts_template_sees_an_exit_code_of_zero():
    assert retry.tags(None)["lastRetry.exitCode"] == "0"


@pytest.mark.parametrize(
    "strategy",
    [
        RetryStrategy(limit="many"),
        RetryStrategy(limit="1", backoff=Backoff(factor="2")),
        RetryStrategy(limit="1", backoff=Backoff(duration="soon")),
        RetryStrategy(limit="1", backoff=Backoff(duration="1s", factor="1.5")),
    ],
)
def test_a_strategy_that_cannot_be_read_is_an_error(strategy):
    with pytest.raises(TemplateError):
        retry.decide(strategy, failure(), never)
