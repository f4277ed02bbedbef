"""The Kubernetes API as a launcher speaks to it, against a server that answers as it would."""

import json
import threading
from http.server import ThreadingHTTPServer

import pytest
from kubernetes import client

from tests.fakes import Answering
from tiphys.ml.incluster import NoPodError
from tiphys.ml.training.api import GangRefusedError, PodCluster
from tiphys.step import Temporary

JOBSETS = "/apis/jobset.x-k8s.io/v1alpha2/namespaces/ml/jobsets"
LOG = "2026-01-01T00:00:00.000000001Z one\n2026-01-01T00:00:00.000000002Z zwölf\n"


class ApiServer(Answering):
    """Has the JobSet `here`, whose pod `p` has a log; what is called `busy` is not answered."""

    def do_POST(self):
        body = self.body()
        codes = {"refused": 403, "another": 409}
        self.answer(codes.get(json.loads(body)["metadata"]["name"], 201), body)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        self.server.seen.append(query)
        answers = {
            f"{JOBSETS}/here": (200, '{"status": {"restarts": 1}}'),
            f"{JOBSETS}/busy": (503, "{}"),
            "/api/v1/namespaces/ml/pods": (200, '{"items": [{"metadata": {"name": "p"}}]}'),
            "/api/v1/namespaces/ml/pods/p/log": (200, LOG),
        }
        status, text = answers.get(path, (404, "{}\n"))
        if "hidden" in query:
            status = 403
        self.answer(status, text.encode())

    def do_DELETE(self):
        body = self.body()
        self.server.seen.append(json.loads(body))
        codes = {f"{JOBSETS}/here": 200, f"{JOBSETS}/another": 409}
        self.answer(codes.get(self.path, 404), b"{}")


@pytest.fixture
def seen():
    """The queries that the server was asked."""
    return []


@pytest.fixture
def cluster(seen):
    with ThreadingHTTPServer(("127.0.0.1", 0), ApiServer) as server:
        server.seen = seen
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        settings = client.Configuration(host=f"http://127.0.0.1:{server.server_port}")
        settings.retries = False
        with client.ApiClient(settings) as api:
            yield PodCluster(api, "ml")
        server.shutdown()
        thread.join()


def jobset(name):
    return {"metadata": {"name": name, "uid": "u-1"}}


def test_a_jobset_is_created_and_read_as_the_api_writes_it(cluster):
    cluster.create(jobset("here"))
    assert cluster.jobset("here") == {"status": {"restarts": 1}}


def test_a_jobset_that_is_not_there_is_none_and_may_be_deleted(cluster):
    assert cluster.jobset("gone") is None
    cluster.delete(jobset("gone"))


def test_a_jobset_is_deleted_after_its_pods_and_only_this_one(cluster, seen):
    cluster.delete(jobset("here"))
    assert seen == [{"propagationPolicy": "Foreground", "preconditions": {"uid": "u-1"}}]


def test_another_jobset_of_the_same_name_stays(cluster):
    cluster.delete(jobset("another"))


def test_a_jobset_that_is_there_already_is_a_temporary_failure(cluster):
    with pytest.raises(Temporary, match="the API server says 409"):
        cluster.create(jobset("another"))


def test_the_pods_are_those_of_the_jobset(cluster, seen):
    assert cluster.pods("here") == [{"metadata": {"name": "p"}}]
    assert seen == ["labelSelector=jobset.sigs.k8s.io/jobset-name%3Dhere"]


def test_a_log_is_followed_with_its_times(cluster, seen):
    assert list(cluster.log("p")) == LOG.splitlines()
    assert "follow=true" in seen[0].lower()


def test_a_pod_without_a_log_says_nothing(cluster):
    assert list(cluster.log("q")) == []


def test_a_refusal_is_told_with_advice(cluster):
    with pytest.raises(GangRefusedError, match=r"JobSet refused: .*403.*ServiceAccount"):
        cluster.create(jobset("refused"))


def test_a_refusal_to_list_pods_is_told_too(cluster):
    with pytest.raises(GangRefusedError, match=r"the pods of hidden: .*403"):
        cluster.pods("hidden")


def test_a_server_that_cannot_answer_now_is_a_temporary_failure(cluster):
    with pytest.raises(Temporary, match="the API server says 503"):
        cluster.jobset("busy")


def test_a_server_that_is_not_there_is_a_temporary_failure():
    settings = client.Configuration(host="http://127.0.0.1:9")
    settings.retries = False
    with (
        client.ApiClient(settings) as api,
        pytest.raises(Temporary, match="does not answer"),
    ):
        PodCluster(api, "ml").jobset("here")


def test_outside_a_pod_there_is_no_gang():
    with pytest.raises(NoPodError, match="works in a pod only"):
        PodCluster.here()
