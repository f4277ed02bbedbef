"""Append the next month to the data set: made, stored and committed, in this order.

What names data is pushed after the data: whoever reads the branch finds all of it. Killed between
any two steps, the same run may start again: objects are named by their content, and a commit by
the run that made it. A second publisher makes the push fail, and we start over from its commit.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tiphys.ml.data import calendar, locked
from tiphys.ml.data.repository import SKIP, Clone, MovedError, clone, shown
from tiphys.ml.data.revision import Folder
from tiphys.ml.data.upload import upload
from tiphys.step import Temporary, WrongInput, metric
from tiphys.step.failures import ExitCode

STAGE = "ingest"
COMMITTED = ("params.yaml", "dvc.lock")
LAST = re.compile(rf"(?ms)(^{STAGE}:.*?^\s+last:\s*)(\S+)")
"""The parameter in params.yaml: its text is kept but for the month."""
TRAILER = "Published-By: "
LOOK_BACK = 500
"""So many commits are searched for what this run has made already."""
TRIES = 5
"""So often it is started over when others push."""
SIGNALLED = 128
"""A shell adds to this the number of the signal that killed its child. One that made way for its
only child cannot, and the code is negative. DVC runs stages in $SHELL: there are both kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What the branch has now."""

    month: str
    """The month that was appended; "" where the source has none that is new."""
    commit: str
    """The commit that names the data; the head of the branch where nothing is new."""
    data: str
    """The MD5 of the data set, as dvc.lock has it."""


@dataclass(kw_only=True)
class Publication:
    """One attempt to publish. Each of its stages leaves the world in order."""

    repository: str
    branch: str
    remote: str
    dataset: str
    run: str
    folder: Path
    month: str = ""
    """What to append; found out where nothing is given."""
    result: Published | None = field(default=None, init=False)

    def stages(self) -> Iterator[str]:
        """Do it, and yield after each stage what is done now.

        Raises: MovedError: another publisher was quicker; try again in another folder.
        """
        taken = clone(self.repository, self.branch, self.folder)
        yield "cloned"
        if made := _made_by(self.run, taken):
            self.result = self._published(*made)
            return
        self.month = self.month or _next(self.folder)
        if not self.month or self.month <= _last(self.folder):
            self.result = self._published("", taken.head)
            return
        _raise_last(self.folder, self.month)
        _dvc(self.folder, "repro", STAGE)
        yield "made"
        pin = locked.resolve(Folder(root=self.folder), self.dataset).pin
        metric("uploaded_bytes", upload(pin, self.folder / ".dvc" / "cache", self.remote))
        yield "stored"
        message = f"Publish {self.month} {SKIP}\n\n{TRAILER}{self.run}\n"
        commit = taken.commit(COMMITTED, message)
        yield "committed"
        taken.push(commit)
        yield "pushed"
        self.result = self._published(self.month, commit)

    def _published(self, month: str, commit: str) -> Published:
        pin = locked.resolve(Folder(root=self.folder), self.dataset).pin
        return Published(month=month, commit=commit, data=pin.md5)


def publish(
    *,
    repository: str = "",
    branch: str = "main",
    remote: str,
    run: str,
    dataset: str = "data/flights",
) -> Published:
    """Append the next month that the source has, and push the commit that names it.

    Nothing new is no failure: the step succeeds with an empty `month`.

    Args:
        repository: where to push; "" means the remote `origin` of the checkout on this machine
        branch: the branch that retraining reads
        remote: the URL of the DVC remote
        run: the name of the run: what it has published already it does not publish again
        dataset: the path of the data in the project
    """
    url, month = repository or _origin(), ""
    for _ in range(TRIES):
        with tempfile.TemporaryDirectory(prefix="tiphys-publish-") as scratch:
            attempt = Publication(
                repository=url,
                branch=branch,
                remote=remote,
                dataset=dataset,
                run=run,
                folder=Path(scratch) / "project",
                month=month,
            )
            try:
                for _stage in attempt.stages():
                    month = attempt.month
            except MovedError:
                continue
        assert attempt.result is not None  # noqa: S101 -- the stages ended
        _say(attempt.result, branch)
        return attempt.result
    problem = f"{shown(url)}: others pushed to {branch} {TRIES} times while the data were made."
    raise Temporary(problem)


def _say(done: Published, branch: str) -> None:
    text = f"published {done.month}" if done.month else "the source has nothing new"
    print(f"{text}; {branch} is at {done.commit[:12]}, data {done.data}")  # noqa: T201 -- the log


def _origin() -> str:
    """Return where the project on this machine was cloned from."""
    root = Path(os.environ.get("TIPHYS_PROJECT", "."))
    config = root / ".git" / "config"
    text = config.read_text(encoding="utf-8") if config.is_file() else ""
    found = re.search(r'(?m)^\[remote "origin"\]\n(?:\s+.*\n)*?\s+url = (.+)$', text)
    if found is None:
        problem = f"{root}: there is no remote `origin` to push to. Give one: -p repository=URL."
        raise WrongInput(problem)
    url = found[1].strip()
    return url if "://" in url or re.match(r"[\w.@-]+:", url) else str(root / url)


def _made_by(run: str, taken: Clone) -> tuple[str, str] | None:
    """Return the month that *run* has published before it was killed, and the commit."""
    for commit, message in taken.messages(LOOK_BACK):
        if f"{TRAILER}{run}" in message.splitlines():
            return message.split()[1], commit
    return None


def _last(folder: Path) -> str:
    """Return the newest month of the data set at this commit."""
    found = LAST.search((folder / "params.yaml").read_text(encoding="utf-8"))
    if found is None:
        problem = f"params.yaml: there is no month `{STAGE}.last` to raise."
        raise WrongInput(problem)
    return calendar.months(found[2], found[2])[0]


def _next(folder: Path) -> str:
    """Return the month to append, "" where the source ends with the data set."""
    newest = _output(folder, sys.executable, "-m", f"components.{STAGE}", "newest").strip()
    return next(iter(calendar.months(_last(folder), newest)[1:]), "")


def _raise_last(folder: Path, month: str) -> None:
    file = folder / "params.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(LAST.sub(rf"\g<1>{month}", text, count=1), encoding="utf-8")


def _dvc(folder: Path, *words: str) -> None:
    sys.stdout.write(_output(folder, sys.executable, "-m", "dvc", *words))


def _output(folder: Path, *command: str) -> str:
    """Return what *command* prints, run with this interpreter's programs."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    environment = {**os.environ, "PATH": path, "DVC_SITE_CACHE_DIR": str(folder / ".dvc" / "tmp")}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()[-5:]
        problem = f"`{' '.join(command[1:])}` failed: " + " / ".join(said)
        raise (Temporary if _may_succeed_later(done.returncode, said) else WrongInput)(problem)
    return done.stdout


def _may_succeed_later(code: int, said: Sequence[str]) -> bool:
    """Whether a program was killed, or is not ready: itself, or the stage that DVC ran for it."""
    if code < 0 or code == ExitCode.TEMPORARY:
        return True
    stages = map(int, re.findall(r"exited with (-?\d+)", " ".join(said)))
    return any(each < 0 or each > SIGNALLED or each == ExitCode.TEMPORARY for each in stages)
