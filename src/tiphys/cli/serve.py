"""`tiphys serve`: the model server of this machine."""

import os
from pathlib import Path

import click

from tiphys.cli.project import profile, root
from tiphys.errors import UnknownNameError, UserError


class NoModelError(UserError):
    """Nothing has been registered yet, so nothing can serve."""

    def __init__(self, registry: str) -> None:
        super().__init__(registry, "no model is registered here yet.", "Type: make run")


@click.group("serve")
def command() -> None:
    """Serve the champion on this machine, in the Open Inference Protocol v2.

    The server follows the registry: when another model becomes champion, it answers.
    """


@command.command()
@click.option("--model", help="Its name in the registry; needless where there is only one.")
@click.option("--registry", help="URL of the registry.  [default: that of manifests/local]")
@click.option("--port", default=0, help="0 takes any that is free.", show_default=True)
def start(model: str | None, registry: str | None, port: int) -> None:
    """Start the server, unless it runs already."""
    from tiphys.ml import serving  # noqa: PLC0415 - what serves is needed by this command alone

    project = root()
    os.environ["TIPHYS_PROJECT"] = str(project)
    where = registry or profile(project, "local").storage.registry
    endpoint = serving.start(where, model or _only_model(where), project=project, port=port)
    click.echo(_tell(endpoint.url, endpoint.model, endpoint.version, endpoint.log))


@command.command()
def status() -> int:
    """Say where the server answers and which version it serves; exit 1 when none runs."""
    from tiphys.ml import serving  # noqa: PLC0415

    endpoint = serving.status(root())
    if endpoint is None:
        click.echo("No server runs. Type: tiphys serve start")
        return 1
    click.echo(_tell(endpoint.url, endpoint.model, endpoint.version, endpoint.log))
    return 0


@command.command()
def stop() -> None:
    """Stop the server."""
    from tiphys.ml import serving  # noqa: PLC0415

    click.echo("stopped" if serving.stop(root()) else "No server ran.")


def _only_model(registry: str) -> str:
    from tiphys.ml.registry import Registry  # noqa: PLC0415

    names = Registry.open(registry).models()
    if not names:
        raise NoModelError(registry)
    if len(names) > 1:
        raise UnknownNameError("--model", "model", "", names)
    return names[0]


def _tell(url: str, model: str, version: str, log: Path) -> str:
    serves = f"version {version[:12]}" if version else "no version yet"
    return f"{model}: {serves}  {url}/v2/models/{model}/infer   log {log}"
