#!/usr/bin/env python3
"""Build the image of every role whose recipe has changed, push it, and name it by its digest.

    images.py production

Which these are follows from the files alone: images.yaml has the hashes of the lock and of the
library that each image was built from. So a second call builds nothing, and a failed one goes on
where it stopped.
BASE in the environment is another base image: the one of a mirror, say.
"""

import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import yaml

from tiphys import recipe

DEVELOPERS = "dev"
"""Whose lock is of no image."""
HEAD = "# Written by `make release`, which pushes an image a role.\n"


def main(root: Path, profile: str) -> list[str]:
    """Return the roles whose images were built for *profile*."""
    folder = root / "manifests" / profile
    repository = yaml.safe_load((folder / "profile.yaml").read_text())["images"]
    file = folder / "images.yaml"
    known = yaml.safe_load(file.read_text()) if file.exists() else {}
    built = []
    roles = {path.stem for path in (root / recipe.LOCKS).glob("*.lock")}
    for role in sorted(roles - {DEVELOPERS}):
        wanted = recipe.of(root, role)
        now = asdict(wanted)
        own = known.get(role, {"image": ""})
        if now.items() <= own.items() and own["image"].startswith(f"{repository}/{role}@"):
            continue
        if not built:
            _run("uv", "build", "--quiet", "--wheel", "--clear", cwd=root)
        digest = build(root, role, f"{repository}/{role}", wanted.tag)
        known[role] = {"image": f"{repository}/{role}@{digest}", **now}
        file.write_text(HEAD + yaml.safe_dump(known, width=1000))
        built.append(role)
    return built


def build(root: Path, role: str, repository: str, tag: str) -> str:
    """Build and push one image, and return its digest in the registry."""
    name = f"{repository}:{tag}"
    arguments = {"ROLE": role} | ({"BASE": os.environ["BASE"]} if os.environ.get("BASE") else {})
    options = [f"--build-arg={key}={value}" for key, value in arguments.items()]
    _run("buildah", "bud", "--layers", *options, f"--tag={name}", ".", cwd=root)
    with tempfile.TemporaryDirectory() as folder:
        digest = Path(folder) / "digest"
        _run("buildah", "push", f"--digestfile={digest}", name, f"docker://{name}", cwd=root)
        return digest.read_text().strip()


def _run(*argv: str, cwd: Path) -> None:
    print("+", *argv, flush=True)
    subprocess.run(argv, cwd=cwd, check=True)


if __name__ == "__main__":
    roles = main(Path.cwd(), sys.argv[1])
    print("built:", *(roles or ["nothing: neither a lock nor the library has changed"]))
