"""What can go wrong on this machine, as the person at the terminal reads it."""

from collections.abc import Iterable
from pathlib import Path

from tiphys.errors import UserError
from tiphys.manifest import Problem


class RefusedError(UserError):
    """The manifest has errors; nothing was started. One line a problem."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("", "\n".join(str(problem) for problem in self.problems))


class ForeignImageError(UserError):
    """An image whose command would be a stranger's command on this host."""

    def __init__(self, where: str, image: str) -> None:
        super().__init__(
            where,
            f'image "{image}" is not known here, so its command would run on this host as you.',
            "Allow it with `--allow-host`, or map the image in tiphys.toml: "
            f'[images."{image}"] entrypoint = ["…"].',
        )


class NoCommandError(UserError):
    """A container without a command, of an image whose entrypoint is not known here."""

    def __init__(self, where: str, image: str) -> None:
        super().__init__(
            where,
            f'no `command`, and the entrypoint of image "{image}" is not known here.',
            f'Write the command, or in tiphys.toml: [images."{image}"] entrypoint = ["…"].',
        )


class ArtifactError(UserError):
    """An artifact that cannot be placed or kept."""

    def __init__(self, name: str, found: str, advice: str = "") -> None:
        super().__init__(f'artifact "{name}"', found, advice)


class BusyRunError(UserError):
    """A run that another process drives."""

    def __init__(self, name: str, process: str) -> None:
        super().__init__(
            f"run {name}",
            f"process {process or '?'} is driving it.",
            f"See it with `tiphys get {name}`, or end it with `tiphys stop {name}`.",
        )


class RunStateError(UserError):
    """A verb that does not fit what the run has come to."""

    def __init__(self, name: str, phase: str, advice: str) -> None:
        super().__init__(f"run {name}", f"it has ended: {phase}.", advice)


class NotEndedError(UserError):
    """A verb for ended runs, said of one that has not ended."""

    def __init__(self, name: str, on: str = "") -> None:
        advice = f"End it with `tiphys terminate {name}{on}` first."
        super().__init__(f"run {name}", "it has not ended.", advice)


class NotSuspendedError(UserError):
    """A run that goes on by itself."""

    def __init__(self, name: str, on: str = "") -> None:
        advice = f"`tiphys why {name}{on}` says what it waits for."
        super().__init__(f"run {name}", "it is not suspended.", advice)


class UndrivenError(UserError):
    """A run of this machine that nobody brings on."""

    def __init__(self, name: str) -> None:
        advice = f"`tiphys resume {name}` takes it up."
        super().__init__(f"run {name}", "it was interrupted, and nobody drives it.", advice)


class JournalError(UserError):
    """A journal that cannot be replayed: it was edited, or written by another version."""

    def __init__(self, path: Path, line: int, found: str) -> None:
        super().__init__(f"{path}:{line}", found, "Start a new run: this one cannot be continued.")


class DiskFullError(UserError):
    """No space is left where the run keeps its journal."""

    def __init__(self, folder: Path, resume: str = "") -> None:
        super().__init__(
            str(folder),
            "the disk is full, so the run was interrupted; nothing that had finished is lost."
            if resume
            else "the disk is full: no run can be started here.",
            f"Free some space, then `tiphys resume {resume}`." if resume else "Free some space.",
        )


class UnwritableError(UserError):
    """A folder that cannot hold runs."""

    def __init__(self, root: Path, problem: OSError) -> None:
        super().__init__(
            str(problem.filename or root),
            f"no run can be kept here: {problem.strerror}.",
            "Change to a folder that you may write to.",
        )


class SettingsFileError(UserError):
    """A file of ours beside the manifest or the project that cannot be read."""
