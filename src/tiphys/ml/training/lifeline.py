"""A process that does not outlive its parent.

torchrun puts each worker in a session of its own, so nobody's signal to a group reaches it: after
`kill -9` of the step or of torchrun the workers would train on beside those of the next attempt.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def tie() -> None:
    """Have the kernel kill this process once its parent has ended; nothing happens but on Linux."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
