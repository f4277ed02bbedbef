"""What one more step costs: in a chain of 10 and in a fan-out of 100, beside a bare subprocess.

Run it with `python tests/bench/steps.py`; everything is measured in the same minute.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.fakes import Silence
from tiphys import runtime

CHAIN, FAN, ROUNDS = 10, 100, 3

COMPONENT = "def work(*, number: int) -> None:\n    print(number)\n"

SHELL = {"image": "busybox", "command": ["sh", "-c", "echo {{inputs.parameters.who}}"]}
STEP = {
    "image": "tiphys.local/step",
    "command": ["python", "-m", "tiphys.step", "thing:work"],
    "args": ["--number={{inputs.parameters.who}}"],
}


def workflow(container: dict[str, object], tasks: list[dict[str, object]]) -> dict[str, object]:
    """Return a Workflow of *tasks*, each in *container*."""
    work = {"name": "work", "inputs": {"parameters": [{"name": "who"}]}, "container": container}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"generateName": "bench-"},
        "spec": {
            "entrypoint": "main",
            "templates": [{"name": "main", "dag": {"tasks": tasks}}, work],
        },
    }


def task(number: int, depends: str = "") -> dict[str, object]:
    """Return one task."""
    arguments = {"parameters": [{"name": "who", "value": str(number)}]}
    needs = {"depends": depends} if depends else {}
    return {"name": f"t{number}", "template": "work", "arguments": arguments, **needs}


def chain(length: int) -> list[dict[str, object]]:
    """Return tasks one after the other."""
    return [task(n, f"t{n - 1}" if n else "") for n in range(length)]


def run(root: Path, container: dict[str, object], tasks: list[dict[str, object]]) -> float:
    """Return how many seconds a run takes."""
    file = root / "bench.yaml"
    file.write_text(json.dumps(workflow({**container, "workingDir": str(root)}, tasks)))
    started = time.perf_counter()
    outcome = runtime.run(runtime.RunRequest(files=(file,), root=root), Silence())
    if outcome.phase != "Succeeded":
        raise SystemExit(outcome.message)
    return time.perf_counter() - started


def median(measure: Callable[[], float]) -> float:
    """Return the middle of a few measurements."""
    return statistics.median(measure() for _ in range(ROUNDS))


def bare(command: list[str], root: Path) -> float:
    """Return how many seconds a bare subprocess takes, of ten in a row."""
    started = time.perf_counter()
    for _ in range(CHAIN):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=root)
    return (time.perf_counter() - started) / CHAIN


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "thing.py").write_text(COMPONENT)
        run(root, SHELL, chain(1))
        rows = {
            "bare subprocess, sh": median(lambda: bare(["sh", "-c", "echo 1"], root)),
            "bare subprocess, python -m tiphys.step": median(
                lambda: bare(
                    [sys.executable, "-m", "tiphys.step", "thing:work", "--number=1"], root
                )
            ),
        }
        for name, container in (("sh", SHELL), ("tiphys.step", STEP)):
            one = median(lambda c=container: run(root, c, chain(1)))
            ten = median(lambda c=container: run(root, c, chain(CHAIN)))
            many = median(lambda c=container: run(root, c, [task(n) for n in range(FAN)]))
            rows[f"one step alone, whole run, {name}"] = one
            rows[f"one more in a chain of {CHAIN}, {name}"] = (ten - one) / (CHAIN - 1)
            rows[f"one more in a fan-out of {FAN}, {name}"] = (many - one) / (FAN - 1)
        for name, seconds in rows.items():
            print(f"{name:45} {seconds * 1000:8.1f} ms")  # noqa: T201 -- that is its purpose


if __name__ == "__main__":
    main()
