"""The clock and the dice of an expression, given from outside so that a run can be repeated."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What `now` and the random functions draw from."""

    now: datetime
    """Aware."""
    seed: int
    """The same seed gives the same draws, in the order in which one expression makes them."""


class World:
    """An environment in use: each draw differs from the one before."""

    __slots__ = ("_draws", "now", "seed")

    def __init__(self, environment: Environment) -> None:
        self.now, self.seed, self._draws = environment.now, environment.seed, 0

    def below(self, limit: int) -> int:
        """Return a number in [0, *limit*), *limit* at most 2**64."""
        self._draws += 1
        digest = sha256(f"{self.seed}/{self._draws}".encode()).digest()
        return int.from_bytes(digest) % limit
