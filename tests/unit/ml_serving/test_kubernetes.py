import copy
import json
import threading
from datetime import timedelta
from http.server import ThreadingHTTPServer

import pytest
from kubernetes import client

from tests.fakes import Answering
from tiphys.ml.incluster import NoPodError
from tiphys.ml.serving import kubernetes
from tiphys.ml.serving.api import PodCluster
from tiphys.ml.serving.kubernetes import RolloutError, Server

SECRET = {
    "name": "AWS_SECRET_ACCESS_KEY",
    "valueFrom": {"secretKeyRef": {"name": "s3", "key": "k"}},
}
SERVER = Server(
    model="Flight_delays.v2",
    registry="s3://ml/registry",
    image="registry.example/flights/serve@sha256:1",
    environment=(SECRET,),
)
QUICK = timedelta(milliseconds=1)
DONE = {"observedGeneration": 2, "updatedReplicas": 1, "availableReplicas": 1, "replicas": 1}


class Cluster:
    """Keeps what was applied; a Deployment is complete when it has been looked at often enough."""

    namespace = "ml"

    def __init__(self, looks):
        self.applied, self.looks = [], looks

    def apply(self, manifest):
        self.applied.append(copy.deepcopy(manifest))

    def deployment(self, name):
        assert name == self.applied[0]["metadata"]["name"]
        self.looks -= 1
        return {
            "metadata": {"generation": 2},
            "spec": {"replicas": 1},
            "status": DONE if self.looks < 0 else {},
        }


def test_a_roll_out_ends_when_the_deployment_is_complete():
    cluster = Cluster(looks=3)
    url = kubernetes.roll_out(cluster, SERVER, timedelta(seconds=5), every=QUICK)
    assert url == "http://serve-flight-delays-v2.ml.svc:8080"
    assert [each["kind"] for each in cluster.applied] == ["Deployment", "Service"]


def test_a_roll_out_that_does_not_end_is_given_up():
    with pytest.raises(TimeoutError, match="serve-flight-delays-v2 is not complete"):
        kubernetes.roll_out(Cluster(looks=10_000), SERVER, timedelta(seconds=0.05), every=QUICK)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, True),
        ({"observedGeneration": 1}, False),  # the controller has not seen the change yet
        ({"updatedReplicas": 0}, False),
        ({"availableReplicas": 0}, False),
        ({"replicas": 2}, False),  # an old pod still answers
    ],
)
def test_only_new_pods_that_answer_make_a_roll_out_complete(changed, expected):
    found = {"metadata": {"generation": 2}, "spec": {}, "status": {**DONE, **changed}}
    assert kubernetes.rolled_out(found) == expected


def test_the_service_finds_the_pods_of_the_deployment():
    deployment, service = kubernetes.deployment(SERVER), kubernetes.service(SERVER)
    pod = deployment["spec"]["template"]
    assert service["spec"]["selector"] == pod["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == pod["metadata"]["labels"]
    (container,) = pod["spec"]["containers"]
    assert container["args"][:2] == ["--registry=s3://ml/registry", "--model=Flight_delays.v2"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/v2/health/ready"


def test_credentials_stay_references():
    assert kubernetes.deployment(SERVER)["spec"]["template"]["spec"]["containers"][0]["env"] == [
        SECRET
    ]


def test_credentials_are_those_of_the_step_s_own_template(tmp_path):
    template = tmp_path / "template"
    assert kubernetes.own_environment(template) == []
    entries = [SECRET, {"name": "DO_NOT_TRACK", "value": "1"}]
    template.write_text(json.dumps({"name": "deploy", "container": {"env": entries}}))
    assert kubernetes.own_environment(template) == [SECRET]


def test_the_pods_are_what_pod_security_restricted_asks_for_and_write_to_tmp_only():
    pod = kubernetes.deployment(SERVER)["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/tmp"]  # noqa: S108


class ApiServer(Answering):
    """Answers patches with what was sent, and refuses services."""

    def do_PATCH(self):
        body = self.body()
        self.server.seen.append((self.path, self.headers["content-type"], json.loads(body)))
        self.answer(403 if "/services/" in self.path else 200, body)

    def do_GET(self):
        found = kubernetes.deployment(SERVER) | {"status": DONE}
        found["metadata"] |= {"generation": 2}
        self.answer(200, json.dumps(found).encode())


@pytest.fixture
def api_server():
    with ThreadingHTTPServer(("127.0.0.1", 0), ApiServer) as server:
        server.seen = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        settings = client.Configuration(host=f"http://127.0.0.1:{server.server_port}")
        with client.ApiClient(settings) as api:
            server.cluster = PodCluster(api, "ml")
            yield server
        server.shutdown()
        thread.join()


def test_an_object_is_applied_by_the_server(api_server):
    api_server.cluster.apply(kubernetes.deployment(SERVER))
    ((path, content_type, body),) = api_server.seen
    assert path == (
        "/apis/apps/v1/namespaces/ml/deployments/serve-flight-delays-v2"
        "?fieldManager=tiphys-deploy&force=true"
    )
    assert content_type == "application/apply-patch+yaml"
    assert body == kubernetes.deployment(SERVER)


def test_a_deployment_is_read_as_the_api_writes_it(api_server):
    found = api_server.cluster.deployment(SERVER.name)
    assert kubernetes.rolled_out(found | {"spec": {"replicas": 1}})
    assert found["status"]["availableReplicas"] == 1


def test_a_refusal_of_the_api_server_is_told_with_advice(api_server):
    with pytest.raises(RolloutError, match=r"Service/serve-.*403.*May the workflow's Service"):
        api_server.cluster.apply(kubernetes.service(SERVER))


def test_outside_a_pod_there_is_no_cluster():
    with pytest.raises(NoPodError, match="works in a pod only"):
        PodCluster.here()
