"""An Argo Server that is not there, says no, or talks nonsense: a sentence, and exit code 2."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.fakes import FAR_PROFILE, argo_server

HELLO = """\
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: hello-}
spec:
  entrypoint: main
  templates:
  - name: main
    container: {image: busybox, command: [echo, hello]}
"""

QUESTIONS = ["run hello.yaml", "list", "get x", "logs x", "stop x", "retry x"]


@contextmanager
def web_server(page: bytes) -> Iterator[str]:
    """Answer every request with *page*, as a server of another kind would."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page)

        do_POST = do_PUT = do_GET

        def log_message(self, *_):
            """Keep the test's output clean."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def ask(terminal):
    """Type a command with `--on far`, whose Argo Server is at *server*."""
    terminal.write("hello.yaml", HELLO)

    def ask(typed, server, token="t"):  # noqa: S107 - nobody checks it
        terminal.write("manifests/far/profile.yaml", FAR_PROFILE.format(server=server))
        return terminal.tiphys(*typed.split(), "--on", "far", A_TOKEN=token)

    return ask


@pytest.mark.parametrize("typed", QUESTIONS)
def test_a_server_that_is_not_there_is_named_with_what_to_check(ask, typed):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{free.getsockname()[1]}"
    said = ask(typed, server)
    assert (said.code, said.out) == (2, "")
    assert f"{server}: no Argo Server answers here" in said.err
    assert "is `argo.server` in the profile its address?" in said.err


@pytest.mark.parametrize("typed", QUESTIONS)
def test_a_server_that_says_no_is_quoted_with_what_to_do(ask, typed):
    with argo_server(lambda *_: (403, {"message": "you may not"})) as server:
        said = ask(typed, server)
    assert (said.code, said.out) == (2, "")
    assert "Argo Server says 403: you may not." in said.err
    assert "ask who runs the cluster for the right." in said.err


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "The token is missing, wrong or expired"), (500, "says 500")]
)
def test_each_kind_of_no_has_its_advice(ask, status, advice):
    with argo_server(lambda *_: (status, {"message": "no"})) as server:
        said = ask("list", server)
    assert (said.code, advice in said.err) == (2, True), said.err


def test_without_a_token_the_variable_is_named(ask):
    said = ask("list", "http://127.0.0.1:1", token="")
    assert said.code == 2
    assert "the environment variable A_TOKEN, which holds the token, is not set." in said.err
    assert "Type: export A_TOKEN=…" in said.err


@pytest.mark.parametrize("typed", ["run hello.yaml", "list", "get x"])
def test_somebody_else_at_that_address_is_recognised(ask, typed):
    with web_server(b"<html>Welcome to nginx!</html>") as server:
        said = ask(typed, server)
    assert (said.code, said.out) == (2, "")
    assert f"{server}: what answers here is no Argo Server" in said.err


def test_a_refused_submission_starts_nothing_here(ask, terminal):
    with argo_server(lambda *_: (400, {"message": json.dumps("spec.x is wrong")})) as server:
        said = ask("run hello.yaml", server)
    assert (said.code, "spec.x is wrong" in said.err) == (2, True)
    assert not terminal.runs.exists()
