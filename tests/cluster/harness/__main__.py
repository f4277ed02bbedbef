"""The command line: `python tests/cluster/harness up|down|test|shell|build|images|names`."""

import argparse
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from harness import build, packages, roles
from harness.cluster import connect
from harness.down import down
from harness.errors import HarnessError
from harness.phases import Phases
from harness.places import Places, find
from harness.shell import Argument, inside
from harness.up import Starter


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of the command line."""

    places: Places
    rest: Sequence[str]
    """What follows the verb."""
    phases: Phases


def run_up(call: Call) -> int:
    with locked(call.places):
        Starter(places=call.places, phases=call.phases).up()
        kept(call).touch()
    print(f"The cluster runs in {call.places.state}; `make cluster-shell` enters it.")
    return 0


def kept(call: Call) -> Path:
    """Return the file that says that somebody wants the cluster beyond one test."""
    return call.places.state / "kept"


def run_down(call: Call) -> int:
    with locked(call.places), call.phases.phase("down"):
        kept(call).unlink(missing_ok=True)
        down(call.places)
    return 0


def run_build(call: Call) -> int:
    """Build the programs only: what a cache in CI is filled with."""
    with locked(call.places), call.phases.phase("build"):
        packages.install()
        print(build.binaries(call.places))
    return 0


def run_images(call: Call) -> int:
    """Build every role's image, and name them beside the profile that follows the verb."""
    with locked(call.places):
        packages.install()
        for image in Starter(places=call.places, phases=call.phases).build_roles():
            print(image.name)
    return run_names(call)


def run_names(call: Call) -> int:
    """Name the images of the locks, built or not, beside the profile that follows the verb."""
    (cluster,) = call.rest or ["ci"]
    print(roles.write_names(call.places, cluster))
    return 0


def run_shell(call: Call) -> int:
    """Run a shell, or the command that follows the verb, inside the cluster's network."""
    cluster = connect(call.places)
    command = call.rest or [os.environ.get("SHELL", "/bin/bash")]
    return _run_inside(call, command, cluster.environment)


def run_test(call: Call) -> int:
    """Run the cluster tests, what follows the verb being pytest's; a cluster that was up stays."""
    with locked(call.places):
        Starter(places=call.places, phases=call.phases).up()
    try:
        cluster = connect(call.places)
        pytest: list[Argument] = [sys.executable, "-m", "pytest", "-m", "cluster"]
        chosen = [word for word in call.rest if (call.places.repository / word).exists()]
        pytest += [] if chosen else [call.places.sources, *AT_ONCE]
        with call.phases.phase("tests"):
            return _run_inside(call, [*pytest, *call.rest], cluster.environment)
    finally:
        if not kept(call).exists():
            run_down(call)


AT_ONCE = ("-n2", "-v")
"""They mostly wait for Argo. `conftest.py` deals them out: some files disturb each other."""

VERBS = {
    "up": run_up,
    "down": run_down,
    "test": run_test,
    "shell": run_shell,
    "build": run_build,
    "images": run_images,
    "names": run_names,
}
FOR_ANYBODY = {"names"}


def main() -> int:
    """Run one verb and return its exit code; 2 is a machine that cannot do it."""
    parser = argparse.ArgumentParser(prog="harness", description="A real Argo for the tests")
    parser.add_argument("verb", choices=VERBS)
    arguments, rest = parser.parse_known_args()
    if os.geteuid() and arguments.verb not in FOR_ANYBODY:
        return _refuse("The cluster needs root: it makes namespaces, mounts and cgroups.")
    phases = Phases()
    try:
        return VERBS[arguments.verb](Call(places=find(), rest=rest, phases=phases))
    except HarnessError as error:
        return _refuse(str(error))
    finally:
        if phases.seconds:
            print(phases)


@contextmanager
def locked(places: Places) -> Iterator[None]:
    """Hold the one lock: building, starting and stopping clusters happens one at a time."""
    places.cache.mkdir(parents=True, exist_ok=True)
    with (places.cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _run_inside(call: Call, argv: Sequence[Argument], env: Mapping[str, str]) -> int:
    command = inside(call.places.netns, argv)
    directory = call.places.repository
    return subprocess.run(command, cwd=directory, env={**os.environ, **env}, check=False).returncode


def _refuse(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
