"""What is known beside the run, and what is said of a waiting step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Objects as the Kubernetes API gives them. None: nobody could look."""

    pods: Sequence[Object] | None = None
    """Of the run."""
    events: Sequence[Object] | None = None
    """Of its pods."""
    nodes: Sequence[Object] | None = None
    deferred: Mapping[str, str] = field(default_factory=dict)
    """Name of a node to be to what it waits for: `lock` or `parallelism`."""
    slots: int | None = None
    """How many attempts this machine runs at once; None: it is a cluster."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why one step waits."""

    step: str
    """Its path, "" for the run as a whole."""
    kind: str
    """One word: selector, taint, capacity, quota, image, secret, lock, dependency …"""
    found: str
    """What it waits for, as the rest of a sentence."""
    advice: str = ""
