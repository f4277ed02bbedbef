"""What holds for every workflow, whatever its attempts answer."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests import scripted_world
from tests.scripted_world import World
from tiphys import engine
from tiphys.engine.events import Resumed
from tiphys.manifest.model import (
    Call,
    Container,
    ContinueOn,
    Dag,
    Item,
    Kind,
    Manifest,
    Resource,
    RetryStrategy,
    Template,
    WorkflowSpec,
)

ANSWERS = st.sampled_from(
    [{}, {}, {"exit": 1}, {"problem": "no file"}, {"lost": "gone"}, {"after": 7}]
)
CONDITIONS = st.sampled_from([None, None, "true", "false", "{{workflow.name}} == wf", "1 +"])


@st.composite
def tasks(draw):
    """Draw a DAG: a task depends on tasks before it."""
    size = draw(st.integers(1, 8))
    found = []
    for index in range(size):
        before = draw(st.lists(st.integers(0, index - 1), unique=True)) if index else []
        joint = draw(st.sampled_from([" && ", " || "]))
        result = draw(st.sampled_from(["", "", ".Succeeded", ".Failed", ".Skipped", ".Omitted"]))
        looping = draw(st.booleans())
        found.append(
            Call(
                name=f"t{index}",
                template=draw(st.sampled_from(["leaf", "flaky", "inner"])),
                depends=joint.join(f"t{other}{result}" for other in before) or None,
                when=draw(CONDITIONS),
                with_items=(Item(json="1"), Item(json='"b"')) if looping else None,
                continue_on=draw(st.sampled_from([None, ContinueOn(failed=True)])),
                on_exit=draw(st.sampled_from([None, None, "leaf"])),
            )
        )
    return tuple(found)


def pod(name, **more):
    return Template(name=name, container=Container(image="busybox", command=("x",)), **more)


def manifest(drawn, *, parallelism=None, fail_fast=None):
    inner = ((Call(name="x", template="leaf"), Call(name="z", template="flaky")),)
    templates = (
        Template(name="main", dag=Dag(tasks=drawn), parallelism=parallelism, fail_fast=fail_fast),
        Template(name="inner", steps=inner),
        pod("leaf"),
        pod("flaky", retry_strategy=RetryStrategy(limit="1")),
    )
    spec = WorkflowSpec(entrypoint="main", templates=templates, on_exit="leaf")
    return Manifest(main=Resource(kind=Kind.WORKFLOW, name="wf", spec=spec))


@st.composite
def worlds(draw):
    names = [f"t{index}{end}" for index in range(8) for end in ("", "(0:1)", "[0].x", "[0].z")]
    script = {"nodes": draw(st.dictionaries(st.sampled_from(names), ANSWERS))}
    if draw(st.booleans()):
        script["events"] = [{"at": draw(st.integers(1, 9)), "stop": ""}]
    limits = draw(st.sampled_from([{}, {"parallelism": 1}, {"fail_fast": True}]))
    return World(manifest=manifest(draw(tasks()), **limits), script=script)


@given(worlds())
@settings(max_examples=60, deadline=None)
def test_every_run_ends_once(world):
    status = world.run()["status"]

    assert len(world.finished) == 1
    assert status["phase"] in {"Succeeded", "Failed", "Error"}
    assert status["finishedAt"]


@given(worlds())
@settings(max_examples=40, deadline=None)
def test_no_attempt_runs_twice(world):
    world.run()

    names = [action.node_name for action in world.started]
    assert len(names) == len(set(names))


@given(worlds())
@settings(max_examples=40, deadline=None)
def test_no_task_starts_before_what_it_depends_on_has_ended(world):
    nodes = {node["name"]: node for node in world.run()["status"]["nodes"].values()}

    for task in world.manifest.main.spec.templates[0].dag.tasks:
        node = nodes.get(f"wf.{task.name}")
        for other in (task.depends or "").replace("&&", "||").split("||"):
            before = nodes.get(f"wf.{other.strip().partition('.')[0]}")
            if node and before:
                assert before["finishedAt"] <= node["startedAt"]


@given(worlds())
@settings(max_examples=20, deadline=None)
def test_replaying_the_journal_gives_the_same_status(world):
    status = world.run()

    again = scripted_world.replayed(world.manifest, world.journal)

    assert engine.status(again) == status


@given(worlds(), st.data())
@settings(max_examples=40, deadline=None)
def test_a_driver_killed_at_any_event_loses_nothing(world, data):
    """The new driver gets every outstanding attempt again; with the same answers, the same end."""
    wanted = world.run()["status"]["phase"]
    stops = [event for event in world.journal if type(event).__name__ == "Stopped"]
    cut = data.draw(st.integers(1, len(world.journal)))
    kept = world.journal[:cut]
    heir = World(manifest=world.manifest, script={"nodes": world.script["nodes"]})
    heir.state, heir.journal = scripted_world.replayed(world.manifest, kept), list(kept)

    heir.apply(Resumed(at=kept[-1].at))
    heir.carry_on([event for event in stops if event not in kept])

    assert len(heir.finished) == 1
    assert stops or heir.finished[0].phase == wanted
