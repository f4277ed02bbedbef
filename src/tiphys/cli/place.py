"""Where a command looks for runs: this machine, or the cluster of a profile. The same questions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

from tiphys import runtime
from tiphys.cli import project
from tiphys.engine.status import ended
from tiphys.manifest.profile import Profile
from tiphys.report.waiting import Evidence
from tiphys.review.parity import MANIFEST, fingerprint
from tiphys.runtime import INTERRUPTED, Observer, Outcome, RunRequest, settings
from tiphys.runtime.folder import RunFolder

if TYPE_CHECKING:
    from tiphys.cli.there import There

Workflow = dict[str, Any]

option = click.option(
    "--on", metavar="PROFILE", help="Ask the cluster of manifests/PROFILE/profile.yaml."
)


class Place(Protocol):
    """What can be asked of runs, wherever they are. A run that is not there is a `UserError`."""

    @property
    def context(self) -> str:
        """What the first line of a run says of this place."""

    def list_runs(self) -> Sequence[Workflow]:
        """Return the runs, the newest first."""

    def get(self, name: str) -> Workflow:
        """Return one run."""

    def busy(self) -> Sequence[Workflow]:
        """Return the runs that somebody brings on, with their nodes."""

    def logs(self, name: str, node: str | None, *, follow: bool) -> Iterator[tuple[str, str]]:
        """Yield (step, line) of all steps or of *node*."""

    def run(self, request: RunRequest, display: Observer) -> Outcome:
        """Run a manifest to its end, and show it meanwhile."""

    def watch(self, name: str, display: Observer) -> Outcome:
        """Show a run until it has ended."""

    def retry(self, name: str, display: Observer) -> Outcome:
        """Run what failed again, and show it meanwhile."""

    def resubmit(self, name: str, display: Observer) -> Outcome:
        """Run the same manifest with the same parameters, and show it meanwhile."""

    def stop(self, name: str, display: Observer) -> Outcome | None:
        """Stop a run; None when somebody else brings it to its end."""

    def terminate(self, name: str, display: Observer) -> Outcome | None:
        """End a run without its exit handler; None as for `stop`."""

    def suspend(self, name: str) -> None:
        """Let nothing new begin in a run."""

    def resume(self, name: str, display: Observer) -> Outcome | None:
        """Let a run go on; None when somebody else brings it on."""

    def delete(self, name: str) -> None:
        """Remove an ended run."""

    def artifact(self, name: str, node: str, artifact: str) -> bytes | None:
        """Return a file that the node *node* (its id) left; None where there is no such file."""

    def page(self, name: str) -> Path:
        """Return where the page of a run belongs."""

    def evidence(self, name: str) -> tuple[Evidence, Sequence[str]]:
        """Return what else is known of a run that waits, and what nobody could look at."""


@dataclass(frozen=True, slots=True)
class Here:
    """The runs of the project, or of the current folder."""

    root: Path

    @property
    def context(self) -> str:
        return "on this machine"

    def list_runs(self) -> Sequence[Workflow]:
        return runtime.list_runs(self.root)

    def busy(self) -> Sequence[Workflow]:
        runs = self.list_runs()
        return [run for run in runs if not ended(run) and runtime.driven(run)]

    def get(self, name: str) -> Workflow:
        workflow = runtime.get(self.root, name)
        main = runtime.run_folder(self.root, name) / "files" / "0.yaml"
        workflow["metadata"].setdefault("annotations", {})[MANIFEST] = fingerprint(
            main.read_bytes()
        )
        return workflow

    def logs(self, name: str, node: str | None, *, follow: bool) -> Iterator[tuple[str, str]]:
        yield from runtime.logs(self.root, name, node, follow=follow)

    def run(self, request: RunRequest, display: Observer) -> Outcome:
        return runtime.run(request, display)

    def watch(self, name: str, display: Observer) -> Outcome:
        outcome = watched(name, runtime.watch(self.root, name), display)
        if not outcome.interrupted and not ended(outcome.workflow):
            message = f"Nobody drives {name}. Take it up with `tiphys resume {name}`."
            return replace(outcome, phase=INTERRUPTED, message=message)
        return outcome

    def retry(self, name: str, display: Observer) -> Outcome:
        return runtime.retry(self.root, name, display)

    def resubmit(self, name: str, display: Observer) -> Outcome:
        return runtime.resubmit(self.root, name, display)

    def stop(self, name: str, display: Observer) -> Outcome | None:
        return runtime.stop(self.root, name, display)

    def terminate(self, name: str, display: Observer) -> Outcome | None:
        return runtime.terminate(self.root, name, display)

    def suspend(self, name: str) -> None:
        runtime.suspend(self.root, name)

    def resume(self, name: str, display: Observer) -> Outcome | None:
        return runtime.resume(self.root, name, display)

    def delete(self, name: str) -> None:
        runtime.delete(self.root, name)

    def artifact(self, name: str, node: str, artifact: str) -> bytes | None:
        path = runtime.artifact(self.root, name, node, artifact)
        return path.read_bytes() if path.is_file() else None

    def page(self, name: str) -> Path:
        return runtime.run_folder(self.root, name) / "report.html"

    def evidence(self, name: str) -> tuple[Evidence, Sequence[str]]:
        known = settings.load(RunFolder(runtime.run_folder(self.root, name)))
        return Evidence(slots=known.slots, deferred=runtime.deferred(self.root, name)), ()


def suffix(on: str | None) -> str:
    """Return what a command that is named to the reader needs to ask the same place."""
    return f" --on {on}" if on else ""


def watched(
    name: str, states: Iterator[Workflow], display: Observer, on: str | None = None
) -> Outcome:
    """Show the *states* of a run; Ctrl-C ends the watching, not the run."""
    workflow: Workflow = {}
    try:
        for workflow in states:
            display.changed(workflow)
    except KeyboardInterrupt:
        words = f"{name}{suffix(on)}"
        message = f"{name} goes on. Type: tiphys watch {words}, or: tiphys stop {words}"
        return Outcome(name=name, phase=INTERRUPTED, message=message, workflow=workflow)
    status = workflow.get("status") or {}
    message = status.get("message") or ""
    return Outcome(name=name, phase=status["phase"], message=message, workflow=workflow)


def find(on: str | None) -> Place:
    """Return the place that `--on` names; this machine without it."""
    home = project.root()
    return Here(home) if on is None else there(home, project.profile(home, on))


def there(home: Path, profile: Profile) -> "There":
    """Return the cluster of *profile*."""
    from tiphys.cli.there import There  # noqa: PLC0415 - local commands need no cluster client

    return There.of(home, profile)
