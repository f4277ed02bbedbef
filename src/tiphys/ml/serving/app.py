"""The Open Inference Protocol over HTTP."""

import json
from collections.abc import Awaitable, Callable, Mapping
from importlib.metadata import version as package_version
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tiphys.ml.serving.follow import Follower
from tiphys.ml.serving.model import Model
from tiphys.ml.serving.oip import RequestError

LARGEST_BODY_BYTES = 32_000_000
SMALL_BODY_BYTES = 64_000
"""Up to here an answer takes less than a hand-over to a thread would delay the others."""

Handler = Callable[[Request], Awaitable[Response]]


def build(follower: Follower) -> Starlette:
    """Return the application that answers with what *follower* has in service."""
    routes = Routes(follower)
    one, version = "/v2/models/{model}", "/v2/models/{model}/versions/{version}"
    table: Mapping[str, Handler] = {
        "/v2": routes.server,
        "/v2/health/live": routes.live,
        "/v2/health/ready": routes.ready,
        one: routes.metadata,
        version: routes.metadata,
        f"{one}/ready": routes.model_ready,
        f"{version}/ready": routes.model_ready,
    }
    return Starlette(
        routes=[
            *(Route(path, handler, methods=["GET"]) for path, handler in table.items()),
            Route(f"{one}/infer", routes.infer, methods=["POST"]),
            Route(f"{version}/infer", routes.infer, methods=["POST"]),
        ],
        exception_handlers={
            HTTPException: _http_error,
            RequestError: _request_error,
            500: _our_error,
        },
    )


class Routes:
    """The endpoints; each takes the service's reference once, so a swap never splits an answer."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower

    async def server(self, _: Request) -> Response:
        """Tell who serves."""
        release = package_version("tiphys")
        return JSONResponse({"name": "tiphys", "version": release, "extensions": []})

    async def live(self, _: Request) -> Response:
        """Say that the process answers."""
        return JSONResponse({"live": True})

    async def ready(self, _: Request) -> Response:
        """Say whether a model serves, which version, and which one was rejected and why."""
        service = self.follower.service
        body: dict[str, Any] = {"ready": service.model is not None}
        if service.model:
            body["version"] = service.model.version
        if service.rejected:
            body["rejected"] = {
                "version": service.rejected.entry.version,
                "reason": service.rejected.reason,
            }
        return JSONResponse(body, status_code=200 if service.model else 503)

    async def metadata(self, request: Request) -> Response:
        """Tell the inputs and outputs of the model."""
        model = self._model(request)
        return JSONResponse(
            {
                "name": self.follower.model,
                "versions": [model.version],
                "platform": "onnx_onnxv1",
                "inputs": [tensor.to_json() for tensor in model.package.inputs],
                "outputs": [tensor.to_json() for tensor in model.package.outputs],
            }
        )

    async def model_ready(self, request: Request) -> Response:
        """Say that this model, or this very version of it, serves."""
        model = self._model(request)
        return JSONResponse({"name": self.follower.model, "version": model.version, "ready": True})

    async def infer(self, request: Request) -> Response:
        """Answer an inference request."""
        model = self._model(request)
        body = await _body(request)
        if len(body) <= SMALL_BODY_BYTES:
            answer = _answer(model, body)
        else:
            answer = await anyio.to_thread.run_sync(_answer, model, body)
        named = {"model_name": self.follower.model, "model_version": model.version}
        return JSONResponse(named | answer)

    def _model(self, request: Request) -> Model:
        name, version = request.path_params["model"], request.path_params.get("version")
        model = self.follower.service.model
        if name != self.follower.model:
            raise RequestError(name, f"no such model; this server has {self.follower.model}", 404)
        if model is None:
            raise RequestError(name, "no version serves yet", 503)
        if version not in (None, model.version):
            raise RequestError(version, f"does not serve; {model.version} does", 404)
        return model


async def _body(request: Request) -> bytes:
    body = bytearray()
    size = int(request.headers.get("content-length", 0))
    chunks = request.stream()
    while size <= LARGEST_BODY_BYTES and (chunk := await anext(chunks, b"")):
        body += chunk
        size = max(size, len(body))
    if size > LARGEST_BODY_BYTES:
        raise RequestError("body", f"above {LARGEST_BODY_BYTES} bytes", 413)
    return bytes(body)


def _answer(model: Model, body: bytes) -> dict[str, Any]:
    try:
        request = json.loads(body)
    except ValueError as error:
        raise RequestError("body", f"no JSON: {error}") from error
    return model.answer(request)


async def _http_error(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"error": getattr(error, "detail", str(error))}, status_code=status)


async def _request_error(_: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, RequestError) else 400
    return JSONResponse({"error": str(error)}, status_code=status)


async def _our_error(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"internal error: {type(error).__name__}"}, status_code=500)
