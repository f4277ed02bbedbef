"""One reader of the lines that `metric` prints, for every log they are found in."""

import pytest

from tiphys.step import metric
from tiphys.step.report import Metric, read_metric


def test_what_metric_prints_is_read_back(capsys):
    metric("loss", 0.25, step=3)
    metric("rows", 7)
    first, second = capsys.readouterr().out.splitlines()
    assert read_metric(first) == Metric(name="loss", value=0.25, step=3.0)
    assert read_metric(second) == Metric(name="rows", value=7.0, step=None)


@pytest.mark.parametrize(
    "line",
    ["", "[]", '{"name": 1}', '{"value": 1}', '{"name": "a", "value": "much"}', "not json"],
)
def test_a_line_that_only_looks_like_a_metric_is_none(line):
    assert read_metric(f"tiphys.metric {line}") is None


def test_a_mark_in_the_middle_of_a_line_is_no_metric():
    assert read_metric('he said tiphys.metric {"name": "a", "value": 1}') is None
