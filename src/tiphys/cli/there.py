"""The runs of a cluster, for the commands that take `--on`."""

import os
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tiphys import manifest as manifests
from tiphys.cli.watching import watched
from tiphys.cluster import artifacts, code, logs, submission, verbs
from tiphys.cluster.connection import Connection, connect_to
from tiphys.engine.state import Shutdown
from tiphys.engine.status import ended, held, suspended
from tiphys.manifest import choices
from tiphys.manifest.profile import Profile
from tiphys.report.waiting import Evidence
from tiphys.review.parity import MANIFEST, fingerprint
from tiphys.runtime import (
    Observer,
    Outcome,
    RefusedError,
    RunRequest,
    Workflow,
    pack_project,
    read_parameters,
)
from tiphys.runtime.faults import NotEndedError, NotSuspendedError, RunStateError

if TYPE_CHECKING:
    from tiphys.cluster.api import Api


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

    @property
    def suffix(self) -> str:
        return f" --on {self.profile.name}"

    def list_runs(self) -> Sequence[Workflow]:
        return verbs.list_runs(self.connection)

    def get(self, name: str) -> Workflow:
        return verbs.get(self.connection, name)

    def exists(self, name: str) -> bool:
        """Whether there is a run of this name."""
        return self.look_for(name) is not None

    def look_for(self, name: str) -> Workflow | None:
        """Return the run of this name; None if there is none."""
        return verbs.look_for(self.connection, name)

    def list_every_run(self) -> Sequence[Workflow]:
        """Return the runs, none missing.

        Raises: UnlistedRunsError: the server cannot say.
        """
        return verbs.list_every_run(self.connection)

    def busy(self) -> Sequence[Workflow]:
        runs = [run for run in self.list_runs() if not ended(run)]
        return [self.get(run["metadata"]["name"]) for run in runs]

    def logs(self, name: str, node: str | None, *, follow: bool) -> Iterator[tuple[str, str]]:
        yield from logs.read(self.connection, name, node=node, follow=follow)

    def artifact(self, name: str, node: str, artifact: str) -> bytes | None:
        return artifacts.read(self.connection, name, node, artifact)

    def page(self, name: str) -> Path:
        return self.root / ".tiphys" / "pages" / self.profile.name / f"{name}.html"

    def evidence(self, name: str) -> tuple[Evidence, Sequence[str]]:
        from tiphys.cluster import sight  # noqa: PLC0415 - most verbs need no such client

        api = self.api()
        if api is None:
            seen = sight.through_argo(self.connection, self.get(name))
        else:
            seen = sight.of_run(api, name)
        return Evidence(pods=seen.pods, events=seen.events, nodes=seen.nodes), seen.unseen

    def api(self) -> "Api | None":
        """Return the cluster's Kubernetes API, where something names it."""
        from tiphys.cluster import api  # noqa: PLC0415 - most verbs need no such client

        return api.reach(self.profile, os.environ)

    def archives(self) -> Sequence[code.Archive]:
        """Return the stored archives of the code; none where the profile names no place for it."""
        return code.archives(self.profile, os.environ) if self.profile.storage.code else ()

    def remove_archive(self, archive: code.Archive) -> None:
        """Delete one of them."""
        code.remove(self.profile, os.environ, archive)

    def sources(self) -> Sequence[Workflow]:
        """Return what runs are made from: templates and schedules."""
        return verbs.list_sources(self.connection)

    def nodes(self) -> tuple[Sequence[Workflow] | None, Sequence[str]]:
        """Return the cluster's nodes; None, and why, where nobody could look."""
        from tiphys.cluster import sight  # noqa: PLC0415 - most verbs need no such client

        seen = sight.of_nodes(self.api())
        return seen.nodes, seen.unseen

    def run(self, request: RunRequest, display: Observer) -> Outcome:
        return self.watch(self.submit(request), display)

    def watch(self, name: str, display: Observer) -> Outcome:
        states = verbs.watch(self.connection, name)
        return watched(name, states, display, self.suffix)

    def retry(self, name: str, display: Observer) -> Outcome:
        run = self.get(name)
        phase = (run.get("status") or {}).get("phase", "")
        if not ended(run):
            raise NotEndedError(name, self.suffix)
        if phase == "Succeeded":
            raise RunStateError(name, phase, "There is nothing to retry.")
        verbs.retry(self.connection, name)
        return self.watch(name, display)

    def resubmit(self, name: str, display: Observer) -> Outcome:
        return self.watch(verbs.resubmit(self.connection, name), display)

    def stop(self, name: str, display: Observer) -> Outcome | None:
        del display
        self._end(name, verbs.stop, Shutdown.STOP)
        return None

    def terminate(self, name: str, display: Observer) -> Outcome | None:
        del display
        self._end(name, verbs.terminate, Shutdown.TERMINATE)
        return None

    def _end(self, name: str, verb: Callable[[Connection, str], object], how: Shutdown) -> None:
        """End a run; a suspended one is then let go, because Argo would hold it for ever.

        To let it go would also approve every step that waits. Argo fails those of a run that is
        ended, but a moment later; so they are failed first, while nothing can come after them.
        """
        run = self._unended(name, "There is nothing to stop.")
        is_suspended = bool(run["spec"].get("suspend"))
        if is_suspended and held(run):
            verbs.fail_waits(self.connection, name, how.message)
        verb(self.connection, name)
        if is_suspended:
            verbs.resume(self.connection, name)

    def suspend(self, name: str) -> None:
        self._unended(name, "There is nothing to suspend.")
        verbs.suspend(self.connection, name)

    def resume(self, name: str, display: Observer) -> Outcome | None:
        del display
        advice = f"`tiphys retry {name}{self.suffix}` runs what failed again."
        run = self._unended(name, advice)
        if not suspended(run) and not held(run):
            raise NotSuspendedError(name, self.suffix)
        verbs.resume(self.connection, name)
        return None

    def delete(self, name: str) -> None:
        if not ended(self.get(name)):
            raise NotEndedError(name, self.suffix)
        verbs.delete(self.connection, name)

    def _unended(self, name: str, advice: str) -> Workflow:
        """Return a run that has not ended."""
        run = self.get(name)
        if ended(run):
            raise RunStateError(name, run["status"]["phase"], advice)
        return run

    def submit(self, request: RunRequest) -> str:
        """Bring code and templates there, start a run of the first file, return its name.

        Raises:
            RefusedError: the manifest is wrong.
            NotAChoiceError: a parameter is given what it does not list.
        """
        parameters = {**read_parameters(request.parameter_files), **request.parameters}
        loaded = manifests.load(request.files, on_cluster=True, parameters=[*parameters])
        if loaded.manifest is None:
            raise RefusedError(loaded.errors)
        manifest = loaded.manifest
        declared = {p.name: p for p in manifests.joined(manifest).spec.arguments.parameters}
        for name in declared.keys() & parameters.keys():
            choices.check(declared[name], parameters[name])
        given = {**self._bound(declared), **parameters}
        for template in manifest.library.templates.values():
            submission.apply(self.connection, template.raw)
        main = dict(manifest.main.raw)
        notes = {
            **main["metadata"].get("annotations", {}),
            MANIFEST: fingerprint(request.files[0].read_bytes()),
        }
        main["metadata"] = {**main["metadata"], "annotations": notes}
        if request.name:
            main["metadata"]["name"] = request.name
        return submission.submit(self.connection, main, given)

    def create(self, workflow: Workflow, parameters: Mapping[str, str]) -> str:
        """Create a run as *workflow* says, with nothing brought there; return its name."""
        return submission.submit(self.connection, workflow, parameters)

    def _bound(self, declared: Container[str]) -> dict[str, str]:
        """Upload the project's code if a run wants it, and return the parameters that name it."""
        if "code" not in declared:
            return {}
        packed = pack_project(self.root)
        code.upload(self.profile, packed.archive, packed.sha256, os.environ)
        bound = {"code": packed.sha256, "revision": packed.revision}
        return {name: value for name, value in bound.items() if name in declared}
