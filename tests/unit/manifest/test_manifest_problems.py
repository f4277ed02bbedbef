"""Bad manifests, `bad/*.yaml`: the comment at the end of each is what is printed, line by line."""

from pathlib import Path

import pytest

from tiphys.manifest import load

CASES = sorted((Path(__file__).parent / "bad").glob("*.yaml"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_bad_manifest_is_described_line_by_line(case, write):
    text = case.read_text()
    expected = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ")]

    printed = [str(each) for each in load(write(a=text)).problems]

    assert [line.removeprefix("a.yaml:").strip() for line in printed] == expected
