import io
import json
from datetime import UTC, datetime

import pytest
from rich.console import Console

from tests.fakes import node, run
from tiphys.cli.live import Display
from tiphys.cli.tree import detail, tree, used
from tiphys.report.rows import rows

NOW = datetime(2026, 1, 1, 0, 0, 41, tzinfo=UTC)


def screen(workflow):
    console = Console(file=io.StringIO(), width=100)
    console.print(tree(workflow, NOW, "profile local"))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_the_tree_shows_phase_time_progress_metrics_and_what_is_still_to_come():
    training = node(
        "train", phase="Running", finishedAt=None, progress="5/8", metrics={"loss": 0.487}
    )
    workflow = run(
        node("fetch", outputs={"parameters": [{"name": "files", "value": "12"}]}),
        training,
        tasks=[{"name": "fetch"}, {"name": "train"}, {"name": "deploy", "when": "[passed]"}],
    )
    assert screen(workflow) == [
        "r  Running 41.0s   profile local",
        " ✔  fetch    2.0s  files 12",
        " ◐  train   41.0s  5/8 ━━━━━━━━━━━━━━━━━━━━  loss 0.487",
        " ○  deploy         when [passed]",
    ]


def test_a_failure_says_why_and_a_retry_why_it_was_needed():
    workflow = run(
        node("a", phase="Failed", message="main: Error (exit code 2): [late] is no column"),
        node("b", type="Retry", children=["r.b(0)", "r.b(1)"]),
        node("b(0)", phase="Failed", message="lost"),
        node("b(1)"),
        tasks=[{"name": "a"}, {"name": "b"}],
    )
    assert screen(workflow)[1:] == [
        " ✘  a  2.0s  main: Error (exit code 2): [late] is no column",
        " ✔  b  2.0s  attempt 2 (lost)",
    ]


def test_a_failure_says_why_there_was_no_other_attempt_in_place_of_argos_words():
    workflow = run(
        node(
            "a",
            type="Retry",
            phase="Failed",
            children=["r.a(0)"],
            message="retryStrategy.expression evaluated to false",
        ),
        node(
            "a(0)",
            phase="Failed",
            message="main: Error (exit code 2): no such month",
            templateName="a",
            outputs={"exitCode": "2"},
        ),
        tasks=[{"name": "a"}],
    )
    policies = [{"for": "bad input", "when": "lastRetry.exitCode == '2'", "attempts": 0}]
    annotations = {"tiphys.dev/retries": json.dumps(policies)}
    workflow["spec"]["templates"].append({"name": "a", "annotations": annotations})
    (detailed,) = map(detail, rows(workflow))
    assert detailed == "main: Error (exit code 2): no such month → bad input: never tried again"


def test_what_was_used_stands_beside_what_was_asked_for():
    workflow = run(
        node("a", usage={"peakMemoryBytes": 2**28, "cpuSeconds": 1.5}), tasks=[{"name": "a"}]
    )
    container = {"name": "a", "container": {"resources": {"requests": {"memory": "1Gi"}}}}
    workflow["spec"]["templates"].append(container)
    (row,) = rows(workflow)
    assert used(row, row.attempts[0]) == "256 MiB of 1Gi, 1.5 s CPU"


def test_without_a_terminal_each_change_is_a_line_and_said_once():
    console = Console(file=io.StringIO(), width=100)
    running = run(node("a", phase="Running", finishedAt=None), tasks=[{"name": "a"}])
    with Display(console, lambda: NOW) as display:
        display.warned("no GPU here")
        display.changed(running)
        display.changed(running)
        display.changed(run(node("a"), tasks=[{"name": "a"}]))
    assert console.file.getvalue().splitlines() == [
        "! no GPU here",
        "r  Running 41.0s",
        "◐ a            Running",
        "✔ a            Succeeded    2.0s",
    ]


@pytest.mark.parametrize("states", [0, 1], ids=["nothing yet", "running"])
def test_on_a_terminal_the_tree_is_drawn_in_place(states):
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with Display(console, lambda: NOW, "profile local") as display:
        for _ in range(states):
            display.changed(run(node("fetch"), tasks=[{"name": "fetch"}]))
    assert ("fetch" in console.file.getvalue()) == bool(states)
