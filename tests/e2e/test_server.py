import contextlib
import fcntl
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import tiny_model
from tiphys.ml import serving
from tiphys.ml.registry import Provenance, Registry
from tiphys.ml.serving import client, process
from tiphys.ml.serving.client import NotServedError, RejectedError
from tiphys.ml.serving.golden import Golden

NOBODY = Provenance()
SOON = timedelta(minutes=1)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A running server with the model of weight 1 as champion."""
    project = tmp_path_factory.mktemp("project")
    registry = Registry.open(str(project / "registry"))
    model = tiny_model.save(project / "model")
    version = registry.register("flights", model, NOBODY).hash
    registry.alias("flights", "champion", version, NOBODY)
    directory = process.folder(project)
    directory.mkdir(parents=True)
    argv = [f"--registry={project}/registry", "--model=flights", "--port=0", "--every=0.05"]
    pid = process._spawn([*argv, f"--directory={directory}"], directory / "server.log")
    endpoint = process._started(project, pid)
    client.wait_for(endpoint.url, version, SOON)
    yield SimpleNamespace(
        project=project, registry=registry, version=version, endpoint=endpoint, model=model
    )
    serving.stop(project)


def ask(served, path, body=None):
    connection = http.client.HTTPConnection(served.endpoint.url.removeprefix("http://"))
    connection.request("GET" if body is None else "POST", path, body)
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


def golden(served):
    return json.dumps(Golden.read(served.model).request)


def test_the_server_says_who_it_is(served):
    status, body = ask(served, "/v2")
    assert (status, body["name"], body["extensions"]) == (200, "tiphys", [])
    assert ask(served, "/v2/health/live") == (200, {"live": True})
    assert ask(served, "/v2/health/ready") == (200, {"ready": True, "version": served.version})


@pytest.mark.parametrize("path", ["/v2/models/flights", "/v2/models/flights/versions/{v}"])
def test_the_model_says_what_it_takes_and_gives(served, path):
    status, body = ask(served, path.format(v=served.version))
    assert (status, body["versions"]) == (200, [served.version])
    assert body["inputs"][1] == {"name": "carrier", "datatype": "BYTES", "shape": [-1]}
    assert [each["name"] for each in body["outputs"]] == ["probability"]
    assert ask(served, path.format(v=served.version) + "/ready")[0] == 200


@pytest.mark.parametrize("path", ["/v2/models/flights", "/v2/models/flights/versions/{v}"])
def test_an_answer_says_which_version_gave_it(served, path):
    status, body = ask(served, f"{path.format(v=served.version)}/infer", golden(served))
    assert (status, body["model_name"], body["model_version"]) == (200, "flights", served.version)
    assert body["outputs"] == Golden.read(served.model).response["outputs"]


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("/v2/models/ships/infer", "{}", 404, "ships: no such model; this server has flights"),
        ("/v2/models/flights/versions/1/infer", "{}", 404, "1: does not serve"),
        ("/v2/models/flights/versions/1/ready", None, 404, "1: does not serve"),
        ("/v2/models/flights/infer", "{", 400, "body: no JSON"),
        ("/v2/models/flights/infer", "[]", 400, "body: must be a JSON object"),
        ("/v2/models/flights/infer", '{"inputs": []}', 400, "inputs: missing"),
        ("/v2/models/flights/infer", None, 405, "Method Not Allowed"),
        ("/v3", None, 404, "Not Found"),
    ],
)
def test_every_error_is_an_object_with_the_reason(served, path, body, status, error):
    found, answer = ask(served, path, body)
    assert found == status
    assert answer["error"].startswith(error)


def test_a_body_above_the_limit_is_not_read(served):
    connection = http.client.HTTPConnection(served.endpoint.url.removeprefix("http://"))
    connection.putrequest("POST", "/v2/models/flights/infer")
    connection.putheader("content-length", "32000001")
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_body_of_unknown_length_is_limited_as_well(served):
    connection = http.client.HTTPConnection(served.endpoint.url.removeprefix("http://"))
    connection.putrequest("POST", "/v2/models/flights/infer")
    connection.putheader("transfer-encoding", "chunked")
    connection.endheaders()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for _ in range(33):
            connection.send(b"F4240\r\n" + b" " * 1_000_000 + b"\r\n")
        connection.send(b"0\r\n\r\n")
    assert connection.getresponse().status == 413
    connection.close()


def test_a_large_request_is_answered_too(served):
    rows = 20_000
    request = {
        "inputs": [
            {"name": "temp", "datatype": "FP32", "shape": [rows], "data": [1.0] * rows},
            {"name": "carrier", "datatype": "BYTES", "shape": [rows], "data": ["UA"] * rows},
        ]
    }
    _, body = ask(served, "/v2/models/flights/infer", json.dumps(request))
    assert len(body["outputs"][0]["data"]) == rows


def test_the_golden_request_is_answered_as_at_export(served):
    client.check(served.endpoint.url, "flights", served.version, Golden.read(served.model))
    with pytest.raises(RejectedError, match="answers 404"):
        client.check(served.endpoint.url, "flights", "other", Golden.read(served.model))


def test_starting_again_finds_the_same_server(served):
    registry = str(served.project / "registry")
    again = serving.start(registry, "flights", project=served.project)
    assert again.pid == served.endpoint.pid
    assert again.version == served.version
    assert again == serving.status(served.project)


def test_the_server_is_in_a_session_of_its_own(served):
    assert os.getsid(served.endpoint.pid) == served.endpoint.pid


def test_a_version_that_does_not_come_is_told_with_what_serves(served):
    with pytest.raises(NotServedError, match=f"serves {served.version[:12]}"):
        client.wait_for(served.endpoint.url, "f" * 64, timedelta(seconds=0.1))


def hammer(url, body, enough, answers):
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    while not enough.is_set():
        connection.request("POST", "/v2/models/flights/infer", body)
        answer = connection.getresponse()
        found = json.loads(answer.read())
        answers.append((answer.status, found["model_version"], found["outputs"][0]["data"]))
    connection.close()


def test_no_request_is_lost_while_models_are_swapped(served, until):
    models = {served.version: served.model}
    for weight in (1.25, 1.5):
        model = tiny_model.save(served.project / f"model-{weight}", weight)
        models[served.registry.register("flights", model, NOBODY).hash] = model
    enough, answers = threading.Event(), []
    with ThreadPoolExecutor(4) as pool:
        workers = [
            pool.submit(hammer, served.endpoint.url, golden(served), enough, answers)
            for _ in range(4)
        ]
        try:
            for version in [*list(models)[1:], served.version]:
                served.registry.alias("flights", "champion", version, NOBODY)
                client.wait_for(served.endpoint.url, version, SOON)
                until(lambda now=version: now in {answering for _, answering, _ in answers})
        finally:
            enough.set()
        for worker in workers:
            worker.result()
    assert {status for status, _, _ in answers} == {200}
    assert {version for _, version, _ in answers} == set(models)
    expected = {
        version: Golden.read(model).response["outputs"][0]["data"]
        for version, model in models.items()
    }
    assert all(data == expected[version] for _, version, data in answers)


def test_a_rejected_champion_leaves_the_one_before_serving(served):
    broken = tiny_model.save(served.project / "broken", 7.0)
    (broken / "model.onnx").write_bytes(b"no model")
    version = served.registry.register("flights", broken, NOBODY).hash
    served.registry.alias("flights", "champion", version, NOBODY)
    with pytest.raises(RejectedError, match="cannot be loaded"):
        client.wait_for(served.endpoint.url, version, SOON)
    assert client.health(served.endpoint.url).version == served.version
    client.check(served.endpoint.url, "flights", served.version, Golden.read(served.model))
    served.registry.rollback("flights", "champion", NOBODY)


def processes_of(directory):
    """Return the command lines, of any process, that name the directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_text())
    return [line for line in found if str(directory) in line]


def test_two_starters_at_once_get_one_server(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        found = list(
            pool.map(lambda _: serving.start(str(tmp_path / "r"), "m", project=tmp_path), "ab")
        )
    assert found[0].pid == found[1].pid
    assert ask(SimpleNamespace(endpoint=found[0]), "/v2/health/ready") == (503, {"ready": False})
    status, body = ask(SimpleNamespace(endpoint=found[0]), "/v2/models/m/infer", "{}")
    assert (status, body) == (503, {"error": "m: no version serves yet"})
    assert serving.stop(tmp_path)
    assert not processes_of(tmp_path)  # the slower one does not wait to take over


def test_a_server_of_another_registry_is_replaced(tmp_path):
    first = serving.start(str(tmp_path / "a"), "m", project=tmp_path)
    second = serving.start(str(tmp_path / "b"), "m", project=tmp_path)
    assert (first.pid, first.registry) != (second.pid, second.registry)
    assert serving.stop(tmp_path)
    assert serving.status(tmp_path) is None
    assert not serving.stop(tmp_path)


def test_a_server_that_cannot_start_says_why(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(serving.ServerError, match="Address already in use"):
            serving.start(str(tmp_path / "r"), "m", project=tmp_path, port=port)


@pytest.fixture
def stranger():
    """A process that is not ours to kill."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield child
    child.kill()
    child.wait()


def written(directory, pid):
    directory.mkdir(parents=True)
    fields = {"url": "http://127.0.0.1:9", "model": "m", "registry": "r", "pid": pid}
    fields |= {"identity": "1", "log": "log", "version": ""}
    (directory / "server.json").write_text(json.dumps(fields))


def test_a_pid_left_over_by_a_dead_server_is_not_killed(tmp_path, stranger):
    written(process.folder(tmp_path), stranger.pid)
    (process.folder(tmp_path) / "lock").touch()
    assert serving.status(tmp_path) is None
    assert not serving.stop(tmp_path)
    assert stranger.poll() is None


def test_a_pid_that_now_belongs_to_another_is_not_killed(tmp_path, stranger):
    with process.claim(process.folder(tmp_path)):
        process.folder(tmp_path).joinpath("server.json").write_text("{}")
        written(tmp_path / "x", stranger.pid)
        (tmp_path / "x/server.json").rename(process.folder(tmp_path) / "server.json")
        assert not serving.stop(tmp_path)
    assert stranger.poll() is None


def test_who_looks_whether_a_server_lives_does_not_keep_it_from_starting(tmp_path, monkeypatch):
    monkeypatch.setattr(process, "PROBE", SOON)
    directory = process.folder(tmp_path)
    directory.mkdir(parents=True)
    with (directory / "lock").open("a") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.3, lambda: fcntl.flock(looking, fcntl.LOCK_UN)).start()
        with process.claim(directory) as lock:
            assert process.holds(directory, lock)
            assert process.status(tmp_path) is None


def test_the_server_outlives_who_started_it(tmp_path):
    code = (
        "import sys; from pathlib import Path; from tiphys.ml import serving;"
        f"print(serving.start('{tmp_path}/r', 'm', project=Path('{tmp_path}')).pid)"
    )
    starter = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    endpoint = serving.status(tmp_path)
    assert endpoint.pid == int(starter.stdout)
    assert serving.stop(tmp_path)


def test_a_killed_server_is_seen_and_started_anew(tmp_path, until):
    first = serving.start(str(tmp_path / "r"), "m", project=tmp_path)
    os.kill(first.pid, signal.SIGKILL)
    os.waitpid(first.pid, 0)
    until(lambda: serving.status(tmp_path) is None)
    assert serving.start(str(tmp_path / "r"), "m", project=tmp_path).pid != first.pid
    assert serving.stop(tmp_path)


def test_a_server_whose_folder_is_removed_goes_too(tmp_path, until):
    endpoint = serving.start(str(tmp_path / "r"), "m", project=tmp_path)
    shutil.rmtree(tmp_path / ".tiphys")
    until(lambda: client.health(endpoint.url) is None)
    os.waitpid(endpoint.pid, 0)
