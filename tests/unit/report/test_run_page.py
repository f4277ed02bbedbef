from datetime import UTC, datetime

from tests.fakes import node, run
from tiphys import page
from tiphys.report.run import Document, Material, Point, run_page

NOW = datetime(2026, 1, 1, 0, 1, tzinfo=UTC)
TASKS = [{"name": "train"}, {"name": "judge", "depends": "train.Succeeded"}]


def outputs(**values):
    return {"parameters": [{"name": name, "value": value} for name, value in values.items()]}


def test_the_page_shows_steps_times_verdict_and_model():
    judged = node("judge", outputs=outputs(verdict="pass", version="0123456789abcdef"))
    workflow = run(node("train"), judged, tasks=TASKS, phase="Succeeded")
    text = run_page(workflow, Material(), NOW)
    for expected in ("Succeeded, 2.0 s", "pass", "0123456789ab", "2 of 2", 'class="edge"'):
        assert expected in text
    assert "<script" not in text


def test_metrics_that_were_logged_several_times_become_curves():
    workflow = run(node("train"), tasks=TASKS)
    points = [Point(node="train", name="loss", step=i, value=1 / i) for i in (1, 2, 3)]
    single = Point(node="train", name="rows", step=1, value=9)
    text = run_page(workflow, Material(points=[*points, single]), NOW)
    assert "train: loss" in text
    assert "train: rows" not in text


def test_reports_of_steps_are_taken_in_and_foreign_html_is_not():
    ours = page.page("Data: rows", page.paragraph("all well"))
    workflow = run(node("train"), tasks=TASKS)
    documents = [
        Document(node="r.train", name="report", text=ours),
        Document(node="r.train", name="other", text="<html><body><script>x</script></body></html>"),
    ]
    text = run_page(workflow, Material(documents=documents), NOW)
    assert "train: report" in text
    assert "all well" in text
    assert "<script" not in text


def test_lineage_has_the_parameters_and_what_the_exit_handler_recorded():
    workflow = run(node("train"), tasks=TASKS)
    workflow["metadata"]["labels"] = {"team": "flights"}
    workflow["spec"]["arguments"] = {"parameters": [{"name": "revision", "value": "9e28020"}]}
    recorded = '{"data": {"md5": "5a75"}, "months": ["2013-09"]}'
    document = Document(node="r.onExit", name="lineage", text=recorded)
    text = run_page(workflow, Material(documents=[document]), NOW)
    for expected in ("flights", "9e28020", "data.md5", "5a75", "2013-09"):
        assert expected in text


def test_attempts_show_what_they_used_beside_the_request_and_retries_are_counted():
    workflow = run(
        node("train", type="Retry", children=["r.train(0)", "r.train(1)"]),
        node("train(0)", phase="Failed", message="main: Error (exit code 75): later"),
        node("train(1)", usage={"peakMemoryBytes": 2**29, "cpuSeconds": 3.5}),
        tasks=TASKS,
    )
    text = run_page(workflow, Material(), NOW)
    for expected in ("exit code 75", "512 MiB", "3.5", "Retries"):
        assert expected in text


def test_groups_of_steps_follow_one_another_in_the_graph():
    workflow = run(node("a"), node("b"), tasks=[])
    groups = [[{"name": "a"}], [{"name": "b"}, {"name": "c"}]]
    workflow["spec"]["templates"] = [{"name": "main", "steps": groups}]
    assert run_page(workflow, Material(), NOW).count('class="edge"') == 2


def test_a_run_that_has_not_started_has_a_page_too():
    workflow = run(tasks=[])
    workflow["status"] = {}
    assert "No step has started." in run_page(workflow, Material(), NOW)


def test_the_title_of_the_pipeline_leads_the_page():
    workflow = run(node("train"), tasks=TASKS)
    workflow["metadata"]["annotations"] = {"workflows.argoproj.io/title": "Flight delays"}
    assert "Flight delays" in run_page(workflow, Material(), NOW)
