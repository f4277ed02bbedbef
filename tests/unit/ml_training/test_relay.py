from threading import Event

from tiphys.ml.training.relay import Relay
from tiphys.step import report


class Log:
    """A pod's log that comes in pieces: each time it is asked for there is more of it."""

    def __init__(self, *readings):
        self.readings, self.asked = list(readings), Event()

    def __call__(self, _pod):
        lines = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        yield from lines
        self.asked.set()


def test_a_log_that_breaks_off_is_read_on_without_saying_a_line_twice(monkeypatch):
    monkeypatch.setattr("tiphys.ml.training.relay.RETRY_SECONDS", 0.001)
    said = []
    relay = Relay(Log(["1 a", "2 b"], ["1 a", "2 b", "3 c", "4 d"]), said.append)
    relay.follow("pod-0")
    relay.finish()
    assert said == ["a", "b", "c", "d"]


def test_each_pod_is_said_from_its_first_line(monkeypatch):
    monkeypatch.setattr("tiphys.ml.training.relay.RETRY_SECONDS", 0.001)
    said = []
    relay = Relay(Log(["1 a"]), said.append)
    for pod in ("pod-0", "pod-0", "pod-1"):
        relay.follow(pod)
    relay.finish()
    assert said == ["a", "a"]


def test_a_metric_of_the_gang_is_the_steps_own(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(report.METRICS_FILE, str(tmp_path / "metrics"))
    line = 'tiphys.metric {"name": "loss", "value": 0.5, "step": 1}'
    report.relay(line)
    report.relay("Resumed at step 50 of 100.")
    assert capsys.readouterr().out == f"{line}\nResumed at step 50 of 100.\n"
    assert report.last_values(tmp_path / "metrics") == {"loss": 0.5}


def test_progress_travels_through_the_log_at_each_new_percent(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("ARGO_PROGRESS_FILE", raising=False)
    monkeypatch.setenv("TIPHYS_PROGRESS", "log")
    for done in range(1, 301):
        report.progress(done, 300)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 100
    monkeypatch.setenv("ARGO_PROGRESS_FILE", str(tmp_path / "progress"))
    report.relay(lines[49])
    assert (tmp_path / "progress").read_text() == "150/300\n"
    assert capsys.readouterr().out == ""
