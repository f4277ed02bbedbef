"""The cluster as a fixture. `make cluster-test` starts it and runs the tests inside its network."""

import os

import pytest
from harness.cluster import Cluster, connect
from harness.places import find

collect_ignore = ["failing"]
"""A project of its own: it is run by `test_failures`, not imported."""


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """Return the cluster that runs; see `harness.cluster` for what it offers."""
    if "TIPHYS_CLUSTER_DIR" not in os.environ:
        pytest.skip("needs the cluster's network: `make cluster-test`")
    return connect(find())
