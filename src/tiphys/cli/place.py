"""Where a command looks for runs: this machine, or the cluster of a profile. The same questions."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from tiphys.cli import project
from tiphys.cli.here import Here
from tiphys.errors import UserError
from tiphys.manifest.profile import Profile
from tiphys.report.waiting import Evidence
from tiphys.runtime import Observer, Outcome, RunRequest, Workflow

if TYPE_CHECKING:
    from tiphys.cli.there import There

option = click.option(
    "--on", metavar="PROFILE", help="Ask the cluster of manifests/PROFILE/profile.yaml."
)


class Place(Protocol):
    """What can be asked of runs, wherever they are. A run that is not there is a `UserError`."""

    @property
    def context(self) -> str:
        """What the first line of a run says of this place."""

    @property
    def suffix(self) -> str:
        """What a command that is named to the reader needs to ask the same place."""

    def list_runs(self) -> Sequence[Workflow]:
        """Return the runs, the newest first."""

    def get(self, name: str) -> Workflow:
        """Return one run."""

    def busy(self) -> Sequence[Workflow]:
        """Return the runs that somebody brings on, with their nodes."""

    def logs(self, name: str, node: str | None, *, follow: bool) -> Iterator[tuple[str, str]]:
        """Yield (step, line) of all steps or of *node*.

        It is a `UserError` if what was said is lost.
        """

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


def heard(where: Place, name: str, node: str | None = None) -> Sequence[tuple[str, str]]:
    """Return what can still be read of the logs: how a run ended is told without them, too."""
    found = []
    with suppress(UserError):
        for line in where.logs(name, node, follow=False):
            found.append(line)  # noqa: PERF402 - what came before a failure counts
    return found


def find(on: str | None) -> Place:
    """Return the place that `--on` names; this machine without it."""
    home = project.root()
    return Here(home) if on is None else there(home, project.profile(home, on))


def there(home: Path, profile: Profile) -> "There":
    """Return the cluster of *profile*."""
    from tiphys.cli.there import There  # noqa: PLC0415 - local commands need no cluster client

    return There.of(home, profile)
