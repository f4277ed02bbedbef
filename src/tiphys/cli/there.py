"""The runs of a cluster, for the commands that take `--on`."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from tiphys import manifest as manifests
from tiphys.cluster import artifacts, code, submission, verbs
from tiphys.cluster.connection import Connection, connect_to
from tiphys.errors import UserError
from tiphys.manifest.profile import Profile
from tiphys.review.parity import MANIFEST, fingerprint
from tiphys.runtime import (
    Observer,
    Outcome,
    RefusedError,
    RunRequest,
    pack_project,
    read_parameters,
)

Workflow = dict[str, Any]


class DetachedError(UserError):
    """Ctrl-C ends the watching, not the run."""

    def __init__(self, name: str, profile: str) -> None:
        advice = f"Type: tiphys get {name} --on {profile}, or: tiphys stop {name} --on {profile}"
        super().__init__(name, "is not watched any more; it goes on.", advice)


@dataclass(frozen=True, slots=True)
class There:
    """The runs of a namespace, asked of its Argo Server."""

    root: Path
    profile: Profile
    connection: Connection

    @classmethod
    def of(cls, root: Path, profile: Profile) -> Self:
        """Return the cluster of *profile*, whose token is in the environment."""
        return cls(root, profile, connect_to(profile, os.environ))

    @property
    def context(self) -> str:
        return f"on {self.profile.name}"

    def list_runs(self) -> Sequence[Workflow]:
        return verbs.list_runs(self.connection)

    def get(self, name: str) -> Workflow:
        return verbs.get(self.connection, name)

    def logs(self, name: str, node: str | None, *, follow: bool) -> Iterator[tuple[str, str]]:
        yield from verbs.logs(self.connection, name, node=node, follow=follow)

    def artifact(self, name: str, node: str, artifact: str) -> bytes | None:
        return artifacts.read(self.connection, name, node, artifact)

    def page(self, name: str) -> Path:
        return self.root / ".tiphys" / "pages" / self.profile.name / f"{name}.html"

    def run(self, request: RunRequest, display: Observer) -> Outcome:
        given = {**read_parameters(request.parameter_files), **request.parameters}
        return self._watched(self.submit(request.files, given), display)

    def retry(self, name: str, display: Observer) -> Outcome:
        verbs.retry(self.connection, name)
        return self._watched(name, display)

    def stop(self, name: str, display: Observer) -> Outcome | None:
        del display
        verbs.stop(self.connection, name)
        return None

    def _watched(self, name: str, display: Observer) -> Outcome:
        workflow: Workflow = {}
        try:
            for workflow in verbs.watch(self.connection, name):
                display.changed(workflow)
        except KeyboardInterrupt:
            raise DetachedError(name, self.profile.name) from None
        status = workflow.get("status") or {}
        message = status.get("message") or ""
        return Outcome(name=name, phase=status["phase"], message=message, workflow=workflow)

    def submit(self, files: Sequence[Path], parameters: Mapping[str, str]) -> str:
        """Bring code and templates there, start a run of the first file, return its name.

        Raises: RefusedError: the manifest is wrong.
        """
        loaded = manifests.load(files, on_cluster=True, parameters=[*parameters])
        if loaded.manifest is None:
            raise RefusedError(loaded.errors)
        manifest = loaded.manifest
        declared = {p.name for p in manifests.joined(manifest).spec.arguments.parameters}
        given = {**self._bound(declared), **parameters}
        for template in manifest.library.templates.values():
            submission.apply(self.connection, template.raw)
        notes = {MANIFEST: fingerprint(files[0])}
        return submission.submit(self.connection, manifest.main.raw, given, notes)

    def _bound(self, declared: set[str]) -> dict[str, str]:
        """Upload the project's code if a run wants it, and return the parameters that name it."""
        if "code" not in declared:
            return {}
        packed = pack_project(self.root)
        code.upload(self.profile, packed.archive, packed.sha256, os.environ)
        bound = {"code": packed.sha256, "revision": packed.revision}
        return {name: value for name, value in bound.items() if name in declared}
