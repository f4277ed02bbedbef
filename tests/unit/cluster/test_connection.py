import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from argo_workflows.api.workflow_service_api import WorkflowServiceApi

from tests.fakes import argo_server, node, run
from tiphys.cluster import submission, verbs
from tiphys.cluster.connection import (
    NoServerError,
    ServerRefusedError,
    ServerUnreachableError,
    UntrustedServerError,
    ask,
    connect,
    connect_to,
)
from tiphys.manifest import profiles

PROFILE = profiles.load(Path(__file__).parents[3] / "manifests" / "ci")
TEMPLATE = {"kind": "WorkflowTemplate", "metadata": {"name": "t"}, "spec": {}}


def connection(server, authority=None):
    token = "x"  # noqa: S105 - nobody checks it
    return connect(server=server, namespace="ml", token=token, authority=authority)


def test_nobody_there_is_one_clear_sentence():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ServerUnreachableError, match="no Argo Server answers here"):
        verbs.get(connection(f"http://127.0.0.1:{port}"), "r")


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "correct the manifest"),
        (401, "expired"),
        (403, "may not do this"),
        (404, "tiphys list --on PROFILE"),
        (409, "another name"),
        (503, "try again"),
    ],
)
def test_a_no_says_why_and_what_to_do(status, advice):
    with (
        argo_server(lambda *_: (status, {"message": "not for you"})) as server,
        pytest.raises(ServerRefusedError, match="not for you") as refused,
    ):
        verbs.get(connection(server), "r")
    assert advice in str(refused.value)


def test_a_certificate_that_nobody_vouches_for_says_whom_to_trust(tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("makes a certificate: needs openssl")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, *made, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with argo_server(lambda *_: (200, {"items": []}), context) as server:
        with pytest.raises(UntrustedServerError, match="certificate is not trusted") as refused:
            verbs.list_runs(connection(server))
        assert "SSL_CERT_FILE" in str(refused.value)
        trusting = connection(server, str(certificate))
        assert verbs.list_runs(trusting) == []


def test_a_server_without_tls_is_named():
    with argo_server(lambda *_: (200, {})) as server:
        link = connection(server.replace("http:", "https:"))
        with pytest.raises(UntrustedServerError, match="Write http://"):
            verbs.get(link, "r")


def test_a_no_without_words_gives_the_status():
    with (
        argo_server(lambda *_: (500, [])) as server,
        pytest.raises(ServerRefusedError, match="500"),
    ):
        verbs.get(connection(server), "r")


def test_runs_are_listed_newest_first():
    runs = [run(tasks=[]), run(tasks=[])]
    runs[1]["metadata"]["creationTimestamp"] = "2026-02-01T00:00:00Z"
    with argo_server(lambda *_: (200, {"items": runs})) as server:
        found = verbs.list_runs(connection(server))
    assert [one["metadata"]["creationTimestamp"][:7] for one in found] == ["2026-02", "2026-01"]


def test_a_template_that_is_new_is_created_and_an_old_one_replaced():
    seen = []

    def answer(method, path, body):
        seen.append((method, body and body["template"]["metadata"]))
        if method == "GET" and path.endswith("/t") and len(seen) == 1:
            return 404, {"message": "not found"}
        return 200, {"metadata": {"name": "t", "resourceVersion": "7"}}

    with argo_server(answer) as server:
        submission.apply(connection(server), TEMPLATE)
        submission.apply(connection(server), TEMPLATE)
    assert seen == [
        ("GET", None),
        ("POST", {"name": "t"}),
        ("GET", None),
        ("PUT", {"name": "t", "resourceVersion": "7"}),
    ]


def test_a_template_that_says_the_same_is_left_as_it_was_applied():
    seen = []
    there = {"metadata": {"name": "t", "resourceVersion": "7"}, "spec": {"arguments": {}}}

    def answer(method, *_):
        seen.append(method)
        return 200, there

    with argo_server(answer) as server:
        submission.apply(connection(server), TEMPLATE)
    assert seen == ["GET"]


def test_a_template_that_is_replaced_keeps_what_kubectl_noted():
    sent = []
    noted = {submission.APPLIED: "{}", "other": "x"}

    def answer(method, _path, body):
        sent.append((method, body and body["template"]["metadata"].get("annotations")))
        metadata = {"name": "t", "resourceVersion": "7", "annotations": noted}
        return 200, {"metadata": metadata, "spec": {"entrypoint": "other"}}

    with argo_server(answer) as server:
        submission.apply(connection(server), TEMPLATE)
    assert sent == [("GET", None), ("PUT", {submission.APPLIED: "{}"})]


def test_what_is_no_template_is_not_applied():
    with pytest.raises(submission.UnsupportedKindError, match="kubectl apply"):
        submission.apply(connection("http://x"), {"kind": "Secret", "metadata": {"name": "s"}})


def test_a_run_is_created_with_the_given_parameters_in_the_profiles_namespace():
    bodies = []

    def answer(_, __, body):
        bodies.append(body["workflow"])
        return 200, {"metadata": {"name": "w-1"}}

    workflow = {
        "metadata": {"generateName": "w-", "namespace": "other"},
        "spec": {"arguments": {"parameters": [{"name": "x", "value": "1"}, {"name": "y"}]}},
    }
    with argo_server(answer) as server:
        assert submission.submit(connection(server), workflow, {"x": "2"}) == "w-1"
    (made,) = bodies
    assert made["metadata"] == {"generateName": "w-"}
    assert made["spec"]["arguments"]["parameters"] == [{"name": "y"}, {"name": "x", "value": "2"}]


def test_a_watch_ends_with_the_run_and_brings_its_metrics():
    running = run(node("a-1", phase="Running"), tasks=[{"name": "a"}])
    done = run(node("a-1"), tasks=[{"name": "a"}], phase="Succeeded")
    metric = {"podName": "r-a-1", "content": 'tiphys.metric {"name": "loss", "value": 0.5}'}
    noise = {"podName": "r-a-1", "content": "tiphys.metric not json"}

    def answer(_, path, __):
        if "/log" in path:
            return 200, [{"result": noise}, {"result": metric}]
        if "workflow-events" in path:
            return 200, [{"result": {"type": "MODIFIED", "object": done}}]
        return 200, running

    with argo_server(answer) as server:
        states = list(verbs.watch(connection(server), "r"))
    assert states[0]["status"]["phase"] == "Running"
    assert states[-1]["status"]["phase"] == "Succeeded"
    assert states[-1]["status"]["nodes"]["r.a-1"]["metrics"] == {"loss": 0.5}


@pytest.mark.parametrize("verb", ["stop", "terminate", "suspend", "resume", "retry", "resubmit"])
def test_a_verb_is_asked_of_the_server(verb):
    asked = []

    def answer(method, path, body):
        asked.append((method, path, body))
        return 200, {"metadata": {"name": "r-2"}}

    with argo_server(answer) as server:
        getattr(verbs, verb)(connection(server), "r")
    assert asked == [("PUT", f"/api/v1/workflows/ml/r/{verb}", {"name": "r", "namespace": "ml"})]


@pytest.mark.parametrize("given", ["a.b-c", "a.b-c\n", " Bearer a.b-c\r\n", "Bearer  a.b-c"])
def test_a_token_is_taken_without_the_white_space_around_it(given):
    link = connect_to(PROFILE, {"ARGO_TOKEN": given})
    assert link.client.default_headers["Authorization"] == "Bearer a.b-c"


@pytest.mark.parametrize("given", ["…", "Bearer …", "a b", "a\nb", "a\x00"])
def test_what_can_be_no_token_is_refused_without_being_shown(given):
    with pytest.raises(NoServerError, match="ARGO_TOKEN holds no token") as refused:
        connect_to(PROFILE, {"ARGO_TOKEN": given})
    assert given not in str(refused.value)


@pytest.mark.parametrize("given", ["", " ", "\n"])
def test_an_empty_token_is_none(given):
    with pytest.raises(NoServerError, match="which holds the token, is not set"):
        connect_to(PROFILE, {"ARGO_TOKEN": given})


def test_an_answer_is_a_json_object():
    with argo_server(lambda *_: (200, {"a": 1})) as server:
        link = connection(server)
        api = WorkflowServiceApi(link.client)
        assert ask(link, api.get_workflow_endpoint, "ml", "r") == {"a": 1}
