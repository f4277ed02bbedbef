"""`tiphys run`."""

from pathlib import Path

import click

from tiphys import runtime
from tiphys.cli import output, place, project
from tiphys.cli.ending import finish
from tiphys.cli.live import Display
from tiphys.errors import UserError
from tiphys.runtime.clock import SystemClock


class ParameterError(UserError):
    """A `-p` that is no `name=value`."""

    def __init__(self, text: str) -> None:
        missing = "name before the " if "=" in text else ""
        super().__init__(f"-p {text}", f"there is no {missing}`=`.", "Write -p name=value.")


@click.command("run")
@click.argument("manifests", nargs=-1, required=True, metavar="MANIFEST [FILE]...")
@click.option(
    "-p",
    "--parameter",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the run; may be repeated.",
)
@click.option(
    "--parameter-file",
    "parameter_files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="YAML or JSON: names and values.",
)
@click.option("--name", help="The run's name.  [default: the manifest's, made unique]")
@click.option("--allow-host", is_flag=True, help="Run commands of unknown images on this host.")
@place.option
@output.option
def command(  # noqa: PLR0913 - a command's options are its interface
    manifests: tuple[str, ...],
    assignments: tuple[str, ...],
    parameter_files: tuple[Path, ...],
    name: str | None,
    *,
    allow_host: bool,
    on: str | None,
    form: output.Format | None,
) -> int:
    """Run MANIFEST here, or with --on on a cluster, and show it live.

    MANIFEST is a file, or the name of one in manifests/local (with --on, in manifests/PROFILE).
    Further FILEs bring the WorkflowTemplates and ConfigMaps it refers to.

    Exit codes: 0 Succeeded, 1 Failed or Error, 2 refused before a step started, 130 interrupted.
    """
    home = project.root()
    files = [project.manifest(home, given, on or "local") for given in manifests]
    request = runtime.RunRequest(
        files=tuple(files),
        parameters=dict(_assignment(text) for text in assignments),
        parameter_files=parameter_files,
        name=name,
        allow_host=allow_host,
        root=home,
    )
    where, console = place.find(on), output.console(aside=form is not None)
    with Display(console, SystemClock().now, where.context) as display:
        outcome = where.run(request, display)
    if form:
        output.emit(outcome.workflow, form)
    return finish(where, outcome, console)


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ParameterError(text)
    return name, value
