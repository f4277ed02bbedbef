"""The port by Great Expectations 1.24."""

import json
import logging
from collections.abc import Mapping
from typing import Any

import great_expectations as gx
import pandas as pd
from great_expectations.data_context.types.base import ProgressBarsConfig
from great_expectations.expectations.core import (
    expect_column_quantile_values_to_be_between as of_gx,
)
from great_expectations.expectations.expectation_configuration import (
    ExpectationConfiguration,
)

from tiphys.ml.quality import wording
from tiphys.ml.quality.outcome import Check, Example, Outcome, SuiteError

EXAMPLES = 5
"""How many unexpected values of a check are named."""
Json = Any
"""A result of Great Expectations, decoded here."""

# Our expectation below replaces one on purpose; GX warns of it a dozen times.
logging.getLogger("great_expectations.expectations.registry").setLevel(logging.ERROR)


class ExpectColumnQuantileValuesToBeBetween(of_gx.ExpectColumnQuantileValuesToBeBetween):
    """GX's own, whose result can be written as JSON; found in suites by its name.

    GX gives numpy's bool, and storing the result dies (fivetran/great_expectations#12248).
    """

    def _validate(self, *arguments: Any, **named: Any) -> Json:
        outcome = super()._validate(*arguments, **named)
        outcome["success"] = bool(outcome["success"])
        return outcome


def validate(frame: pd.DataFrame, suite: Mapping[str, Any]) -> Outcome:
    """Return how each expectation of *suite* went on *frame*.

    Raises: SuiteError: an expectation is unknown or has wrong arguments.
    """
    name = str(suite.get("name", "suite"))
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batch = (
        context.data_sources.add_pandas("tables")
        .add_dataframe_asset("table")
        .add_batch_definition_whole_dataframe("whole")
    )
    expectations = context.suites.add(
        gx.ExpectationSuite(name=name, expectations=_understood(name, suite["expectations"]))
    )
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=name, data=batch, suite=expectations)
    )
    result = definition.run(
        batch_parameters={"dataframe": frame},
        result_format={"result_format": "SUMMARY", "partial_unexpected_count": EXAMPLES},
    )
    worst = result.get_max_severity_failure()
    described: Json = result.to_json_dict()  # type: ignore[no-untyped-call]  # GX types half
    raw = json.loads(json.dumps(described, default=str))
    return Outcome(
        suite=name,
        severity=worst.value if worst else "none",
        checks=_in_order([_check(one) for one in raw["results"]], suite["expectations"]),
    )


def _understood(suite: str, expectations: list[Json]) -> list[Json]:
    """Return the expectations as GX's objects.

    Given as they are, GX logs one that it does not understand and goes on without it.
    """
    found = []
    for number, raw in enumerate(expectations, start=1):
        told = {key: raw[key] for key in ("type", "kwargs", "meta", "severity") if key in raw}
        try:
            found.append(ExpectationConfiguration(**told).to_domain_obj())
        except Exception as error:  # GX and its pydantic have no common parent class for this
            where, reason = f"{suite}: expectation {number}", str(error).replace("\n", " ")
            raise SuiteError(where, f"{raw.get('type')}: {reason}") from error
    return found


def _in_order(checks: list[Check], expectations: list[Json]) -> list[Check]:
    """GX groups results by metric: bring them back into the order of the suite."""
    asked = [(one["type"], one["kwargs"].get("column", "")) for one in expectations]
    return sorted(checks, key=lambda check: asked.index((check.type, check.column)))


def _check(raw: Json) -> Check:
    config, result = raw["expectation_config"], raw["result"]
    asked = {key: value for key, value in config["kwargs"].items() if key != "batch_id"}
    rows = result.get("partial_unexpected_index_list") or []
    values = result.get("partial_unexpected_list") or []
    return Check(
        type=config["type"],
        column=asked.pop("column", ""),
        severity=config["severity"],
        why=config.get("meta", {}).get("why", ""),
        asked=asked,
        passed=raw["success"],
        unexpected=result.get("unexpected_count", 0),
        checked=result.get("element_count", 0),
        examples=[Example(row=row, value=value) for row, value in zip(rows, values, strict=False)],
        observed=_observed(raw),
    )


def _observed(raw: Json) -> str:
    """One thing that was found: a value, what columns mismatch, why nothing could be checked."""
    result = raw["result"]
    if mismatched := result.get("details", {}).get("mismatched"):
        return "; ".join(
            f"{kind}: {', '.join(names)}" for kind, names in sorted(mismatched.items())
        )
    value = result.get("observed_value")
    if isinstance(value, dict) and {"quantiles", "values"} <= value.keys():
        return wording.quantiles(value)
    if isinstance(value, list):
        return f"{len(value)} of them"
    if value is not None:
        return f"{value:.4g}" if isinstance(value, float) else str(value)
    if not result:
        messages = [
            info["exception_message"]
            for info in raw["exception_info"].values()
            if isinstance(info, dict)
        ]
        return messages[0] if messages else str(raw["exception_info"].get("exception_message"))
    return ""
