"""Moving an image from buildah's store to nodes, without the layers that are there already.

The archives that containerd is given are of OCI's kind, whose importer, unlike that of Docker's,
accepts that layers are missing. Where the topmost alone is missing, as after every change of our
sources, buildah writes just that one, in a second. Else it writes a whole archive of Docker's kind
to a pipe, and what comes out of it goes on translated: nothing is compressed or kept.
"""

import contextlib
import hashlib
import io
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import IO, Any, cast

from harness.buildah import Store
from harness.containerd import Containerd
from harness.errors import HarnessError
from harness.images import Image
from harness.shell import run, succeeds

BUFFER_BYTES = 1 << 20
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
NAME_ANNOTATION = "io.containerd.image.name"
KEY_LABEL = "tiphys/key"
PREVIOUS = "tiphys/previous"
"""What an image is called while another takes its name."""


def load(image: Image, store: Store, nodes: Sequence[Containerd]) -> None:
    """Have *nodes* know *image* by its name; its archive is read once for all of them.

    Raises: HarnessError: containerd refused it.
    """
    label = f'name=="{image.name}",labels."{KEY_LABEL}"=={image.key}'
    nodes = [node for node in nodes if not run([*node.ctr, "image", "ls", "--quiet", label])]
    if not nodes:
        return
    layers = store.layers(image)
    for node in nodes:  # its layers stay until those of the new one are told to
        succeeds([*node.ctr, "image", "tag", "--force", image.name, PREVIOUS])
    missing = set().union(*(_missing(layers, node.snapshots()) for node in nodes))
    with tempfile.TemporaryFile() as said:
        targets = [_importer(node, said) for node in nodes]
        with (
            contextlib.suppress(BrokenPipeError),  # containerd's own words follow
            _Tee([cast("IO[bytes]", target.stdin) for target in targets]) as tee,
        ):
            oci = cast("IO[bytes]", tee)
            if missing <= {layers[-1]}:
                _write_top(image, store, layers, oci)
            else:
                _write_whole(image, store, set(layers) - missing, oci)
        codes = [target.wait() for target in targets]
        if any(codes):
            said.seek(0)
            names = " or ".join(node.name for node in nodes)
            words = said.read().decode()
            raise HarnessError(f"{names} did not take the image {image.name}:\n{words}")
    for node in nodes:
        succeeds([*node.ctr, "image", "label", image.name, f"{KEY_LABEL}={image.key}"])
        _drop_archives(layers, node)
        succeeds([*node.ctr, "image", "rm", PREVIOUS])


def collect_garbage(node: Containerd) -> None:
    """Return once what no image needs any more is off the disk."""
    for words in (["create", "--id=garbage"], ["delete", "--sync", "garbage"]):
        run([*node.ctr, "leases", *words])


def _missing(layers: Sequence[str], snapshots: Collection[str]) -> set[str]:
    """Return those of an image's *layers* that are not among the *snapshots*.

    A snapshot is a layer on others: its name is a hash of that layer's and of the name below it.
    """
    missing, chain = set(), ""
    for layer in layers:
        chain = f"sha256:{_digest(f'{chain} {layer}'.encode())}" if chain else layer
        if chain not in snapshots:
            missing.add(layer)
    return missing


def _drop_archives(layers: Sequence[str], node: Containerd) -> None:
    """Delete the layers as archives: they are unpacked, and as large as their contents."""
    if there := set(layers).intersection(node.list("content")):
        run([*node.ctr, "content", "rm", *there])


def _write_top(image: Image, store: Store, layers: Sequence[str], oci: IO[bytes]) -> None:
    """Write the image to *oci* with its topmost layer only.

    buildah leaves alone what lies in a layout already, so empty files stand for the other layers.
    """
    with tempfile.TemporaryDirectory(dir=store.places.cache) as name:
        folder = Path(name)
        below = [folder / _blob_path(layer) for layer in layers[:-1]]
        for blob in below:
            blob.parent.mkdir(parents=True, exist_ok=True)
            blob.touch()
        store.write_layout(image, folder)
        for blob in below:
            blob.unlink()
        index = folder / "index.json"
        content = json.loads(index.read_text())
        content["manifests"][0]["annotations"] = {NAME_ANNOTATION: image.name}
        index.write_text(json.dumps(content))
        with tarfile.open(fileobj=oci, mode="w|", bufsize=BUFFER_BYTES) as archive:
            archive.add(folder, arcname=".")


def _write_whole(image: Image, store: Store, known: Collection[str], oci: IO[bytes]) -> None:
    """Write the image to *oci* as buildah exports it, without the layers in *known*."""
    source = subprocess.Popen(store.export_command(image), stdout=subprocess.PIPE)
    with (
        contextlib.suppress(tarfile.ReadError),  # buildah's own words follow
        cast("IO[bytes]", source.stdout) as docker,
    ):
        _translate(docker, oci, image.name, known)
    source.wait()  # if it failed, the archive is not whole, and is refused


def _importer(node: Containerd, said: IO[bytes]) -> "subprocess.Popen[bytes]":
    command = [*node.ctr, "image", "import", "-"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said)


@dataclass(frozen=True, slots=True)
class _Tee(contextlib.AbstractContextManager["_Tee"]):
    """A file that is several."""

    files: Sequence[IO[bytes]]

    def write(self, data: bytes) -> int:
        for file in self.files:
            file.write(data)
        return len(data)

    def __exit__(self, *exception: object) -> None:
        for file in self.files:
            with contextlib.suppress(BrokenPipeError):
                file.close()


@dataclass(slots=True)
class _Writer:
    """An OCI archive being written, and what its manifest has to name."""

    archive: tarfile.TarFile
    config: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    layers: list[str] = field(default_factory=list)

    def add(self, name: str, data: bytes) -> None:
        self.add_stream(name, io.BytesIO(data), len(data))

    def add_stream(self, name: str, data: IO[bytes], size: int) -> None:
        member = tarfile.TarInfo(name)
        member.size = size
        self.archive.addfile(member, data)

    def add_blob(self, kind: str, data: bytes) -> dict[str, Any]:
        digest = f"sha256:{_digest(data)}"
        self.add(_blob_path(digest), data)
        return {"mediaType": kind, "digest": digest, "size": len(data)}

    def finish(self, name: str) -> None:
        """Write what names the image: manifest, index and the layout's version."""
        layers = [
            {"mediaType": LAYER_TYPE, "digest": digest, "size": self.sizes[digest]}
            for digest in self.layers
        ]
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST_TYPE}
        parts = {"config": self.config, "layers": layers}
        entry = self.add_blob(MANIFEST_TYPE, json.dumps({**manifest, **parts}).encode())
        entry["annotations"] = {NAME_ANNOTATION: name}
        self.add("index.json", json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode())
        self.add("oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())


def _translate(docker: IO[bytes], oci: IO[bytes], name: str, known: Collection[str]) -> None:
    """Write the image in *docker* to *oci* as *name*, leaving out the layers in *known*.

    In such an archive a layer is `<sha256>.tar`, the configuration `<sha256>.json`.
    """
    with (
        tarfile.open(fileobj=docker, mode="r|", bufsize=BUFFER_BYTES) as source,
        tarfile.open(fileobj=oci, mode="w|", bufsize=BUFFER_BYTES) as target,
    ):
        writer = _Writer(archive=target)
        for member in source:
            path = PurePath(member.name)
            data = source.extractfile(member) if len(path.stem) == 64 and member.isfile() else None
            if data is None:
                continue
            digest = f"sha256:{path.stem}"
            if path.suffix == ".tar":
                writer.sizes[digest] = member.size
                if digest not in known:
                    writer.add_stream(_blob_path(digest), data, member.size)
            else:
                config = data.read()
                writer.config = writer.add_blob(CONFIG_TYPE, config)
                writer.layers = json.loads(config)["rootfs"]["diff_ids"]
        writer.finish(name)


def _blob_path(digest: str) -> str:
    return "blobs/" + digest.replace(":", "/")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
