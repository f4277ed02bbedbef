"""Fakes that keep the contract of what they stand for, and builders of test values."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def node(name: str, **fields: Any) -> dict[str, Any]:
    """Return one node of run `r` as Argo writes it; the id is its name."""
    full = f"r.{name}" if name else "r"
    return {
        "id": full,
        "name": full,
        "displayName": name or "r",
        "type": "Pod",
        "phase": "Succeeded",
        "boundaryID": "r" if name else "",
        "templateName": name,
        "startedAt": "2026-01-01T00:00:00Z",
        "finishedAt": "2026-01-01T00:00:02Z",
        **fields,
    }


def run(*nodes: dict[str, Any], tasks: list[dict[str, Any]], **status: Any) -> dict[str, Any]:
    """Return a Workflow object named `r` whose entrypoint is a DAG of *tasks*."""
    root = node("", type="DAG", phase="Running", templateName="main")
    return {
        "metadata": {"name": "r", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {
            "entrypoint": "main",
            "templates": [{"name": "main", "dag": {"tasks": tasks}}],
        },
        "status": {
            "phase": "Running",
            "startedAt": "2026-01-01T00:00:00Z",
            "nodes": {one["id"]: one for one in (root, *nodes)},
            **status,
        },
    }


def kubeconfig(folder: Path, server: str) -> Path:
    """Write a kubeconfig for the Kubernetes API at *server*, with a token, and return where."""
    path = folder / "kubeconfig"
    config = {
        "current-context": "test",
        "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    path.write_text(json.dumps(config))
    return path


class Silence:
    """An observer that nobody listens to."""

    def changed(self, workflow: object) -> None:
        """Take the newest state."""

    def warned(self, text: str) -> None:
        """Take a warning."""


class Answering(BaseHTTPRequestHandler):
    """What the servers of tests have in common: whole bodies, and no log."""

    def body(self) -> bytes:
        """Return what was sent."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Answer with *body*."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Keep the test's output clean."""


Answer = Callable[[str, str, Any], tuple[int, Any]]
"""(method, path, body) to (status, JSON object, or a list of objects to stream)."""


FAR_PROFILE = """\
namespace: ml
images: none
tiers: {{small: {{requests: {{cpu: 100m}}}}}}
storage: {{artifacts: .a, registry: .r, checkpoints: .c, dvc: .d}}
argo: {{server: "{server}", token: {{env: A_TOKEN}}}}
"""
"""A profile whose Argo Server is at `server`; the token is in $A_TOKEN."""


@contextmanager
def argo_server(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve *answer* on loopback as Argo Server would, and yield its address."""

    class Handler(Answering):
        def do_GET(self) -> None:
            sent = self.body()
            status, reply = answer(self.command, self.path, json.loads(sent) if sent else None)
            many = reply if isinstance(reply, list) else [reply]
            lines = [one if isinstance(one, str) else json.dumps(one) for one in many]
            self.answer(status, "\n".join([*lines, ""]).encode())

        do_POST = do_PUT = do_DELETE = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # a client that hangs up
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
