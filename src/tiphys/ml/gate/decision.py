"""The decision: what the gate found, as the file that a deployment must show.

Its checksum finds accidents and careless edits. It is no signature: who may write artifacts may
forge one.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from tiphys.errors import UserError

Verdict = Literal["pass", "fail"]


class DecisionError(UserError):
    """A decision does not allow what is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One rule and how it went."""

    name: str
    """As the spec has it: `primary log_loss`, `guard roc_auc`, `absolute ece`, `serving p95_ms`."""
    value: float
    """The challenger's."""
    champion: float | None = None
    margin: float | None = None
    verdict: Verdict
    reason: str
    """A sentence with the numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """May this model, judged on this data, replace that champion?"""

    verdict: Verdict
    summary: str
    """One sentence for the terminal."""
    model: str
    """Its name in the registry."""
    challenger: str
    """Content hash of the judged model."""
    champion: str
    """Content hash of the champion it was compared with; "" where there was none."""
    data_hash: str
    """md5 of the data pin."""
    holdout: str
    rows: int
    """Of the holdout, with a label."""
    metrics: Mapping[str, Mapping[str, float]]
    """`challenger` and, where there is one, `champion`."""
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether the challenger may be deployed."""
        return self.verdict == "pass"

    def encode(self) -> bytes:
        """Return the file."""
        raw = asdict(self)
        text = json.dumps({**raw, "checksum": _checksum(raw)}, indent=1, ensure_ascii=False)
        return text.encode() + b"\n"

    @classmethod
    def decode(cls, text: bytes) -> Self:
        """Return the decision in a file.

        Raises: DecisionError: it is none, or has been changed since it was written.
        """
        try:
            raw = json.loads(text)
            checksum = raw.pop("checksum")
            checks = tuple(Check(**each) for each in raw["checks"])
            decision = cls(**{**raw, "checks": checks})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DecisionError("decision", f"is not readable: {error!r}.", _AGAIN) from error
        if checksum != _checksum(raw):
            raise DecisionError("decision", "was changed after the gate wrote it.", _AGAIN)
        return decision

    def demand(self, *, model_hash: str, data_hash: str) -> None:
        """Return where this decision allows that model on that data; it must say so itself.

        Raises: DecisionError: it is about another model or other data, or it says no.
        """
        for what, mine, given in (
            ("model", self.challenger, model_hash),
            ("data", self.data_hash, data_hash),
        ):
            if mine != given:
                raise DecisionError(
                    "decision", f"is about {what} {mine[:12]}, not {given[:12]}.", _AGAIN
                )
        failed = [check.name for check in self.checks if check.verdict != "pass"]
        if not self.passed or failed:
            reason = f"({', '.join(failed)})" if failed else ""
            raise DecisionError("decision", f"refuses the model {reason}.", "Train a better one.")


_AGAIN = "Evaluate the model again."


def _checksum(raw: Mapping[str, Any]) -> str:
    canonical = json.dumps(raw, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
