"""No library that a step uses calls home."""

import subprocess
import sys

from tests import tiny_model
from tiphys.step import telemetry


def test_importing_the_library_switches_telemetry_off():
    code = "import os, tiphys.ml, json; print(json.dumps(dict(os.environ)))"
    printed = subprocess.check_output([sys.executable, "-c", code], env={}, text=True)
    assert all(f'"{name}": "{value}"' in printed for name, value in telemetry.OFF.items())


def test_onnx_runtime_keeps_no_events(tmp_path):
    tiny_model.save(tmp_path / "model")
    model = str(tmp_path / "model" / "model.onnx")
    code = f"import tiphys.ml, onnxruntime; onnxruntime.InferenceSession({model!r})"
    subprocess.run([sys.executable, "-c", code], env={"HOME": str(tmp_path)}, check=True)
    assert list(tmp_path.rglob("onnxruntime.db")) == []
