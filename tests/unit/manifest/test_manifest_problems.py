"""Bad manifests, `bad/*.yaml`: the comment at the end of each is what is printed, line by line.

Good ones, `good/*.yaml`, show that no rule goes too far.
"""

from pathlib import Path

import pytest

from tiphys.manifest import load

HERE = Path(__file__).parent
BAD = sorted((HERE / "bad").glob("*.yaml"))
GOOD = sorted((HERE / "good").glob("*.yaml"))


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.stem)
def test_a_bad_manifest_is_described_line_by_line(case, write):
    text = case.read_text()
    expected = [line.removeprefix("# ") for line in text.splitlines() if line.startswith("# ")]

    printed = [str(each) for each in load(write(a=text)).problems]

    assert [line.removeprefix("a.yaml:").strip() for line in printed] == expected


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.stem)
def test_a_good_manifest_has_no_problem(case, write):
    result = load(write(a=case.read_text()))

    assert [str(each) for each in result.problems] == []
