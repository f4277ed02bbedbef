"""A person at a terminal: commands as they are typed, what they say, the code they end with."""

import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

TIPHYS = Path(sys.executable).with_name("tiphys")
PATIENCE_SECONDS = 300


class Said(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True)
class Terminal:
    """A folder in which somebody types commands. No command ever answers with a traceback."""

    folder: Path
    command: Path = TIPHYS

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Start a command in a session of its own."""
        return subprocess.Popen(
            [self.command, *arguments],
            cwd=self.folder,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def tiphys(self, *arguments: str, **variables: str) -> Said:
        return self.end(self.start(*arguments, **variables))

    def end(self, process: subprocess.Popen[str]) -> Said:
        """Wait for a command that was started."""
        try:
            out, err = process.communicate(timeout=PATIENCE_SECONDS)
        finally:
            process.kill()
        assert "Traceback" not in out + err
        assert process.returncode != 3, err
        return Said(process.returncode, out, err)

    @property
    def runs(self) -> Path:
        return self.folder / ".tiphys" / "runs"

    def name_of_the_run(self) -> str:
        """Return the name of the only run there is."""
        (run,) = self.runs.iterdir()
        return run.name


@pytest.fixture
def terminal(tmp_path):
    return Terminal(tmp_path)
