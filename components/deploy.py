"""Let the judged model serve: register it, make it champion, see that it answers as exported."""

import hashlib
import os
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tiphys.ml import digest, serving
from tiphys.ml.data import Pin
from tiphys.ml.gate.decision import Decision
from tiphys.ml.registry import MovedError, OutdatedError, Provenance, Registry
from tiphys.ml.serving import client, kubernetes
from tiphys.ml.serving.client import NotServedError
from tiphys.ml.serving.golden import Golden
from tiphys.step import Preempted, Temporary, WrongInput

TARGETS = ("kubernetes", "local")

PATIENCE = timedelta(minutes=2)
"""From the move of the alias until the version answers; a cluster may have to pull the image."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What serves now."""

    version: str
    """Content hash of the model."""
    endpoint: str
    """Where it answers: `POST <endpoint>/infer` in the Open Inference Protocol."""
    released: bool = True
    """False where newer code had been released before: then nothing has changed."""
    summary: str = ""
    """Why it was not released."""


def deploy(
    *,
    model: Path,
    decision: Path,
    dataset: Pin,
    registry: str,
    target: str,
    serve_image: str = "",
    order: str = "",
) -> Deployment:
    """Deploy a model that the gate has let pass, and only that.

    Of two runs the one of newer code wins, whichever ends first.

    Args:
        model: the model artifact
        decision: the gate's, which must name this model and this data
        dataset: the pin of the data that it was judged on
        registry: URL of the registry
        target: `local` or `kubernetes`; TIPHYS_SERVING in the environment has the last word
        serve_image: of the server, for `kubernetes`
        order: when the code was new, as `resolve` found it; "" is older than nothing
    """
    target = os.environ.get("TIPHYS_SERVING") or target
    _demand_servable(target, serve_image)
    text = decision.read_bytes()
    judged = Decision.decode(text)
    version = digest.of_directory(model)
    judged.demand(model_hash=version, data_hash=dataset.md5)
    provenance = Provenance(
        dvc_revision=dataset.revision,
        data_hash=dataset.md5,
        decision_hash=hashlib.sha256(text).hexdigest(),
        workflow_uid=os.environ.get("TIPHYS_WORKFLOW_UID", ""),
        order=order,
    )
    known = Registry.open(registry)
    known.register(judged.model, model, provenance)
    golden = Golden.read(model)
    try:
        with until_told_to_go(), champion(known, judged, provenance):
            url = _serve(target, registry, judged, serve_image)
            client.wait_for(url, version, PATIENCE)
            client.check(url, judged.model, version, golden)
    except (NotServedError, TimeoutError) as error:
        raise Temporary(str(error)) from error
    except OutdatedError as outdated:
        said = f"{version[:12]} is not released. {outdated}"
        print(said)  # noqa: T201 - the log of the step
        return Deployment(version=version, endpoint="", released=False, summary=said)
    endpoint = f"{url}/v2/models/{judged.model}"
    _tell(endpoint, version, golden)
    return Deployment(version=version, endpoint=endpoint)


@contextmanager
def champion(known: Registry, judged: Decision, provenance: Provenance) -> Iterator[None]:
    """Let the judged model be champion from here on; whatever goes wrong within takes it back.

    What another run has moved meanwhile stays, and so does a move that was not made for this
    decision.
    """
    version = judged.challenger
    try:
        known.alias(judged.model, "champion", version, provenance, expected=judged.champion)
        yield
    except BaseException:  # Ctrl-C too: nobody has seen the model serve
        move = known.get(judged.model, "champion")
        if judged.champion != version and move and move.provenance == provenance:
            with suppress(MovedError):
                known.rollback(judged.model, "champion", provenance, expected=version)
        raise


@contextmanager
def until_told_to_go() -> Iterator[None]:
    """Let SIGTERM end what is within by an exception, once: what has begun can be taken back."""

    def go(number: int, frame: object) -> None:
        del frame
        signal.signal(number, signal.SIG_IGN)
        text = "was told to go before the model had been seen to serve"
        raise Preempted(text)

    before = signal.signal(signal.SIGTERM, go)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _demand_servable(target: str, image: str) -> None:
    if target not in TARGETS:
        text = f'target "{target}" is not known. There are: {", ".join(TARGETS)}.'
        raise WrongInput(text)
    if target == "kubernetes" and not image:
        text = 'serve_image is empty: target "kubernetes" needs the image to run.'
        raise WrongInput(text)


def _serve(target: str, registry: str, judged: Decision, image: str) -> str:
    if target == "kubernetes":
        return _roll_out(registry, judged, image)
    return serving.start(registry, judged.model, project=_project()).url


def _roll_out(registry: str, judged: Decision, image: str) -> str:
    from tiphys.ml.serving.api import PodCluster  # noqa: PLC0415 - 0.2 s that `local` need not pay

    server = kubernetes.Server(
        model=judged.model,
        registry=registry,
        image=image,
        environment=kubernetes.own_environment(),
    )
    return kubernetes.roll_out(PodCluster.here(), server, PATIENCE)


def _project() -> Path:
    return Path(os.environ.get("TIPHYS_PROJECT") or Path.cwd())


def _tell(endpoint: str, version: str, golden: Golden) -> None:
    """Say how to ask; the last line of the log is a command that works as it stands."""
    example = golden.example()
    print(f"{version[:12]} serves at {endpoint}")  # noqa: T201 - the log of the step
    if endpoint.startswith("http://127.0.0.1:"):
        request = serving.folder(_project()) / "request.json"
        request.write_text(example, encoding="utf-8")
        print(f"curl -s -d @{request} {endpoint}/infer")  # noqa: T201
    else:
        body = shlex.quote(example.replace("\n", ""))
        print(f"curl -s -d {body} {endpoint}/infer")  # noqa: T201
