"""What this machine has and what is left of it."""

import os
from dataclasses import dataclass
from pathlib import Path

_MEMORY = Path("/proc/meminfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    total_bytes: int
    free_bytes: int
    """What a process may take without others having to give way."""


def memory() -> Memory | None:
    """Return the memory of this machine; None where the system does not say."""
    try:
        lines = [line.split() for line in _MEMORY.read_text().splitlines()]
        sizes = {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines}
        return Memory(total_bytes=sizes["MemTotal"], free_bytes=sizes["MemAvailable"])
    except (OSError, KeyError, ValueError, IndexError):
        return None


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
