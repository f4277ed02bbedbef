"""A copy of the project, so that its runs and its registry start from nothing."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness.cluster import Cluster

ROOT = Path(__file__).parents[2]
LIMIT_SECONDS = 900
OURS = "app.kubernetes.io/managed-by=tiphys"
"""The label of all that Tiphys makes."""


class Checkout:
    """A folder with the project's files as they are now, and the command in it."""

    def __init__(self, root: Path, cluster: Cluster) -> None:
        self.root, self.cluster = root, cluster
        self.environment = {**os.environ, **cluster.environment, "COLUMNS": "200"}

    @staticmethod
    def at(root: Path, cluster: Cluster) -> "Checkout":
        """Make one at *root*, with the project's data, which the cluster's remote has too."""
        copy_project(root)
        (root / ".dvc" / "cache").symlink_to(ROOT / ".dvc" / "cache")
        copy_data(cluster)
        return Checkout(root, cluster)

    def tiphys(self, *words: str, code: int = 0) -> str:
        """Return what the command prints; it must end with *code*."""
        done = subprocess.run(
            [Path(sys.executable).with_name("tiphys"), *words],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert done.returncode == code, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Start the command, and do not wait for it."""
        return subprocess.Popen(
            [Path(sys.executable).with_name("tiphys"), *words],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def forget_models(self) -> None:
        """Take the registries, here and there, and the cluster's server back to the beginning."""
        shutil.rmtree(self.root / ".tiphys" / "storage" / "registry", ignore_errors=True)
        for bucket in ("registry", "checkpoints"):
            for path in (self.cluster.places.state / "s3" / bucket).iterdir():
                shutil.rmtree(path)
        self.cluster.kubectl("delete", "deployments,services", "-l", OURS)


def copy_project(to: Path) -> None:
    """Copy the files that git knows or would take, as they are now."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


def move(root: Path, url: str, namespace: str, *more: tuple[str, str]) -> None:
    """Have the copy at *root* come from the repository *url* and run in a *namespace* of its own.

    *more* are further patterns of its profile, and what stands for them.
    """
    change(
        root / "manifests" / "ci" / "profile.yaml",
        (r"source: archive", f'source: {{git: "{url}"}}'),
        (r"namespace: flights", f"namespace: {namespace}"),
        (r"cache: .*\n", ""),
        *more,
    )


def copy_data(cluster: Cluster) -> None:
    """Copy the project's data to the cluster's remote, where steps fetch them.

    What is there stays, and the rest comes whole: others fetch meanwhile.
    """
    cache = ROOT / ".dvc" / "cache" / "files"
    remote = cluster.places.state / "s3" / "dvc" / "files"
    with tempfile.TemporaryDirectory(dir=cluster.places.state) as aside:
        for file in filter(Path.is_file, cache.rglob("*")):
            target = remote / file.relative_to(cache)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, aside)
                (Path(aside) / file.name).rename(target)


def change(file: Path, *edits: tuple[str, str]) -> None:
    """Replace patterns in a file; each must be there."""
    text = file.read_text()
    for pattern, replacement in edits:
        text, found = re.subn(pattern, replacement, text)
        assert found, pattern
    file.write_text(text)


def git(folder: Path, *words: str) -> str:
    """Return what git prints in *folder*, where Ada is at work; it must end well."""
    who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def outputs_of(run: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Return step to its output parameters, of a Workflow object."""
    return {
        node["displayName"]: {
            p["name"]: p["value"] for p in node["outputs"].get("parameters", ()) if "value" in p
        }
        for node in run["status"]["nodes"].values()
        if "outputs" in node
    }


def assert_succeeded(run: dict[str, Any]) -> None:
    """Fail with what each node says that did not end well, unless the Workflow object *run* did."""
    status = run["status"]
    bad = [
        f"{node['displayName']}: {node['phase']} {node.get('message', '')}"
        for node in status.get("nodes", {}).values()
        if node["phase"] not in {"Succeeded", "Omitted", "Skipped"}
    ]
    assert status["phase"] == "Succeeded", "\n".join([status.get("message", ""), *bad])
