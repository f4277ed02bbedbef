"""Follows an alias of the registry and swaps what it names into service."""

import logging
import threading
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from tiphys.errors import UserError
from tiphys.ml.registry import Entry, Registry
from tiphys.ml.serving.model import Model

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A move of the alias that was not followed."""

    entry: Entry
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What serves at one moment; a swap puts another in its place."""

    model: Model | None = None
    rejected: Rejected | None = None
    """The newest move, where it names a model that must not serve."""


class Follower(threading.Thread):
    """Keeps `service` at what the alias names; readers take the reference once a request."""

    def __init__(self, registry: Registry, model: str, directory: Path, every: timedelta) -> None:
        super().__init__(name="follower", daemon=True)
        self.registry, self.model, self.directory, self.every = registry, model, directory, every
        self.service = Service()
        self.stopped = threading.Event()

    def run(self) -> None:
        """Look again and again; a registry that does not answer leaves the service as it is."""
        while not self.stopped.is_set():
            try:
                self.look()
            except Exception:  # a dead follower would serve a stale model for ever
                logger.exception("the registry does not answer; what serves goes on serving")
            self.stopped.wait(self.every.total_seconds())

    def look(self) -> None:
        """Look once, and swap where the alias has moved. Raises: whatever the store does."""
        entry, service = self.registry.get(self.model, "champion"), self.service
        if entry is None:
            self._rest()
            return
        if service.rejected and service.rejected.entry == entry:
            return
        if service.model and service.model.version == entry.version:
            self.service = Service(model=service.model)
            return
        try:
            target = self.directory / entry.version
            model = Model.load(self.registry.fetch(self.model, entry.version, target))
        except UserError as error:
            self.service = Service(
                model=service.model, rejected=Rejected(entry=entry, reason=str(error))
            )
            logger.warning("%s %s is rejected: %s", self.model, entry.version[:12], error)
            return
        self.service = Service(model=model)
        before = service.model.version[:12] if service.model else "nothing"
        logger.info("%s %s serves, before it %s", self.model, entry.version[:12], before)

    def _rest(self) -> None:
        """Serve nothing where the first model was taken back; an empty log says nothing."""
        if self.service.model and self.registry.history(self.model, "champion"):
            self.service = Service()
            logger.info("%s was taken back, and there is none before it", self.model)
