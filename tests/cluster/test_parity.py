"""The local engine and a real Argo, compared on a corpus: a file a behaviour.

Argo gets some files ahead, by its own command; each is then run here, and the two must agree.
"""

import json
from pathlib import Path

import pytest

from tests.fakes import Silence
from tiphys import runtime
from tiphys.review import parity

pytestmark = pytest.mark.cluster

CORPUS = Path(__file__).with_name("parity")
CASES = sorted(CORPUS.glob("*.yaml"))
LIBRARY = sorted((CORPUS / "library").glob("*.yaml"))
LIMIT_SECONDS = 300
AHEAD = 10
"""So many runs Argo has at once: under more, a small machine loses what it killed and why."""


@pytest.fixture(scope="module")
def runs(cluster):
    """Return the name of the run on Argo of each case that it has got."""
    cluster.kubectl("apply", *(f"--filename={file}" for file in LIBRARY))
    return {}


@pytest.fixture
def submitted(cluster, runs, case):
    """Return the name of the run on Argo of *case*, once Argo has the next ones too."""
    until = CASES.index(case) + AHEAD
    if new := [one for one in CASES[:until] if one not in runs]:
        made = cluster.argo("submit", *map(str, new), "--output=name").split()
        runs.update(zip(new, made, strict=True))
    return runs[case]


@pytest.fixture
def remote(cluster, submitted):
    return cluster.ended(submitted, LIMIT_SECONDS)


@pytest.fixture
def local(case, tmp_path):
    request = runtime.RunRequest(files=(case, *LIBRARY), root=tmp_path)
    return json.loads(json.dumps(runtime.run(request, Silence()).workflow))


@pytest.mark.usefixtures("submitted")  # first, so that Argo works while we do
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_this_machine_and_argo_agree(local, remote):
    found = parity.differences(local, remote)
    assert not found, "\n".join(found)
