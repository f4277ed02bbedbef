"""What the tests of the manifest share."""

from textwrap import dedent

import pytest

from tiphys.manifest import load


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write files into an empty working folder; return their paths."""
    monkeypatch.chdir(tmp_path)

    def _write(**files):
        paths = []
        for name, text in files.items():
            path = tmp_path / f"{name}.yaml"
            path.write_text(dedent(text), encoding="utf-8")
            paths.append(path.relative_to(tmp_path))
        return paths

    return _write


@pytest.fixture
def printed(write):
    """Load a file `a.yaml` with that text, and further files; return the printed lines."""

    def _printed(text, **more):
        return [str(each) for each in load(write(a=text, **more)).problems]

    return _printed


@pytest.fixture
def loaded(write):
    """Load a file `a.yaml` that must be free of errors; return the manifest."""

    def _loaded(text, **more):
        result = load(write(a=text, **more))
        assert not result.errors
        return result.manifest

    return _loaded
