"""What is done to runs on a real Argo, and what is said of runs that wait, through a token."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from checkout import ROOT
from harness.errors import HarnessError
from patience import until

pytestmark = pytest.mark.cluster

TIPHYS = Path(sys.executable).with_name("tiphys")
FOLDER = Path(__file__).with_name("verbs")
QUOTA = """\
apiVersion: v1
kind: ResourceQuota
metadata: {name: verbs-licences}
spec: {hard: {requests.example.com/licence: "0"}}
"""
LAUNCHER = """\
apiVersion: v1
kind: Pod
metadata: {name: verbs-launcher}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  securityContext: {runAsUser: 10001, runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: main
    image: busybox
    imagePullPolicy: Never
    command: ["true"]
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""
ORPHAN = """\
apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
metadata:
  name: gang-verbs-nobody
  labels: {app.kubernetes.io/managed-by: tiphys, tiphys.dev/workflow: verbs-nobody}
  ownerReferences: [{apiVersion: v1, kind: Pod, name: verbs-launcher, uid: UID}]
spec:
  suspend: true
  replicatedJobs:
  - name: node
    template:
      spec:
        template:
          spec:
            restartPolicy: Never
            containers: [{name: node, image: busybox}]
"""


class Shell:
    """A folder with the profile alone, and `tiphys … --on ci` in it."""

    def __init__(self, root, cluster):
        self.root, self.cluster = root, cluster
        self.environment = {**os.environ, **cluster.environment, "COLUMNS": "200"}
        self.made = []
        shutil.copytree(ROOT / "manifests" / "ci", root / "manifests" / "ci")
        (root / "tiphys.toml").touch()

    def create(self, name, **parameters):
        """Create a run of *name*.yaml and return its name."""
        run = f"verbs-{name}-{secrets.token_hex(3)}"
        text = (FOLDER / f"{name}.yaml").read_text().replace("NAME", run)
        for key, value in parameters.items():
            text = re.sub(rf'(name: {key}, value: )"[^"]*"', rf'\g<1>"{value}"', text)
        self.cluster.kubectl("create", "--filename=-", stdin=text)
        self.made.append(run)
        return run

    def say(self, *words, code=0, **environment):
        """Return what `tiphys WORDS --on ci` prints on both streams; it must end with *code*."""
        known = {**self.environment, **environment}
        done = subprocess.run(
            [TIPHYS, *words, "--on", "ci"],
            cwd=self.root,
            env={name: value for name, value in known.items() if value},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def until(self, words, *texts, limit=240):
        """Return what the command says as soon as it says all of *texts*."""
        said = ""

        def missing():
            return [text for text in texts if not re.search(text, said)]

        def ask():
            nonlocal said
            said = self.say(*words)
            return not missing()

        command = " ".join(["tiphys", *words])
        until(lambda: f"{missing()} from `{command}`:\n{said}", ask, limit, every_seconds=2)
        return said


@pytest.fixture(scope="module")
def shell(flights, tmp_path_factory):
    made = Shell(tmp_path_factory.mktemp("verbs") / "project", flights)
    yield made
    for run in made.made:
        made.cluster.kubectl("delete", "workflow", run, "--ignore-not-found", "--wait=false")


def test_a_suspended_run_begins_nothing_until_it_is_resumed(shell):
    run = shell.create("chain", seconds=25)  # longer than two commands take
    shell.until(["get", run], r"first\s+attempt 1\s+Running")
    assert "is suspended. Go on with: tiphys resume" in shell.say("suspend", run)
    shell.until(["get", run], r"first\s+attempt 1\s+Succeeded", "Running, suspended")
    time.sleep(3)
    assert not re.search(r"second\s+attempt", shell.say("get", run))
    assert "to be resumed" in shell.say("why", run)
    assert "goes on" in shell.say("resume", run)
    watched = shell.say("watch", run)
    assert f"{run}  Succeeded" in watched
    assert "is not suspended" not in watched
    assert "it has ended: Succeeded" in shell.say("resume", run, code=2)


def test_stop_runs_the_exit_handler_and_terminate_does_not(shell):
    stopped, terminated = (shell.create("chain", seconds=600) for _ in range(2))
    for run in (stopped, terminated):
        shell.until(["get", run], r"first\s+attempt 1\s+Running")
        assert "`tiphys terminate" in shell.say("delete", run, code=2)
    shell.say("stop", stopped)
    shell.say("suspend", terminated)
    shell.say("terminate", terminated)
    assert "Stopped with strategy 'Stop'" in shell.say("watch", stopped, code=1)
    assert "Stopped with strategy 'Terminate'" in shell.say("watch", terminated, code=1)
    assert "onExit" in shell.say("get", stopped)
    assert "onExit" not in shell.say("get", terminated)
    assert "There is nothing to stop." in shell.say("stop", terminated, code=2)
    assert "There is nothing to suspend." in shell.say("suspend", terminated, code=2)


@pytest.mark.parametrize("verbs", [("stop",), ("suspend", "stop")], ids=" ".join)
def test_a_run_that_is_stopped_at_an_approval_has_it_failed_not_approved(shell, verbs):
    run = shell.create("approval")
    shell.until(["why", run], r"approve\s+suspended\s+waits for somebody to let it go on")
    for verb in verbs:
        shell.say(verb, run)
    assert "Stopped with strategy 'Stop'" in shell.say("watch", run, code=1)
    ended = json.loads(shell.say("get", run, "-o", "json"))
    nodes = {node["displayName"]: node for node in ended["status"]["nodes"].values()}
    approve = nodes.pop("approve")
    assert (approve["phase"], approve["message"]) == ("Failed", "Stopped with strategy 'Stop'")
    assert "Succeeded" not in {node["phase"] for node in nodes.values()}


def test_retry_runs_what_failed_and_resubmit_makes_a_new_run_of_the_same(shell):
    run = shell.create("chain", code=75)
    assert "exit code 75" in shell.say("watch", run, code=1)
    first = json.loads(shell.say("get", run, "-o", "json"))
    assert "exit code 75" in shell.say("retry", run, code=1)
    again = json.loads(shell.say("get", run, "-o", "json"))
    kept, made = (
        {node["displayName"]: node["startedAt"] for node in one["status"]["nodes"].values()}
        for one in (first, again)
    )
    assert kept["first"] == made["first"]
    assert kept["second"] < made["second"]
    said = shell.say("resubmit", run, code=1)
    name = re.search(rf"{run}-\w+", said)[0]
    shell.made.append(name)
    new = json.loads(shell.say("get", name, "-o", "json"))
    assert new["spec"]["arguments"] == first["spec"]["arguments"]
    assert "is deleted" in shell.say("delete", name)
    assert "404" in shell.say("get", name, code=2)


@pytest.fixture(scope="module")
def waiting(shell):
    """Return a run in which a step waits for each reason there is."""
    shell.cluster.kubectl("apply", "--filename=-", stdin=QUOTA)
    yield shell.create("waiting")
    shell.cluster.kubectl("delete", "resourcequota", "verbs-licences")


REASONS = {
    "selector": r"selector\s+waits for a node with pool=nowhere: no node has it",
    "taint": r"taint\s+waits for a node .* has the taint nvidia.com/gpu",
    "gpus": r"capacity\s+waits for 99 of nvidia.com/gpu on one node: the largest, gpu-.*has 4",
    "memory": r"capacity\s+waits for 900Gi of memory on one node",
    "quota": r"quota\s+waits for the quota verbs-licences",
    "image": r"image\s+waits for the image localhost/nobody:none",
    "secret": r'secret\s+waits for the Secret "nobody", which does not exist',
    "key": r'secret\s+waits for the key "nothing" of the Secret "s3"',
    "volume": r'secret\s+waits for the Secret "nobody", which does not exist',
    "claim": r'volume\s+waits for the volume claim "nobody", which does not exist',
    r"locked\(\d:\d\)": r"lock\s+waits for the mutex .*, which locked\(\d:\d\) has",
    "approve": r"suspended\s+waits for somebody to let it go on",
    "again": r"back-off\s+waits for its next attempt: 10 minutes",
    "narrow.two": r"parallelism\s+waits for one to end: `parallelism` of template narrow is 1",
    "after": r"dependency\s+waits for selector and approve to end",
}


def test_each_waiting_step_says_what_it_waits_for(shell, waiting):
    lines = [rf"(?m)^{step}\s+{found}" for step, found in REASONS.items()]
    said = shell.until(["why", waiting], *lines)
    assert "not looked at" not in said


def test_the_token_alone_gives_the_schedulers_words(shell, waiting):
    shell.until(["why", waiting], r"selector\s+waits for a node with pool=nowhere")
    said = shell.say("why", waiting, KUBECONFIG="")
    assert "pool=nowhere" in said
    assert re.search(r"gpus\s+capacity\s+waits for 99 of nvidia.com/gpu", said)
    assert re.search(rf"(?m)^volume\s+{REASONS['volume']}", said)
    assert "not looked at  pods and nodes: KUBECONFIG is not set" in said


def test_one_step_can_be_asked_for(shell, waiting):
    assert "900Gi" not in shell.say("why", waiting, "selector")
    assert "does not wait" in shell.say("why", waiting, "nothing")


def test_resume_lets_an_approval_go(shell, waiting):
    shell.until(["why", waiting], "approve")
    assert "goes on" in shell.say("resume", waiting)
    shell.until(["why", waiting], r"(?m)^after\s+dependency\s+waits for selector to end")


def test_top_counts_the_nodes_and_names_who_waits(shell, waiting):
    said = shell.say("top")
    assert re.search(r"gpu-1\s+nvidia.com/gpu\s+\d+\s+on the nodes", said)
    assert re.search(rf"{waiting}\s+gpus\s+waits", said)
    assert "by the profile" in shell.say("top", KUBECONFIG="")


def test_the_doctor_finds_what_is_there_and_what_drifted(shell):
    rendered = shell.root / "manifests" / "ci" / "install.yaml"
    text = rendered.read_text()
    rendered.write_text(text.replace("entrypoint: main", "entrypoint: other"))
    said = shell.say("doctor", code=1)
    rendered.write_text(text)
    for line in ("Argo ", "clock ", "token ", "namespace ", "CRD workflows", "CRD jobsets"):
        assert f"✔ {line}" in said
    assert re.search(r"✔ rights\s+(\d+) of \1 are given", said)
    assert "differs from what is rendered, at spec.entrypoint" in said
    assert "kubectl apply -f manifests/ci/install.yaml" in said


@pytest.fixture
def launcher(shell):
    """Return the pod of a launcher that has ended; its gang goes with it at the end."""
    yield shell.cluster.run_pod(yaml.safe_load(LAUNCHER))
    shell.cluster.kubectl("delete", "pod/verbs-launcher", "--now")


def test_a_gang_without_a_run_is_pruned_and_only_with_yes(shell, launcher):
    orphan = ORPHAN.replace("UID", launcher["metadata"]["uid"])
    shell.cluster.kubectl("apply", "--filename=-", stdin=orphan)
    shell.until(["prune"], "there is no run verbs-nobody any more")
    said = shell.say("prune")
    assert "there is no run verbs-nobody any more" in said
    assert "Nothing is deleted yet. Type: tiphys prune --on ci --yes" in said
    assert shell.cluster.get("jobset", "gang-verbs-nobody")
    assert "deleted  gang gang-verbs-nobody" in shell.say("prune", "--yes")
    with pytest.raises(HarnessError, match="not found"):
        shell.cluster.get("jobset", "gang-verbs-nobody")


def test_old_archives_and_pages_are_pruned_and_what_runs_refer_to_stays(shell):
    code = shell.cluster.places.state / "s3" / "artifacts" / "code"
    pages = shell.root / ".tiphys" / "pages" / "ci"
    for folder in (code, pages):
        folder.mkdir(parents=True, exist_ok=True)
    left, kept = f"{'0' * 63}1", f"{'0' * 63}2"
    made = [code / f"{left}.tgz", code / f"{kept}.tgz", pages / "verbs-nobody.html"]
    old = time.time() - timedelta(days=40).total_seconds()  # noqa: TID251 - of files
    for file in made:
        file.write_bytes(b"x")
        os.utime(file, (old, old))
    shell.create("chain", code=kept)
    said = shell.until(["prune"], r"archive\s+0{40}")  # once the new run is listed
    assert re.search(r"page\s+verbs-nobody\s+40 days", said)
    assert all(file.exists() for file in made)
    said = shell.say("prune", "--yes")
    assert f"deleted  archive {left}" in said
    assert "deleted  page verbs-nobody" in said
    assert [file.exists() for file in made] == [False, True, False]
    made[1].unlink()


def test_each_no_of_the_server_is_one_sentence(shell):
    stranger = shell.cluster.kubectl("create", "token", "default").strip()
    forged = f"{stranger[:-12]}{'A' * 12}"
    for token, said in (
        (stranger, "403: .* may not do this"),
        (forged, "401: .* wrong or expired"),
        ("nonsense", "401: .* wrong or expired"),
        ("", "which holds the token, is not set"),
    ):
        found = shell.say("list", code=2, ARGO_TOKEN=token)
        assert re.search(said, found)
        assert len(found.strip().splitlines()) == 1
    assert re.search("Argo Server says 404: .*tiphys list --on", shell.say("get", "nobody", code=2))
    invalid = shell.say("run", "publishing", "--name", "Not_A_Name", code=2)
    assert re.search('says 400: .*"Not_A_Name" is invalid: metadata.name: .*correct the', invalid)
    assert len(invalid.strip().splitlines()) == 1
    for verb in ("watch", "stop", "terminate", "retry", "resubmit", "suspend", "delete", "why"):
        assert "404" in shell.say(verb, "nobody", code=2)


def test_a_server_that_is_not_there_or_has_another_certificate_is_one_sentence(shell):
    profile = shell.root / "manifests" / "ci" / "profile.yaml"
    text = profile.read_text()
    api = json.loads(shell.cluster.kubectl("config", "view", "-o", "json"))["clusters"][0]
    for server, said in (
        ("http://127.0.0.1:9", "no Argo Server answers here"),
        (api["cluster"]["server"], "its certificate is not trusted"),
        ("https://127.0.0.1:2746", "does not speak TLS"),
    ):
        profile.write_text(text.replace("http://127.0.0.1:2746", server))
        found = shell.say("list", code=2)
        assert said in found
        assert len(found.strip().splitlines()) == 1
    profile.write_text(text)
