"""`tiphys trigger`."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tiphys.cli import place, project
from tiphys.cluster import trigger
from tiphys.cluster.connection import ServerRefusedError
from tiphys.errors import UserError
from tiphys.expression import Environment
from tiphys.runtime.clock import SystemClock

if TYPE_CHECKING:
    from tiphys.cli.there import There

COMMIT = re.compile("[0-9a-f]{40,64}")
"""How a payload names a commit."""


class NoHistoryError(UserError):
    """A checkout that does not hold the commits of the push."""

    def __init__(self, root: Path, found: str) -> None:
        super().__init__(str(root), f"{found}.", "Check out the whole history (fetch-depth: 0).")


@click.command("trigger")
@click.argument("event", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--on", required=True, metavar="PROFILE", help="Whose push.yaml decides.")
@click.option("--dry-run", is_flag=True, help="Say what would start, and start nothing.")
def command(event: Path, on: str, *, dry_run: bool) -> None:
    """Start the run that a push asks for, exactly as the webhook would.

    EVENT is GitHub's payload; in a workflow of GitHub Actions it is at $GITHUB_EVENT_PATH. The run
    is one of the template as the cluster has it, and goes on when the command has ended.
    """
    home = project.root()
    profile = project.profile(home, on)
    binding = trigger.read(profile.folder / "push.yaml")
    environment = Environment(now=SystemClock().now(), seed=0)
    push = completed(_read(event), home)
    match trigger.decide(binding, push, environment):
        case trigger.Nothing(reason=reason):
            click.echo(f"This push starts nothing: it is not so that\n  {reason}")
        case trigger.Start() as start:
            click.echo(f"{start.name}: {start.template} of {start.parameters}")
            if not dry_run:
                _start(place.there(home, profile), start)


def _start(where: "There", start: trigger.Start) -> None:
    """Make the run unless it is there: a push asks for it once, however often it is told."""
    name = start.name
    if not where.exists(name):
        try:
            where.create(start.workflow, start.parameters)
        except ServerRefusedError as refused:
            if refused.status != HTTPStatus.CONFLICT or not where.exists(name):
                raise
        else:
            click.echo(f"Type: tiphys watch {name}{where.suffix}")
            return
    click.echo(f"{name} is there: this push has started it already.")


def _read(event: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(event.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise UserError(str(event), "is no JSON object.", "Give the payload of a push.")
    commits = found.get("commits") or []
    wrong = [one for one in commits if not _is_commit(one)] if type(commits) is list else [commits]
    if wrong:
        has = f"`commits` holds {json.dumps(wrong[0])[:80]}"
        expected = "where an object with the `id` of a commit is expected."
        raise UserError(str(event), f"{has}, {expected}", "Give GitHub's payload of a push.")
    return found


def _is_commit(found: object) -> bool:
    """Whether *found* names its files, or the commit that git can be asked about."""
    if not isinstance(found, dict):
        return False
    return "modified" in found or bool(COMMIT.fullmatch(str(found.get("id"))))


def completed(push: Mapping[str, Any], root: Path) -> Mapping[str, Any]:
    """Return *push* with the files it changed: GitHub Actions leaves them out, so git is asked."""
    bare = [each["id"] for each in push.get("commits") or () if "modified" not in each]
    if not bare:
        return push
    changed = {"added": [], "removed": [], "modified": _changed(push, bare, root)}
    return {**push, "commits": [{**push["commits"][-1], **changed}]}


def _changed(push: Mapping[str, Any], commits: Sequence[str], root: Path) -> list[str]:
    """Return what differs from before the push, else what one of its *commits* changed.

    Before a new branch there is nothing, and a forced push loses what there was. A merge changes
    what it brings.
    """
    names = ("--name-only", "--no-renames", "-z")
    before = f"{push.get('before')}^{{commit}}"
    if _ask(root, "cat-file", "-e", before).returncode == 0:
        said = _git(root, "diff", *names, before, str(push.get("after")))
    elif _git(root, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise NoHistoryError(root, "is a shallow clone, without what was before this push")
    else:
        said = _git(root, "show", "--format=", *names, "-m", "--first-parent", *commits)
    return [*filter(None, said.split("\0"))]


def _git(root: Path, *words: str) -> str:
    done = _ask(root, *words)
    if done.returncode:
        said = " ".join(done.stderr.split())
        raise NoHistoryError(root, f"git cannot say what the commits of this push changed: {said}")
    return done.stdout


def _ask(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(root), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)
