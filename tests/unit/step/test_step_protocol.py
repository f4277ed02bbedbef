"""The protocol between a manifest and a function: argv in, files out, an exit code."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tiphys.step import main, metric, progress
from tiphys.step.failures import ExitCode

SAMPLE = """
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tiphys.errors import UserError
from tiphys.step import BadDevice, Output, Preempted, Temporary, WrongInput, metric

@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    passed: bool
    verdict: Literal["pass", "fail"]
    months: list[str]
    note: str = ""

def judge(*, model: Path, champion: Path | None, limit: float, seed: int = 7,
          report: Annotated[Path, Output(view="html")]) -> Judged:
    metric("loss", 0.5, step=1)
    metric("loss", 0.25, step=2)
    report.write_text(f"{model.name} {champion} {limit!r} {seed!r}")
    return Judged(passed=False, verdict="fail", months=["2013-01"], note="two\\n")

def wrong(*, text: str) -> None:
    raise WrongInput(text)

def known(*, text: str) -> None:
    raise UserError("here", text)

def temporary() -> None:
    metric("tries", 1)
    raise Temporary("the remote does not answer")

def preempted() -> None:
    raise Preempted("saved at step 400")

def worn() -> None:
    raise BadDevice("device 3 fell off the bus")

def relaying() -> None:
    raise BadDevice("bad device on node gpu-b: ECC")

def computing() -> None:
    raise RuntimeError("CUDA error: uncorrectable ECC error encountered")

def broken() -> None:
    raise KeyError("x")

def forgetful(*, model: Annotated[Path, Output()]) -> None:
    pass

def liar() -> Judged:
    return Judged(passed="no", verdict="fail", months=[])

def rude() -> Judged:
    return None

def gang() -> None:
    child = os.fork()
    if child == 0:
        metric("rank", 1)
        os._exit(0)
    os.waitpid(child, 0)

def untyped(x):
    pass

def many(*numbers: int) -> None:
    pass

def unordered(*, names: set[str]) -> None:
    pass

def bare() -> int:
    return 1
"""


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Call a function of the sample project as a container would; returns its exit code."""
    (tmp_path / "sample.py").write_text(SAMPLE)
    (tmp_path / "model").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("TIPHYS_TERMINATION_LOG", str(tmp_path / "message"))
    monkeypatch.delitem(sys.modules, "sample", raising=False)
    yield lambda name, *argv: main([f"sample:{name}", *argv])
    sys.modules.pop("sample", None)


def judged(*more: str) -> tuple[str, ...]:
    return ("--model=model", "--champion=none", "--limit=0.5", "--report=out/report.html", *more)


def message() -> str:
    return Path("message").read_text()


def test_arguments_arrive_typed_and_artifacts_as_paths(call):
    assert call("judge", *judged("--seed=8")) == 0

    assert Path("out/report.html").read_text() == "model None 0.5 8"


def test_an_optional_artifact_that_exists_arrives(call):
    Path("none").touch()

    assert call("judge", *judged()) == 0

    assert "none 0.5" in Path("out/report.html").read_text()


def test_an_argument_left_out_keeps_its_default(call):
    assert call("judge", *judged()) == 0

    assert Path("out/report.html").read_text().endswith(" 7")


def test_each_field_of_the_result_is_written_where_argo_looks(call):
    results = ("passed", "verdict", "months", "note")

    call("judge", *judged(*(f"--returns.{name}=out/p/{name}" for name in results)))

    read = {name: Path("out/p", name).read_text() for name in results}
    assert read == {
        "passed": "false",
        "verdict": "fail",
        "months": '["2013-01"]',
        "note": "two\n\n",  # Argo cuts one newline
    }


def test_metrics_are_lines_in_the_log_and_their_last_values_a_file(call, capfd):
    call("judge", *judged("--returns.metrics=out/metrics"))

    assert 'tiphys.metric {"name": "loss", "value": 0.25, "step": 2}' in capfd.readouterr().out
    assert json.loads(Path("out/metrics").read_text()) == {"loss": 0.25}


def test_metrics_are_written_also_by_a_step_that_fails(call):
    call("temporary", "--returns.metrics=metrics")

    assert json.loads(Path("metrics").read_text()) == {"tries": 1.0}


def test_metrics_of_a_worker_process_are_the_steps_metrics(call):
    call("gang", "--returns.metrics=metrics")

    assert json.loads(Path("metrics").read_text()) == {"rank": 1.0}


@pytest.mark.parametrize(
    ("name", "argv", "code", "text"),
    [
        ("wrong", ["--text=no such month"], 2, "no such month"),
        ("known", ["--text=no such month"], 2, "here: no such month"),
        ("temporary", [], 75, "the remote does not answer"),
        ("preempted", [], 143, "saved at step 400"),
        ("worn", [], 76, "device 3 fell off the bus"),
        ("computing", [], 76, "CUDA error: uncorrectable ECC error encountered"),
        ("broken", [], 1, "KeyError: 'x'"),
    ],
)
def test_each_way_to_fail_has_its_exit_code_and_leaves_its_message(call, name, argv, code, text):
    assert call(name, *argv) == code

    assert message() == text


def test_a_bad_device_is_blamed_on_its_node(call, monkeypatch):
    monkeypatch.setenv("TIPHYS_NODE", "gpu-a")

    assert call("worn") == 76
    assert message() == "bad device on node gpu-a: device 3 fell off the bus"


def test_a_device_that_was_blamed_on_another_node_stays_blamed_on_that(call, monkeypatch):
    monkeypatch.setenv("TIPHYS_NODE", "gpu-a")

    assert call("relaying") == 76
    assert message() == "bad device on node gpu-b: ECC"


def test_a_failure_of_unknown_kind_shows_its_traceback(call, capfd):
    call("broken")

    assert "Traceback" in capfd.readouterr().err


def test_a_message_is_cut_to_what_kubernetes_keeps(call):
    call("wrong", "--text=" + "ü" * 5000)

    assert len(message().encode()) == 4096


@pytest.mark.parametrize(
    ("argv", "text"),
    [
        (
            ["--model=model", "--limit=x"],
            'sample:judge: parameter limit: found "x", expected a number.',
        ),
        (["--modell=x"], 'sample:judge: there is no argument "modell". Did you mean "model"?'),
        (["--model=nowhere"], "nothing at nowhere, expected a file or a directory."),
        ([], "input artifact model: found nothing, expected --model=<path>."),
        (["--model=model"], "parameter limit: found nothing, expected --limit=<a number>."),
        (["--model", "model"], "found --model, expected --name=value."),
        (["model"], "found model, expected --name=value."),
        (["--limit=1", "--limit=2"], "found --limit twice, expected it once."),
    ],
)
def test_a_wrong_call_says_what_was_found_and_what_expected(call, argv, text):
    code = call("judge", *argv)

    assert (code, text in message()) == (ExitCode.WRONG_INPUT, True), message()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("untyped", 'argument "x" has no type. Annotate it.'),
        ("many", 'argument "numbers" has no name of its own.'),
        ("unordered", "has type set[str], which cannot travel between steps."),
        ("bare", "returns <class 'int'>. Return a dataclass"),
        ("nobody", 'there is no function "nobody" in sample'),
    ],
)
def test_a_function_that_cannot_be_a_step_is_wrong_input(call, name, text):
    assert call(name) == ExitCode.WRONG_INPUT

    assert text in message()


def test_a_module_that_is_not_there_is_wrong_input(call):
    assert call("judge") == ExitCode.WRONG_INPUT
    assert main(["nowhere.at_all:f"]) == ExitCode.WRONG_INPUT

    assert "there is no module nowhere" in message()


def test_a_library_missing_in_the_image_is_no_input_error(call):
    Path("needy.py").write_text("import no_such_library")
    assert call

    assert main(["needy:f"]) == ExitCode.FAILED


def test_nothing_to_call_is_wrong_input(call):
    assert call
    assert main([]) == ExitCode.WRONG_INPUT


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("forgetful", 'did not write its output artifact "model"'),
        ("liar", 'returned passed: found "no", expected true or false.'),
        ("rude", "returned None."),
    ],
)
def test_a_step_that_does_not_keep_its_signature_fails(call, name, text):
    argv = ["--model=out/model"] if name == "forgetful" else ["--returns.passed=passed"]

    assert call(name, *argv) == ExitCode.FAILED

    assert text in message()


def test_progress_is_written_as_argo_reads_it(tmp_path, monkeypatch):
    monkeypatch.setenv("ARGO_PROGRESS_FILE", str(tmp_path / "progress"))

    progress(9, 8)

    assert (tmp_path / "progress").read_text() == "8/8\n"


def test_progress_and_metrics_work_outside_a_run(monkeypatch, capsys):
    monkeypatch.delenv("ARGO_PROGRESS_FILE", raising=False)
    monkeypatch.delenv("TIPHYS_METRICS_FILE", raising=False)

    progress(1, 2)
    metric("accuracy", float("nan"))

    assert capsys.readouterr().out == 'tiphys.metric {"name": "accuracy", "value": "NaN"}\n'


def test_the_project_in_the_working_directory_comes_first(tmp_path):
    (tmp_path / "components").mkdir()
    (tmp_path / "components/__init__.py").touch()
    (tmp_path / "components/hello.py").write_text(
        "from tiphys.step import WrongInput\ndef hello(*, name: str) -> None:\n"
        "    raise WrongInput(f'hello {name}')\n"
    )

    done = subprocess.run(
        [sys.executable, "-m", "tiphys.step", "components.hello:hello", "--name=a=b"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (2, "hello a=b\n")


def test_starting_imports_the_standard_library_and_nothing_else():
    code = (
        "import sys; before = set(sys.modules); import tiphys.step; "
        "print(*{n.partition('.')[0] for n in set(sys.modules) - before})"
    )

    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )

    assert set(done.stdout.split()) - sys.stdlib_module_names == {"tiphys"}
