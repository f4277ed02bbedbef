import subprocess
import sys
import time

import pytest

CHILD = (
    "from tiphys.ml.training import lifeline; lifeline.tie(); print('tied', flush=True); input()"
)
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's service is Linux's")
def test_a_tied_process_ends_with_its_parent():
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as parent:
        assert parent.stdout.readline() == "tied\n"
        parent.kill()
        started = time.monotonic()
        assert parent.stdout.read() == ""  # the pipe closes once the child, who holds it, is gone
        assert time.monotonic() - started < 5
