import json
from pathlib import Path

import pandas as pd
import pytest

from tiphys.errors import UserError
from tiphys.ml.quality import gx

SUITE = Path(__file__).parents[3] / "quality/flights.json"


def expectation(kind, severity, **kwargs):
    return {"type": kind, "kwargs": kwargs, "severity": severity, "meta": {"why": "because"}}


BETWEEN = expectation(
    "expect_column_values_to_be_between", "critical", column="hour", min_value=0, max_value=23
)
NOT_NULL = expectation("expect_column_values_to_not_be_null", "warning", column="town", mostly=0.9)


def run(frame, *expectations):
    suite = {"name": "s", "expectations": list(expectations)}
    return gx.validate(pd.DataFrame(frame), suite)


def test_good_data_have_no_failure():
    outcome = run({"hour": [0, 23], "town": ["a", "b"]}, BETWEEN, NOT_NULL)
    assert (outcome.severity, outcome.failed) == ("none", [])


def test_the_worst_failure_decides():
    frame = {"hour": [5, 24], "town": ["a", None]}
    assert run(frame, NOT_NULL).severity == "warning"
    assert run(frame, NOT_NULL, BETWEEN).severity == "critical"


def test_a_failure_names_values_and_rows():
    check = run({"hour": [1, 25, 2, -1]}, BETWEEN).checks[0]
    assert (check.column, check.unexpected, check.checked) == ("hour", 2, 4)
    assert [(one.row, one.value) for one in check.examples] == [(1, 25), (3, -1)]


def test_checks_stand_in_the_order_of_the_suite():
    frame = {"hour": [1], "town": ["a"]}
    assert [one.column for one in run(frame, NOT_NULL, BETWEEN).checks] == ["town", "hour"]


def test_a_missing_column_is_a_failure_that_says_so():
    check = run({"town": ["a"]}, BETWEEN).checks[0]
    assert not check.passed
    assert "hour" in check.observed


def test_missing_columns_of_a_table_are_listed():
    columns = expectation(
        "expect_table_columns_to_match_set", "critical", column_set=["a", "b"], exact_match=True
    )
    assert run({"a": [1], "c": [1]}, columns).checks[0].observed == "missing: b; unexpected: c"


def test_an_expectation_that_is_not_understood_is_refused_and_never_skipped():
    unknown = expectation("expect_the_unexpected", "critical", column="a")
    with pytest.raises(UserError, match=r"s: expectation 2: .*expect_the_unexpected not found"):
        run({"a": [1]}, NOT_NULL, unknown)
    with pytest.raises(UserError, match=r"expectation 1: .*expect_column_values_to_be_between"):
        run({"a": [1]}, BETWEEN | {"kwargs": {"column": "a", "min": 3}})


@pytest.mark.parametrize("broken", [False, True])
def test_every_expectation_of_the_flights_gives_a_result_that_is_json(broken):
    frame = pd.DataFrame(
        {
            name: [1.5, -1e6 if broken else 2.5]
            for name in json.loads(SUITE.read_bytes())["expectations"][0]["kwargs"]["column_set"]
        }
    )
    for name in ("origin", "carrier", "dest", "tailnum"):
        frame[name] = ["JFK", None]
    outcome = gx.validate(frame, json.loads(SUITE.read_bytes()))
    assert len(outcome.checks) == 26
    json.dumps([[one.passed, one.observed, one.unexpected] for one in outcome.checks])
