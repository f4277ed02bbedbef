import copy
import json
from datetime import timedelta

import pytest

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


def test_outside_a_pod_there_is_no_cluster():
    with pytest.raises(RolloutError, match="works in a pod only"):
        PodCluster()
