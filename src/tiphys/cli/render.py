"""`tiphys render`."""

import click

from tiphys.cli.project import root


@click.command("render")
@click.argument("clusters", nargs=-1, metavar="[PROFILE]...")
def command(clusters: tuple[str, ...]) -> None:
    """Write manifests/PROFILE/ from workflows/, for all profiles or for those named.

    A profile is a folder of manifests/ with a profile.yaml. Rendering twice gives the same bytes.
    """
    from tiphys.author import render  # noqa: PLC0415 - it imports Hera, which no other command needs

    project = root()
    rendered = render.render(project, clusters or None)
    changed = set(render.write(rendered))
    for manifest in rendered:
        mark = "written  " if manifest.path in changed else "unchanged"
        click.echo(f"{mark}  {manifest.path.relative_to(project)}")
