"""`tiphys parity`."""

import click

from tiphys.cli import place
from tiphys.review import parity


@click.command("parity")
@click.argument("local")
@click.argument("cluster")
@click.option("--on", default="ci", show_default=True, metavar="PROFILE", help="Where CLUSTER ran.")
def command(local: str, cluster: str, on: str) -> int:
    """Compare the run LOCAL of this machine with the run CLUSTER of the same file.

    Node by node: names, types, phases, attempts, outputs. Exit 1 and a diff where they differ.
    """
    here = place.find(None).get(local)
    diff = parity.differences(here, place.find(on).get(cluster))
    if not diff:
        nodes = len(here["status"]["nodes"])
        click.echo(f"{local} and {cluster} agree: {nodes} nodes, {len(parity.lines(here))} facts.")
        return 0
    for line in diff:
        click.secho(line, fg={"+": "green", "-": "red"}.get(line[0]))
    return 1
