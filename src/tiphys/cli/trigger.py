"""`tiphys trigger`."""

import json
import subprocess
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tiphys import runtime
from tiphys.cli import place, project
from tiphys.cluster import trigger
from tiphys.cluster.connection import ServerRefusedError
from tiphys.errors import UserError
from tiphys.expression import Environment
from tiphys.runtime.clock import SystemClock

if TYPE_CHECKING:
    from tiphys.cli.there import There

NOBODY = "0" * 40
"""What a payload calls the commit before the first."""


@click.command("trigger")
@click.argument("event", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--on", required=True, metavar="PROFILE", help="Whose push.yaml decides.")
@click.option("--dry-run", is_flag=True, help="Say what would start, and start nothing.")
def command(event: Path, on: str, *, dry_run: bool) -> None:
    """Start the run that a push asks for, exactly as the webhook would.

    EVENT is GitHub's payload; in a workflow of GitHub Actions it is at $GITHUB_EVENT_PATH. The run
    goes on when the command has ended.
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
                request = runtime.RunRequest(
                    files=(project.manifest(home, start.template, on),),
                    parameters=start.parameters,
                    name=start.name,
                    root=home,
                )
                _start(place.there(home, profile), request, start.name)


def _start(where: "There", request: runtime.RunRequest, name: str) -> None:
    """Submit the run unless it is there: a push asks for it once, however often it is told."""
    if not where.exists(name):
        try:
            where.submit(request)
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
    return found


def completed(push: Mapping[str, Any], root: Path) -> Mapping[str, Any]:
    """Return *push* with the files it changed: GitHub Actions leaves them out, so git is asked."""
    commits = push.get("commits") or ()
    if not commits or all("modified" in commit for commit in commits):
        return push
    before, after = str(push.get("before", NOBODY)), str(push.get("after", "HEAD"))
    span = ["show", "--format=", after] if before == NOBODY else ["diff", before, after]
    command = ["git", "-C", str(root), span[0], "--name-only", "--no-renames", "-z", *span[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(
            str(root),
            f"git cannot say what changed from {before[:12]} to {after[:12]}: {done.stderr}",
            "Check out the whole history (fetch-depth: 0).",
        )
    changed = {"added": [], "removed": [], "modified": [*filter(None, done.stdout.split("\0"))]}
    return {**push, "commits": [{**commits[-1], **changed}]}
