"""How long one answer takes."""

import time
from collections.abc import Callable

from tiphys.ml.gate.spec import Latency


def p95_ms(ask: Callable[[], object], rule: Latency) -> float:
    """Return the 95th percentile of calling *ask* as often as *rule* says, in milliseconds."""
    for _ in range(rule.warmup):
        ask()
    taken_ms = sorted(_taken_ms(ask) for _ in range(rule.runs))
    return taken_ms[int(0.95 * (len(taken_ms) - 1))]


def _taken_ms(ask: Callable[[], object]) -> float:
    begin = time.perf_counter()
    ask()
    return 1000 * (time.perf_counter() - begin)
