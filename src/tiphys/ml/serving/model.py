"""A model in memory, ready to answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import onnxruntime

from tiphys.errors import UserError
from tiphys.ml import package
from tiphys.ml.package import Array, Package
from tiphys.ml.serving import oip
from tiphys.ml.serving.golden import Golden


class ModelError(UserError):
    """A model that ONNX Runtime cannot load or run, or that is not what its files say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A loaded model; any number of threads may ask it at once."""

    version: str
    """Its content hash."""
    package: Package
    session: onnxruntime.InferenceSession

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Return the model in *directory* once it has answered its golden request.

        Raises: PackageError, ModelError, GoldenError.
        """
        found = package.load(directory)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        onnxruntime.disable_telemetry_events()
        try:
            session = onnxruntime.InferenceSession(found.graph, options)
        except Exception as error:  # ONNX Runtime's errors have no class in common
            raise ModelError(str(found.graph), f"cannot be loaded: {error}") from error
        model = cls(version=package.digest(directory), package=found, session=session)
        model.check()
        return model

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs by name."""
        names = [tensor.name for tensor in self.package.outputs]
        return dict(zip(names, self.session.run(names, dict(feeds)), strict=True))

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Return the answer to an inference request. Raises: oip.RequestError."""
        feeds = oip.decode(request, self.package.inputs)
        return oip.encode(request, self.package.outputs, self.run(feeds))

    def check(self) -> None:
        """Ask the golden request. Raises: ModelError, GoldenError."""
        golden = Golden.read(self.package.directory)
        where = f"model {self.version[:12]}"
        try:
            answer = self.answer(golden.request)
        except Exception as error:  # whatever it is, this model must not serve
            raise ModelError(where, f"cannot answer its golden request: {error}") from error
        golden.compare(where, answer)
