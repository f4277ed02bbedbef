"""Every case of truth.json, recorded from Argo's own libraries by truth/main.go."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tiphys.expression import (
    Environment,
    ExpressionError,
    Scope,
    condition,
    evaluate,
    jsontext,
    substitute,
    under,
)

TRUTH = json.loads(Path(__file__).with_name("truth.json").read_text())
ENVIRONMENT = Environment(now=datetime(2024, 6, 1, 12, tzinfo=UTC), seed=1)
SCOPES = {kind: Scope(names, ENVIRONMENT) for kind, names in TRUTH["names"].items()}
CASES = [pytest.param(case, id=f"{index}") for index, case in enumerate(TRUTH["cases"])]


def result(case):
    source = case["source"]
    match case["kind"]:
        case "expr":
            return evaluate(source, SCOPES["expr"].tree(), ENVIRONMENT)
        case "when":
            return condition(source)
    prefixes = case.get("strict", [])
    strict = True if prefixes == ["*"] else under(*prefixes) if prefixes else False
    return substitute(source, SCOPES["tags"], strict=strict)


@pytest.mark.parametrize("case", CASES)
def test_we_answer_as_argo_does(case):
    if "error" in case:
        with pytest.raises(ExpressionError):
            result(case)
    else:
        assert jsontext.written(result(case)) == jsontext.written(case.get("value"))
