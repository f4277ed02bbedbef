import copy

import pytest

from tests.fakes import node, run
from tiphys.review import parity

TASKS = [{"name": "a"}]


def two(one):
    """Return *one* and a copy under another name, as the cluster would have it."""
    other = copy.deepcopy(one)
    other["metadata"]["name"] = "s"
    for part in other["status"]["nodes"].values():
        part["name"] = "s" + part["name"][1:]
        part["displayName"] = part["name"].rpartition(".")[2]
    return one, other


def test_runs_that_did_the_same_agree_whatever_their_names_times_and_hosts():
    here, there = two(run(node("a"), tasks=TASKS))
    there["status"]["nodes"]["r.a"] |= {"hostNodeName": "n", "startedAt": "2027-01-01T00:00:00Z"}
    assert parity.differences(here, there) == []


@pytest.mark.parametrize(
    "change",
    [
        {"phase": "Failed"},
        {"type": "Retry"},
        {"displayName": "else"},
        {"outputs": {"exitCode": "3"}},
        {"outputs": {"parameters": [{"name": "x", "value": "2"}]}},
        {"outputs": {"artifacts": [{"name": "x"}]}},
        {"outputs": {"result": "x"}},
        {"message": "main: Error (exit code 3)"},
        {"children": ["r.b"]},
    ],
    ids=[
        "phase",
        "type",
        "display",
        "exit code",
        "parameter",
        "artifact",
        "result",
        "message",
        "child",
    ],
)
def test_what_differs_is_shown_as_a_diff(change):
    here, there = two(run(node("a"), tasks=TASKS))
    there["status"]["nodes"]["r.a"] |= change
    diff = parity.differences(here, there)
    assert diff[:2] == ["--- r", "+++ s"]
    assert any(line.startswith("+$.a") for line in diff)


def test_a_node_that_only_one_side_has_is_a_difference():
    here, there = two(run(node("a"), tasks=TASKS))
    del there["status"]["nodes"]["r.a"]
    assert "-$.a Pod Succeeded" in parity.differences(here, there)


@pytest.mark.parametrize(
    ("local", "cluster"),
    [
        ({"name": "metrics", "value": '{"loss": 1}'}, {"name": "metrics", "value": '{"loss": 2}'}),
        (
            {"name": "endpoint", "value": "http://127.0.0.1:8/v2/models/m"},
            {"name": "endpoint", "value": "http://m.ml.svc/v2/models/m"},
        ),
        ({"name": "key", "value": "r/x"}, {"name": "key", "value": "s/x"}),
    ],
    ids=["measured", "address", "own name"],
)
def test_what_differs_by_nature_is_no_difference(local, cluster):
    here, there = two(run(node("a"), tasks=TASKS))
    here["status"]["nodes"]["r.a"]["outputs"] = {"parameters": [local]}
    there["status"]["nodes"]["r.a"]["outputs"] = {"parameters": [cluster]}
    assert parity.differences(here, there) == []


def test_an_attempt_that_was_killed_may_be_failed_here_and_an_error_there():
    retry = node("a", type="Retry", children=["r.a(0)"])
    killed = node("a(0)", phase="Failed", outputs={"exitCode": "143"})
    here, there = two(run(retry, killed, tasks=TASKS))
    there["status"]["nodes"]["r.a(0)"] |= {"phase": "Error", "outputs": {}}
    assert parity.differences(here, there) == []


def test_what_an_attempt_that_was_taken_away_had_written_may_be_saved_or_not():
    retry = node("a", type="Retry", children=["r.a(0)"])
    written = [{"name": "metrics", "value": '{"loss": 1}'}]
    killed = node("a(0)", phase="Failed", outputs={"exitCode": "143", "parameters": written})
    here, there = two(run(retry, killed, tasks=TASKS))
    there["status"]["nodes"]["r.a(0)"]["outputs"] = {"exitCode": "143"}
    assert parity.differences(here, there) == []


def test_an_attempt_that_was_killed_for_its_memory_was_not_lost_by_chance():
    retry = node("a", type="Retry", children=["r.a(0)"])
    ended = {"phase": "Failed", "outputs": {"exitCode": "137"}}
    here, there = two(run(retry, node("a(0)", **ended), tasks=TASKS))
    for side, reason in ((here, "OOMKilled"), (there, "Error")):
        side["status"]["nodes"]["r.a(0)"]["message"] = f"main: {reason} (exit code 137)"
    assert "-$.a(0) Pod Failed exit 137: main: OOMKilled (exit code 137)" in (
        parity.differences(here, there)
    )


@pytest.mark.parametrize(
    ("local", "cluster"),
    [
        ("child 'r-1' failed", "child 's-2' failed"),
        ("main: Error (exit code 2): no /r/x", "main: Error (exit code 2): no /s/x"),
        ("x is no integer.", "failed to evaluate expression: invalid operation: int(x)"),
        ("timeout", "Pod was active on the node longer than the specified deadline"),
    ],
    ids=["identifiers", "words of the step", "faults", "deadlines"],
)
def test_messages_that_say_the_same_are_no_difference(local, cluster):
    here, there = two(run(node("a"), node("b"), tasks=TASKS))
    for side, name, text in ((here, "r-1", local), (there, "s-2", cluster)):
        nodes = side["status"]["nodes"]
        nodes[name] = nodes.pop("r.b")
        nodes["r.a"] |= {"phase": "Failed", "message": text}
    assert parity.differences(here, there) == []


@pytest.mark.parametrize(
    ("local", "cluster"),
    [
        ("child 'r-1' failed", "child 's.a' failed"),
        ("main: Error (exit code 2)", "main: OOMKilled (exit code 2)"),
        ("x is no integer.", "omitted: depends condition not met"),
        ("", "timeout"),
    ],
)
def test_messages_that_say_something_else_are_a_difference(local, cluster):
    here, there = two(run(node("a"), tasks=TASKS))
    here["status"]["nodes"]["r.a"]["message"] = local
    there["status"]["nodes"]["r.a"]["message"] = cluster
    assert parity.differences(here, there)


def test_what_a_pod_left_when_its_time_was_up_is_chance():
    here, there = two(run(node("a", phase="Failed", message="timeout"), tasks=TASKS))
    there["status"]["nodes"]["r.a"]["outputs"] = {
        "exitCode": "143",
        "parameters": [{"name": "x", "value": "1"}],
    }
    assert parity.differences(here, there) == []


SHUT_DOWN = {"phase": "Failed", "message": "workflow shutdown with strategy:  Stop"}
TOLD_TO_GO = {
    "phase": "Failed",
    "message": "main: Error (exit code 143)",
    "outputs": {"exitCode": "143"},
}


@pytest.mark.parametrize("stopped", [True, False])
def test_whether_a_stop_or_only_its_code_is_told_of_a_pod_is_chance_in_a_stopped_run(stopped):
    here, there = two(run(node("a"), tasks=TASKS))
    for one in (here, there):
        one["spec"] |= {"shutdown": "Stop"} if stopped else {}
    here["status"]["nodes"]["r.a"] |= SHUT_DOWN
    there["status"]["nodes"]["r.a"] |= TOLD_TO_GO
    assert (parity.differences(here, there) == []) is stopped


def test_a_step_that_failed_before_the_stop_is_not_shut_down():
    here, there = two(run(node("a"), tasks=TASKS))
    for one in (here, there):
        one["spec"]["shutdown"] = "Stop"
    here["status"]["nodes"]["r.a"] |= SHUT_DOWN
    there["status"]["nodes"]["r.a"] |= TOLD_TO_GO | {"outputs": {"exitCode": "1"}}
    assert parity.differences(here, there)


def test_a_parameter_that_was_not_written_is_no_output():
    here, there = two(run(node("a"), tasks=TASKS))
    there["status"]["nodes"]["r.a"]["outputs"] = {"parameters": [{"name": "x"}]}
    assert parity.differences(here, there) == []


def test_runs_of_two_files_are_not_compared():
    here, there = two(run(node("a"), tasks=TASKS))
    here["metadata"]["annotations"] = {parity.MANIFEST: "a" * 64}
    there["metadata"]["annotations"] = {parity.MANIFEST: "b" * 64}
    with pytest.raises(parity.DifferentFilesError, match="sha256 aaaaaaaaaaaa here"):
        parity.differences(here, there)
