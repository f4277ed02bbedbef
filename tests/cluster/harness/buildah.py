"""Building images, in a store of our own that is part of the cache."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness.images import Image
from harness.places import Places
from harness.shell import run, succeeds, unmount_below

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
SCRATCH = Path("/run/tiphys-buildah")


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One image to be built."""

    image: Image
    containerfile: Path
    context: Path
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Images as buildah keeps them."""

    places: Places

    def has(self, image: Image) -> bool:
        return succeeds(self._command("inspect", "--type", "image", image.local))

    def build(self, build: Build) -> None:
        """Build an image and drop what it was before.

        Layers whose inputs did not change are taken from the last time, so inputs get one fixed
        time of change: buildah counts it as content.
        """
        for path in [build.context, *build.context.rglob("*")]:
            os.utime(path, (0, 0), follow_symlinks=False)
        words = ["--layers", "--pull-never", "--format", "oci", f"--file={build.containerfile}"]
        words += [f"--build-arg={key}={value}" for key, value in build.arguments.items()]
        if certificates := os.environ.get("SSL_CERT_FILE"):  # trusted outside, so inside as well
            words.append(f"--volume={certificates}:{CERTIFICATES}:ro")
        env = {**os.environ, "BUILDAH_ISOLATION": "chroot"}  # needs no container runtime
        tag = f"--tag={build.image.local}"
        run(self._command("bud", *words, tag, str(build.context)), env=env)
        self._remove_older(build.image)
        run(self._command("tag", build.image.local, f"localhost/tiphys/{build.image.alias}:latest"))

    def layers(self, image: Image) -> list[str]:
        """Return the digests of the image's layers, the lowest first."""
        diffs = "{{range .OCIv1.RootFS.DiffIDs}}{{.}} {{end}}"
        words = ("--type", "image", "--format", diffs)
        return run(self._command("inspect", *words, image.local)).split()

    def export_command(self, image: Image) -> list[str]:
        """Return the command that writes the image to its standard output, uncompressed."""
        return self._command("push", "--quiet", image.local, "docker-archive:/dev/stdout")

    def write_layout(self, image: Image, folder: Path) -> None:
        """Write the image to *folder* as an OCI layout, its layers compressed."""
        run(self._command("push", "--quiet", image.local, f"oci:{folder}:{image.local}"))

    def upload(self, image: Image, name: str) -> str:
        """Push the image to a registry that speaks plain HTTP; return its digest there."""
        with tempfile.TemporaryDirectory(dir=self.places.cache) as folder:
            digest = Path(folder) / "digest"
            words = ("--quiet", "--tls-verify=false", f"--digestfile={digest}")
            run(self._command("push", *words, image.local, f"docker://{name}"))
            return digest.read_text().strip()

    def release(self) -> None:
        """Leave nothing mounted, not even of a build that was broken off; the images stay."""
        if self._root.exists():
            run(self._command("rm", "--all"))
            unmount_below(self._root)
        shutil.rmtree(SCRATCH, ignore_errors=True)

    def _remove_older(self, image: Image) -> None:
        listed = run(self._command("images", "--format", "{{.Name}}:{{.Tag}}"))
        for name in listed.split():
            if name.startswith(f"localhost/tiphys/{image.alias}:") and name != image.local:
                succeeds(self._command("rmi", name))  # not while another image stands on it

    @property
    def _root(self) -> Path:
        return self.places.cache / "buildah"

    def _command(self, verb: str, *words: str) -> list[str]:
        return ["buildah", f"--root={self._root}", f"--runroot={SCRATCH}", verb, *words]
