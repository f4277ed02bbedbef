"""The images a cluster needs whatever runs on it, and the base that the roles' images stand on."""

import hashlib
import shutil
import tempfile
from pathlib import Path

from harness.buildah import Build, Store
from harness.images import Image
from harness.places import Places
from harness.shell import run

PAUSE, BUSYBOX, ARGOEXEC = (
    "localhost/pause:1",
    "docker.io/library/busybox:latest",
    "localhost/argoexec:v4.0.7",
)
DEBIAN = {"release": "bookworm", "include": "python3,python3-venv,ca-certificates"}
UNNEEDED = ("./dev/*", "./proc/*", "./var/cache/*", "./var/lib/apt/lists/*", "./usr/share/doc/*")


def build(store: Store, binaries: Path) -> list[Image]:
    """Return pause, busybox and argoexec, built where their program or Containerfile changed."""
    programs = {  # in this order: argoexec's build needs the shell
        PAUSE: binaries / "pause",
        BUSYBOX: Path("/bin/busybox"),
        ARGOEXEC: binaries / "argoexec",
    }
    return [_one_program(store, name, program) for name, program in programs.items()]


def build_base(store: Store) -> Image:
    """Return Debian with Python, made by debootstrap the first time."""
    containerfile = _containerfile(store.places, "python")
    key = _key(repr((DEBIAN, UNNEEDED)).encode(), containerfile.read_bytes())
    image = Image(alias="python", key=key, name="localhost/python:3.11")
    if not store.has(image):
        with tempfile.TemporaryDirectory(dir=store.places.cache) as context:
            _bootstrap(Path(context))
            store.build(Build(image=image, containerfile=containerfile, context=Path(context)))
    return image


def _one_program(store: Store, name: str, program: Path) -> Image:
    containerfile = _containerfile(store.places, program.name)
    key = _key(program.read_bytes(), containerfile.read_bytes())
    image = Image(alias=program.name, key=key, name=name)
    if not store.has(image):
        with tempfile.TemporaryDirectory(dir=store.places.cache) as context:
            shutil.copy(program, context)
            store.build(Build(image=image, containerfile=containerfile, context=Path(context)))
    return image


def _bootstrap(folder: Path) -> None:
    """Write `debian.tar` into *folder*."""
    root = folder / "debian"
    include = f"--include={DEBIAN['include']}"
    run(["debootstrap", "--variant=minbase", include, DEBIAN["release"], root])
    exclude = [f"--exclude={pattern}" for pattern in UNNEEDED]
    run(["tar", "-C", root, "--numeric-owner", *exclude, "-cf", folder / "debian.tar", "."])
    shutil.rmtree(root)


def _containerfile(places: Places, alias: str) -> Path:
    return places.sources / "images" / f"{alias}.Containerfile"


def _key(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]
