"""Which output may be passed where: the types of two functions, compared."""

from enum import Enum, StrEnum
from typing import Any, Literal

import pytest

from tiphys.author.reference import Value, fits


class Word(StrEnum):
    A = "a"


class Number(Enum):
    ONE = 1


@pytest.mark.parametrize(
    ("given", "wanted", "expected"),
    [
        (int, int, True),
        (int, float, True),
        (float, int, False),
        (bool, int, False),
        (str, Any, True),
        (int, int | None, True),
        (Literal["a"], str, True),
        (Literal["a"], Literal["a", "b"], True),
        (Literal["a", "c"], Literal["a", "b"], False),
        (Literal[1], str, False),
        (Word, str, True),
        (Number, str, False),
        (list[int], list[float], True),
        (list[str], list[int], False),
        (list[str], tuple[str, ...], False),
        (tuple[int, ...], tuple[float, ...], True),
        (dict[str, int], dict[str, float], True),
        (dict[str, int], list[int], False),
    ],
    ids=str,
)
def test_a_value_fits_where_every_value_of_its_type_is_wanted(given, wanted, expected):
    assert fits(given, wanted) is expected


def test_a_value_in_a_text_is_its_tag():
    value = Value(tag="{{workflow.name}}", type=str, origin="the run's name")

    assert f"s3://ml/{value}" == "s3://ml/{{workflow.name}}"
