import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import argo_server, kubeconfig, node, run
from tiphys.cluster import api, gangs, sight
from tiphys.cluster.connection import connect
from tiphys.manifest import profiles

FOLDER = Path(__file__).parents[3] / "manifests"


@pytest.fixture(scope="module")
def profile():
    return replace(profiles.load(FOLDER / "ci"), namespace="ml")


def denied(_, path, __):
    what = path.partition("?")[0].rpartition("/")[2]
    message = f'{what} is forbidden: User "u" cannot list resource "{what}"'
    return 403, {"message": message}


def reached(profile, folder, server):
    return api.reach(profile, {"KUBECONFIG": str(kubeconfig(folder, server))})


def test_without_a_kubeconfig_nothing_is_asked(profile):
    assert api.reach(profile, {}) is None
    seen = sight.of_nodes(None)
    assert seen.nodes is None
    assert "KUBECONFIG" in seen.unseen[0]


PENDING = run(node("a", phase="Pending"), tasks=[])


def test_without_the_kubernetes_api_argo_server_tells_events():
    warning = {"reason": "FailedMount", "involvedObject": {"name": "r-a"}}
    with argo_server(lambda *_: (200, [{"result": warning}])) as server:
        link = connect(server=server, namespace="ml", token="t")  # noqa: S106 - nobody checks it
        assert sight.through_argo(link, PENDING).events == [warning]
        assert sight.through_argo(link, run(tasks=[])).events is None


def test_events_that_the_token_may_not_watch_are_unseen():
    with argo_server(lambda *_: (403, {"message": "cannot watch events"})) as server:
        link = connect(server=server, namespace="ml", token="t")  # noqa: S106 - nobody checks it
        seen = sight.through_argo(link, PENDING)
    assert seen.events is None
    assert "cannot watch events" in seen.unseen[1]


def test_a_context_that_is_not_there_is_named(profile, tmp_path):
    path = kubeconfig(tmp_path, "http://127.0.0.1:9")
    with pytest.raises(api.ContextError, match=r"Correct KUBECONFIG, or `kubernetes\.context`"):
        api.reach(replace(profile, kubernetes="moon"), {"KUBECONFIG": str(path)})
    with pytest.raises(api.ContextError, match="kubeconfig"):
        api.reach(profile, {"KUBECONFIG": str(tmp_path / "kubeconfig.none")})


def test_a_server_that_nobody_serves_is_one_sentence(profile, tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(api.ApiError, match="no Kubernetes API answers here"):
        api.ask(reached(profile, tmp_path, server), "/version")


@pytest.mark.parametrize(("status", "advice"), [(401, "expired"), (403, "for this right")])
def test_a_no_says_why_and_what_to_do(profile, tmp_path, status, advice):
    with (
        argo_server(lambda *_: (status, {"message": "not for you."})) as server,
        pytest.raises(api.ApiError, match="says: not for you. .*" + advice) as refused,
    ):
        api.ask(reached(profile, tmp_path, server), "/version")
    assert refused.value.status == status


def test_the_kubeconfigs_identity_is_not_the_tokens(profile, tmp_path):
    link = reached(profile, tmp_path, "http://127.0.0.1:9")
    assert link.client.configuration.api_key
    own = api.as_token(link, "Bearer mine")
    assert own.client.default_headers["Authorization"] == "Bearer mine"
    assert own.server == link.server


def test_a_run_shows_its_pods_those_of_its_gangs_and_the_nodes(profile, tmp_path):
    asked = []

    def answer(_, path, __):
        asked.append(path)
        return 200, {"items": [{"kind": path.partition("?")[0].rpartition("/")[2]}]}

    with argo_server(answer) as server:
        seen = sight.of_run(reached(profile, tmp_path, server), "r")
    assert [len(seen.pods), len(seen.events), len(seen.nodes)] == [2, 1, 1]
    assert seen.unseen == ()
    assert any("labelSelector=tiphys.dev%2Fworkflow%3Dr" in path for path in asked)


def test_the_pods_of_every_gang_are_those_with_the_label_of_a_run(profile, tmp_path):
    asked = []

    def answer(_, path, __):
        asked.append(path)
        return 200, {"items": [{"kind": "Pod"}]}

    with argo_server(answer) as server:
        seen = sight.of_gangs(reached(profile, tmp_path, server))
    assert (len(seen.pods), seen.unseen) == (1, ())
    assert asked == ["/api/v1/namespaces/ml/pods?labelSelector=tiphys.dev%2Fworkflow"]


def test_the_pods_of_gangs_that_nobody_may_list_are_said_to_be_theirs(profile, tmp_path):
    with argo_server(denied) as server:
        seen = sight.of_gangs(reached(profile, tmp_path, server))
    assert seen.pods is None
    assert seen.unseen[0].startswith("pods of gangs: ")
    assert "ask for get, list on pods." in seen.unseen[0]
    assert "pods of gangs: KUBECONFIG" in sight.of_gangs(None).unseen[0]


def test_what_may_not_be_listed_is_said_with_the_right_that_is_missing(profile, tmp_path):
    with argo_server(denied) as server:
        seen = sight.of_run(reached(profile, tmp_path, server), "r")
    assert (seen.pods, seen.events, seen.nodes) == (None, None, None)
    assert [sentence.partition(":")[0] for sentence in seen.unseen] == ["pods", "events", "nodes"]
    assert "ask for get, list on nodes" in seen.unseen[2]


def test_gangs_are_those_with_our_label_and_none_without_jobsets(profile, tmp_path):
    gang = {"metadata": {"name": "gang-r", "uid": "1", "labels": {"tiphys.dev/workflow": "r"}}}
    asked = []

    def answer(method, path, _):
        asked.append((method, path.partition("?")[0].rpartition("/")[2]))
        return 200, {"items": [gang]}

    with argo_server(answer) as server:
        link = reached(profile, tmp_path, server)
        (found,) = gangs.listed(link)
        gangs.delete(link, found)
    assert gangs.run_of(found) == "r"
    assert asked == [("GET", "jobsets"), ("DELETE", "gang-r")]
    with argo_server(lambda *_: (404, {"message": "no such"})) as server:
        link = reached(profile, tmp_path, server)
        assert gangs.listed(link) == []
        gangs.delete(link, gang)


def test_a_gang_that_has_the_name_by_now_is_not_deleted(profile, tmp_path):
    gang = {"metadata": {"name": "gang-r", "uid": "1"}}
    bodies = []

    def answer(_, __, body):
        bodies.append(body)
        return 409, {"message": "the UID in the precondition (1) does not match"}

    with argo_server(answer) as server:
        gangs.delete(reached(profile, tmp_path, server), gang)
    assert [body["preconditions"] for body in bodies] == [{"uid": "1"}]
