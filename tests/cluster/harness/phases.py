"""How long each part took, for the line at the end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Phases:
    """The phases of one command, in order."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        print(f"{name} …", flush=True)
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0) + time.monotonic() - begun

    def __str__(self) -> str:
        """Return `build 612 s, base image 41 s, …`, without what took no time."""
        whole = f"in all {sum(self.seconds.values()):.0f} s"
        parts = [f"{name} {spent:.0f} s" for name, spent in self.seconds.items() if spent >= 0.5]
        return ", ".join([*parts, whole])
