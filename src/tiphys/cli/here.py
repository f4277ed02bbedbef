"""The runs of this machine, for the commands without `--on`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tiphys import runtime
from tiphys.cli.watching import watched
from tiphys.engine.status import ended
from tiphys.report.waiting import Evidence
from tiphys.review.parity import MANIFEST, fingerprint
from tiphys.runtime import INTERRUPTED, Observer, Outcome, RunRequest, Workflow, settings
from tiphys.runtime.folder import RunFolder


@dataclass(frozen=True, slots=True)
class Here:
    """The runs of the project, or of the current folder."""

    root: Path

    @property
    def context(self) -> str:
        return "on this machine"

    @property
    def suffix(self) -> str:
        return ""

    def list_runs(self) -> Sequence[Workflow]:
        return runtime.list_runs(self.root)

    def busy(self) -> Sequence[Workflow]:
        runs = self.list_runs()
        return [run for run in runs if not ended(run) and runtime.driven(run)]

    def get(self, name: str) -> Workflow:
        workflow = runtime.get(self.root, name)
        main = runtime.run_folder(self.root, name) / "files" / "0.yaml"
        workflow["metadata"].setdefault("annotations", {})[MANIFEST] = fingerprint(
            main.read_bytes()
        )
        return workflow

    def logs(self, name: str, node: str | None, *, follow: bool) -> Iterator[tuple[str, str]]:
        yield from runtime.logs(self.root, name, node, follow=follow)

    def run(self, request: RunRequest, display: Observer) -> Outcome:
        return runtime.run(request, display)

    def watch(self, name: str, display: Observer) -> Outcome:
        outcome = watched(name, runtime.watch(self.root, name), display, self.suffix)
        if not outcome.interrupted and not ended(outcome.workflow):
            message = f"Nobody drives {name}. Take it up with `tiphys resume {name}`."
            return replace(outcome, phase=INTERRUPTED, message=message)
        return outcome

    def retry(self, name: str, display: Observer) -> Outcome:
        return runtime.retry(self.root, name, display)

    def resubmit(self, name: str, display: Observer) -> Outcome:
        return runtime.resubmit(self.root, name, display)

    def stop(self, name: str, display: Observer) -> Outcome | None:
        return runtime.stop(self.root, name, display)

    def terminate(self, name: str, display: Observer) -> Outcome | None:
        return runtime.terminate(self.root, name, display)

    def suspend(self, name: str) -> None:
        runtime.suspend(self.root, name)

    def resume(self, name: str, display: Observer) -> Outcome | None:
        return runtime.resume(self.root, name, display)

    def delete(self, name: str) -> None:
        runtime.delete(self.root, name)

    def artifact(self, name: str, node: str, artifact: str) -> bytes | None:
        path = runtime.artifact(self.root, name, node, artifact)
        return path.read_bytes() if path.is_file() else None

    def page(self, name: str) -> Path:
        return runtime.run_folder(self.root, name) / "report.html"

    def evidence(self, name: str) -> tuple[Evidence, Sequence[str]]:
        known = settings.load(RunFolder(runtime.run_folder(self.root, name)))
        return Evidence(slots=known.slots, deferred=runtime.deferred(self.root, name)), ()
