"""The cluster as a fixture. `make cluster-test` starts it and runs the tests inside its network."""

import os
from collections.abc import Callable

import pytest
from harness.cluster import Cluster, connect
from harness.places import find

collect_ignore = ["failing"]
"""A project of its own: it is run by `test_failures`, not imported."""

TOGETHER = {
    "test_failures": "nodes",
    "test_gang": "nodes",
    "test_harness_faults": "nodes",
    "test_training": "nodes",
    "test_ui": "nodes",
    "test_verbs": "nodes",
    "test_access": "install",
    "test_admission": "install",
    "test_install": "install",
}
"""Files that use the GPU nodes or the project's namespace, or one that both make: never at once."""

FIGURE = "figure"


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in its own
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have one worker run all tests of a file, and of files that disturb each other."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(TOGETHER.get(item.path.stem, item.path.stem)))


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """Return the cluster that runs; see `harness.cluster` for what it offers."""
    if "TIPHYS_CLUSTER_DIR" not in os.environ:
        pytest.skip("needs the cluster's network: `make cluster-test`")
    return connect(find())


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
