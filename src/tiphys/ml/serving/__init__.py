"""Serving: an Open Inference Protocol v2 server that follows the registry's champion.

A model is loaded, verified and asked its golden request before it serves; then one reference is
replaced, so no request is lost and none sees half a swap. What fails is never swapped in.
The server (`python -m tiphys.ml.serving`) needs ONNX Runtime and Starlette; what starts, stops and
asks one (`process`, `client`) needs the standard library only.
"""

from tiphys.ml.serving.process import Endpoint, ServerError, folder, start, status, stop

__all__ = ["Endpoint", "ServerError", "folder", "start", "status", "stop"]
