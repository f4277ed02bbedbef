"""Pushes as GitHub tells of them, and what Argo made of them: signed payloads, runs, their pods."""

import hashlib
import hmac
import http.client
import json
import secrets
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from harness.errors import HarnessError

SECRET = secrets.token_hex(32)
LIMIT_SECONDS = 900


class Repository:
    """A clone of the project's repository, from which commits are pushed."""

    def __init__(self, folder, url):
        self.folder, self.url, self.pushed = folder, url, False

    def git(self, *words):
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        done = subprocess.run(
            ["git", *who, *words], cwd=self.folder, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def push(self, edits, *, message="Change something", branch="main"):
        """Commit *edits*, {path: text -> text}; return GitHub's payload."""
        before = self.git("rev-parse", "--verify", "-q", "HEAD") if self.pushed else "0" * 40
        for path, edit in edits.items():
            file = self.folder / path
            file.write_text(edit(file.read_text() if file.exists() else ""))
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        self.git("push", "-q", "origin", f"HEAD:{branch}")
        self.pushed = True
        after = self.git("rev-parse", "HEAD")
        return payload(self.url, before, after, modified=[*edits], message=message, branch=branch)


def payload(url, before, after, *, modified, message, branch):
    """Return what GitHub sends after a push, as far as it is read."""
    commit = {
        "id": after,
        "message": message,
        "author": {"name": "Ada", "email": "ada@example.com"},
        "added": [],
        "removed": [],
        "modified": modified,
    }
    return {
        "ref": f"refs/heads/{branch}",
        "before": before,
        "after": after,
        "compare": f"https://git.example.com/ml/flights/compare/{before[:12]}...{after[:12]}",
        "repository": {"full_name": "ml/flights", "clone_url": url, "ssh_url": "", "git_url": url},
        "pusher": {"name": "ada[bot]"},
        "head_commit": commit,
        "commits": [commit],
    }


@dataclass
class Hook:
    """The webhook of one namespace."""

    cluster: object
    namespace: str
    answer: str = ""

    def deliver(self, body, *, secret=SECRET, event="push"):
        """Send a signed event and return the status of the answer."""
        text = json.dumps(body).encode()
        signature = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": event,
            "X-Hub-Signature-256": f"sha256={signature}",
        }
        server = http.client.HTTPConnection(self.cluster.server.removeprefix("http://"), timeout=30)
        server.request("POST", f"/api/v1/events/{self.namespace}/git", text, headers)
        answer = server.getresponse()
        self.answer = answer.read().decode()
        server.close()
        return answer.status

    def runs(self):
        """Return the runs that pushes started, by name."""
        label = "workflows.argoproj.io/workflow-event-binding=push-training"
        found = self.cluster.get("workflows", f"-n={self.namespace}", "-l", label)
        return {run["metadata"]["name"]: run for run in found["items"]}

    def ended(self, name):
        """Return a run once it has ended, and what was seen of its pods, which are gone then."""
        seen, end = Seen(), time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < end:
            self._look(name, seen)
            run = self.cluster.get("workflow", name, f"-n={self.namespace}")
            if run.get("status", {}).get("finishedAt"):
                return run, seen
            time.sleep(1)
        pytest.fail(f"{name} has not ended after {LIMIT_SECONDS} s")

    def _look(self, name, seen):
        label = f"workflows.argoproj.io/workflow={name}"
        for pod in self.cluster.get("pods", f"-n={self.namespace}", "-l", label)["items"]:
            found, span = pod["metadata"]["name"], main_of(pod)
            if span and found not in seen.spans:
                with suppress(HarnessError):  # a pod that is gone meanwhile
                    words = ("logs", found, f"-n={self.namespace}", "-c=main")
                    seen.logs[found] = self.cluster.kubectl(*words)
                    seen.spans[found] = span


@dataclass
class Seen:
    """Of the pods of a run: when the step's own container ran, and what it said."""

    spans: dict = field(default_factory=dict)
    logs: dict = field(default_factory=dict)

    @property
    def log(self):
        return "".join(self.logs.values())


def main_of(pod):
    """Return when the step's own container began and ended, once it has."""
    for status in pod.get("status", {}).get("containerStatuses", ()):
        ended = status["state"].get("terminated")
        if status["name"] == "main" and ended:
            return moment(ended["startedAt"]), moment(ended["finishedAt"])
    return None


def moment(text):
    return datetime.fromisoformat(text)
