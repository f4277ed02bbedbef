"""The wheel alone, in an environment of its own, serves a project that knows nothing of flights."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LARGEST_BYTES = 1_000_000
CORE = {"click", "pyyaml", "rich"}

DOCS = ROOT / "docs/own-project.md"
EMPTY = ("components/__init__.py", "workflows/__init__.py")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this tree, built once."""
    uv = shutil.which("uv") or ROOT / ".uv/bin/uv"
    folder = tmp_path_factory.mktemp("wheel")
    command = [uv, "build", "--wheel", "--quiet", "--out-dir", str(folder), str(ROOT)]
    offline = subprocess.run([*command, "--offline"], capture_output=True, check=False)
    if offline.returncode:  # the builder is not in the cache yet
        subprocess.run(command, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def tiphys(wheel, tmp_path_factory):
    """The command, in an environment with the wheel and the libraries of this one, not its tree."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    library = Path(
        sysconfig.get_path("purelib", "venv", vars={"base": str(folder), "platbase": str(folder)})
    )
    uv = shutil.which("uv") or ROOT / ".uv/bin/uv"
    subprocess.run(
        [
            *(uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--no-index"),
            *("--python", folder / "bin/python", wheel),
        ],
        check=True,
        capture_output=True,
    )
    (library / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin/tiphys"


@pytest.fixture
def project(tmp_path):
    """The project that the documentation tells to write."""
    blocks = re.findall(r"```\w+\n# (\S+)\n(.*?)```", DOCS.read_text(), re.DOTALL)
    for name, text in [*blocks, *((name, "") for name in EMPTY)]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def test_the_wheel_holds_the_library_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as file:
        tops = {name.partition("/")[0] for name in file.namelist()}
        strangers = [name for name in file.namelist() if name.endswith((".pyc", ".json", ".go"))]
    assert {top for top in tops if not top.endswith(".dist-info")} == {"tiphys"}
    assert strangers == []
    assert wheel.stat().st_size < LARGEST_BYTES


def test_the_core_depends_on_little(wheel):
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    with zipfile.ZipFile(wheel) as file:
        (name,) = [name for name in file.namelist() if name.endswith(".dist-info/METADATA")]
        lines = file.read(name).decode().splitlines()
    needed = {line.split()[1] for line in lines if line.startswith("Requires-Dist: ")}
    core = {line.split()[1] for line in lines if line.startswith("Requires-Dist: ")} - {
        line.split()[1] for line in lines if "extra ==" in line
    }
    assert {one.split(">")[0] for one in core} == CORE
    assert len(asked) == len(CORE) < len(needed)


def test_another_project_is_rendered_and_run_with_the_wheel(tiphys, project):
    def say(*arguments):
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(
            [tiphys, *arguments],
            cwd=project,
            env=kept,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    assert say("render") == "written    manifests/local/poetry.yaml\n"
    assert "read       3 times a rose" in say("run", "poetry", "-p", "lines=3")
    (run,) = (project / ".tiphys/runs").iterdir()
    assert "tiphys.metric" in say("logs", run.name, "write")
    shown = say("get", run.name)
    assert "summary" in shown
    assert "3 times a rose" in shown


def test_the_command_is_that_of_the_wheel(tiphys):
    code = "import tiphys; print(tiphys.__file__)"
    done = subprocess.run(
        [tiphys.with_name("python"), "-c", code], capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).is_relative_to(tiphys.parents[1])
    assert sys.prefix not in done.stdout
