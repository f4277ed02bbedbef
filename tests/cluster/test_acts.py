"""What people do to runs while they run, here and on Argo: a file an act, and the two must agree.

The first line of a file says what is done: `# suspend when NODE is PHASE; resume when …`.
"""

import json
import re
import threading
from pathlib import Path

import pytest
from patience import until

from tiphys import runtime
from tiphys.engine import naming
from tiphys.review import parity

pytestmark = pytest.mark.cluster

CASES = sorted(Path(__file__).with_name("acts").glob("*.yaml"))
ACT = re.compile(r"(\w+) when (\S+) is (\w+)")
LIMIT_SECONDS = 200


def acts_of(case):
    """Return (verb, node, phase) of each act."""
    return ACT.findall(case.read_text().partition("\n")[0])


def is_due(workflow, node, phase):
    nodes = (workflow.get("status") or {}).get("nodes") or {}
    known = {naming.known_as(one, nodes): one["phase"] for one in nodes.values()}
    own = str(workflow["metadata"]["name"])
    return known.get(node.replace("$", own)) == phase


class Actor:
    """An observer that does what the file says, on a thread of its own: the driver goes on."""

    def __init__(self, root, acts):
        self.root, self.acts, self.threads = root, list(acts), []

    def changed(self, workflow):
        if self.acts and is_due(workflow, *self.acts[0][1:]):
            verb, _, _ = self.acts.pop(0)
            name = workflow["metadata"]["name"]
            acting = threading.Thread(target=self.act, args=(verb, name))
            self.threads.append(acting)
            acting.start()

    def warned(self, text):
        pass

    def act(self, verb, name):
        watching = [] if verb == "suspend" else [Actor(self.root, [])]
        getattr(runtime, verb)(self.root, name, *watching)


@pytest.fixture(scope="module")
def started(cluster):
    """Return the name of the run on Argo of each case, after all that is done to it."""
    made = cluster.argo("submit", *map(str, CASES), "--output=name").split()
    names = dict(zip(CASES, made, strict=True))
    todo = {case: acts_of(case) for case in CASES}

    def left():
        return {case.stem: acts for case, acts in todo.items() if acts}

    def act():
        listed = cluster.get("workflows", *made)["items"]
        runs = {run["metadata"]["name"]: run for run in listed}
        for case, acts in todo.items():
            if acts and is_due(runs[names[case]], *acts[0][1:]):
                cluster.argo(acts.pop(0)[0], names[case])
        return not left()

    until(lambda: f"what is to be done on Argo to be due: {left()}", act, LIMIT_SECONDS)
    return names


@pytest.fixture
def remote(cluster, started, case):
    return cluster.ended(started[case], LIMIT_SECONDS)


@pytest.fixture
def local(case, tmp_path):
    actor = Actor(tmp_path, acts_of(case))
    outcome = runtime.run(runtime.RunRequest(files=(case,), root=tmp_path), actor)
    for thread in actor.threads:
        thread.join(timeout=10)
    assert actor.acts == [], "what should be done was never due"
    return json.loads(json.dumps(outcome.workflow))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_this_machine_and_argo_agree_on_what_people_do(local, remote):
    found = parity.differences(local, remote)
    assert not found, "\n".join(found)
