"""Where input artifacts come from on this machine, and what is refused by name."""

import json
import shutil
import subprocess
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def reading(location, command="cat /in/x", more=""):
    return f"""
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {{generateName: test-}}
spec:
  entrypoint: main
  templates:
  - name: main
    inputs: {{artifacts: [{{name: x, path: /in/x, {json.dumps(location)[1:-1]}}}]}}
    container:
      image: busybox
      command: [sh, -c, {json.dumps(command)}]
{more}
"""


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "repository"
    folder.mkdir()
    git = [
        shutil.which("git") or "git",
        "-C",
        str(folder),
        "-c",
        "user.name=a",
        "-c",
        "user.email=a",
    ]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    (folder / "file").write_text("of git\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "one"], check=True)
    return folder


def test_a_local_git_repository_is_checked_out(laptop, repository):
    location = {"git": {"repo": str(repository), "revision": "main"}}
    assert laptop.logs(laptop.run(reading(location, "cat /in/x/file"))) == ["of git"]


def test_an_unknown_revision_is_an_error_with_gits_words(laptop, repository):
    location = {"git": {"repo": str(repository), "revision": "nowhere"}}
    outcome = laptop.run(reading(location))
    assert outcome.phase == "Error"
    assert "nowhere" in outcome.message


def test_a_remote_git_repository_is_refused_by_name(laptop):
    location = {"git": {"repo": "https://git.example.com/x.git"}}
    assert "git repository https://git.example.com/x.git" in laptop.run(reading(location)).message


def test_an_http_artifact_is_fetched(laptop):
    laptop.write("over http\n", "served/file")
    handler = partial(Silent, directory=str(laptop.root / "served"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        found = laptop.run(reading({"http": {"url": f"{url}/file"}}))
        missing = laptop.run(reading({"http": {"url": f"{url}/nothing"}}))
        server.shutdown()
    assert laptop.logs(found) == ["over http"]
    assert "404" in missing.message


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"key": "no/such.tgz"}, 's3 key "no/such.tgz" is not in'),
        ({"key": "../../etc/passwd"}, "is no key"),
        ({"key": "k", "bucket": "b", "endpoint": "e"}, "s3 bucket b"),
    ],
)
def test_an_object_that_cannot_be_had_is_an_error(laptop, fields, said):
    outcome = laptop.run(reading({"s3": fields}))
    assert (outcome.phase, said in outcome.message) == ("Error", True)


def test_an_artifact_gets_its_mode(laptop):
    location = {"raw": {"data": "#!/bin/sh\necho ran\n"}, "mode": 0o755}
    assert laptop.logs(laptop.run(reading(location, "/in/x"))) == ["ran"]


def test_whole_config_maps_become_variables(laptop):
    more = """
      envFrom:
      - {prefix: A_, configMapRef: {name: settings}}
      - {secretRef: {name: hidden}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: blue}
"""
    outcome = laptop.run(reading({"raw": {"data": ""}}, "echo $A_colour", more))
    assert laptop.logs(outcome) == ["blue"]
    assert any('secret "hidden"' in text for text in laptop.witness.warnings)


def test_a_consumer_that_changes_its_input_leaves_the_producers_alone(laptop):
    text = """
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {generateName: test-}
spec:
  entrypoint: main
  templates:
  - name: main
    steps:
    - - {name: make, template: make}
    - - name: one
        template: use
        arguments: {artifacts: [{name: x, from: "{{steps.make.outputs.artifacts.x}}"}]}
    - - name: two
        template: use
        arguments: {artifacts: [{name: x, from: "{{steps.make.outputs.artifacts.x}}"}]}
  - name: make
    container: {image: busybox, command: [sh, -c, "echo own > /tmp/x"]}
    outputs: {artifacts: [{name: x, path: /tmp/x}]}
  - name: use
    inputs: {artifacts: [{name: x, path: /tmp/y}]}
    container: {image: busybox, command: [sh, -c, "cat /tmp/y; echo more >> /tmp/y"]}
"""
    assert laptop.logs(laptop.run(text)) == ["own", "own"]
