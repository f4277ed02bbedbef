"""Pushes as GitHub tells of them, and what Argo made of them: signed payloads, runs, their pods."""

import hashlib
import hmac
import http.client
import json
import secrets
from contextlib import suppress
from dataclasses import dataclass, field

from checkout import Checkout, git
from harness.errors import HarnessError
from harness.installation import Installation
from patience import until

from tiphys.report.rows import moment

SECRET = secrets.token_hex(32)
LIMIT_SECONDS = 900


class Repository(Checkout):
    """A clone of the project's repository, from which commits are pushed, and its namespace."""

    def __init__(self, root, installed, url):
        super().__init__(root, installed.cluster)
        self.installed, self.url, self.pushed = installed, url, False

    def git(self, *words):
        return git(self.root, *words)

    def push(self, edits, *, message="Change something", branch="main"):
        """Commit *edits*, {path: text -> text}; return GitHub's payload."""
        before = self.git("rev-parse", "--verify", "-q", "HEAD") if self.pushed else "0" * 40
        for path, edit in edits.items():
            file = self.root / path
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


@dataclass(frozen=True)
class Hook:
    """The webhook of one namespace."""

    installed: Installation

    def deliver(self, body, *, secret=SECRET, event="push"):
        """Send a signed event and return the status of the answer."""
        text = json.dumps(body).encode()
        signature = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": event,
            "X-Hub-Signature-256": f"sha256={signature}",
        }
        address = self.installed.cluster.server.removeprefix("http://")
        server = http.client.HTTPConnection(address, timeout=30)
        server.request("POST", f"/api/v1/events/{self.installed.namespace}/git", text, headers)
        answer = server.getresponse()
        answer.read()  # to its end, which closes it
        server.close()
        return answer.status

    def runs(self):
        """Return the runs that pushes started, by name."""
        label = "workflows.argoproj.io/workflow-event-binding=push-training"
        found = self.installed.get("workflows", "-l", label)
        return {run["metadata"]["name"]: run for run in found["items"]}

    def ended(self, name):
        """Return a run once it has ended, and what was seen of its pods, which are gone then."""
        seen = Seen()

        def look():
            self._look(name, seen)
            run = self.installed.get("workflow", name)
            return run if run.get("status", {}).get("finishedAt") else None

        return until(f"the end of {name}", look, LIMIT_SECONDS, every_seconds=1), seen

    def _look(self, name, seen):
        label = f"workflows.argoproj.io/workflow={name}"
        for pod in self.installed.get("pods", "-l", label)["items"]:
            found, span = pod["metadata"]["name"], main_of(pod)
            if span and found not in seen.spans:
                with suppress(HarnessError):  # a pod that is gone meanwhile
                    seen.logs[found] = self.installed.kubectl("logs", found, "-c=main")
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
