"""No library that a step uses calls home: the variables that say so, in one place.

Rendered into every template, set for every local step, and set once more by `tiphys.ml` for
whoever imports it without either. ONNX Runtime sends events from Linux since 1.29.
"""

from collections.abc import Mapping

OFF: Mapping[str, str] = {
    "DO_NOT_TRACK": "1",
    "DVC_NO_ANALYTICS": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "ORT_DISABLE_TELEMETRY": "1",
}
