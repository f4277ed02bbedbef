from datetime import UTC, datetime, timedelta

from tests.fakes import node, run
from tiphys.report.rows import rows

NOW = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)


def test_steps_stand_in_the_order_of_the_manifest_whether_started_or_not():
    workflow = run(node("b"), tasks=[{"name": "a"}, {"name": "b"}, {"name": "c", "when": "1 == 2"}])
    assert [(row.name, row.phase) for row in rows(workflow)] == [
        ("a", ""),
        ("b", "Succeeded"),
        ("c", ""),
    ]
    assert rows(workflow)[2].when == "1 == 2"


def test_a_retried_step_is_one_row_with_all_its_attempts():
    workflow = run(
        node("a", type="Retry", children=["r.a(0)", "r.a(1)"]),
        node("a(0)", phase="Failed", message="main: Error (exit code 75): later", boundaryID="r"),
        node("a(1)", progress="3/8", metrics={"loss": 0.5}),
        tasks=[{"name": "a"}],
    )
    (row,) = rows(workflow)
    assert [one.phase for one in row.attempts] == ["Failed", "Succeeded"]
    assert row.attempts[0].message == "main: Error (exit code 75): later"
    assert row.progress == (3, 8)
    assert row.metrics == {"loss": 0.5}


def test_what_argo_leaves_running_in_a_run_that_was_stopped_has_failed():
    workflow = run(
        node("a", type="Retry", phase="Running", children=["r.a(0)"]),
        node("a(0)", phase="Failed", message="workflow shutdown with strategy:  Stop"),
        tasks=[{"name": "a"}],
    )
    workflow["status"]["phase"] = "Failed"
    assert [row.phase for row in rows(workflow)] == ["Running"]
    workflow["spec"]["shutdown"] = "Stop"
    (row,) = rows(workflow)
    assert (row.phase, row.message) == ("Failed", "Stopped with strategy 'Stop'")


def test_the_children_of_a_loop_stand_below_it_by_their_index():
    children = [node("a(10:x)"), node("a(2:y)")]
    group = node("a", type="TaskGroup", children=[one["id"] for one in children])
    workflow = run(group, *children, tasks=[{"name": "a"}])
    assert [(row.depth, row.name) for row in rows(workflow)] == [
        (0, "a"),
        (1, "a(2:y)"),
        (1, "a(10:x)"),
    ]


def test_a_loop_of_a_steps_template_gets_a_heading_of_its_own():
    workflow = run(node("a(0:x)"), node("a(1:y)", phase="Failed"), tasks=[])
    workflow["spec"]["templates"] = [{"name": "main", "steps": [[{"name": "a"}]]}]
    assert [(row.name, row.phase) for row in rows(workflow)] == [
        ("a", "Failed"),
        ("a(0:x)", "Succeeded"),
        ("a(1:y)", "Failed"),
    ]


def test_a_workflow_that_is_one_pod_is_one_row():
    workflow = run(tasks=[])
    workflow["spec"]["templates"] = [{"name": "main", "container": {"image": "busybox"}}]
    workflow["status"]["nodes"]["r"]["type"] = "Pod"
    assert [row.name for row in rows(workflow)] == ["r"]


def test_the_exit_handler_comes_last():
    handler = {**node("onExit"), "displayName": "r.onExit", "boundaryID": ""}
    workflow = run(handler, node("a"), tasks=[{"name": "a"}])
    assert [row.name for row in rows(workflow)] == ["a", "onExit"]


def test_metrics_left_behind_as_an_output_are_shown_and_are_no_output():
    outputs = [{"name": "metrics", "value": '{"loss": 0.25}'}, {"name": "rows", "value": "7"}]
    workflow = run(node("a", outputs={"parameters": outputs}), tasks=[{"name": "a"}])
    (row,) = rows(workflow)
    assert row.metrics == {"loss": 0.25}
    assert row.outputs == {"rows": "7"}


def test_a_running_step_has_run_until_now():
    workflow = run(node("a", phase="Running", finishedAt=None), tasks=[{"name": "a"}])
    (row,) = rows(workflow)
    assert row.duration(NOW) == timedelta(minutes=1)


def test_templates_of_a_referenced_workflow_template_are_found():
    workflow = run(node("a"), tasks=[])
    templates = workflow["spec"].pop("templates")
    templates[0]["dag"]["tasks"] = [{"name": "a"}]
    workflow["spec"] = {"workflowTemplateRef": {"name": "t"}}
    stored = {"entrypoint": "main", "templates": templates}
    workflow["status"]["storedWorkflowTemplateSpec"] = stored
    assert [row.name for row in rows(workflow)] == ["a"]
