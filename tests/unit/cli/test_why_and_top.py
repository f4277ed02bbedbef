"""`tiphys why` and `tiphys top`, here and against servers that answer as Argo and Kubernetes do."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.fakes import argo_server, kubeconfig
from tiphys.cli import main
from tiphys.ml.training.jobset import Gang

RECORDED = Path(__file__).parents[1] / "report" / "waiting"
PROFILE = """\
namespace: ml
images: none
tiers:
  cpu: {{requests: {{cpu: 1}}}}
  gpu:
    limits: {{nvidia.com/gpu: 1}}
    capacity: 3
    tolerations: [{{key: nvidia.com/gpu, operator: Exists}}]
  wide: {{limits: {{nvidia.com/gpu: 2}}, nodes: 2}}
gang: jobset
source: archive
storage: {{artifacts: a, registry: r, checkpoints: c, dvc: d, code: e}}
argo: {{server: "{server}", token: {{env: ARGO_TOKEN}}}}
"""


def recorded(name):
    return json.loads((RECORDED / f"{name}.json").read_text())


class Cluster:
    """Argo Server and the Kubernetes API of the cluster that was recorded."""

    def __init__(self):
        self.workflow, self.denied, self.gang = recorded("workflow"), (), []

    def __call__(self, _, path, __):
        what = path.partition("?")[0].rstrip("/").rpartition("/")[2]
        if what in self.denied:
            return 403, {"message": f"{what} is forbidden"}
        if "/stream/events/" in path:
            return 200, [{"result": event} for event in recorded("events")]
        if what == "ml":
            return 200, {"items": [self.workflow]}
        if what in {"pods", "events", "nodes"}:
            gangs = "tiphys.dev" in path
            return 200, {"items": self.gang if gangs else recorded(what)}
        return 200, self.workflow


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    folder = tmp_path / "manifests" / "far"
    folder.mkdir(parents=True)
    (tmp_path / "tiphys.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    for name, value in (("ARGO_TOKEN", "t"), ("COLUMNS", "200")):
        monkeypatch.setitem(os.environ, name, value)
    made = Cluster()
    with argo_server(made) as server:
        (folder / "profile.yaml").write_text(PROFILE.format(server=server))
        monkeypatch.setitem(os.environ, "KUBECONFIG", str(kubeconfig(tmp_path, server)))
        yield made


def said(capsys, *words):
    assert main.run([*words, "--on", "far"]) == 0
    return capsys.readouterr().out


@pytest.mark.usefixtures("cluster")
def test_why_names_each_reason_and_how_to_mend_it(capsys):
    printed = said(capsys, "why", "waits")
    assert "waits for a node with pool=nowhere: no node has it" in printed
    assert "Type: tiphys resume waits --on far" in printed
    assert "not looked at" not in printed


@pytest.mark.usefixtures("cluster")
def test_why_of_one_step_says_only_that(capsys):
    printed = said(capsys, "why", "waits", "gpus")
    assert "99 of nvidia.com/gpu" in printed
    assert "pool=nowhere" not in printed
    assert "holder does not wait." in said(capsys, "why", "waits", "holder")


def test_why_of_a_step_finds_what_its_attempt_waits_for(cluster, capsys):
    for node in cluster.workflow["status"]["nodes"].values():
        if node["name"].endswith(".gpus"):
            node["name"] += "(0)"
    assert "99 of nvidia.com/gpu" in said(capsys, "why", "waits", "gpus")
    assert "99 of nvidia.com/gpu" in said(capsys, "why", "waits", "gpus(0)")


def test_why_says_which_right_is_missing(cluster, capsys):
    cluster.denied = ("nodes",)
    printed = said(capsys, "why", "waits")
    assert "not looked at  nodes: KUBECONFIG=" in printed
    assert "ask for get, list on nodes" in printed


@pytest.mark.usefixtures("cluster")
def test_why_without_a_kubeconfig_still_knows_events(capsys, monkeypatch):
    monkeypatch.delitem(os.environ, "KUBECONFIG")
    printed = said(capsys, "why", "waits", "volume")
    assert 'waits for the Secret "nobody"' in printed
    assert "not looked at  pods and nodes" in printed


def test_an_ended_run_waits_for_nothing(cluster, capsys):
    cluster.workflow["status"]["phase"] = "Failed"
    assert "Nothing waits: it has ended. `tiphys get waits --on far`" in said(
        capsys, "why", "waits"
    )


def test_top_shows_tiers_and_who_is_in_them(cluster, capsys):
    for template in cluster.workflow["spec"]["templates"]:
        template["metadata"] = {"annotations": {"tiphys.dev/tier": "gpu"}}
    lines = [line.split() for line in said(capsys, "top").splitlines()]
    assert ["cpu", "cpu", "2", "on", "the", "nodes", "0", "-"] in lines
    (gpu,) = (line for line in lines if line[:2] == ["gpu", "nvidia.com/gpu"])
    assert gpu[2:6] == ["4", "on", "the", "nodes"]
    assert int(gpu[6]) == sum(line[3:4] == ["runs"] for line in lines) == 2
    assert int(gpu[7]) == sum(line[3:4] == ["waits"] for line in lines)


def test_top_without_nodes_goes_by_the_profile(cluster, capsys):
    cluster.denied = ("nodes",)
    printed = said(capsys, "top")
    assert "by the profile" in printed
    assert "ask for get, list on nodes" in printed


@pytest.fixture
def launcher(cluster):
    """A running step on a tier of two nodes, alone in its run."""
    node = next(
        one
        for one in cluster.workflow["status"]["nodes"].values()
        if one["type"] == "Pod" and one["phase"] == "Running"
    )
    cluster.workflow["status"]["nodes"] = {node["id"]: node}
    for template in cluster.workflow["spec"]["templates"]:
        template["metadata"] = {"annotations": {"tiphys.dev/tier": "wide"}}
    return node


def pods(node, phase):
    own = Gang(workflow="r", node=node["name"], owner="", owner_uid="", nodes=2, pod={}).name
    labels = {"jobset.sigs.k8s.io/jobset-name": own, "tiphys.dev/workflow": "r"}
    return [{"metadata": {"labels": labels}, "spec": {}, "status": {"phase": phase}}] * 2


def wide(printed):
    (line,) = (line for line in printed.splitlines() if line.startswith("wide "))
    return line.split()[-2:]


@pytest.mark.parametrize(
    ("phase", "shown"),
    [("Pending", ("0", "1", "waits")), ("Running", ("4", "-", "runs"))],
)
def test_top_counts_a_gang_by_its_own_pods(cluster, launcher, capsys, phase, shown):
    cluster.gang = pods(launcher, phase)
    printed = said(capsys, "top")
    *counted, word = shown
    assert wide(printed) == counted
    assert re.search(rf"{launcher['displayName']} +wide +{word} ", printed)
    assert "not looked at" not in printed


def test_top_without_the_pods_of_gangs_goes_by_the_launcher_and_says_so(
    cluster, launcher, capsys, monkeypatch
):
    cluster.gang, cluster.denied = pods(launcher, "Pending"), ("pods",)
    printed = said(capsys, "top")
    assert wide(printed) == ["4", "-"]
    assert "not looked at  pods of gangs: KUBECONFIG=" in printed
    assert "ask for get, list on pods. A gang counts as its launcher does." in printed
    monkeypatch.delitem(os.environ, "KUBECONFIG")
    assert "not looked at  pods of gangs: KUBECONFIG is not set" in said(capsys, "top")


def test_top_of_this_machine_shows_memory_and_steps(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main.run(["top"]) == 0
    printed = capsys.readouterr().out
    assert "memory" in printed
    assert "No step runs or waits." in printed
