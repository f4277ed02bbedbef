"""The project whose steps fail, ready to be run here or on a cluster."""

import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
READY = 'tiphys.metric {"name": "ready"'
"""How the log of a step says that it may be disturbed."""


def prepare(root: Path, cluster: str, profile: str) -> None:
    """Make the project at *root*, rendered for *cluster*, with a manifest a failure.

    Beside *profile* it gets what names the images of that cluster, where it has any.
    """
    shutil.copytree(ROOT / "tests" / "cluster" / "failing", root)
    for package in ("components", "workflows"):
        (root / package / "__init__.py").touch()
    shutil.copytree(ROOT / "requirements", root / "requirements")
    folder = root / "manifests" / cluster
    folder.mkdir(parents=True)
    images = ROOT / "manifests" / cluster / "images.yaml"
    if images.exists():
        shutil.copy(images, folder)
    (folder / "profile.yaml").write_text(profile)
    command = [Path(sys.executable).with_name("tiphys"), "render"]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    for text in (folder / "failures.yaml").read_text().split("---\n"):
        name = yaml.safe_load(text)["metadata"]["name"].removeprefix("failure-")
        (folder / f"{name}.yaml").write_text(text)
