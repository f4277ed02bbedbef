"""The verbs that drive a run, or tell its driver something."""

import re
import secrets
import selectors
import string
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tiphys import engine
from tiphys import manifest as manifests
from tiphys.engine.events import Begun, Event, Released, Resumed, Retried
from tiphys.engine.node import Phase
from tiphys.engine.status import ended, held, suspended
from tiphys.errors import UserError
from tiphys.manifest.model import Manifest, Resource
from tiphys.runtime import binding, control, folder, reading, settings
from tiphys.runtime.attempts import Attempts
from tiphys.runtime.clock import Clock, SystemClock
from tiphys.runtime.driver import Driver
from tiphys.runtime.faults import (
    DiskFullError,
    NotEndedError,
    RefusedError,
    RunStateError,
    UndrivenError,
    UnwritableError,
)
from tiphys.runtime.folder import RunFolder
from tiphys.runtime.journal import Journal, disk_is_full
from tiphys.runtime.preflight import check_commands
from tiphys.runtime.project import find_root, ignore_home
from tiphys.runtime.record import Record, given, replay
from tiphys.runtime.request import Host, Observer, Outcome, RunRequest, Workflow
from tiphys.runtime.settings import Settings

NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?")
ALPHABET = string.digits + string.ascii_lowercase


class RunNameError(UserError):
    """A name that Kubernetes would not take either."""

    def __init__(self, name: str) -> None:
        advice = "Use at most 63 small letters, digits, `-` and `.`."
        super().__init__("", f'"{name}" cannot be the name of a run.', advice)


class Once:
    """An observer that says each warning once."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._said: set[str] = set()

    def changed(self, workflow: Workflow) -> None:
        self._observer.changed(workflow)

    def warned(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._observer.warned(text)


def root_here() -> Path:
    """Return where runs are kept: the root of the project we are in, else the current folder."""
    return find_root(Path.cwd()) or Path.cwd()


def run(request: RunRequest, observer: Observer) -> Outcome:
    """Run a manifest on this machine to its end.

    Raises: UserError: it is refused; nothing was started.
    """
    observer = Once(observer)
    manifest = _load(request.files, observer, _names_given(request))
    for warning in binding.unused(request.parameters, manifest):
        observer.warned(warning)
    root = (request.root or root_here()).absolute()
    known = settings.settle(root, find_root(root), request.files[0], allow_host=request.allow_host)
    check_commands(manifest, known.images, observer.warned)
    name = request.name or _name(manifest.main)
    if not NAME.fullmatch(name):
        raise RunNameError(name)
    with _room(root), _writable(root):
        ignore_home(root)
        bound = binding.parameters(request, manifest, known)
        made = folder.create(folder.runs_of(root), name)
    return _begun(_host(made, known, manifest, observer), manifest, request.files, bound)


def resubmit(root: Path, name: str, observer: Observer) -> Outcome:
    """Run the manifest of the run *name* once more, with the same parameters.

    Raises: UnknownNameError: there is no such run.
    """
    taken, observer = folder.find(root, name), Once(observer)
    parameters, known = given(taken), settings.load(taken)
    manifest = _load(taken.files(), observer, frozenset(parameters))
    check_commands(manifest, known.images, observer.warned)
    with _room(root), _writable(root):
        made = folder.create(folder.runs_of(root), _name(manifest.main))
    return _begun(_host(made, known, manifest, observer), manifest, taken.files(), parameters)


def _begun(
    host: Host, manifest: Manifest, files: Sequence[Path], parameters: Mapping[str, str]
) -> Outcome:
    """Begin a run in the folder that was made for it, and drive it to its end."""
    clock, made = SystemClock(), host.folder
    begun = Begun(
        at=clock.now(),
        name=made.name,
        uid=str(uuid.uuid4()),
        parameters=parameters,
        seed=secrets.randbits(53),
    )
    with made.locked(), _attempts() as attempts:
        with _cleared_unless_begun(made):
            state, actions = engine.begin(manifest, begun)
            _save(made, files, host.settings)
            journal = Journal(made.journal)
            journal.append(begun)
        record = Record()
        record.note(begun, actions)
        with journal:
            driver = Driver(host, journal, clock, attempts)
            driver.take(state, record, actions)
            return driver.drive()


def resume(root: Path, name: str, observer: Observer) -> Outcome | None:
    """Let a suspended run go on, or take over one that has no driver: adopt what runs, go on.

    Returns: None when its driver was told; the outcome when it had none and was driven to its end.

    Raises: UserError: there is no such run, it goes on already, or it has ended.
    """
    run = reading.get(root, name)
    if (suspended(run) or held(run)) and folder.find(root, name).tell({"release": ""}):
        return None

    def events(host: Host, record: Record, clock: Clock) -> Sequence[Event]:
        del host
        _refuse_ended(name, record, f"`tiphys retry {name}` runs what failed again.")
        let_go = [Released(at=clock.now())] if suspended(run) else []
        return [Resumed(at=clock.now()), *let_go]

    return _take_over(root, name, observer, events)


def suspend(root: Path, name: str) -> None:
    """Hold a run: what runs goes on, nothing new begins.

    Raises: UserError: there is no such run, it has ended, or nobody drives it.
    """
    if folder.find(root, name).tell({"suspend": ""}):
        return
    workflow = reading.get(root, name)
    if ended(workflow):
        raise RunStateError(name, workflow["status"]["phase"], "There is nothing to suspend.")
    raise UndrivenError(name)


def delete(root: Path, name: str) -> None:
    """Remove an ended run with its logs; what it stored elsewhere stays.

    Raises: UserError: there is no such run, or it has not ended.
    """
    found = folder.find(root, name)
    if not ended(reading.listed(found)):
        raise NotEndedError(name)
    with found.locked():
        folder.remove(found)


def retry(
    root: Path, name: str, observer: Observer, parameters: Mapping[str, str] | None = None
) -> Outcome:
    """Run what failed of an ended run again; what succeeded stays.

    Raises: UserError: there is no such run, or it has not failed.
    """

    def events(host: Host, record: Record, clock: Clock) -> Sequence[Event]:
        del host
        if record.finish is None:
            raise RunStateError(name, "not yet", f"Take it up with `tiphys resume {name}`.")
        if record.finish.phase is Phase.SUCCEEDED:
            raise RunStateError(name, record.finish.phase, "There is nothing to retry.")
        return [Retried(at=clock.now(), parameters=parameters or {})]

    return _take_over(root, name, observer, events)


def stop(root: Path, name: str, observer: Observer, message: str = "") -> Outcome | None:
    """Stop a run: its attempts are killed, its exit handlers still run.

    Returns: None when its driver was told; the outcome when it had none and was driven to its end.

    Raises: UserError: there is no such run, or it has ended.
    """
    return _end(root, name, observer, {"stop": message})


def terminate(root: Path, name: str, observer: Observer) -> Outcome | None:
    """End a run: its attempts are killed, and no exit handler runs.

    Returns and raises as `stop`.
    """
    return _end(root, name, observer, {"terminate": ""})


def _end(root: Path, name: str, observer: Observer, order: Mapping[str, str]) -> Outcome | None:
    if folder.find(root, name).tell(order):
        return None

    # A step that waits is failed: to let go what waits, as well, would approve an exit handler's.
    is_held = bool(reading.get(root, name)["spec"].get("suspend"))

    def events(host: Host, record: Record, clock: Clock) -> Sequence[Event]:
        del host
        _refuse_ended(name, record, "There is nothing to stop.")
        asked = control.events(order, clock.now(), suspended=is_held)
        return [Resumed(at=clock.now()), *asked]

    return _take_over(root, name, observer, events)


Events = Callable[[Host, Record, Clock], Sequence[Event]]
"""What happens to a run that is taken over; refuses a run that it does not fit."""


def _take_over(root: Path, name: str, observer: Observer, events: Events) -> Outcome:
    taken = folder.find(root, name)
    with taken.locked():
        observer = Once(observer)
        manifest = _load(taken.files(), observer, frozenset(given(taken)))
        host = _host(taken, settings.load(taken), manifest, observer)
        clock = SystemClock()
        with _room(taken.path), Journal(taken.journal) as journal, _attempts() as attempts:
            state, record = replay(taken, manifest)
            driver = Driver(host, journal, clock, attempts)
            driver.take(state, record)
            return driver.drive(events(host, record, clock))


def _refuse_ended(name: str, record: Record, advice: str) -> None:
    if record.finish is not None:
        raise RunStateError(name, record.finish.phase, advice)


def _names_given(request: RunRequest) -> frozenset[str]:
    return frozenset([*binding.read_parameters(request.parameter_files), *request.parameters])


def _load(files: Sequence[Path], observer: Observer, parameters: frozenset[str]) -> Manifest:
    loaded = manifests.load(files, parameters=parameters)
    for warning in loaded.warnings:
        observer.warned(str(warning))
    if loaded.manifest is None:
        raise RefusedError(loaded.errors)
    return loaded.manifest


def _name(main: Resource) -> str:
    """Return the name of a run of *main*, with five random characters where Argo adds them."""
    if not main.generate_name:
        return main.name
    return main.generate_name + "".join(secrets.choice(ALPHABET) for _ in range(5))


def _save(made: RunFolder, files: Sequence[Path], known: Settings) -> None:
    """Keep the manifest and the settings with the run."""
    kept = made.path / "files"
    kept.mkdir()
    texts = [file.read_bytes() for file in files]
    for number, text in enumerate(texts):
        (kept / f"{number}.yaml").write_bytes(text)
    joined = b"\n---\n".join(text.strip(b"\n") for text in texts) + b"\n"
    (made.path / "manifest.yaml").write_bytes(joined)
    known.save(made)


def _host(made: RunFolder, known: Settings, manifest: Manifest, observer: Observer) -> Host:
    return Host(
        folder=made,
        settings=known,
        library=manifest.library,
        namespace=manifest.main.namespace or "default",
        observer=observer,
    )


@contextmanager
def _attempts() -> Iterator[Attempts]:
    with selectors.DefaultSelector() as selector:
        attempts = Attempts(selector)
        try:
            yield attempts
        finally:
            attempts.close()


@contextmanager
def _cleared_unless_begun(made: RunFolder) -> Iterator[None]:
    """Leave nothing of a run that did not begin."""
    try:
        with _room(made.path.parent):
            yield
    except BaseException:
        folder.remove(made)
        raise


@contextmanager
def _room(where: Path) -> Iterator[None]:
    """Say plainly that the disk is full."""
    try:
        yield
    except OSError as problem:
        if disk_is_full(problem):
            raise DiskFullError(where) from None
        raise


@contextmanager
def _writable(root: Path) -> Iterator[None]:
    """Say plainly that no run can be kept in *root*."""
    try:
        yield
    except OSError as problem:
        if disk_is_full(problem):
            raise
        raise UnwritableError(root, problem) from None
