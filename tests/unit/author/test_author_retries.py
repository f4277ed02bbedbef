"""Each retry policy, and several together, decided as Argo would decide them."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tiphys import expression
from tiphys.author import retries
from tiphys.author.faults import AuthoringError

ALL = retries.TRAINING
OOM = "OOMKilled (exit code 137)"
TORCHRUN = "main: Error (exit code 1): worker 1 was killed: out of memory"
XID = "main: Error (exit code 1): CUDA error: uncorrectable ECC error encountered"
LATE = "Pod was active on the node longer than the specified deadline"
FETCH = "init: Error (exit code 64): failed to get the revision: reference not found"
TAKEN = "init: Error (exit code 64): failed to fetch: context canceled"
SLOW_FETCH = 'init: Error (exit code 64): Get "https://s3/x": context deadline exceeded'
FETCH_HERE = 'artifact "code": s3 key "x" is not in .tiphys/artifacts.'
FORBIDDEN = (
    'pods "run-1-train-7" is forbidden: error looking up service account ml/train: not found'
)
INVALID = 'Pod "run-1-train-7" is invalid: spec.containers[0].name: Required value'
DENIED = (
    'admission webhook "validate.kyverno.svc-fail" denied the request: resource Pod was blocked'
)
NO_ACCOUNT = 'serviceaccounts "train" not found'
FULL_DISK = "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi."
FULL_VOLUME = 'Usage of EmptyDir volume "tmp" exceeds the limit "1Gi". '
DRAINED = "Pod was terminated in response to imminent node shutdown."
NO_RUNTIME = "main: StartError (exit code 128): failed to create containerd task"
TOO_EARLY = "main: Error (exit code 64): failed to start command: context canceled"
SLOW_WEBHOOK = "Internal error occurred: failed calling webhook: context deadline exceeded"
GANG_LATE = "main: Error (exit code 1): gang-x is past its deadline: its 2 nodes have run together"
BUG = "main: Error (exit code 1): KeyError: 'deadline'"
NCCL = "main: Error (exit code 1): Cuda failure 2 'out of memory'"
NO_UPLOAD = "wait: Error (exit code 64): failed to put file: connection refused"


def again(strategy, *, code, status="Failed", message="", retries=0) -> bool:
    """Whether *strategy* tries again after an attempt that ended so; *retries* made before."""
    last = {"exitCode": code, "status": status, "message": message, "duration": "1"}
    names = {"retries": str(retries), "lastRetry": last}
    environment = expression.Environment(now=datetime(2013, 1, 1, tzinfo=UTC), seed=0)
    return expression.evaluate(strategy.expression, names, environment)


@pytest.mark.parametrize(
    ("policy", "code", "status", "message", "expected"),
    [
        (retries.TEMPORARY, "75", "Failed", "", True),
        (retries.TEMPORARY, "1", "Failed", "", False),
        (retries.TEMPORARY, "0", "Error", NO_UPLOAD, True),
        (retries.TEMPORARY, "0", "Failed", "sidecar: Error (exit code 1)", False),
        (retries.TEMPORARY, "0", "Failed", LATE, False),
        (retries.TEMPORARY, "-1", "Error", SLOW_WEBHOOK, True),
        (retries.TEMPORARY, "0", "Error", "pod deleted", False),
        (retries.NOT_STARTED, "-1", "Error", FETCH, True),
        (retries.NOT_STARTED, "-1", "Error", "init: StartError (exit code 128): x", False),
        (retries.NOT_STARTED, "-1", "Error", SLOW_FETCH, True),
        (retries.NOT_STARTED, "-1", "Error", FETCH_HERE, True),
        (retries.NOT_STARTED, "-1", "Error", "pod deleted", False),
        (retries.NOT_STARTED, "-1", "Error", FORBIDDEN, False),
        (retries.LOST_NODE, "-1", "Error", "pod deleted", True),
        (retries.LOST_NODE, "-1", "Failed", "Pod was evicted", True),
        (retries.LOST_NODE, "-1", "Failed", LATE, False),
        (retries.LOST_NODE, "0", "Error", "an output is missing", False),
        (retries.LOST_NODE, "-1", "Failed", "The node was low on resource: memory.", True),
        (retries.LOST_NODE, "-1", "Error", "init: StartError (exit code 128): x", True),
        (retries.LOST_NODE, "0", "Failed", DRAINED, True),
        (retries.LOST_NODE, "0", "Failed", "The node was low on resource: memory.", True),
        (retries.LOST_NODE, "0", "Error", "pod deleted", True),
        (retries.LOST_NODE, "128", "Failed", NO_RUNTIME, True),
        (retries.LOST_NODE, "255", "Failed", "main: Unknown (exit code 255)", True),
        (retries.LOST_NODE, "255", "Failed", "main: Error (exit code 255)", False),
        (retries.LOST_NODE, "-1", "Error", SLOW_WEBHOOK, False),
        (retries.PREEMPTED, "64", "Failed", TOO_EARLY, True),
        (retries.PREEMPTED, "143", "Failed", "main: Error: context deadline exceeded", True),
        (retries.LOST_NODE, "-1", "Error", FETCH, False),
        (retries.NOT_STARTED, "-1", "Error", TAKEN, False),
        (retries.PREEMPTED, "-1", "Error", TAKEN, True),
        (retries.PREEMPTED, "-1", "Error", "init: OOMKilled (exit code 137)", True),
        (retries.LOST_NODE, "-1", "Error", FETCH_HERE, False),
        (retries.LOST_NODE, "-1", "Error", FORBIDDEN, False),
        (retries.LOST_NODE, "-1", "Error", INVALID, False),
        (retries.LOST_NODE, "-1", "Error", DENIED, False),
        (retries.LOST_NODE, "-1", "Error", NO_ACCOUNT, False),
        (retries.PREEMPTED, "-1", "Error", FETCH, False),
        (retries.PREEMPTED, "-1", "Error", FORBIDDEN, False),
        (retries.PREEMPTED, "-1", "Failed", LATE, False),
        (retries.PREEMPTED, "143", "Failed", "", True),
        (retries.PREEMPTED, "-1", "Error", "pod deleted", True),
        (retries.PREEMPTED, "143", "Failed", LATE, False),
        (retries.PREEMPTED, "137", "Failed", "Error (exit code 137)", True),
        (retries.PREEMPTED, "137", "Failed", OOM, False),
        (retries.PREEMPTED, "137", "Failed", LATE, False),
        (retries.OUT_OF_MEMORY, "137", "Failed", OOM, True),
        (retries.OUT_OF_MEMORY, "137", "Failed", LATE, False),
        (retries.OUT_OF_MEMORY, "137", "Failed", "Error (exit code 137)", False),
        (retries.BAD_DEVICE, "1", "Failed", XID, False),
        (
            retries.OUT_OF_MEMORY,
            "1",
            "Failed",
            "main: Error (exit code 1): CUDA error: out of memory",
            False,
        ),
        (retries.OUT_OF_MEMORY, "1", "Failed", NCCL, False),
        (retries.OUT_OF_MEMORY, "1", "Failed", TORCHRUN, True),
        (retries.BAD_DEVICE, "76", "Failed", "", True),
        (retries.BAD_DEVICE, "1", "Failed", "", False),
        (retries.HANGING, "-1", "Failed", LATE, True),
        (retries.HANGING, "143", "Failed", LATE, True),
        (retries.HANGING, "-1", "Failed", "timeout", True),
        (retries.HANGING, "-1", "Failed", "Step exceeded its deadline", True),
        (retries.HANGING, "1", "Failed", GANG_LATE, True),
        (retries.HANGING, "1", "Failed", BUG, False),
        (retries.HANGING, "-1", "Error", "pod deleted", False),
    ],
)
def test_a_policy_repeats_the_failure_it_is_named_after(policy, code, status, message, expected):
    strategy = retries.compose([policy])

    assert again(strategy, code=code, status=status, message=message) is expected


@pytest.mark.parametrize(
    ("code", "message", "made", "expected"),
    [
        ("2", "", 0, False),  # never
        ("1", "", 0, False),  # nobody named it
        ("1", BUG, 0, False),
        ("143", FULL_DISK, 0, False),
        ("137", FULL_VOLUME, 0, False),
        ("-1", SLOW_WEBHOOK, 2, True),
        ("-1", FORBIDDEN, 0, False),
        ("-1", INVALID, 0, False),
        ("-1", DENIED, 0, False),
        ("-1", NO_ACCOUNT, 0, False),
        ("-1", FETCH, 1, True),  # the second retry of two
        ("-1", FETCH, 2, False),
        ("-1", TAKEN, 4, True),
        ("-1", SLOW_FETCH, 1, True),  # its deadline is not the step's
        ("75", "", 2, True),  # the third retry of three
        ("75", "", 3, False),
        ("143", "", 4, True),  # the fifth of five
        ("-1", "pod deleted", 4, True),
        ("-1", "pod deleted", 5, False),
        ("137", "Error (exit code 137)", 4, True),
        ("137", OOM, 0, True),
        ("137", OOM, 1, False),  # others may have more, memory has one
        ("76", XID, 1, True),
        ("-1", LATE, 0, True),
        ("-1", LATE, 1, False),
    ],
)
def test_together_each_policy_keeps_its_own_number_of_attempts(code, message, made, expected):
    strategy = retries.compose(ALL)

    assert again(strategy, code=code, message=message, retries=made) is expected


def test_together_the_limit_is_the_largest_and_every_phase_counts():
    strategy = retries.compose(ALL)

    assert (strategy.limit.root, strategy.retry_policy) == ("5", "Always")


def test_bad_input_is_never_repeated_even_if_another_policy_would():
    anything = retries.RetryPolicy(name="anything", matches="true", attempts=9)

    strategy = retries.compose([retries.BAD_INPUT, anything])

    assert not again(strategy, code="2")
    assert again(strategy, code="1")


def test_what_a_strategy_is_made_of_can_be_read_from_its_template():
    told = json.loads(retries.described([retries.BAD_INPUT, retries.PREEMPTED]))

    assert [(one["for"], one["attempts"]) for one in told] == [("bad input", 0), ("preempted", 5)]
    assert told[1]["when"] == retries.PREEMPTED.matches
    assert told[1]["last_on_demand"] is True
    assert "more_memory" not in told[1]


def test_the_first_backoff_is_short_because_a_rejected_failure_waits_it_out_too():
    backoff = retries.compose(retries.EVERYWHERE).backoff

    assert (backoff.duration, backoff.factor.root, backoff.cap) == ("2s", "2", "60s")


@pytest.mark.parametrize("policies", [[retries.NEVER], [retries.BAD_INPUT], []])
def test_what_is_never_repeated_has_the_limit_zero(policies):
    assert retries.compose(policies).model_dump(exclude_none=True) == {"limit": "0"}


@pytest.mark.parametrize(
    ("policies", "message"),
    [
        ([retries.NEVER, retries.TEMPORARY], "any failure: stands beside other policies."),
        ([retries.TEMPORARY] * 2, "temporary: has two retry policies."),
        ([replace(retries.TEMPORARY, attempts=-1)], "temporary: has -1 attempts."),
        ([replace(retries.BAD_INPUT, more_memory=True)], "a retry that it never makes."),
    ],
    ids=["never", "twice", "negative", "idle"],
)
def test_settings_that_contradict_each_other_are_refused(policies, message):
    with pytest.raises(AuthoringError) as caught:
        retries.compose(policies)

    assert message in str(caught.value)
