"""Retry strategies."""

from tiphys.manifest.support.row import Rows, ignored, runs

_ONE_NODE = "this machine is the only node: the next attempt runs here again"

RETRY_STRATEGY: Rows = {
    "limit": runs("whole-or-text"),
    "retryPolicy": runs("Always|OnFailure|OnError|OnTransientError"),
    "backoff": runs("Backoff"),
    "expression": runs("text"),
    "affinity": ignored("RetryAffinity", _ONE_NODE),
}

BACKOFF: Rows = {
    "duration": runs("text"),
    "factor": runs("whole-or-text"),
    "maxDuration": runs("text"),
    "cap": runs("text"),
}

RETRY_AFFINITY: Rows = {"nodeAntiAffinity": ignored("RetryNodeAntiAffinity", _ONE_NODE)}
RETRY_NODE_ANTI_AFFINITY: Rows = {}
