"""What cases cannot say: how a run is refused, how deep and how large it may be, odd events."""

import time
from datetime import timedelta

import pytest
import yaml

from tests.scripted_world import BEGINNING, World
from tiphys import engine, manifest
from tiphys.engine.actions import Finish, Kill, StartAttempt, WakeAt
from tiphys.engine.events import (
    Begun,
    Exited,
    Interrupted,
    Lost,
    Progressed,
    Resumed,
    Started,
    Stopped,
)
from tiphys.errors import UserError

POD = {"name": "say", "container": {"image": "busybox", "command": ["echo"]}}


def loaded(tmp_path, *templates, **spec):
    workflow = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": "wf"},
        "spec": {"entrypoint": "main", "templates": list(templates), **spec},
    }
    path = tmp_path / "workflow.yaml"
    path.write_text(yaml.safe_dump(workflow))
    found = manifest.load([path])
    assert found.manifest is not None, "\n".join(map(str, found.problems))
    return found.manifest


def begun(**more):
    return Begun(at=BEGINNING, name="wf", uid="u-1", **more)


def one_pod(tmp_path, **more):
    return engine.begin(loaded(tmp_path, {**POD, "name": "main", **more}), begun())


def test_a_parameter_without_a_value_is_refused_with_the_flag_to_give_it(tmp_path):
    spec = {"arguments": {"parameters": [{"name": "who"}]}}

    with pytest.raises(UserError, match="-p who=VALUE"):
        engine.begin(loaded(tmp_path, {**POD, "name": "main"}, **spec), begun())


def test_a_parameter_must_be_one_of_its_enum(tmp_path):
    spec = {"arguments": {"parameters": [{"name": "who", "value": "a", "enum": ["a", "b"]}]}}

    with pytest.raises(UserError, match="one of: a, b"):
        engine.begin(
            loaded(tmp_path, {**POD, "name": "main"}, **spec), begun(parameters={"who": "c"})
        )


def test_recursion_stops_at_depth_100(tmp_path):
    recursive = {"name": "main", "steps": [[{"name": "m", "template": "main"}]]}
    world = World(manifest=loaded(tmp_path, recursive))

    nodes = world.run()["status"]["nodes"].values()

    deepest = [node for node in nodes if node["phase"] == "Error"]
    assert [node["name"] for node in deepest] == ["wf" + "[0].m" * 99]
    assert deepest[0]["message"].startswith("Maximum recursion depth exceeded.")


def test_ten_thousand_nodes_take_seconds(tmp_path):
    loop = {"name": "a", "template": "say", "withSequence": {"count": "10000"}}
    world = World(manifest=loaded(tmp_path, {"name": "main", "dag": {"tasks": [loop]}}, POD))
    before = time.process_time()

    status = world.run(limit=100_000)["status"]

    assert len(status["nodes"]) == 10_002
    assert status["phase"] == "Succeeded"
    assert time.process_time() - before < 10


def test_a_long_chain_is_as_fast_as_a_wide_one(tmp_path):
    tasks = [
        {"name": f"t{n}", "template": "say", **({"depends": f"t{n - 1}"} if n else {})}
        for n in range(2_000)
    ]
    world = World(manifest=loaded(tmp_path, {"name": "main", "dag": {"tasks": tasks}}, POD))
    before = time.process_time()

    assert world.run(limit=100_000)["status"]["phase"] == "Succeeded"
    assert time.process_time() - before < 3


def test_events_for_a_node_that_has_ended_change_nothing(tmp_path):
    state, _ = one_pod(tmp_path)
    state, actions = engine.advance(state, Exited(at=BEGINNING, node="wf", exit_code=0))
    before = engine.status(state)

    for event in (
        Started(at=BEGINNING, node="wf"),
        Progressed(at=BEGINNING, node="wf", progress="1/2"),
        Lost(at=BEGINNING, node="wf", message="gone"),
        Interrupted(at=BEGINNING, node="wf"),
        Exited(at=BEGINNING, node="wf", exit_code=1),
    ):
        state, more = engine.advance(state, event)
        assert more == ()

    assert [type(action) for action in actions] == [Finish]
    assert engine.status(state) == before


def test_progress_and_metrics_show_while_a_pod_runs(tmp_path):
    state, _ = one_pod(tmp_path)
    state, _ = engine.advance(state, Started(at=BEGINNING, node="wf", host="laptop"))
    state, _ = engine.advance(state, Progressed(at=BEGINNING, node="wf", progress="3/8"))
    state, _ = engine.advance(state, Progressed(at=BEGINNING, node="wf", metrics={"loss": 0.5}))

    node = engine.status(state)["status"]["nodes"]["wf"]

    assert node["progress"] == "3/8"
    assert node["metrics"] == {"loss": 0.5}
    assert node["hostNodeName"] == "laptop"
    assert engine.status(state)["status"]["progress"] == "3/8"


def test_a_new_driver_is_told_all_that_is_outstanding(tmp_path):
    state, first = one_pod(tmp_path, activeDeadlineSeconds=5)

    _, actions = engine.advance(state, Resumed(at=BEGINNING))

    assert {type(action) for action in actions} == {StartAttempt, WakeAt}
    assert set(map(id, actions)) & set(map(id, first))


def test_a_new_driver_is_told_to_kill_what_ran_too_long_meanwhile(tmp_path):
    state, _ = one_pod(tmp_path, activeDeadlineSeconds=5)

    _, actions = engine.advance(state, Resumed(at=BEGINNING + timedelta(seconds=5)))

    assert [type(action) for action in actions] == [StartAttempt, Kill]


def test_the_status_is_a_workflow_object(tmp_path):
    state, _ = one_pod(tmp_path, metadata={"labels": {"a": "b"}})

    workflow = engine.status(state)

    assert workflow["kind"] == "Workflow"
    assert workflow["metadata"]["labels"]["workflows.argoproj.io/phase"] == "Running"
    assert workflow["spec"]["entrypoint"] == "main"
    assert workflow["status"]["startedAt"] == "2026-01-01T00:00:00Z"
    assert workflow["status"]["nodes"]["wf"]["phase"] == "Pending"


def test_stopping_ends_an_interrupted_attempt_without_a_process(tmp_path):
    state, _ = one_pod(tmp_path)
    state, _ = engine.advance(state, Interrupted(at=BEGINNING, node="wf"))

    _, actions = engine.advance(state, Stopped(at=BEGINNING))

    assert actions[-1] == Finish(phase="Failed", message="Stopped with strategy 'Stop'")


def test_an_attempt_that_is_interrupted_while_being_killed_has_ended(tmp_path):
    state, _ = one_pod(tmp_path)
    state, _ = engine.advance(state, Stopped(at=BEGINNING))

    state, actions = engine.advance(state, Interrupted(at=BEGINNING, node="wf"))

    assert engine.status(state)["status"]["nodes"]["wf"]["phase"] == "Failed"
    assert isinstance(actions[-1], Finish)


def test_a_run_that_nothing_can_bring_on_ends_as_an_error(tmp_path):
    dag = {"name": "main", "parallelism": 0, "dag": {"tasks": [{"name": "a", "template": "say"}]}}

    _, actions = engine.begin(loaded(tmp_path, dag, POD), begun())

    assert actions[-1].phase == "Error"
    assert actions[-1].message.startswith("nothing is left that could bring this run on")


def test_an_attempt_without_an_exit_code_is_an_error(tmp_path):
    state, _ = one_pod(tmp_path)

    state, actions = engine.advance(state, Exited(at=BEGINNING, node="wf", exit_code=None))

    assert actions[-1].phase == "Error"
