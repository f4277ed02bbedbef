"""What steps on a cluster have said: while their pods are there, and afterwards."""

import pytest

from tests.fakes import argo_server, node, run
from tiphys.cluster import logs
from tiphys.cluster.connection import connect
from tiphys.errors import UnknownNameError

ARCHIVE = {"outputs": {"artifacts": [{"name": "main-logs"}]}}


def connection(server):
    return connect(server=server, namespace="ml", token="x")  # noqa: S106 - nobody checks it


def saying(workflow, lines=(), archive=None):
    """Return a server's answers: *lines* of pods that are there, *archive* by id of a node."""

    def answer(_, path, __):
        if "/artifacts/" in path:
            text = (archive or {}).get(path.split("/")[-2])
            return (404, {}) if text is None else (200, text)
        return 200, [{"result": one} for one in lines] if "/log" in path else workflow

    return answer


def test_logs_name_the_step_of_each_line():
    workflow = run(node("a-1"), node("b-2"), tasks=[])
    lines = [{"podName": "r-t-1", "content": "x"}, {"podName": "r-t-2", "content": "y"}]

    answer = saying(workflow, lines)

    with argo_server(answer) as server:
        assert list(logs.read(connection(server), "r")) == [("a-1", "x"), ("b-2", "y")]
        assert list(logs.read(connection(server), "r", node="b-2")) == [("b-2", "y")]


def test_the_name_of_a_step_means_all_its_attempts():
    workflow = run(node("a(0)-1"), node("a(1)-2"), node("b-3"), tasks=[])
    lines = [{"podName": f"r-t-{number}", "content": str(number)} for number in (1, 2, 3)]

    answer = saying(workflow, lines)

    with argo_server(answer) as server:
        found = list(logs.read(connection(server), "r", node="a"))
    assert found == [("a(0)-1", "1"), ("a(1)-2", "2")]


def test_what_argos_executor_says_is_no_line_of_the_step():
    workflow = run(node("a-1"), tasks=[])
    said = 'time=2026-01-01T00:00:00Z level=INFO msg="sub-process exited" argo=true error=x'
    lines = [{"podName": "r-t-1", "content": text} for text in (said, "x")]

    answer = saying(workflow, lines)

    with argo_server(answer) as server:
        assert list(logs.read(connection(server), "r")) == [("a-1", "x")]


def test_what_pods_said_that_are_gone_is_in_the_archive():
    workflow = run(node("a-1"), node("b-2", **ARCHIVE), tasks=[], phase="Succeeded")
    lines = [{"podName": "r-t-1", "content": "x"}]
    noise = "time=2026-01-01T00:00:00Z level=INFO msg=x argo=true"
    answer = saying(workflow, lines, {"r.b-2": f"y\n{noise}\nz"})
    with argo_server(answer) as server:
        assert list(logs.read(connection(server), "r")) == [
            ("a-1", "x"),
            ("b-2", "y"),
            ("b-2", "z"),
        ]
        assert list(logs.read(connection(server), "r", node="a-1")) == [("a-1", "x")]


def test_a_line_is_told_once_where_the_pod_is_still_there():
    workflow = run(node("a-1", **ARCHIVE), tasks=[], phase="Succeeded")
    answer = saying(workflow, [{"podName": "r-t-1", "content": "x"}], {"r.a-1": "x"})
    with argo_server(answer) as server:
        assert list(logs.read(connection(server), "r")) == [("a-1", "x")]


def test_a_run_whose_pods_are_gone_without_an_archive_says_how_to_have_one():
    workflow = run(node("a-1"), tasks=[], phase="Failed")
    with (
        argo_server(saying(workflow)) as server,
        pytest.raises(logs.NoLogsError, match="archiveLogs: true"),
    ):
        list(logs.read(connection(server), "r"))


def test_an_archive_that_cannot_be_read_is_no_empty_log():
    workflow = run(node("a-1", **ARCHIVE), tasks=[], phase="Failed")
    with argo_server(saying(workflow)) as server, pytest.raises(logs.NoLogsError):
        list(logs.read(connection(server), "r"))


def test_a_step_whose_log_is_lost_says_so_though_another_has_one():
    workflow = run(node("a-1"), node("b-2", **ARCHIVE), tasks=[], phase="Failed")
    answer = saying(workflow, archive={"r.b-2": "y"})
    with argo_server(answer) as server:
        assert list(logs.read(connection(server), "r")) == [("b-2", "y")]
        with pytest.raises(logs.NoLogsError, match="r, step a-1: no log is left"):
            list(logs.read(connection(server), "r", node="a-1"))


def test_a_step_that_said_nothing_has_an_empty_log():
    workflow = run(node("a-1", **ARCHIVE), tasks=[], phase="Succeeded")
    with argo_server(saying(workflow, archive={"r.a-1": []})) as server:
        assert list(logs.read(connection(server), "r")) == []


def test_a_run_without_a_pod_has_lost_no_log():
    workflow = run({**node("a-1"), "type": "Suspend"}, tasks=[], phase="Succeeded")
    with argo_server(saying(workflow)) as server:
        assert list(logs.read(connection(server), "r")) == []


def test_a_log_that_breaks_off_while_the_run_goes_on_does_not_end_as_if_all_was_said():
    workflow = run(node("a-1"), tasks=[])
    lines = [{"podName": "r-t-1", "content": "x"}]
    with argo_server(saying(workflow, lines)) as server:
        heard = logs.read(connection(server), "r", follow=True)
        assert next(heard) == ("a-1", "x")
        with pytest.raises(logs.BrokenOffError, match="the run goes on"):
            next(heard)


def test_a_step_that_is_not_there_is_named():
    workflow = run(node("train-1"), tasks=[], phase="Succeeded")
    with (
        argo_server(saying(workflow)) as server,
        pytest.raises(UnknownNameError, match='no step "trian"'),
    ):
        list(logs.read(connection(server), "r", node="trian"))
