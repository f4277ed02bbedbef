"""An OCI image layout, and loading its images into containerd without what is there already."""

import contextlib
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from harness.errors import HarnessError
from harness.images import Image
from harness.node import Node
from harness.places import Places
from harness.shell import run

Descriptor = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A folder of blobs and an index that names some of them."""

    folder: Path

    def descriptor(self, reference: str) -> Descriptor | None:
        """Return the index entry of *reference*."""
        return next((entry for entry in self._index() if _reference(entry) == reference), None)

    def blobs(self, descriptor: Descriptor) -> list[str]:
        """Return the digests an image is made of, its manifest first."""
        manifest = json.loads(self.blob(descriptor["digest"]).read_bytes())
        parts = [manifest["config"], *manifest["layers"]]
        return [descriptor["digest"], *(part["digest"] for part in parts)]

    def blob(self, digest: str) -> Path:
        return self.folder.joinpath("blobs", *digest.split(":"))

    def keep(self, references: Collection[str]) -> None:
        """Forget every other image, and delete the blobs that none of these needs."""
        entries = [entry for entry in self._index() if _reference(entry) in references]
        index = json.loads((self.folder / "index.json").read_text())
        (self.folder / "index.json").write_text(json.dumps({**index, "manifests": entries}))
        needed = {self.blob(digest) for entry in self._index() for digest in self.blobs(entry)}
        for blob in (self.folder / "blobs" / "sha256").iterdir():
            if blob not in needed:
                blob.unlink()

    def _index(self) -> list[Descriptor]:
        index = self.folder / "index.json"
        if not index.exists():
            return []
        entries: list[Descriptor] = json.loads(index.read_text())["manifests"]
        return entries


def _reference(entry: Descriptor) -> str:
    return str(entry["annotations"]["org.opencontainers.image.ref.name"])


def load(layout: Layout, image: Image, node: Node, places: Places) -> bool:
    """Have *node* know *image* by its name; say whether there was anything to do.

    Raises: HarnessError: containerd refused it, or the layout has no such image.
    """
    descriptor = layout.descriptor(image.reference)
    if descriptor is None:
        raise HarnessError(f"{layout.folder} lacks {image.reference}: delete it and try again.")
    command = [str(word) for word in node.ctr(places)]
    listed = run([*command, "image", "ls", f"name=={image.name}"])
    if descriptor["digest"] in listed:
        return False
    known = set(run([*command, "content", "ls", "--quiet"]).split())
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*command, "image", "import", "-"], stdin=subprocess.PIPE, stdout=output, stderr=output
        )
        with contextlib.suppress(BrokenPipeError), cast("IO[bytes]", process.stdin) as archive:
            _write(layout, descriptor, image.name, known, archive)
        if process.wait():
            output.seek(0)
            words = output.read().decode()
            raise HarnessError(f"{node.name} did not take the image {image.name}:\n{words}")
    return True


def _write(
    layout: Layout, descriptor: Descriptor, name: str, known: set[str], out: IO[bytes]
) -> None:
    """Write the image as an archive to *out*, without the layers that containerd knows."""
    entry = {**descriptor, "annotations": {"io.containerd.image.name": name}}
    index = {"schemaVersion": 2, "manifests": [entry]}
    manifest, config, *layers = layout.blobs(descriptor)
    with tarfile.open(fileobj=out, mode="w|") as archive:
        for path, content in (
            ("oci-layout", {"imageLayoutVersion": "1.0.0"}),
            ("index.json", index),
        ):
            data = json.dumps(content).encode()
            member = tarfile.TarInfo(path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for digest in [manifest, config, *(layer for layer in layers if layer not in known)]:
            blob = layout.blob(digest)
            archive.add(blob, str(blob.relative_to(layout.folder)))
