"""torchrun, watched: a program in its place here, and what workers leave."""

import sys
from datetime import timedelta

import pytest

from tiphys.ml.training import gang

DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
OBEDIENT = ""
SAVES = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(gang, "LEAVING", timedelta(seconds=0.5))


@pytest.mark.parametrize(("program", "code"), [(DEAF, -9), (OBEDIENT, -15)])
def test_torchrun_goes_once_its_workers_have_saved_and_left(tmp_path, program, code):
    mark = str(tmp_path / gang.PREEMPTED)
    command = [sys.executable, "-c", f"{program}\n{SAVES}", mark]
    end = gang._watch(command, tmp_path, gang.STALL)
    assert (end.exit_code, end.told_to_go, end.stalled) == (code, False, False)


@pytest.mark.parametrize(("stall", "joining"), [(0.5, 60), (60, 0.5)])
def test_torchrun_that_shows_no_sign_of_life_is_killed(tmp_path, monkeypatch, stall, joining):
    """Before the workers have started the time is another one."""
    monkeypatch.setattr(gang, "STALL", timedelta(seconds=stall))
    if stall < joining:
        (tmp_path / gang.JOINED).touch()
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    end = gang._watch(command, tmp_path, timedelta(seconds=joining))
    assert (end.exit_code, end.stalled) == (-9, True)
