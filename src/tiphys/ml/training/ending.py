"""How a gang ended, from what its pods say: as the failure of the step that started it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tiphys.ml.training.outcome import GangFailedError
from tiphys.step import BadDevice, OutOfMemory, Preempted, Temporary, WrongInput
from tiphys.step.failures import FULL_DISK_WORDS, VANISHED, ExitCode

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """A container that ended badly."""

    pod: str
    exit_code: int
    reason: str
    """Kubernetes' word: Error, OOMKilled, Evicted …"""
    message: str
    """What it left, or the end of its log."""

    @property
    def filled_its_disk(self) -> bool:
        """It wrote more than it may, and would again."""
        return bool(re.match(FULL_DISK_WORDS, self.message))

    @property
    def was_taken_away(self) -> bool:
        """It was told to go, or its node went, and it had no part in it."""
        taken = self.exit_code == ExitCode.PREEMPTED or re.fullmatch(VANISHED, self.reason)
        return bool(taken) and not self.filled_its_disk

    def __str__(self) -> str:
        said = f": {self.message}" if self.message else "."
        return f"{self.pod} ended with {self.exit_code} ({self.reason}){said}"


def bad_ends(pods: Sequence[Object]) -> list[End]:
    """Return how each pod ended that did not end well."""
    return [end for pod in pods for end in _of_pod(pod)]


def failure(ends: Sequence[End], memory: str, waiting: Mapping[str, str]) -> Exception:
    """Return what the step raises, from the end that says most.

    *memory* is the limit that each pod had, *waiting* says why a pod did not start; "" if it did.
    """
    if wrong := _first(ends, ExitCode.WRONG_INPUT):
        return WrongInput(wrong.message)
    for end in ends:
        if end.reason == "OOMKilled" or end.exit_code == ExitCode.OUT_OF_MEMORY:
            return _killed(end, memory)
    if bad := _first(ends, ExitCode.BAD_DEVICE):
        return BadDevice(bad.message)
    if later := _first(ends, ExitCode.TEMPORARY):
        missing = [f"{pod} waits: {why}" for pod, why in waiting.items() if why]
        return Temporary(" ".join([later.message, *missing]))
    if gone := next((end for end in ends if end.was_taken_away), None):
        return Preempted(str(gone))
    told = " ".join(map(str, ends)) or "no pod says why."
    return GangFailedError(f"The gang failed: {told}")


def _killed(end: End, memory: str) -> Exception:
    """Tell memory that ran out from another SIGKILL, which nobody explains."""
    if end.reason == "OOMKilled" or "out of memory" in end.message:
        problem = f"{end.pod} was killed: out of memory. It had {memory}."
        return OutOfMemory(problem)
    return Preempted(f"{end.pod} was killed from outside. What was saved can be resumed.")


def _first(ends: Sequence[End], code: ExitCode) -> End | None:
    return next((end for end in ends if end.exit_code == code), None)


def _of_pod(pod: Object) -> Iterator[End]:
    name, status = pod["metadata"]["name"], pod.get("status", {})
    if status.get("reason"):  # kubelet's, of the pod as a whole: Evicted, Terminated, not admitted
        yield End(
            pod=name,
            exit_code=ExitCode.PREEMPTED,
            reason=status["reason"],
            message=status.get("message", ""),
        )
        return
    for container in status.get("containerStatuses") or ():
        ended = (container.get("state") or {}).get("terminated")
        if ended and ended["exitCode"]:
            yield End(
                pod=name,
                exit_code=ended["exitCode"],
                reason=ended.get("reason") or "Error",
                message=(ended.get("message") or "").strip(),
            )
