"""Every folder of `tests/cases` is a run: workflow, what attempts answer, what must come out."""

from pathlib import Path

import pytest
import yaml

from tests import scripted_world
from tests.scripted_world import World
from tiphys import engine, manifest

FOLDER = Path(__file__).parents[2] / "cases"
CASES = sorted(path.parent for path in FOLDER.glob("*/workflow.yaml"))


def read(path):
    return yaml.safe_load(path.read_text()) if path.exists() else {}


def facts(node, nodes, actions):
    """Return what a case may say of a node."""
    start = actions.get(node["id"])
    outputs, inputs = node.get("outputs", {}), node.get("inputs", {})
    return {
        "is": f"{node['type']} {node['phase']}",
        "message": node.get("message", ""),
        "children": [nodes[child]["name"] for child in node.get("children", [])],
        "outbound": [nodes[one]["name"] for one in node.get("outboundNodes", [])],
        "inputs": {one["name"]: one["value"] for one in inputs.get("parameters", [])},
        "outputs": {one["name"]: one["value"] for one in outputs.get("parameters", [])},
        "artifacts": [one["name"] for one in outputs.get("artifacts", [])],
        "keys": [one["s3"]["key"] for one in outputs.get("artifacts", [])],
        "exitCode": outputs.get("exitCode"),
        "result": outputs.get("result"),
        "display": node["displayName"],
        "boundary": nodes[node["boundaryID"]]["name"] if "boundaryID" in node else "",
        "scope": node["templateScope"],
        "started": scripted_world.seconds(node.get("startedAt")),
        "finished": scripted_world.seconds(node.get("finishedAt")),
        "args": start and list(start.template.container.args),
        "source": start and start.template.container.source,
        "image": start and start.template.container.image,
        "pod": start and start.pod_name,
        "captures": start and start.capture_result,
        "given": start and sorted(start.input_artifacts),
    }


def compared(wanted, found):
    """Return *found* cut down to what *wanted* speaks of."""
    if isinstance(wanted, str):
        return found["is"]
    return {key: found[key] for key in wanted}


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_a_case_comes_out_as_written(folder):
    world = run(folder)
    expected = read(folder / "expected.yaml")
    status = engine.status(world.state)["status"]
    nodes = status.get("nodes", {})  # none, where the run could not begin
    actions = {action.node: action for action in world.started}
    found = {node["name"]: facts(node, nodes, actions) for node in nodes.values()}
    wanted = expected["nodes"]

    assert {name: compared(wanted.get(name, ""), one) for name, one in found.items()} == wanted
    assert status["phase"] == expected["phase"]
    assert status.get("message", "") == expected.get("message", "")
    assert [action.phase for action in world.finished][-1:] == [expected["phase"]]
    for name, value in expected.get("outputs", {}).items():
        assert {"name": name, "value": value} in status["outputs"]["parameters"]
    if "starts" in expected:
        assert [action.node_name for action in world.started] == expected["starts"]


@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_replaying_the_journal_gives_the_same_workflow(folder):
    world = run(folder)

    again = scripted_world.replayed(world.manifest, world.journal)

    assert engine.status(again) == engine.status(world.state)


def run(folder):
    files = [folder / "workflow.yaml", *sorted(folder.glob("library*.yaml"))]
    loaded = manifest.load(files)
    assert loaded.manifest is not None, "\n".join(map(str, loaded.problems))
    world = World(manifest=loaded.manifest, script=read(folder / "script.yaml"))
    world.run()
    return world
