"""The images of the project's roles, built from its Containerfile as its users build them."""

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from harness.buildah import Build, Store
from harness.images import Image
from harness.places import Places
from harness.shell import run

REPOSITORY = "localhost/flights"
ROLES = ("step", "quality", "serve", "data", "train")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roles:
    """The images of all roles on one base."""

    store: Store
    base: Image

    def images(self, wheel: Path) -> list[Image]:
        """Return what each role's image is called now; pods know it by its lock alone."""
        containerfile = (self._places.repository / "Containerfile").read_bytes()
        found = []
        for role in ROLES:
            lock = _lock_hash(self._places, role).encode()
            parts = [lock, wheel.read_bytes(), containerfile, self.base.key.encode()]
            key = hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]
            found.append(Image(alias=role, key=key, name=image_name(self._places, role)))
        return found

    def build(self, image: Image, wheel: Path) -> None:
        """Build *image*, unless it is there."""
        if self.store.has(image):
            return
        with tempfile.TemporaryDirectory(dir=self._places.cache) as folder:
            context = Path(folder)
            shutil.copytree(self._places.repository / "requirements", context / "requirements")
            (context / "dist").mkdir()
            shutil.copy(wheel, context / "dist")
            self.store.build(
                Build(
                    image=image,
                    containerfile=self._places.repository / "Containerfile",
                    context=context,
                    arguments={"BASE": self.base.local, "ROLE": image.alias},
                )
            )

    @property
    def _places(self) -> Places:
        return self.store.places


def image_name(places: Places, role: str) -> str:
    """Return what manifests call the image of *role*."""
    return f"{REPOSITORY}/{role}:{_lock_hash(places, role)[:12]}"


def write_names(places: Places, cluster: str) -> Path:
    """Write `images.yaml` beside the profile of *cluster*: what `tiphys render` reads."""
    lines = ["# Written by `make images`.\n"]
    for role in sorted(ROLES):
        lines.append(f"{role}:\n  image: {image_name(places, role)}\n")
        lines.append(f"  lock: {_lock_hash(places, role)}\n")
    path = places.repository / "manifests" / cluster / "images.yaml"
    path.write_text("".join(lines))
    return path


def build_wheel(places: Places) -> Path:
    """Return the wheel of the working tree, in the cache."""
    uv = which("uv") or str(places.repository / ".uv" / "bin" / "uv")
    folder = places.cache / "wheel"
    shutil.rmtree(folder, ignore_errors=True)
    run([uv, "build", "--quiet", "--wheel", "--out-dir", folder, places.repository])
    (wheel,) = folder.glob("*.whl")
    return wheel


def _lock_hash(places: Places, role: str) -> str:
    lock = places.repository / "requirements" / f"{role}.lock"
    return hashlib.sha256(lock.read_bytes()).hexdigest()
