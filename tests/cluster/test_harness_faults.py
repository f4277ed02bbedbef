"""What the cluster offers to tests that break things, each proved on the cheapest pod."""

import json

import pytest
from checkout import git
from harness.errors import HarnessError

pytestmark = pytest.mark.cluster

LIMIT = "--timeout=240s"
LABEL = "tests=harness-faults"


def pod(name, node, command):
    """Return a pod that may run in the project's namespace, on *node* whatever its taints are."""
    container = {
        "name": "main",
        "image": "busybox:latest",
        "imagePullPolicy": "Never",
        "command": ["sh", "-c", command],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumeMounts": [{"name": "cache", "mountPath": "/cache"}],
    }
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "nodeSelector": {"kubernetes.io/hostname": node},
        "tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001},
        "containers": [container],
        "volumes": [{"name": "cache", "persistentVolumeClaim": {"claimName": "data-cache"}}],
    }
    labels = dict([LABEL.split("=")])
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.fixture(autouse=True)
def pods(flights):
    yield
    flights.kubectl("delete", "pods", "-l", LABEL, "--now", "--ignore-not-found")


def start(flights, name, node, command="sleep 600"):
    flights.kubectl("create", "-f-", stdin=json.dumps(pod(name, node, command)))
    flights.kubectl("wait", "--for=condition=Ready", f"pod/{name}", LIMIT)


def test_a_lost_node_takes_its_pods_along_and_comes_back_with_images_and_gpus(cluster, flights):
    start(flights, "victim", "gpu-b")
    with cluster.lost_node("gpu-b"):
        flights.kubectl("wait", "--for=delete", "pod/victim", LIMIT)
        with pytest.raises(HarnessError, match="not found"):
            cluster.get("node", "gpu-b")
    node = cluster.get("node", "gpu-b")
    assert node["metadata"]["labels"]["pool"] == "on-demand"
    assert [taint["key"] for taint in node["spec"]["taints"] if "gpu" in taint["key"]]
    start(flights, "heir", "gpu-b")
    assert cluster.get("node", "gpu-b")["status"]["allocatable"]["nvidia.com/gpu"] == "4"


def test_a_reclaim_evicts_what_does_not_tolerate_it(cluster, flights):
    start(flights, "evicted", "gpu-a")
    with cluster.tainted("gpu-a", "reclaim", "now", "NoExecute"):
        flights.kubectl("wait", "--for=delete", "pod/evicted", LIMIT)
    keys = [taint["key"] for taint in cluster.get("node", "gpu-a")["spec"]["taints"]]
    assert keys == ["nvidia.com/gpu"]


def test_every_node_sees_the_data_cache_and_its_pods_may_write(flights):
    flights.run_pod(pod("writer", "gpu-a", "umask 002; echo seen > /cache/probe"))
    flights.run_pod(pod("reader", "node-cpu", "cat /cache/probe; rm /cache/probe"))
    assert flights.kubectl("logs", "reader") == "seen\n"


def test_a_pod_that_may_raise_its_rights_is_refused_in_the_projects_namespace(flights):
    careless = pod("careless", "node-cpu", "true")
    del careless["spec"]["containers"][0]["securityContext"]
    with pytest.raises(HarnessError, match="violates PodSecurity"):
        flights.kubectl("create", "-f-", stdin=json.dumps(careless))


def test_a_repository_of_ours_is_read_and_pushed_to_by_url(cluster, tmp_path):
    with cluster.git_daemon() as remote:
        git(tmp_path, "init", "-q", "-b", "main")
        git(tmp_path, "commit", "-q", "--allow-empty", "-m", "First")
        git(tmp_path, "push", "-q", remote.url, "main")
        assert git(tmp_path, "rev-parse", "main") in git(tmp_path, "ls-remote", remote.url)
