"""The entry point: which commands there are, and how a command ends.

Exit codes: 0 done, 1 the workflow failed, 2 the input is wrong, 3 a bug of ours, 130 Ctrl-C.
A command's module is imported when it is called, so `--help` stays quick.
"""

import errno
import os
import platform
import re
import sys
import tempfile
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import click

from tiphys.errors import UserError

COMMANDS: Mapping[str, str] = {
    "render": "Write manifests/<cluster>/ from workflows/.",
    "run": "Run a manifest here, or on a cluster with --on.",
    "list": "List runs, the newest first.",
    "get": "Show one run: its steps, attempts and outputs.",
    "logs": "Print the logs of a run or of one step.",
    "top": "Show what there is, what is in use, who waits.",
    "why": "Say what the waiting steps of a run wait for.",
    "watch": "Show a run live until it has ended.",
    "stop": "Stop a run; its exit handler still runs.",
    "terminate": "End a run at once, without its exit handler.",
    "suspend": "Hold a run: nothing new begins.",
    "resume": "Let a suspended or interrupted run go on.",
    "retry": "Run the failed steps of a run again.",
    "resubmit": "Start a new run of the same manifest and parameters.",
    "delete": "Delete an ended run.",
    "trigger": "Start the run that a push asks for, as the webhook would.",
    "doctor": "Check that a cluster, or this machine, has what is needed.",
    "prune": "Delete what no run needs any more.",
    "cron": "List, foretell, suspend and resume scheduled runs.",
    "parity": "Compare a local run with one on a cluster, node by node.",
    "serve": "Serve the champion on this machine.",
}


REFUSALS = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.EIO}
)
"""What a machine answers when it cannot do what is right."""


class Commands(click.Group):
    """A group whose commands are modules of this package, each with a function `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order a person meets them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"tiphys.cli.{cmd_name}")
        found: click.Command = module.command
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tiphys")
def tiphys() -> None:
    """Tiphys steers models to production on Argo Workflows, and on this machine."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    _open_standard_streams()
    sys.exit(run(sys.argv[1:]))


def _open_standard_streams() -> None:
    """Give each of 0, 1, 2 that is closed to nowhere, else the next file or socket becomes it."""
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)  # noqa: FBT003 - it takes no keyword
    os.close(opened)


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code; errors are printed, never raised."""
    try:
        code = tiphys.main(arguments, standalone_mode=False)
    except (KeyboardInterrupt, click.Abort):
        return 130
    except Exception as problem:  # noqa: BLE001 - the last door: what gets here ends here
        return _explain(problem)
    return code if isinstance(code, int) else 0


def _explain(problem: Exception) -> int:
    """Print *problem* for the person at the terminal and return the exit code for it."""
    match problem:
        case click.exceptions.Exit():
            return problem.exit_code
        case click.ClickException():
            problem.show()
            return 2
        case UserError():
            click.echo(f"tiphys: {problem}", err=True)
            return 2
        case BrokenPipeError():
            return 0
        case OSError() if problem.errno in REFUSALS:
            click.echo(f"tiphys: {problem.filename or 'output'}: {problem.strerror}.", err=True)
            return 2
        case _:
            click.echo(f"tiphys: this is a bug of Tiphys; details: {_details(problem)}", err=True)
            return 3


def _details(problem: Exception) -> str:
    """Return where the details of a bug are; themselves where no file can be written."""
    try:
        return str(_bug_file(problem))
    except OSError:
        return _without_token(repr(problem))


def _bug_file(problem: Exception) -> Path:
    """Write what a bug report needs, and return where."""
    text = f"python {platform.python_version()} {platform.platform()}\nargv {sys.argv}\n"
    with tempfile.NamedTemporaryFile(
        "w", prefix="tiphys-bug-", suffix=".log", delete=False
    ) as file:
        file.write(text + _without_token("".join(traceback.format_exception(problem))))
    return Path(file.name)


def _without_token(text: str) -> str:
    """Return *text* without what a refused header says after `Bearer`: logs of bugs are shared."""
    return re.sub("Bearer .*", "Bearer …", text)
