"""The budgets of CONTRIBUTING.md that no linter knows."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in ("src", "components", "workflows", "tests")
    for path in (ROOT / folder).rglob("*.py")
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_has_at_most_400_lines(path):
    assert len(path.read_text().splitlines()) <= 400


def test_the_wheels_own_packages_come_first_on_the_path():
    import workflows  # noqa: PLC0415 - where this import leads is what is tested

    assert Path(workflows.__file__).is_relative_to(ROOT)
