"""Every image holds what its steps need, no installer, and runs as nobody in particular."""

import pytest
import yaml
from harness import roles

pytestmark = pytest.mark.cluster

LIBRARIES = {
    "step": ("kubernetes", "obstore", "pyarrow", "tiphys.ml.data", "tiphys.ml.registry"),
    "quality": ("great_expectations", "pandas", "pyarrow", "tiphys.ml"),
    "serve": ("numpy", "obstore", "onnxruntime", "tiphys.ml.gate", "tiphys.ml.serving", "uvicorn"),
    "data": ("dulwich", "dvc.api", "obstore", "pyarrow", "tiphys.ml.data"),
    "train": ("obstore", "onnx", "onnxruntime", "onnxscript", "tiphys.ml.training", "torch"),
}
PROGRAM = """
import importlib, os, pathlib, runpy, shutil, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
assert os.getuid() == 10001
assert not any(map(shutil.which, ("pip", "uv")))
pathlib.Path("/tiphys/out/probe").write_text("writable")
sys.argv[1:] = ["textwrap:no_such_function"]
runpy.run_module("tiphys.step", run_name="__main__")
"""


def pod_of(role: str, image: str) -> dict[str, object]:
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["python", "-c", PROGRAM, *LIBRARIES[role]],
        "env": [{"name": "TIPHYS_TERMINATION_LOG", "value": "/dev/termination-log"}],
        "securityContext": {"runAsNonRoot": True, "allowPrivilegeEscalation": False},
    }
    spec: dict[str, object] = {"restartPolicy": "Never", "containers": [container]}
    metadata = {"name": f"image-{role}"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize("role", roles.ROLES)
def test_an_image_imports_its_libraries_and_starts_steps(role, cluster):
    pod = cluster.run_pod(pod_of(role, roles.image_name(cluster.places, role)))
    (status,) = pod["status"]["containerStatuses"]
    ended = status["state"]["terminated"]
    log = cluster.kubectl("logs", f"image-{role}")
    # 2, wrong input, said by tiphys.step itself: all before it went well
    assert (ended["exitCode"], "no_such_function" in ended["message"]) == (2, True), log


def test_the_profile_of_this_cluster_names_these_images(cluster):
    path = cluster.places.repository / "manifests" / "ci" / "images.yaml"
    named = {role: entry["image"] for role, entry in yaml.safe_load(path.read_text()).items()}
    assert named == {role: roles.image_name(cluster.places, role) for role in roles.ROLES}
