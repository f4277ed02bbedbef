"""What Argo says of an attempt that failed, as conditions over its `lastRetry`.

The words are those of Argo's `inferFailedReason`, of kubelet and of containerd. Argo has the exit
code -1 where it knows none, and forgets the other words once it finds a pod "deleted".
"""

from tiphys.step.failures import FULL_DISK_WORDS, VANISHED


def _says(pattern: str) -> str:
    return f'lastRetry.message matches "{pattern}"'


_TOO_LATE = (
    "^Pod was active on the node longer|exceeded its deadline$|is past its deadline: |^timeout$"
)
"""Kubelet, the controller, a gang's launcher and the engine here each have words of their own; the
mere word may stand in any step's log."""

_NO_INPUT = "^(init: |artifact )"
"""How a message begins where Argo's init container failed, and where an input is not had here."""

_TAKEN_EARLY = f"^init: (.*(context canceled|exit code 137)|{VANISHED} )"
"""What it says where it was told to go, killed, or never began: main has no part in it."""

_NO_POD = "^[^:]+ (is (forbidden|invalid)|denied the request|not found)"
"""What the API server says of a pod that it does not take, admission webhooks and a missing account
included. Argo hands on its words; it waits by itself where a quota is spent or nobody answers."""

_NO_ANSWER = "^Internal error occurred: "
"""What the API server says where an admission webhook does not answer."""

_NOT_LOST = f"{_TOO_LATE}|{_NO_INPUT}|{_NO_POD}|{_NO_ANSWER}"
"""Argo has no exit code of what was killed at a deadline or never started, either."""

_NODE_WENT = (
    "^(pod deleted$|The node was low on |Pod was terminated in |Preempted in order to "
    f"|[a-z]+: {VANISHED} )"
)

LATE = _says(_TOO_LATE)
REFUSED = _says(_NO_POD)
FULL_DISK = _says(FULL_DISK_WORDS)
NOT_ANSWERED = _says(_NO_ANSWER)
NO_INPUT = f"{_says(_NO_INPUT)} && !({_says(_TAKEN_EARLY)})"

_NOBODY_SAW = f'lastRetry.exitCode matches "^(0|128|137|255)$" && {_says(_NODE_WENT)}'
"""The node went while main was done but its outputs were not kept (0), before main could begin
(128), or kubelet found main gone when its node came back and made up a code (137, 255)."""

GONE = (
    f'(lastRetry.exitCode == "-1" && (!({_says(_NOT_LOST)}) || {_says(_TAKEN_EARLY)})'
    f" || {_NOBODY_SAW})"
)

_NO_MEMORY, _NO_DEVICE_MEMORY = "OOMKilled|out of memory", "(?i)cuda[a-z0-9_ ':]*out of memory"
"""No tier has more memory of a device."""

OUT_OF_MEMORY = f"{_says(_NO_MEMORY)} && !({_says(_NO_DEVICE_MEMORY)}) && !({LATE})"
"""The exit code alone does not tell: 137 is any SIGKILL."""

KILLED = (
    f'((lastRetry.exitCode == "143" || lastRetry.exitCode == "137" && !({OUT_OF_MEMORY})'
    f" || {_says('failed to start command: context canceled$')}) && !({LATE}))"
)
"""Told to go, also before its command began, or killed without a word of memory."""

NOT_STORED = f'lastRetry.exitCode == "0" && lastRetry.status == "Error" && !({_NOBODY_SAW})'
"""Main was done, and what keeps its outputs failed; a step that has not written them does not end
with 0."""
