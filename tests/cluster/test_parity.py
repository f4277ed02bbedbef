"""The local engine and a real Argo, compared on a corpus: a file a behaviour.

All files go to Argo at once, by its own command; each is then run here, and the two must agree.
"""

import json
from pathlib import Path

import pytest

from tiphys import runtime
from tiphys.review import parity

pytestmark = pytest.mark.cluster

CORPUS = Path(__file__).with_name("parity")
CASES = sorted(CORPUS.glob("*.yaml"))
LIBRARY = sorted((CORPUS / "library").glob("*.yaml"))
LIMIT_SECONDS = 300


class Silence:
    """An observer that nobody listens to."""

    def changed(self, workflow):
        pass

    def warned(self, text):
        pass


@pytest.fixture(scope="module")
def submitted(cluster):
    """Return the name of the run on Argo of each case."""
    cluster.kubectl("apply", *(f"--filename={file}" for file in LIBRARY))
    made = cluster.argo("submit", *map(str, CASES), "--output=name").split()
    return dict(zip(CASES, made, strict=True))


@pytest.fixture
def remote(cluster, submitted, case):
    name = submitted[case]
    limit = f"--timeout={LIMIT_SECONDS}s"
    cluster.kubectl("wait", "--for=condition=Completed", f"workflow/{name}", limit)
    return cluster.get("workflow", name)


@pytest.fixture
def local(case, tmp_path):
    request = runtime.RunRequest(files=(case, *LIBRARY), root=tmp_path)
    return json.loads(json.dumps(runtime.run(request, Silence()).workflow))


@pytest.mark.usefixtures("submitted")  # first, so that Argo works while we do
@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_this_machine_and_argo_agree(local, remote):
    found = parity.differences(local, remote)
    assert not found, "\n".join(found)
