"""A step that trains on several nodes: it makes a gang, speaks for it and takes it away.

The gang is a JobSet, which keeps its pods together and starts them again together. The launcher is
an ordinary step beside it: the gang's log is its log, the gang's failure its failure, and what the
gang made comes back through the place of the checkpoints. Whatever happens to the launcher, no
gang of an earlier attempt is there when the next one starts.
"""

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from tiphys.ml.training import ending, jobset, outcome
from tiphys.ml.training.jobset import Gang, Object
from tiphys.ml.training.outcome import Answer
from tiphys.ml.training.relay import Relay
from tiphys.ml.training.request import Request
from tiphys.step import Preempted, Temporary

POLL_SECONDS = 1.0
DELETIONS = 5
"""So often the gang is deleted where the API does not answer."""
PATIENCE_SECONDS = 180.0
"""How long the API server may be away, and how long an earlier gang may take to go."""


class Cluster(Protocol):
    """The little of a Kubernetes API that is needed; all of it raises Temporary or UserError."""

    def create(self, manifest: Object) -> None:
        """Create a JobSet."""

    def jobset(self, name: str) -> Object | None:
        """Return it as it is, None when it is gone."""

    def delete(self, found: Object) -> None:
        """Have this JobSet deleted with its pods, and leave when it is on its way.

        It is no error if it is gone. Another that has its name by now stays.
        """

    def pods(self, name: str) -> list[Object]:
        """Return the pods of the JobSet *name*."""

    def log(self, pod: str) -> Iterator[str]:
        """Yield all its lines as they come, each after its time; none where there is no log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """How time passes."""

    now: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep


_REAL = Clock()


class GangLateError(Exception):
    """The gang ran for longer than it may.

    It speaks of a deadline, as the kubelet does: by that word a retry policy knows what hangs.
    """

    def __init__(self, gang: Gang) -> None:
        ran = f"its {gang.nodes} nodes have run together for {gang.timeout}."
        super().__init__(f"{gang.name} is past its deadline: {ran}")


def launch(
    request: Request, gang: Gang, cluster: Cluster, checkpoint: Path, clock: Clock = _REAL
) -> Answer:
    """Have a gang train until all epochs are done and write the directory *checkpoint*.

    Raises:
        Preempted: SIGTERM came, here or to a pod that nobody could start again.
        WrongInput, OutOfMemory, BadDevice, Temporary, GangFailedError: so says the gang.
        GangLateError: its time is over.
        UserError: the cluster refuses the gang.
    """
    manifest = jobset.manifest(gang, request)
    with _sigterm_as_preempted():
        _clear(gang.name, cluster, clock)
        try:
            cluster.create(manifest)
            _say(f"Started {gang.name}: {gang.nodes} nodes.")
            _Watch(gang, cluster, clock).until_done()
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)  # or the next one would cut this short
            _take_away(gang, cluster, clock)
    return outcome.bring(request.place, checkpoint)


class _Watch:
    """What is known of a running gang, and what was said about it."""

    def __init__(self, gang: Gang, cluster: Cluster, clock: Clock) -> None:
        self.gang, self.cluster, self.clock = gang, cluster, clock
        self.relay = Relay(cluster.log)
        self.restarts = 0
        self.ends: Sequence[ending.End] = ()
        """Of this start of the gang."""
        self.waiting: dict[str, str] = {}
        """Why a pod of this start has not started."""
        self.placed: set[str] = set()
        self.complete = False
        """Whether all pods had a node at the last look, which was at *looked*."""
        self.looked = self.ran = 0.0
        """So many seconds all of them have run together."""

    def until_done(self) -> None:
        """Return when the gang has succeeded. Raises: what it failed with."""
        answered = self.clock.now()
        while True:
            try:
                state = self.look()
            except Temporary:
                if self.clock.now() - answered > PATIENCE_SECONDS:
                    raise
                state = ""
            else:
                answered = self.clock.now()
            if state:
                self.relay.finish()
                break
            self.clock.pause(POLL_SECONDS)
        if state != "Completed":
            raise ending.failure(self.ends, self.gang.memory, self.waiting)

    def look(self) -> str:
        """Look once and return the terminal state, empty while there is none."""
        found = self.cluster.jobset(self.gang.name)
        if found is None or not self.gang.owns(found):
            problem = f"JobSet {self.gang.name} was deleted while it ran."
            raise Preempted(problem)
        status = found.get("status") or {}
        everything = self.cluster.pods(self.gang.name)
        self.check_disks(everything)
        self.check_preemptions(status)
        self.say_restarts(status.get("restarts", 0), everything)
        pods = [pod for pod in everything if _start_of(pod) == self.restarts]
        if ends := ending.bad_ends(pods):
            self.ends = ends
        self.say_where_pods_run(pods)
        self.say_what_is_waited_for(pods)
        for pod in pods:
            if _is_first(pod) and _has_started(pod):
                self.relay.follow(pod["metadata"]["name"])
        state = str(status.get("terminalState") or "")
        self.count_time(pods)
        if not state and self.gang.timeout and timedelta(seconds=self.ran) > self.gang.timeout:
            raise GangLateError(self.gang)
        return state

    def count_time(self, pods: Sequence[Object]) -> None:
        """Count the time since the last look, if no pod was waiting for a node then."""
        now = self.clock.now()
        if self.complete:
            self.ran += now - self.looked
        self.looked, self.complete = now, sum(map(_has_node, pods)) == self.gang.nodes

    def check_disks(self, pods: Sequence[Object]) -> None:
        """Give up a gang that writes more than it may: evicted as it is, it would start again."""
        full = [end for end in ending.bad_ends(pods) if end.filled_its_disk]
        if full:
            raise ending.failure(full, self.gang.memory, self.waiting)

    def check_preemptions(self, status: Object) -> None:
        """Leave a gang that is taken away again and again to the policies of the step."""
        taken = status.get("restarts", 0) - status.get("restartsCountTowardsMax", 0)
        if taken > jobset.PREEMPTIONS:
            problem = (
                f"{self.gang.name} was taken away {taken} times. What was saved can be resumed."
            )
            raise Preempted(problem)

    def say_restarts(self, restarts: int, pods: Sequence[Object]) -> None:
        """Say that the gang starts again, and why if a pod said so; some may still be there."""
        if restarts == self.restarts:
            return
        ends = ending.bad_ends([pod for pod in pods if _start_of(pod) < restarts]) or self.ends
        why = " ".join(map(str, ends)) or "A pod was lost."
        self.restarts, self.ends, self.waiting = restarts, (), {}
        self.relay.finish()
        _say(f"{why} The gang is started again (restart {restarts}).")

    def say_where_pods_run(self, pods: Sequence[Object]) -> None:
        """Say once of each pod which node it got."""
        for pod in pods:
            name, node = pod["metadata"]["name"], pod.get("spec", {}).get("nodeName")
            if node and name not in self.placed:
                self.placed.add(name)
                _say(f"{name} runs on {node}.")

    def say_what_is_waited_for(self, pods: Sequence[Object]) -> None:
        """Say why a pod does not start, once for each reason."""
        for pod in pods:
            name, why = pod["metadata"]["name"], _obstacle(pod)
            if why and self.waiting.get(name) != why:
                _say(f"{name} waits: {why}")
            self.waiting[name] = why


@contextmanager
def _sigterm_as_preempted() -> Iterator[None]:
    def leave(*_signal: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        problem = "The step was told to go: its gang goes too. What was saved can be resumed."
        raise Preempted(problem)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _take_away(gang: Gang, cluster: Cluster, clock: Clock) -> None:
    """Delete the gang. How it ended is what counts, so an API that does not answer is no error.

    The next attempt's gang has the same name: a launcher that was cut off for long leaves it alone.
    """
    for _ in range(DELETIONS):
        try:
            found = cluster.jobset(gang.name)
            if found is not None and gang.owns(found):
                cluster.delete(found)
        except Temporary:
            clock.pause(POLL_SECONDS)
        else:
            return
    _say(f"{gang.name} could not be deleted: it goes when this pod does, which owns it.")


def _clear(name: str, cluster: Cluster, clock: Clock) -> None:
    """Remove what an earlier attempt left, pods included, and wait until it is gone."""
    found = cluster.jobset(name)
    if found is None:
        return
    _say(f"Removing {name}, which an earlier attempt left.")
    cluster.delete(found)
    asked = clock.now()
    while cluster.jobset(name) is not None:
        if clock.now() - asked > PATIENCE_SECONDS:
            problem = f"JobSet {name} of an earlier attempt does not go."
            raise Temporary(problem)
        clock.pause(POLL_SECONDS)


def _start_of(pod: Object) -> int:
    """Return which start of the gang *pod* belongs to; those of an earlier one take time to go."""
    return int(pod["metadata"].get("labels", {}).get(jobset.RESTART_LABEL, 0))


def _is_first(pod: Object) -> bool:
    return bool(pod["metadata"].get("labels", {}).get(jobset.INDEX_LABEL) == "0")


def _has_node(pod: Object) -> bool:
    return bool(pod.get("spec", {}).get("nodeName"))


def _has_started(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") in ("Running", "Succeeded", "Failed")


def _obstacle(pod: Object) -> str:
    """Return why *pod* does not start, in Kubernetes' words; nothing for the usual moments."""
    status = pod.get("status", {})
    for one in status.get("conditions") or ():
        if one["type"] == "PodScheduled" and one["status"] == "False":
            return str(one.get("message") or one.get("reason") or "")
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            return f"{waiting['reason']}: {waiting.get('message', '')}"
    return ""


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
