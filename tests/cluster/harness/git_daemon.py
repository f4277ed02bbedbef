"""A bare repository that pods read from and push to, as the project's remote."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.daemons import Daemons
from harness.network import free_port
from harness.places import NODE_ADDRESS, Places
from harness.shell import inside, run, succeeds


@dataclass(frozen=True, slots=True, kw_only=True)
class GitRemote:
    """Where the repository is, for pods and for us."""

    url: str
    path: Path


@contextmanager
def serve(places: Places) -> Iterator[GitRemote]:
    """Serve an empty repository, whose branch is to be `main`, until the block ends.

    Called in the cluster's network: several may be served at once, each at a port that is free.
    """
    port, daemons = free_port(NODE_ADDRESS), Daemons(places=places)
    name = f"git/{port}"
    folder = places.state / name
    url = f"git://{NODE_ADDRESS}:{port}/project.git"
    remote = GitRemote(url=url, path=folder / "project.git")
    shutil.rmtree(folder, ignore_errors=True)
    run(["git", "init", "--quiet", "--bare", "--initial-branch=main", remote.path])
    program = Path(run(["git", "--exec-path"]).strip()) / "git-daemon"
    flags = ("--reuseaddr", "--export-all", "--enable=receive-pack", f"--port={port}")
    daemons.start(
        name, [program, *flags, f"--listen={NODE_ADDRESS}", f"--base-path={folder}", folder]
    )
    try:
        ask = inside(places.netns, ["git", "ls-remote", remote.url])
        daemons.wait(name, lambda: succeeds(ask))
        yield remote
    finally:
        daemons.stop([name])
        daemons.forget([name])
        shutil.rmtree(folder)
