"""Retry policies, each named after the failure it is for, and how several become one strategy.

A strategy repeats an attempt only if a policy in it knows the failure and still has attempts; so
whatever nobody named, a bug for instance, fails at once. Argo waits out the back-off also before
it gives up (rule 41), which is why the first one is short.

`retries` counts all attempts, whatever ended them: Argo tells an expression of the last one only.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from hera.workflows import models

from tiphys.author import last_retry
from tiphys.author.faults import AuthoringError

FIRST_BACKOFF = timedelta(seconds=2)
"""Short: even a failure that is not tried again waits for it."""
BACKOFF_FACTOR = 2
LONGEST_BACKOFF = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """What failure it is for, and what is done about it."""

    name: str
    matches: str
    """An expression over `lastRetry`: Argo's `exitCode`, `status`, `message`, all strings."""
    attempts: int
    """How often the step is tried again for this failure; 0: never."""
    more_memory: bool = False
    """So many further attempts get the tier's memory limit once more each."""
    another_node: bool = False
    """The next attempt keeps off the node whose device failed."""
    last_on_demand: bool = False
    """The last attempt goes to the tier's `onDemand` nodes, where it has some."""
    advice: str = ""
    """What to do when it is not tried again."""


BAD_INPUT = RetryPolicy(
    name="bad input",
    matches='lastRetry.exitCode == "2"',
    attempts=0,
    advice="no second look will mend it",
)
"""The input or configuration is wrong."""

REFUSED = RetryPolicy(
    name="refused",
    matches=last_retry.REFUSED,
    attempts=0,
    advice="the API server did not take its pod: "
    "mend what the message names, an account, a field or a policy",
)
"""There never was a pod, nor will there be one before somebody changes something."""

FULL_DISK = RetryPolicy(
    name="full disk",
    matches=last_retry.FULL_DISK,
    attempts=0,
    advice="it wrote more than its tier's `ephemeral-storage`, or the namespace, allows: "
    "write less, or allow it more",
)
"""Kubelet evicts who writes too much, and would the next time."""

TEMPORARY = RetryPolicy(
    name="temporary",
    matches=f'lastRetry.exitCode == "75" || {last_retry.NOT_STORED} || {last_retry.NOT_ANSWERED}',
    attempts=3,
    advice="what it needs is still not ready",
)
"""Something outside was not ready: what the step asked, what keeps its outputs, or what the API
server asks before it takes a pod."""

NOT_STARTED = RetryPolicy(
    name="could not start",
    matches=last_retry.NO_INPUT,
    attempts=2,
    advice="its code or an input could not be fetched: "
    "look at the revision, the key and the access",
)
"""A git host or an object store may be down for a moment. What is not there stays away."""

LOST_NODE = RetryPolicy(
    name="lost node",
    matches=last_retry.GONE,
    attempts=5,
    last_on_demand=True,
    advice="node after node was lost: ask who looks after them",
)
"""Nobody saw the step end: its node died or was off for a moment, or its pod was evicted or
deleted. The exit code is none then, or kubelet's; Argo calls it Error or Failed as it happens,
hence the policy `Always`. Kubernetes keeps the next attempt off a node that is not ready. A node
that was taken away without notice looks the same: so as often as for `PREEMPTED`, and the last on
nodes that stay."""

PREEMPTED = RetryPolicy(
    name="preempted",
    matches=f"{last_retry.GONE} || {last_retry.KILLED}",
    attempts=5,
    last_on_demand=True,
    advice="machine after machine was taken away: take a tier of nodes that stay",
)
"""The machine was taken away; 143 says that the step was told to go, and saved what it needs to go
on. That is the phase Failed, while a vanished node is Error. 137 is who was killed before it had
saved, if nobody says that memory ran out."""

OUT_OF_MEMORY = RetryPolicy(
    name="out of memory",
    matches=last_retry.OUT_OF_MEMORY,
    attempts=1,
    more_memory=True,
    advice="more memory than its tier has was not enough: take a larger tier",
)
"""The kernel killed it. torchrun exits 1 when that happens to a worker: hence the message."""

BAD_DEVICE = RetryPolicy(
    name="bad device",
    matches='lastRetry.exitCode == "76"',
    attempts=2,
    another_node=True,
    advice="device after device failed: look at the step, then at the nodes",
)
"""A device that computes no more: every other node is better."""

HANGING = RetryPolicy(
    name="hanging",
    matches=last_retry.LATE,
    attempts=1,
    advice="it was not done within its timeout, twice: look where it stands still, whether its "
    "image and volumes let it begin, or allow it more",
)
"""It took longer than its timeout. A stuck connection is chance, a short timeout is not."""

NEVER = RetryPolicy(
    name="any failure", matches="true", attempts=0, advice="doing it twice could do harm"
)
"""For what must not happen twice. It stands alone."""

EVERYWHERE = (
    BAD_INPUT,
    REFUSED,
    FULL_DISK,
    TEMPORARY,
    NOT_STARTED,
    LOST_NODE,
    PREEMPTED,
    HANGING,
)
"""What a step gets that says nothing about retries. Of two that know a failure, the first names it:
a fetch that ran into a deadline of its own does not hang."""

TRAINING = (*EVERYWHERE, OUT_OF_MEMORY, BAD_DEVICE)
"""For a step that computes for long on devices and goes on from a checkpoint."""


def compose(policies: Sequence[RetryPolicy]) -> models.RetryStrategy:
    """Return the one strategy that does what all *policies* say.

    Raises:
        AuthoringError: they contradict each other.
    """
    check(policies)
    active = [policy for policy in policies if policy.attempts]
    if not active:
        return models.RetryStrategy(limit=models.IntOrString(root="0"))
    refused = [f"!({policy.matches})" for policy in policies if not policy.attempts]
    again = " || ".join(_clause(policy) for policy in active)
    return models.RetryStrategy(
        limit=models.IntOrString(root=str(max(policy.attempts for policy in active))),
        retry_policy="Always",
        expression=" && ".join([*refused, f"({again})"] if refused else [again]),
        backoff=models.Backoff(
            duration=_seconds(FIRST_BACKOFF),
            factor=models.IntOrString(root=str(BACKOFF_FACTOR)),
            cap=_seconds(LONGEST_BACKOFF),
        ),
    )


def described(policies: Sequence[RetryPolicy]) -> str:
    """Return *policies* as JSON, for whoever explains a run: `tiphys.report.decisions`."""
    return json.dumps([_described(policy) for policy in policies], separators=(",", ":"))


def check(policies: Sequence[RetryPolicy]) -> None:
    """Raise `AuthoringError` where *policies* contradict each other or themselves."""
    names = [policy.name for policy in policies]
    for policy in policies:
        if names.count(policy.name) > 1:
            raise AuthoringError(policy.name, "has two retry policies.", "Keep one.")
        if policy.attempts < 0:
            raise AuthoringError(policy.name, f"has {policy.attempts} attempts.", "0 is never.")
        changes = policy.more_memory or policy.another_node or policy.last_on_demand
        if not policy.attempts and changes:
            raise AuthoringError(policy.name, "changes a retry that it never makes.")
    if NEVER in policies and len(policies) > 1:
        raise AuthoringError(NEVER.name, "stands beside other policies.", "Keep it alone.")


def _described(policy: RetryPolicy) -> dict[str, object]:
    told = {"for": policy.name, "when": policy.matches, "attempts": policy.attempts}
    more = {
        "more_memory": policy.more_memory,
        "another_node": policy.another_node,
        "last_on_demand": policy.last_on_demand,
        "advice": policy.advice,
    }
    return {**told, **{name: value for name, value in more.items() if value}}


def _clause(policy: RetryPolicy) -> str:
    return f"(({policy.matches}) && asInt(retries) < {policy.attempts})"


def _seconds(duration: timedelta) -> str:
    return f"{duration.total_seconds():g}s"
