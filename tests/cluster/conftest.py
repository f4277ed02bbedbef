"""The cluster as a fixture. `make cluster-test` starts it and runs the tests inside its network."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from checkout import Checkout
from harness.cluster import Cluster, connect
from harness.places import find
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

collect_ignore = ["failing"]
"""A project of its own: it is run by `test_failures`, not imported."""

TOGETHER = frozenset(
    {
        "test_failures",
        "test_gang",
        "test_harness_faults",
        "test_smoke",
        "test_training",
        "test_ui",
        "test_verbs",
    }
)
"""Files that take nodes away, or the project's namespace for themselves: one after another."""

FIGURE = "figure"


class Scheduling(LoadScopeScheduling):
    """Gives all tests of a file to one worker, and those of files that disturb each other."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.partition("::")[0]).stem
        return "together" if file in TOGETHER else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Return who deals out the tests; only with `-n`."""
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """Return the cluster that runs; see `harness.cluster` for what it offers."""
    if "TIPHYS_CLUSTER_DIR" not in os.environ:
        pytest.skip("needs the cluster's network: `make cluster-test`")
    return connect(find())


@pytest.fixture(scope="session")
def flights(cluster: Cluster) -> Cluster:
    """Return the same cluster as the project uses it: its namespace, and a token to submit."""
    return cluster.project


@pytest.fixture(scope="session")
def project(flights: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    """Return a copy of the project, whose runs on the cluster are in its own namespace."""
    made = Checkout.at(tmp_path_factory.mktemp("project") / "flights", flights)
    yield made
    made.tiphys("serve", "stop")


@pytest.fixture(scope="session")
def remote(project: Checkout) -> dict[str, Any]:
    """Return a run of the training pipeline on the cluster, from `tiphys run --on`."""
    project.forget_models()
    run: dict[str, Any] = json.loads(project.tiphys("run", "training", "--on", "ci", "-o", "json"))
    return run


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Return a function that has lines printed after all tests, below the name of this one."""

    def tell(*lines: str) -> None:
        for line in lines:
            record_property(FIGURE, line)

    return tell


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests have told."""
    for report in (
        one for kind in ("passed", "failed") for one in terminalreporter.getreports(kind)
    ):
        told = [line for key, line in report.user_properties if key == FIGURE]
        if told and report.when == "call":
            terminalreporter.write_sep("-", report.nodeid.rpartition("/")[2])
            terminalreporter.write_line("\n".join(map(str, told)))
